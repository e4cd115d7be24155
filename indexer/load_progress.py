"""What a load shows while it runs: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

LINE_SECONDS = 5.0


class LoadProgress(Protocol):
    """Told about a load; a context manager."""

    def __enter__(self) -> LoadProgress:
        """Begin to show."""
        ...

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop showing."""
        ...

    def update(self, done: int, expected: int | None, detail: str = "") -> None:
        """Show that `done` of about `expected` are through; None when not known yet.

        detail: what else there is to say.
        """
        ...

    def note(self, text: str) -> None:
        """Show a line that stays."""
        ...


class ProgressBar:
    """A bar with rate and time left."""

    def __init__(self, console: Console, name: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task(name, total=None, rate="")
        self._started = time.monotonic()

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def update(self, done: int, expected: int | None, detail: str = "") -> None:
        """Move the bar."""
        rate = done / max(time.monotonic() - self._started, 1e-3)
        said = ", ".join(filter(None, (f"{rate:,.0f}/s", detail)))
        self._progress.update(self._task, completed=done, total=expected, rate=said)

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(text, markup=False, highlight=False)


class ProgressLines:
    """A line every few seconds, for logs."""

    def __init__(
        self,
        echo: Callable[[str], None],
        name: str,
        *,
        things: str = "records",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._echo = echo
        self._name = name
        self._things = things
        self._clock = clock
        self._started = clock()
        self._last = self._started

    def __enter__(self) -> ProgressLines:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def update(self, done: int, expected: int | None, detail: str = "") -> None:
        """Print a line when the last one is some seconds old."""
        now = self._clock()
        if now - self._last < LINE_SECONDS:
            return
        self._last = now
        rate = done / (now - self._started)
        line = f"{self._name}: {done:,}"
        if expected is not None:
            line += f" of about {expected:,}"
        line += f" {self._things}, {rate:,.0f}/s"
        if expected is not None and rate > 0:
            line += f", {max(expected - done, 0) / rate:,.0f} s left"
        self._echo(f"{line}, {detail}" if detail else line)

    def note(self, text: str) -> None:
        """Print a line."""
        self._echo(f"{self._name}: {text}")


def show_on(console: Console, name: str, *, things: str = "records") -> LoadProgress:
    """Return what suits the console. things: what is counted."""
    if console.is_terminal:
        return ProgressBar(console, name)
    return ProgressLines(
        lambda line: console.print(line, markup=False, highlight=False), name, things=things
    )
