"""Which device and which number format an encoder runs in; decisions only, no torch here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mappings.errors import EncoderUnavailable

SMALLEST_COSINE = 0.999
"""What every probe text keeps against float32 before a reduced precision is used."""

SMALLEST_SPEEDUP = 1.15
"""Under this gain on a CPU the exact numbers are worth more; timings vary by a tenth."""

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
_CPU_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}


@dataclass(frozen=True)
class Device:
    """A device as the decision needs it.

    kind: `cpu`, `cuda`, `mps`... has_bfloat16: computes in it natively.
    """

    kind: str
    has_bfloat16: bool


@dataclass(frozen=True)
class Trial:
    """How a reduced precision did on the probe texts.

    smallest_cosine: against float32, NaN when a vector was not finite.
    speedup: float32's time divided by its time.
    """

    smallest_cosine: float
    speedup: float


@dataclass(frozen=True)
class Precision:
    """The number format in use, and why."""

    name: str
    reason: str


def choose_device(requested: str, *, has_cuda: Callable[[], bool]) -> str:
    """Return the torch device of a setting; `auto` is CUDA when there is one, else the CPU.

    Raises EncoderUnavailable when CUDA is asked for and is not there.
    """
    if requested == "auto":
        return "cuda" if has_cuda() else "cpu"
    if requested.partition(":")[0] == "cuda" and not has_cuda():
        raise EncoderUnavailable(f"device {requested!r} is configured, but torch finds no CUDA")
    return requested


def choose_precision(
    requested: str, *, device: Device, trial: Callable[[str], Trial]
) -> Precision:
    """Return the number format: reduced only when the device has it and a trial agrees.

    trial: runs the probe texts in a format; called at most once, only for `auto`.
    Raises EncoderUnavailable for an unknown name.
    """
    if requested not in PRECISIONS:
        raise EncoderUnavailable(
            f"precision is {requested!r}; it is one of {', '.join(PRECISIONS)}"
        )
    if requested != "auto":
        return Precision(requested, "as configured")
    candidate = _candidate(device)
    if candidate is None:
        return Precision("float32", f"{device.kind} has no faster format")
    result = trial(candidate)
    measured = f"smallest cosine {result.smallest_cosine:.5f}, {result.speedup:.2f} times float32"
    if not result.smallest_cosine >= SMALLEST_COSINE:  # written so that NaN is refused
        return Precision("float32", f"{candidate} is not exact enough: {measured}")
    if device.kind == "cpu" and result.speedup < SMALLEST_SPEEDUP:
        return Precision("float32", f"{candidate} is not faster: {measured}")
    return Precision(candidate, measured)


def cpu_has_bfloat16(cpu_description: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the CPU multiplies bfloat16 in hardware; False where that is not told."""
    try:
        lines = cpu_description.read_text().splitlines()
    except OSError:
        return False
    flags = (line.partition(":")[2].split() for line in lines if line[:5] in ("flags", "Featu"))
    return not _CPU_BFLOAT16.isdisjoint(next(flags, []))


def _candidate(device: Device) -> str | None:
    if device.has_bfloat16 and device.kind in ("cpu", "cuda"):
        return "bfloat16"
    return "float16" if device.kind == "cuda" else None
