"""Photos from files to the index through a worker of the photos' lane, beside the bare encoder."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from elasticsearch import Elasticsearch

from benchmarks.photo_run import PhotoRun, run_photos
from benchmarks.plan import Plan
from benchmarks.report import Part, Sheet, Verdict, at_least
from benchmarks.stack import BenchStack, StackFailed
from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_registry import image_encoder_spec
from indexer.photos.due_products import count_photos
from indexer.photos.parts import hints_from_settings
from indexer.pipeline import Pipeline
from mappings.index_lifecycle import create_index, drop_index
from mappings.product_changes import ProductChange

ENCODER = "tower"
LEAST_SHARE = 0.8
MOST_PHOTOS = 8_000
QUICK_PHOTOS = 500
BARE_PHOTOS = 2_000
"""Photos of one run of the bare encoder, evenly spread over all."""

_NAME = "photos"
_DONE = re.compile(r"photos_done.*\bproducts=(\d+)")
_POLL_SECONDS = 0.25
_REFRESH = "30s"
"""As while a load runs, which ends by waiting for the photos."""
_PRODUCTS_AT_ONCE = 256


@dataclass(frozen=True)
class PhotoLoad:
    """One load. worker_cpu, cluster_cpu: seconds of all cores. bare: before it and after."""

    photos: int
    seconds: float
    worker_cpu: float
    cluster_cpu: float
    bare: tuple[PhotoRun, PhotoRun]

    @property
    def rate(self) -> float:
        """Return photos a second, from the file to the index."""
        return self.photos / self.seconds

    @property
    def bare_rate(self) -> float:
        """Return photos a second of decoder and encoder alone."""
        return sum(run.photos for run in self.bare) / sum(run.seconds for run in self.bare)

    @property
    def encode_rate(self) -> float:
        """Return photos a second of the encoder alone."""
        return sum(run.photos for run in self.bare) / sum(run.encode_seconds for run in self.bare)

    @property
    def worker_share(self) -> float:
        """Return how much of the worker's core time decoder and encoder would need alone."""
        return self.bare_cpu / (self.worker_cpu / self.photos)

    @property
    def bare_cpu(self) -> float:
        """Return seconds of all cores for a photo, decoded and encoded alone."""
        return sum(run.cpu_seconds for run in self.bare) / sum(run.photos for run in self.bare)


def measure_photos(plan: Plan, stack: BenchStack) -> Part:
    """Index the photos of a real catalogue, one a product; left out without the data."""
    folder = plan.data / "fashion"
    files = sorted((folder / "images").glob("*.jpg"))
    if not files:
        target = "photos indexed / bare encoder"
        return Part("photos", (), [Verdict(target, "", "no data in fashion/images", None)])
    load = _measure(plan, stack, folder, files[: QUICK_PHOTOS if plan.is_quick else MOST_PHOTOS])
    return _part(load)


def _measure(plan: Plan, stack: BenchStack, folder: Path, files: Sequence[Path]) -> PhotoLoad:
    settings = stack.indexer_settings()
    size = settings.indexer_photo_batch_size
    some = files[:: max(1, len(files) // BARE_PHOTOS)]
    more = {"SHELFWISE_INDEXER_IMAGE_DIRECTORY": str(folder), "SHELFWISE_IMAGE_ENCODER": ENCODER}
    plan.say(f"{len(some):,} photos: the bare encoder, before")
    before = run_photos(some, stack.directory, encoder=ENCODER, batch_size=size)
    with closing(stack.client()) as client:
        plan.say(f"{len(files):,} products that wait for their photos")
        _fill(client, stack, files)
        hints_from_settings(settings).tell(_NAME, [file.stem for file in files])
        plan.say(f"{len(files):,} photos through a worker")
        with stack.worker("photos", more=more) as process_id:
            started = time.perf_counter()
            worker, cluster = psutil.Process(process_id), stack.elasticsearch_process()
            cpu = _cpu_seconds(worker), _cpu_seconds(cluster)
            _wait(client, stack, len(files))
            seconds = time.perf_counter() - started
            spent = _cpu_seconds(worker) - cpu[0], _cpu_seconds(cluster) - cpu[1]
        drop_index(client, _NAME)
    plan.say(f"{len(some):,} photos: the bare encoder, after")
    after = run_photos(some, stack.directory, encoder=ENCODER, batch_size=size)
    return PhotoLoad(len(files), seconds, *spent, (before, after))


def _fill(client: Elasticsearch, stack: BenchStack, files: Sequence[Path]) -> None:
    texts = HashingEncoder(template="{title}")
    photos = image_encoder_spec(ENCODER, model_directory=stack.directory)
    create_index(client, _NAME, {"text_vector": texts.spec, "image_vector": photos})
    client.indices.put_settings(index=f"{_NAME}-v1", settings={"refresh_interval": _REFRESH})
    pipeline = Pipeline(client, texts)
    for start in range(0, len(files), _PRODUCTS_AT_ONCE):
        pipeline.process(_NAME, [_upsert(f) for f in files[start : start + _PRODUCTS_AT_ONCE]])
    client.indices.refresh(index=_NAME)


def _upsert(file: Path) -> ProductChange:
    fields = {"title": f"Product {file.stem}", "images": [f"file:images/{file.name}"]}
    return ProductChange("upsert", file.stem, fields)


def _wait(client: Elasticsearch, stack: BenchStack, photos: int) -> None:
    # Asking the index would be work that no load does; the worker says what it has written.
    while sum(map(int, _DONE.findall(stack.log_of("worker")))) < photos:
        time.sleep(_POLL_SECONDS)
    if (counts := count_photos(client, _NAME, refresh=True)).photos != photos:
        raise StackFailed(f"of {photos:,} photos there are {counts.photos:,} in the index")


def _cpu_seconds(process: psutil.Process) -> float:
    """Return the seconds of all cores of a process and of its children, which work for it."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def _part(load: PhotoLoad) -> Part:
    share = load.rate / load.bare_rate
    data: dict[str, Any] = asdict(load)
    data |= {"rate": load.rate, "bare_rate": load.bare_rate, "share": share}
    data["worker_share"] = load.worker_share
    sheet = Sheet(
        "Photos through the worker, one a product",
        ("what", "photos/s", "ms of a core a photo"),
        [
            ("encoder alone", f"{load.encode_rate:,.0f}", ""),
            ("decoder and encoder", f"{load.bare_rate:,.0f}", f"{load.bare_cpu * 1e3:.2f}"),
            (
                "from file to index",
                f"{load.rate:,.0f}",
                f"{load.worker_cpu / load.photos * 1e3:.2f} worker, "
                f"{load.cluster_cpu / load.photos * 1e3:.2f} Elasticsearch",
            ),
        ],
        f"encoder {ENCODER}; {load.photos:,} photos; worker and Elasticsearch share the cores",
    )
    alone = "decoder and encoder alone"
    verdicts = [
        at_least(f"photos from file to index / {alone}", share, LEAST_SHARE),
        at_least(f"{alone} / worker, core time a photo", load.worker_share, LEAST_SHARE),
    ]
    return Part("photos", [sheet], verdicts, data)
