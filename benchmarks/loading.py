"""How fast a worker loads products, as a share of what its encoder alone could do.

The bare encoder runs right before and right after each load, in a process of its own, over the
texts of the same products in batches of the same size; the rates are averaged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.catalogue import Catalogue
from benchmarks.encoder_run import TEMPLATE, EncoderRun, run_encoder
from benchmarks.measures import Memory, memory_of
from benchmarks.plan import Plan
from benchmarks.report import Part, Sheet, at_least
from benchmarks.stack import ENCODER, BenchStack
from indexer.batch_sender import BatchSender
from indexer.celery_app import create_app, publisher
from indexer.encoders.registry import text_encoder_spec
from indexer.load_progress import show_on
from indexer.loader import Loader, LoadSummary
from indexer.photos.due_products import PhotoCounts
from indexer.photos.waiting import wait_for_photos
from indexer.records import RecordFile
from indexer.refresh_interval import RaisedInterval, RefreshIntervals
from indexer.rejects_file import RejectsFile
from mappings import task_records
from mappings.encoder_spec import EncoderSpec
from mappings.feeds.field_map import read_map
from mappings.index_lifecycle import create_index, drop_index
from mappings.outbox import Outbox
from mappings.task_records import TaskRecords

LEAST_SHARE = 0.85
_BARE_TEXTS = 5_000
"""More texts are not given to the bare encoder: whole batches evenly taken from all of them."""
_WARM_UP_PRODUCTS = 512
_PRECISION = re.compile(r"precision\W.*?(bfloat16|float16|float32)")


@dataclass(frozen=True)
class Loading:
    """One load. bare: the encoder before and after. worker: memory of the worker after it."""

    size: int
    summary: LoadSummary
    bare: tuple[EncoderRun, EncoderRun]
    worker: Memory

    @property
    def rate(self) -> float:
        """Return products a second."""
        return self.summary.indexed / self.summary.seconds

    @property
    def bare_rate(self) -> float:
        """Return texts a second of the encoder alone."""
        return sum(run.texts for run in self.bare) / sum(run.seconds for run in self.bare)

    @property
    def share(self) -> float:
        """Return the loading rate as a share of the encoder's."""
        return self.rate / self.bare_rate


def measure_loading(
    plan: Plan, stack: BenchStack, catalogue: Catalogue
) -> tuple[Part, dict[int, Memory]]:
    """Load every size through a warm worker; return the outcome and the worker's memory."""
    with stack.worker() as process_id:
        plan.say("warming up: a first small load")
        _load(plan, stack, catalogue, _WARM_UP_PRODUCTS, skip=max(plan.load_sizes))
        loadings = [_measure(plan, stack, catalogue, size, process_id) for size in plan.load_sizes]
    part = _part(loadings, catalogue, _worker_precision(stack))
    return part, {one.size: one.worker for one in loadings}


def load_once(plan: Plan, stack: BenchStack, catalogue: Catalogue, size: int) -> Memory:
    """Load one size through a fresh worker and return the worker's memory after it."""
    with stack.worker() as process_id:
        _load(plan, stack, catalogue, size)
        return memory_of(process_id)


def _measure(
    plan: Plan, stack: BenchStack, catalogue: Catalogue, size: int, process_id: int
) -> Loading:
    batches = _bare_batches(
        catalogue.texts(size, TEMPLATE), stack.indexer_settings().indexer_products_per_task
    )
    plan.say(f"{size:,} products: the bare encoder, before")
    # Which precision the trial at its start prefers may differ from process to process.
    precision = _worker_precision(stack)
    before = run_encoder(batches, stack.directory, precision=precision)
    summary = _load(plan, stack, catalogue, size)
    memory = memory_of(process_id)
    plan.say(f"{size:,} products: the bare encoder, after")
    after = run_encoder(batches, stack.directory, precision=precision)
    return Loading(size, summary, (before, after), memory)


def _bare_batches(texts: Sequence[str], batch_size: int) -> list[list[str]]:
    """Return batches as the worker encodes them, equal texts of one batch once."""
    starts = range(0, len(texts), batch_size)
    step = max(1, -(-len(texts) // _BARE_TEXTS))
    return [list(dict.fromkeys(texts[start : start + batch_size])) for start in starts[::step]]


def _load(
    plan: Plan, stack: BenchStack, catalogue: Catalogue, size: int, *, skip: int = 0
) -> LoadSummary:
    """Load as `shelfwise load` does, into an index that is dropped again."""
    name = f"load-{size}"
    with stack.client() as client:
        summary = load_into(plan, stack, catalogue, name, size, skip=skip)
        drop_index(client, name)
    return summary


def load_into(
    plan: Plan, stack: BenchStack, catalogue: Catalogue, name: str, size: int, *, skip: int = 0
) -> LoadSummary:
    """Load as `shelfwise load` does, into an index that is made if it is not there."""
    path = catalogue.write(stack.directory / f"{name}-{skip}.jsonl", size, skip=skip)
    spec = text_encoder_spec(
        ENCODER,
        template=TEMPLATE,
        model_directory=Path(stack.indexer_settings().model_directory),
    )
    summary, _ = load_file(plan, stack, name, path, {"text_vector": spec}, catalogue.map_name)
    path.unlink()
    return summary


def load_file(
    plan: Plan,
    stack: BenchStack,
    name: str,
    path: Path,
    encoders: Mapping[str, EncoderSpec],
    map_name: str,
) -> tuple[LoadSummary, PhotoCounts]:
    """Load a file as `shelfwise load` does, which ends when its photos were tried.

    encoders: by vector field, of the index, which is made if it is not there.
    """
    settings = stack.indexer_settings()
    queue = task_records.connect(settings.redis_url.get_secret_value())
    with ExitStack() as held:
        client = held.enter_context(stack.client())
        live = create_index(client, name, encoders)
        progress = held.enter_context(show_on(plan.console, name))
        file = held.enter_context(RecordFile(path))
        rejects = held.enter_context(RejectsFile(path.with_suffix(".rejects.jsonl")))
        seconds = settings.indexer_load_refresh_seconds
        intervals = RefreshIntervals(client, queue)
        app = create_app(settings)
        held.callback(app.close)
        ttl = settings.task_ttl_seconds
        outbox = Outbox(queue, publisher(app), ttl_seconds=ttl)
        sender = BatchSender(outbox, TaskRecords(queue, ttl_seconds=ttl), name)
        with RaisedInterval(intervals, live.index, seconds) as lease:
            loader = Loader(sender, rejects, progress, settings, lease=lease)
            summary = loader.load(file, read_map(map_name))
            if live.image_encoder is None:
                return summary, PhotoCounts()
            patience = settings.indexer_patience_seconds
            counts = wait_for_photos(client, live.index, progress, patience_seconds=patience)
    return summary, counts


def _worker_precision(stack: BenchStack) -> str:
    found = _PRECISION.findall(stack.log_of("worker"))
    return str(found[-1]) if found else "auto"


def _part(loadings: Sequence[Loading], catalogue: Catalogue, precision: str) -> Part:
    rows = [
        (
            f"{one.size:,}",
            f"{one.rate:,.0f}/s",
            f"{one.bare_rate:,.0f}/s",
            f"{one.share:.2f}",
            f"{one.worker.rss:,.0f} MB",
            f"{one.summary.rejected}",
        )
        for one in loadings
    ]
    precisions = sorted({precision} | {run.precision for one in loadings for run in one.bare})
    note = f"{catalogue.name}; encoder {ENCODER} in {', '.join(precisions)}"
    columns = ("products", "loaded", "bare encoder", "share", "worker's memory", "rejected")
    last = loadings[-1]
    target = f"loading rate / bare encoder, {last.size:,} products"
    data = [
        {
            **asdict(one),
            "rate": one.rate,
            "bare_rate": one.bare_rate,
            "share": one.share,
        }
        for one in loadings
    ]
    return Part(
        "load",
        [Sheet("Loading through the worker", columns, rows, note)],
        [at_least(target, last.share, LEAST_SHARE)],
        {"catalogue": catalogue.name, "worker_precision": precision, "loads": data},
    )
