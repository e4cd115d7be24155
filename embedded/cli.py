"""`shelfwise run`: the local stack in one foreground process."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.markup import escape

from embedded.elasticsearch import DEFAULT_VERSION, SUPPORTED_VERSIONS
from embedded.errors import EmbeddedStackError
from embedded.first_search import answer_lines, facet_lines, next_steps
from embedded.stack import Stack, StackOptions

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _StopRequested(BaseException):
    """A person or a supervisor wants us to stop. No error, so that nothing catches it."""


@click.command()
@click.option(
    "--catalogue",
    type=click.Path(path_type=Path),
    help="File of products to load (.jsonl or .csv, also .gz); our sample when left out.",
)
@click.option("--map", "map_name", help="Field map of the catalogue; recognised when left out.")
@click.option("--index", help="Index to load into; the map's own or the file's name otherwise.")
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=8080, show_default=True, help="Service port."
)
@click.option(
    "--es-version",
    type=click.Choice(SUPPORTED_VERSIONS),
    default=DEFAULT_VERSION,
    show_default=True,
    help="Version of the embedded Elasticsearch.",
)
@click.option("--heap", default="1g", show_default=True, help="Elasticsearch's memory.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".shelfwise"),
    show_default=True,
    help="Folder of data, models and logs.",
)
def run(
    catalogue: Path | None,
    map_name: str | None,
    index: str | None,
    port: int,
    es_version: str,
    heap: str,
    state: Path,
) -> None:
    """Start Elasticsearch, Redis, workers and the service here, and load a catalogue.

    Everything ends with Ctrl-C; the data stays, and the next start takes seconds.
    """
    options = StackOptions(
        state_directory=state,
        catalogue=catalogue,
        map_name=map_name or None,
        index=index or None,
        port=port,
        elasticsearch_version=es_version,
        heap=heap,
    )
    sys.exit(run_stack(options, Console(highlight=False)))


def run_stack(options: StackOptions, console: Console) -> int:
    """Run the stack until a signal comes; return the exit status.

    Any failure is told in one screen: what happened, and how to mend it.
    """

    def say(text: str) -> None:
        console.print(escape(text))

    stack = Stack(options, say)
    with _stop_on_signal():
        try:
            return _run_until_stopped(stack, console)
        except _StopRequested:
            say("\nStopping...")
            status = 0
        except EmbeddedStackError as error:
            _show_problem(console, str(error))
            status = 1
        except Exception as error:
            _show_problem(console, _unforeseen(error, options.state_directory))
            status = 1
        finally:
            _ignore_signals()
            stack.stop()
    ended = "Stopped. " if stack.has_begun else ""  # another one may run on
    say(f"{ended}Data and logs are in {options.state_directory}.")
    return status


def _run_until_stopped(stack: Stack, console: Console) -> int:
    catalogue = stack.start()
    search = stack.search(catalogue)
    console.print()
    for line in [*answer_lines(search), *facet_lines(search)]:
        console.print(escape(line), soft_wrap=True)
    console.print("\nTry next:")
    steps = next_steps(
        search,
        stack.options.port,
        catalogue=catalogue.path,
        environment=stack.state.environment_path,
        photos=catalogue.photos if stack.has_photos else None,
    )
    for what, command in steps:
        console.print(f"  {what}", style="bold")
        console.print(f"    {escape(command)}", soft_wrap=True)
    console.print(f"\nLogs are in {stack.state.log_directory}. Press Ctrl-C to stop.")
    stack.watch()
    return 0


@contextmanager
def _stop_on_signal() -> Iterator[None]:
    """Raise _StopRequested in the main thread at the first signal; later ones do nothing."""

    def stop(number: int, frame: FrameType | None) -> None:
        _ignore_signals()
        raise _StopRequested

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        # No SIG_IGN: a child would inherit it.
        signal.signal(number, lambda _number, _frame: None)


def _show_problem(console: Console, text: str) -> None:
    console.print(f"\n[red]shelfwise:[/red] {escape(text)}", soft_wrap=True)


def _unforeseen(error: Exception, state_directory: Path) -> str:
    """Return what to say of an error that nobody thought of; its traceback goes to a file."""
    path = state_directory / "logs" / "run.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError as write_error:
        return f"{error}\nNothing can be written to {path} either: {write_error}"
    return f"{type(error).__name__}: {error}\nWhere it happened is in {path}."
