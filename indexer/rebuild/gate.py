"""Whether the next version ranks as well as the live one on a judgement list."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mappings.errors import ConfigurationError

MEASURE = "ndcg@10"
SYSTEM = "active"
_LONGEST_SECONDS = 1_800.0
_SHOWN_CHARACTERS = 400


@dataclass(frozen=True)
class GateResult:
    """The mean of MEASURE for both versions. max_drop: how far it may fall."""

    live: float
    next: float
    max_drop: float

    @property
    def is_open(self) -> bool:
        """Return whether the next version may take over."""
        return self.next >= self.live - self.max_drop

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "measure": MEASURE,
            "live": round(self.live, 4),
            "next": round(self.next, 4),
            "max_drop": self.max_drop,
            "passed": self.is_open,
        }


def measure_gate(
    name: str, judgements: str, *, max_drop: float, environ: Mapping[str, str] = os.environ
) -> GateResult:
    """Evaluate both versions as `shelfwise evaluate` does, each with the encoder of its own.

    In a process of its own: ranking belongs to the service, which the indexer never imports.
    Raises ConfigurationError when it cannot be measured.
    """
    with tempfile.TemporaryDirectory(prefix="shelfwise-gate-") as folder:
        path = Path(folder) / "judgements.csv"
        path.write_text(judgements, encoding="utf-8")
        live, other = (_measured(name, version, path, environ) for version in ("live", "next"))
    return GateResult(live, other, max_drop)


def _measured(name: str, version: str, judgements: Path, environ: Mapping[str, str]) -> float:
    command = [sys.executable, "-c", "from mappings.command_line import main; main()"]
    arguments = ["evaluate", "--index", name, "--version", version, "--only", SYSTEM]
    done = subprocess.run(  # noqa: S603 - our own program
        [*command, *arguments, "--judgements", str(judgements), "--json"],
        env=_without_worker_settings(environ),
        capture_output=True,
        timeout=_LONGEST_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[-_SHOWN_CHARACTERS:]
        raise ConfigurationError(f"the {version} version could not be measured: {said}")
    return float(orjson.loads(done.stdout)["systems"][SYSTEM][MEASURE]["value"])


def _without_worker_settings(environ: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in environ.items() if "SHELFWISE_INDEXER_" not in key}
