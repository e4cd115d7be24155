"""`shelfwise load`: puts the parts of a load together and ends them in order."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from indexer.batch_sender import BatchSender
from indexer.celery_app import create_app, publisher
from indexer.load_progress import LoadProgress, show_on
from indexer.loader import Loader, LoadSummary
from indexer.patience import patiently
from indexer.photos.waiting import described, wait_for_photos
from indexer.records import RecordFile
from indexer.refresh_interval import RaisedInterval, RefreshIntervals
from indexer.rejects_file import RejectsFile
from indexer.settings import IndexerSettings
from indexer.target_index import find_or_create
from mappings import cluster, task_records
from mappings.errors import (
    InvalidQuery,
    QueueUnavailable,
    TemporaryError,
    UnknownTask,
)
from mappings.feeds.field_map import RecordMap, choose_map, read_map
from mappings.index_lifecycle import (
    find_index,
)
from mappings.outbox import Outbox
from mappings.task_records import TaskRecords

EXIT_FINE = 0
EXIT_FAILED = 1
EXIT_SOME_REJECTED = 2
EXIT_INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""

WORTH_FINETUNING = 500
"""Products with title and photo from which on a shop's own encoder surely pays."""


def run_load(
    settings: IndexerSettings,
    file: Path,
    index_name: str | None,
    map_name: str | None,
    rejects_path: Path,
    *,
    wait_photos: bool = True,
) -> int:
    """Load a file and return the exit status; errors of our tree are raised.

    index_name, map_name: None to take them from the map and from the first record. wait_photos:
    whether to stay until the photos were tried too.
    """
    mapping = read_map(map_name) if map_name else recognise_map(file)
    name = index_name or mapping.index
    if name is None:
        raise InvalidQuery(f"map {mapping.name!r} names no index: give one with --index")
    console = Console()
    with show_on(console, name) as progress, _terminate_like_ctrl_c():
        try:
            with RejectsFile(rejects_path) as rejects:
                summary = _load(settings, file, mapping, name, rejects, progress)
        except KeyboardInterrupt:
            progress.note("interrupted; load the file again to go on where it stopped")
            return EXIT_INTERRUPTED
    click.echo(_said(name, summary, rejects))
    if wait_photos and not summary.cancelled:
        try:
            _wait_for_photos(settings, name, console)
        except KeyboardInterrupt:
            click.echo(f"{name}: the products are loaded; the workers go on with their photos")
            return EXIT_INTERRUPTED
    if summary.cancelled:
        return EXIT_FAILED
    if summary.with_photos >= WORTH_FINETUNING:
        click.echo(_finetuning(name, file, map_name, summary))
    return EXIT_SOME_REJECTED if summary.rejected else EXIT_FINE


def _load(
    settings: IndexerSettings,
    file: Path,
    mapping: RecordMap,
    name: str,
    rejects: RejectsFile,
    progress: LoadProgress,
) -> LoadSummary:
    patience = settings.indexer_patience_seconds
    with ExitStack() as stack:
        client = stack.enter_context(cluster.connect(settings))
        queue = stack.enter_context(task_records.connect(settings.redis_url.get_secret_value()))
        app = stack.enter_context(create_app(settings))
        live = find_or_create(client, name, settings, note=progress.note)
        records = stack.enter_context(RecordFile(file))
        intervals = RefreshIntervals(client, queue)
        patiently(intervals.restore_abandoned, patience_seconds=patience)
        lease = stack.enter_context(
            RaisedInterval(intervals, live.index, settings.indexer_load_refresh_seconds)
        )
        ttl = settings.task_ttl_seconds
        outbox = Outbox(queue, publisher(app), ttl_seconds=ttl)
        sender = BatchSender(outbox, TaskRecords(queue, ttl_seconds=ttl), name)
        try:
            return Loader(sender, rejects, progress, settings, lease=lease).load(records, mapping)
        except KeyboardInterrupt:
            _take_back(sender, progress)
            raise


def _wait_for_photos(settings: IndexerSettings, name: str, console: Console) -> None:
    """Show how the photos come in, until each was tried."""
    with ExitStack() as stack:
        client = stack.enter_context(cluster.connect(settings))
        live = find_index(client, name)
        if live.image_encoder is None:
            return
        queue = stack.enter_context(task_records.connect(settings.redis_url.get_secret_value()))
        stack.enter_context(_terminate_like_ctrl_c())
        seconds = settings.indexer_load_refresh_seconds
        intervals = RefreshIntervals(client, queue)
        lease = stack.enter_context(RaisedInterval(intervals, live.index, seconds))
        title = f"{name} photos"
        progress = stack.enter_context(show_on(console, title, things="products with photos"))

        def sleep(seconds: float) -> None:
            try:
                lease.renew()
            except TemporaryError as error:
                progress.note(error.message)
            time.sleep(seconds)

        counts = wait_for_photos(
            client,
            live.index,
            progress,
            patience_seconds=settings.indexer_patience_seconds,
            sleep=sleep,
        )
    click.echo(f"{name}: {described(counts)}")
    if counts.left:
        click.echo(f"{name}: photos are left to the workers, of which none has moved for long")
    if counts.faulty:
        click.echo(f"{name}: `shelfwise photos list --index {name}` says which photos and why")


def _take_back(sender: BatchSender, progress: LoadProgress) -> None:
    """Cancel the task; the workers finish what they have begun."""
    try:
        count = sender.cancel()
    except (QueueUnavailable, UnknownTask) as error:
        progress.note(f"the task could not be cancelled: {error.message}")
    else:
        progress.note(f"the task is cancelled: {count} waiting batches were taken back")


def recognise_map(file: Path) -> RecordMap:
    """Return the map that recognises the first record of a file.

    Raises InvalidQuery when there is no record, MissingSetting when no map fits.
    """
    with RecordFile(file) as records:
        first = next((record for record in records if record.value is not None), None)
        if first is None or first.value is None:
            raise InvalidQuery(f"{file.name}: holds no readable record", field="file")
        return choose_map(first.value, is_text=records.is_csv)


@contextmanager
def _terminate_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM end the load as Ctrl-C does, so that everything is put back."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _finetuning(name: str, file: Path, map_name: str | None, summary: LoadSummary) -> str:
    words = ["shelfwise", "finetune", "--catalogue", str(file)]
    words += ["--map", map_name] if map_name else []
    words += ["--index", name, "--out", f"{name}-photos"]
    return (
        f"{summary.with_photos:,} products have a title and photos: an encoder trained on them "
        f"finds far more than any general one, in a quarter of an hour:\n  {shlex.join(words)}"
    )


def _said(name: str, summary: LoadSummary, rejects: RejectsFile) -> str:
    rate = summary.records / max(summary.seconds, 1e-3)
    text = (
        f"{name}: {summary.records:,} records in {summary.seconds:.1f} s ({rate:,.0f}/s): "
        f"{summary.indexed:,} indexed, {summary.unchanged:,} unchanged"
    )
    if summary.stale:
        text += f", {summary.stale:,} older than what is stored"
    if summary.cancelled:
        text += f", {summary.cancelled:,} and what follows left out: the task was cancelled"
    if summary.rejected:
        text += f", {summary.rejected:,} rejected (see {rejects.path})"
    return text
