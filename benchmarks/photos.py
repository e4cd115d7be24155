"""Products with photos from a file to the index through one worker, beside the bare encoder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil

from benchmarks.loading import load_file
from benchmarks.photo_run import PhotoRun, run_photos
from benchmarks.plan import Plan
from benchmarks.report import Part, Sheet, Verdict, at_least
from benchmarks.stack import BenchStack, StackFailed
from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_registry import image_encoder_spec
from mappings.index_lifecycle import drop_index

ENCODER = "tower"
LEAST_SHARE = 0.8
MOST_PHOTOS = 8_000
QUICK_PHOTOS = 500
BARE_PHOTOS = 2_000
"""Photos of one run of the bare encoder, evenly spread over all."""

SEVERAL = 4
"""Photos of a product in the second load."""

_WARM_UP_LOADS = 2
"""Elasticsearch's virtual machine compiles what it runs meanwhile, for about 20 s of a core."""

_NAME = "photos"
_TEMPLATE = "{title}"


@dataclass(frozen=True)
class PhotoLoad:
    """One load. worker_cpu, cluster_cpu: seconds of all cores. bare: before it and after.

    of_each: photos of a product. ahead: whether they were made before their product was written.
    """

    of_each: int
    ahead: bool
    photos: int
    seconds: float
    worker_cpu: float
    cluster_cpu: float
    bare: tuple[PhotoRun, PhotoRun]

    @property
    def rate(self) -> float:
        """Return photos a second, from the file of products to the index."""
        return self.photos / self.seconds

    @property
    def share(self) -> float:
        """Return the rate as a share of the bare one."""
        return self.rate / self.bare_rate

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
    """Load products with the photos of a real catalogue; left out without the data."""
    folder = plan.data / "fashion"
    files = sorted((folder / "images").glob("*.jpg"))
    if not files:
        target = "photos indexed / bare encoder"
        return Part("photos", (), [Verdict(target, "", "no data in fashion/images", None)])
    files = files[: QUICK_PHOTOS if plan.is_quick else MOST_PHOTOS]
    for number in range(_WARM_UP_LOADS):
        plan.say(f"warming up: load {number + 1} of {_WARM_UP_LOADS}")
        with _worker(stack, folder, ahead=bool(number % 2)):
            _load(plan, stack, files, 1)
    plans = ((1, True), (SEVERAL, True), (1, False))
    return _part([_measure(plan, stack, folder, files, *one) for one in plans])


def _measure(
    plan: Plan,
    stack: BenchStack,
    folder: Path,
    files: Sequence[Path],
    of_each: int,
    ahead: bool,
) -> PhotoLoad:
    size = stack.indexer_settings().indexer_photo_batch_size
    some = files[:: max(1, len(files) // BARE_PHOTOS)]
    plan.say(f"{len(some):,} photos: the bare encoder, before")
    before = run_photos(some, stack.directory, encoder=ENCODER, batch_size=size)
    with _worker(stack, folder, ahead=ahead) as process_id:
        _load(plan, stack, files[:BARE_PHOTOS], of_each)  # the worker's first batches
        plan.say(f"{len(files):,} photos, {of_each} a product, ahead: {ahead}")
        worker, cluster = psutil.Process(process_id), stack.elasticsearch_process()
        cpu = _cpu_seconds(worker), _cpu_seconds(cluster)
        seconds = _load(plan, stack, files, of_each)
        spent = _cpu_seconds(worker) - cpu[0], _cpu_seconds(cluster) - cpu[1]
    plan.say(f"{len(some):,} photos: the bare encoder, after")
    after = run_photos(some, stack.directory, encoder=ENCODER, batch_size=size)
    return PhotoLoad(of_each, ahead, len(files), seconds, *spent, (before, after))


@contextmanager
def _worker(stack: BenchStack, folder: Path, *, ahead: bool) -> Iterator[int]:
    """Run a worker of loads and photos, for texts with an encoder that costs nothing."""
    more = {
        "SHELFWISE_INDEXER_IMAGE_DIRECTORY": str(folder),
        "SHELFWISE_IMAGE_ENCODER": ENCODER,
        "SHELFWISE_TEXT_TEMPLATE": _TEMPLATE,
    }
    if not ahead:
        more["SHELFWISE_INDEXER_PHOTOS_AHEAD_SECONDS"] = "0"
    with stack.worker("bulk,photos", encoder="hashing", more=more) as process_id:
        yield process_id


def _load(plan: Plan, stack: BenchStack, files: Sequence[Path], of_each: int) -> float:
    """Load into an index that is dropped again; return the seconds until all photos are there."""
    path = stack.directory / f"{_NAME}.jsonl"
    groups = [files[at : at + of_each] for at in range(0, len(files), of_each)]
    path.write_bytes(b"".join(orjson.dumps(_record(group)) + b"\n" for group in groups))
    photos = image_encoder_spec(ENCODER, model_directory=stack.directory)
    texts = HashingEncoder(template=_TEMPLATE).spec
    encoders = {"text_vector": texts, "image_vector": photos}
    started = time.perf_counter()
    _, counts = load_file(plan, stack, _NAME, path, encoders, "identity")
    seconds = time.perf_counter() - started
    with closing(stack.client()) as client:
        drop_index(client, _NAME)
    path.unlink()
    if counts.photos != len(files):
        raise StackFailed(f"of {len(files):,} photos there are {counts.photos:,} in the index")
    return seconds


def _record(files: Sequence[Path]) -> dict[str, Any]:
    images = [f"file:images/{file.name}" for file in files]
    return {"id": files[0].stem, "title": f"Product {files[0].stem}", "images": images}


def _cpu_seconds(process: psutil.Process) -> float:
    """Return the seconds of all cores of a process and of its children, which work for it."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def _part(loads: Sequence[PhotoLoad]) -> Part:
    rows = [
        (
            f"{load.of_each} a product" + ("" if load.ahead else ", none ahead"),
            f"{load.rate:,.0f}",
            f"{load.bare_rate:,.0f}",
            f"{load.share:.2f}",
            f"{load.worker_cpu / load.photos * 1e3:.2f}",
            f"{load.cluster_cpu / load.photos * 1e3:.2f}",
            f"{load.bare_cpu * 1e3:.2f}",
        )
        for load in loads
    ]
    columns = (
        "photos",
        "a second",
        "bare",
        "share",
        "worker, ms",
        "Elasticsearch, ms",
        "bare, ms",
    )
    sheet = Sheet(
        "Products with photos, from their file to the index",
        columns,
        rows,
        f"encoder {ENCODER}; {loads[0].photos:,} photos; bare is decoder and encoder alone; "
        "milliseconds of a core for a photo; all processes share the cores",
    )
    alone = "decoder and encoder alone"
    verdicts = [
        at_least(
            f"photos from file to index / {alone}, {load.of_each} a product",
            load.share,
            LEAST_SHARE,
        )
        for load in loads
        if load.ahead
    ]
    verdicts.append(
        at_least(f"{alone} / worker, core time a photo", loads[0].worker_share, LEAST_SHARE)
    )
    return Part("photos", [sheet], verdicts, {"loads": [asdict(load) for load in loads]})
