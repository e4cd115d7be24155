"""What a fine-tuning shows while it runs: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import math
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from indexer.finetune.training import Progress as Trained

LINE_SECONDS = 10.0


class TrainingWatcher:
    """See `photo_training.Watcher`; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, said="")
        self._text = ""
        self._last = time.monotonic()

    def __enter__(self) -> TrainingWatcher:
        self._bar.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def stage(self, text: str) -> None:
        """Begin something that takes a while."""
        self._text = text
        self._last = time.monotonic()
        self._bar.reset(self._task, description=text, total=None, said="")
        if not self._console.is_terminal:
            self.note(text)

    def counted(self, done: int, of: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, total=of)
        self._line(f"{self._text}: {done:,} of {of:,}")

    def trained(self, progress: Trained) -> None:
        """Move the bar, and show losses and figures."""
        losses = ", ".join(f"{name} {value:.2f}" for name, value in progress.losses.items())
        known = [value for value in progress.figures.values() if not math.isnan(value)]
        said = f"epoch {progress.epoch:.1f}: {losses}"
        if known:
            said += f"; figures {sum(known) / len(known):.3f}"
        self._bar.update(self._task, completed=progress.step, total=progress.steps, said=said)
        self._line(f"step {progress.step:,} of about {progress.steps:,}, {said}")

    def note(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _line(self, text: str) -> None:
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last >= LINE_SECONDS:
            self._last = now
            self.note(text)
