"""The peers' own scripts: OpenSearch as a node of its own, Qdrant Edge in a process."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.peers.synth import STEM, SynthData
from embedded import ports
from embedded.errors import EmbeddedStackError
from embedded.jdk import find_jdk

_NEEDED = ("mvn", "zip", "unzip", "curl", "bash")
_TRANSPORT_OFFSET = 100
_STOP_SECONDS = 30.0
_INSTALL_SECONDS = 600
_START_SECONDS = 900
_BENCH_SECONDS = 1_200
_QDRANT_LINE = re.compile(r"p50 ([\d.]+) p95 ([\d.]+)")


class PeerMissing(RuntimeError):
    """A peer cannot be had on this machine, for the reason in the message."""


@contextmanager
def opensearch_node(
    peers: Path, home: Path, *, heap: str, say: Callable[[str], None]
) -> Iterator[str]:
    """Start OpenSearch by its start.sh, and yield its address.

    Raises PeerMissing when a tool or a download cannot be had.
    """
    missing = [tool for tool in _NEEDED if shutil.which(tool) is None]
    if missing:
        raise PeerMissing(f"there is no {', '.join(missing)}")
    home.mkdir(parents=True, exist_ok=True)
    try:
        jdk = find_jdk(os.environ, on_progress=say)
    except EmbeddedStackError as error:
        raise PeerMissing(str(error)) from error
    port = _pick_port()
    environ = {**os.environ, "JAVA_HOME": str(jdk.home), "PEER_HOME": str(home), "FRESH": "1"}
    say("starting OpenSearch (its first start downloads it)")
    log = home / "start.log"
    start = peers / "opensearch" / "start.sh"
    try:
        _run(["bash", str(start), str(port), heap], environ, log=log, seconds=_START_SECONDS)
        yield f"http://{ports.LOOPBACK}:{port}"
    finally:
        _stop(home / "node.pid")


def run_opensearch_script(
    peers: Path, home: Path, url: str, data: SynthData, options: Sequence[str]
) -> dict[str, Any]:
    """Run bench_opensearch.py and return what it prints. Raises PeerMissing when it fails."""
    packages = _installed("opensearch-py", home / "packages")
    command = [
        sys.executable,
        str(peers / "opensearch" / "bench_opensearch.py"),
        *("--url", url, "--npz", str(data.folder / f"{STEM}.npz")),
        *("--meta", str(data.folder / f"{STEM}.jsonl"), *options),
    ]
    environ = {**os.environ, "PYTHONPATH": str(packages)}
    output = _run(command, environ, log=home / "bench.log", seconds=_BENCH_SECONDS)
    found: dict[str, Any] = json.loads(output[output.index("{") :])
    return found


def run_qdrant_edge(peers: Path, home: Path, data: SynthData) -> tuple[float, float]:
    """Run Qdrant Edge's script and return its p50 and p95 in ms. Raises PeerMissing."""
    packages = _installed("qdrant-edge-py", home / "packages")
    command = [sys.executable, str(peers / "qdrant-edge" / "bench.py")]
    environ = {**os.environ, "PYTHONPATH": str(packages), "TMPDIR": str(home)}
    output = _run(
        command, environ, log=home / "bench.log", seconds=_BENCH_SECONDS, folder=data.folder
    )
    match = _QDRANT_LINE.search(output)
    if match is None:
        raise PeerMissing("its script printed no percentiles")
    return float(match[1]), float(match[2])


def _installed(package: str, target: Path) -> Path:
    """Return a folder with a package that our own environment must not have."""
    done = target / f".{package}"
    if done.is_file():
        return target
    target.mkdir(parents=True, exist_ok=True)
    beside = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    tool = [beside, "pip"] if beside else [sys.executable, "-m", "pip"]
    command = [*tool, "install", "--quiet", "--target", str(target), package]
    _run(command, os.environ, log=target / "install.log", seconds=_INSTALL_SECONDS)
    done.touch()
    return target


def _run(
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    log: Path,
    seconds: float,
    folder: Path | None = None,
) -> str:
    """Return what a command printed, which is kept in `log` too; PeerMissing when it fails."""
    with log.open("wb") as sink:
        try:
            done = subprocess.run(  # noqa: S603
                list(command),
                env=dict(environ),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise PeerMissing(f"{Path(command[1]).name} took over {seconds:.0f} s") from error
    output = log.read_text(encoding="utf-8", errors="replace")
    if done.returncode:
        last = " / ".join(output.strip().splitlines()[-3:])
        raise PeerMissing(f"{Path(command[1]).name} failed: {last[:300]}")
    return output


def _pick_port() -> int:
    """Return a free port whose neighbour at a distance of 100, for OpenSearch's transport, is too.

    Raises PeerMissing when there seems to be none.
    """
    for _ in range(50):
        (port,) = ports.pick_free(1)
        if port + _TRANSPORT_OFFSET < 65_536 and ports.is_free(port + _TRANSPORT_OFFSET):
            return port
    raise PeerMissing("no two free ports were found for it")


def _stop(pid_file: Path) -> None:
    if not pid_file.is_file():
        return
    process_id = int(pid_file.read_text())
    pid_file.unlink()
    with contextlib.suppress(psutil.NoSuchProcess):
        # It is no child of ours: its start script has ended.
        process = psutil.Process(process_id)
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
