"""`shelfwise sync`: passes over all sources, each in a thread of its own, once or for ever."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from threading import Event
from types import FrameType

import structlog

from indexer.celery_app import create_app, publisher
from indexer.connectors.metrics import Result, SyncTelemetry
from indexer.connectors.runner import PassSummary, SyncParts, described_error, run_pass
from indexer.connectors.states import SourceStates, new_owner
from indexer.connectors.sync_config import Source
from indexer.patience import backoff_seconds
from indexer.settings import IndexerSettings
from mappings import cluster, task_records
from mappings.errors import ShelfwiseError, SourceBusy
from mappings.outbox import Outbox

LONGEST_BACKOFF_SECONDS = 600.0
_BUSY_SECONDS = 10.0
EXIT_FINE = 0
EXIT_FAILED = 1
EXIT_SOME_REJECTED = 2

log = structlog.get_logger(__name__)


def sync_once(
    settings: IndexerSettings,
    sources: Sequence[Source],
    *,
    say: Callable[[str], None],
    max_share: float | None = None,
) -> int:
    """Read every source to its present, several at a time, and return the exit status.

    say: told what became of each. max_share: in the place of the sources' `max_delete`.
    """
    status = EXIT_FINE
    with _parts(settings) as parts, _stop_on_signal() as stop, _threads(sources) as pool:
        futures = {
            source.name: pool.submit(run_pass, source, parts, stop, max_share=max_share)
            for source in sources
        }
        for name, future in futures.items():
            try:
                summary = future.result()
            except Exception as error:  # of one source: what became of the others is told, too
                if not isinstance(error, ShelfwiseError):
                    log.error("source_failed", source=name, exc_info=error)
                say(f"{name}: failed: {described_error(error)}")
                status = EXIT_FAILED
            else:
                say(described(summary))
                if not summary.is_complete:
                    status = EXIT_FAILED
                elif summary.has_faults and status == EXIT_FINE:
                    status = EXIT_SOME_REJECTED
    return status


def sync_for_ever(settings: IndexerSettings, sources: Sequence[Source]) -> None:
    """Read every source again and again, until SIGTERM or Ctrl-C.

    Raises MissingSetting when the port of the metrics is taken.
    """
    telemetry = SyncTelemetry()
    if settings.indexer_metrics_port:
        telemetry.serve(settings.indexer_metrics_host, settings.indexer_metrics_port)
    with _parts(settings) as plain, _stop_on_signal() as stop, _threads(sources) as pool:
        parts = replace(plain, on_changes=telemetry.changed)
        futures = [pool.submit(_follow, source, parts, stop, telemetry) for source in sources]
        log.info("sync_started", sources=[source.name for source in sources])
        for future in futures:
            future.result()
    log.info("sync_stopped")


def described(summary: PassSummary) -> str:
    """Return one line on a pass."""
    counts = summary.counts
    words = [f"{counts[name]:,} {name}" for name in ("indexed", "unchanged", "deleted")]
    more = {"stale": "older than what is stored", "missing": "deleted before"}
    words += [f"{counts[name]:,} {text}" for name, text in more.items() if counts[name]]
    if counts["rejected"]:
        words.append(f"{counts['rejected']:,} rejected (see `shelfwise dead-letters list`)")
    if counts["unread"]:
        words.append(f"{counts['unread']:,} could not be read (see `shelfwise sync --status`)")
    end = "" if summary.is_complete else "; stopped, and goes on from here"
    return (
        f"{summary.source} -> {summary.index}: {counts['records']:,} records in "
        f"{summary.seconds:.1f} s: {', '.join(words)}{end}"
    )


def _follow(source: Source, parts: SyncParts, stop: Event, telemetry: SyncTelemetry) -> None:
    """Read one source for ever; a fault of it is told, waited over, and keeps no other waiting."""
    failures = 0
    name, index, every = source.name, source.options.index, source.options.every
    telemetry.completed(name, index, None)
    while not stop.is_set():
        wait = every
        began = time.monotonic()
        try:
            summary = run_pass(source, parts, stop)
        except SourceBusy as error:
            # Another process reads it; should that one die, this one takes over.
            log.info("source_is_busy", source=name, reason=error.message)
            wait = min(every, _BUSY_SECONDS)
            telemetry.passed(name, "busy")
        except Exception as error:
            unforeseen = not isinstance(error, ShelfwiseError)
            log.error("source_failed", source=name, reason=str(error), exc_info=unforeseen)
            wait = max(every, backoff_seconds(failures, first=1, longest=LONGEST_BACKOFF_SECONDS))
            failures += 1
            telemetry.passed(name, "failed", seconds=time.monotonic() - began)
        else:
            failures = 0
            result: Result = "complete" if summary.is_complete else "stopped"
            telemetry.passed(name, result, seconds=summary.seconds)
            telemetry.completed(name, index, summary.complete_as_of)
            if summary.counts["records"] or summary.counts["deleted"]:
                log.info("source_read", source=name, **summary.to_json())
        stop.wait(wait)


@contextmanager
def _parts(settings: IndexerSettings) -> Iterator[SyncParts]:
    with ExitStack() as stack:
        client = stack.enter_context(cluster.connect(settings))
        queue = stack.enter_context(task_records.connect(settings.redis_url.get_secret_value()))
        app = stack.enter_context(create_app(settings))
        outbox = Outbox(queue, publisher(app), ttl_seconds=settings.task_ttl_seconds)
        yield SyncParts(settings, client, queue, outbox, SourceStates(client), new_owner())


@contextmanager
def _threads(sources: Sequence[Source]) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=len(sources), thread_name_prefix="source") as pool:
        yield pool


@contextmanager
def _stop_on_signal() -> Iterator[Event]:
    """Yield an event that SIGTERM and Ctrl-C set: passes end after the page in hand."""
    stop = Event()

    def set_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {name: signal.signal(name, set_stop) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
