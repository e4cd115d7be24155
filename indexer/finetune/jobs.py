"""Fine-tunings that the API was asked for, done beside a worker: one process, one at a time.

A training is a process of its own, `shelfwise finetune`, so that its memory goes with it, it can
be stopped at any moment, and a worker that is killed leaves a checkpoint that the next one
resumes. The child's standard input is a pipe from the worker: when that ends, so does the child.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import structlog
from elasticsearch import Elasticsearch

from indexer.finetune.output import METRICS_FILE, WORK_FOLDER
from indexer.patience import patiently
from indexer.settings import IndexerSettings
from mappings.command_line import main
from mappings.errors import TemporaryError
from mappings.finetunings import SILENT_SECONDS, Finetuning, Finetunings
from mappings.index_names import check_index_name

FOLDER = "finetuned"
"""In the model directory, which worker and service share: one folder for each fine-tuning."""

REPORT_SECONDS = 5.0
STOP_SECONDS = 20.0
_MOST_SAID = 500
_COMMAND = "from indexer.finetune.jobs import run_child; run_child()"
_log = structlog.get_logger(__name__)


class FinetuningJobs:
    """Takes what waits, or what a dead worker has left, and does it."""

    def __init__(
        self, client: Elasticsearch, settings: IndexerSettings, stopped: threading.Event
    ) -> None:
        self._finetunings = Finetunings(client)
        self._models = Path(settings.model_directory)
        self._stopped = stopped

    def do_next(self) -> Finetuning | None:
        """Do one to its end, the oldest first; return it, or None when there is none to do."""
        now = datetime.now(UTC)
        for known in reversed(self._finetunings.list()):
            if known.state == "waiting" or known.is_abandoned(now):
                taken = self._finetunings.claim(known, encoder=str(self._folder(known)))
                if taken is not None:
                    return self._do(taken)
        return None

    def _folder(self, finetuning: Finetuning) -> Path:
        check_index_name(finetuning.index)
        return self._models.resolve() / FOLDER / f"{finetuning.index}-{finetuning.id}"

    def _do(self, taken: Finetuning) -> Finetuning:
        _log.info("finetuning_begun", id=taken.id, index=taken.index, encoder=taken.encoder)
        out = Path(taken.encoder)
        with _training(taken, resume=(out / WORK_FOLDER).exists()) as (process, said):
            is_wanted = True
            while is_wanted and not self._stopped.is_set():
                try:
                    process.wait(REPORT_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    taken = replace(taken, said=said.line)
                    is_wanted = self._is_wanted(taken)
        if self._stopped.is_set() or not is_wanted:
            return taken  # abandoned: the next worker resumes it; or cancelled
        ended = _ended(taken, out, process.returncode, said.line)
        patiently(lambda: self._finetunings.report(ended), patience_seconds=SILENT_SECONDS)
        _log.info("finetuning_ended", id=ended.id, state=ended.state, said=ended.said)
        return ended

    def _is_wanted(self, taken: Finetuning) -> bool:
        """Report how far it is; hours of training do not end because the cluster is away."""
        try:
            return self._finetunings.report(taken)
        except TemporaryError as error:
            _log.warning("finetuning_not_reported", id=taken.id, reason=error.message)
            return True


def _ended(taken: Finetuning, out: Path, status: int, said: str) -> Finetuning:
    if status:
        return replace(taken, state="failed", said=said or f"ended with status {status}")
    metrics = json.loads((out / METRICS_FILE).read_text(encoding="utf-8"))
    return replace(taken, state="done", said="", before=metrics["before"], after=metrics["after"])


def run_child() -> None:
    """Run the command line, and end at once when the worker does."""

    def follow() -> None:
        os.read(0, 1)  # not sys.stdin, whose lock would spoil the interpreter's end
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    main()


@contextmanager
def _training(
    taken: Finetuning, *, resume: bool
) -> Iterator[tuple[subprocess.Popen[str], _LastLine]]:
    """Run the command; it is gone, in one way or another, when the block ends."""
    command = [sys.executable, "-c", _COMMAND, "finetune", *_arguments(taken, resume=resume)]
    process = subprocess.Popen(  # noqa: S603 - our own command, options checked by the API
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101 - asked for
    said = _LastLine(process.stdout)
    try:
        yield process, said
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        process.stdin.close()
        said.finish()


def _arguments(taken: Finetuning, *, resume: bool) -> list[str]:
    options: Mapping[str, Any] = taken.options
    named = [
        text
        for name, value in options.items()
        for text in (f"--{name.replace('_', '-')}", str(value))
    ]
    out = ["--index", taken.index, "--out", taken.encoder]
    return [*out, *named, *(["--resume"] if resume else [])]


class _LastLine:
    """Reads what a process prints, to its end, and keeps the last line that says something."""

    def __init__(self, output: IO[str]) -> None:
        self.line = ""
        self._output = output
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until all of it is read."""
        self._thread.join()
        self._output.close()

    def _read(self) -> None:
        for line in self._output:
            if text := line.strip():
                self.line = text[:_MOST_SAID]
