"""Device and precision are decided from plain values, so a GPU's case is tested without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.encoders.precision import (
    Device,
    Trial,
    choose_device,
    choose_precision,
    cpu_has_bfloat16,
)
from mappings.errors import EncoderUnavailable

NEW_GPU, OLD_GPU = Device("cuda", True), Device("cuda", False)
NEW_CPU, OLD_CPU = Device("cpu", True), Device("cpu", False)
EXACT_AND_FAST, NAN = Trial(0.9999, 1.6), Trial(float("nan"), 3.0)


@pytest.mark.parametrize(
    ("requested", "has_cuda", "expected"),
    [
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("cpu", True, "cpu"),
        ("cuda:1", True, "cuda:1"),
        ("mps", False, "mps"),
    ],
)
def test_device(requested: str, has_cuda: bool, expected: str) -> None:
    assert choose_device(requested, has_cuda=lambda: has_cuda) == expected


def test_cuda_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(EncoderUnavailable, match="cuda:0"):
        choose_device("cuda:0", has_cuda=lambda: False)


@pytest.mark.parametrize(
    ("device", "trial", "expected"),
    [
        pytest.param(NEW_GPU, EXACT_AND_FAST, "bfloat16", id="new GPU"),
        pytest.param(OLD_GPU, EXACT_AND_FAST, "float16", id="old GPU"),
        pytest.param(NEW_GPU, Trial(0.9999, 0.9), "bfloat16", id="GPU: speed is not asked"),
        pytest.param(NEW_GPU, Trial(0.9989, 3.0), "float32", id="GPU: not exact"),
        pytest.param(OLD_GPU, NAN, "float32", id="GPU: overflow"),
        pytest.param(NEW_CPU, EXACT_AND_FAST, "bfloat16", id="new CPU"),
        pytest.param(NEW_CPU, Trial(0.9999, 1.05), "float32", id="CPU: not faster"),
        pytest.param(NEW_CPU, Trial(0.998, 1.6), "float32", id="CPU: not exact"),
        pytest.param(OLD_CPU, EXACT_AND_FAST, "float32", id="old CPU"),
        pytest.param(Device("mps", False), EXACT_AND_FAST, "float32", id="other device"),
    ],
)
def test_automatic_precision(device: Device, trial: Trial, expected: str) -> None:
    chosen = choose_precision("auto", device=device, trial=lambda _: trial)
    assert chosen.name == expected
    assert chosen.reason


def test_no_trial_is_run_where_there_is_no_choice() -> None:
    def never(_: str) -> Trial:
        raise AssertionError("a trial was run")

    assert choose_precision("auto", device=OLD_CPU, trial=never).name == "float32"
    assert choose_precision("bfloat16", device=NEW_CPU, trial=never).name == "bfloat16"


def test_unknown_precision_is_refused() -> None:
    with pytest.raises(EncoderUnavailable, match="int4"):
        choose_precision("int4", device=NEW_CPU, trial=lambda _: EXACT_AND_FAST)


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu avx512f avx512_bf16 sse2\n", True),
        ("processor : 0\nflags\t\t: fpu amx_bf16\n", True),
        ("processor : 0\nFeatures\t: fp asimd bf16\n", True),
        ("processor : 0\nflags\t\t: fpu avx2\n", False),
        ("", False),
    ],
    ids=["avx512", "amx", "arm", "older", "empty"],
)
def test_bfloat16_of_a_cpu(description: str, expected: bool, tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(description)
    assert cpu_has_bfloat16(file) is expected


def test_a_system_that_does_not_describe_its_cpu_has_none(tmp_path: Path) -> None:
    assert cpu_has_bfloat16(tmp_path / "absent") is False
