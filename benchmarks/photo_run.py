"""The bare encoder of photos in a process of its own: `python -m benchmarks.photo_run JOB`.

JOB: a JSON object with `encoder`, `batch_size` and `files`, the photos in their order.
Prints one JSON object, the fields of PhotoRun. Nothing but decoder and encoder runs meanwhile.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson

from indexer.encoders.image_onnx import available_cores
from indexer.encoders.image_registry import load_image_encoder
from indexer.images.decoding import decode

_WARM_UP_PHOTOS = 64


@dataclass(frozen=True)
class PhotoRun:
    """How fast it was, in seconds by the clock, and of all cores together.

    encode_seconds: photos that are decoded already. seconds: from the files, on all cores, batch
    after batch.
    """

    photos: int
    encode_seconds: float
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Return photos a second, decoded and encoded."""
        return self.photos / self.seconds

    @property
    def encode_rate(self) -> float:
        """Return photos a second, encoded alone."""
        return self.photos / self.encode_seconds


def run_photos(files: Sequence[Path], folder: Path, *, encoder: str, batch_size: int) -> PhotoRun:
    """Decode and encode the files in a fresh process; `folder` holds the job on its way there."""
    job = folder / "photo-job.json"
    names = [str(file) for file in files]
    wanted = {"encoder": encoder, "batch_size": batch_size, "files": names}
    job.write_bytes(orjson.dumps(wanted))
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.photo_run", str(job)],
        cwd=Path(__file__).parents[1],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    job.unlink()
    return PhotoRun(**orjson.loads(done.stdout.splitlines()[-1]))


def _main(job: Path) -> None:
    wanted = orjson.loads(job.read_bytes())
    files = [Path(name) for name in wanted["files"]]
    size = wanted["batch_size"]
    encoder = load_image_encoder(wanted["encoder"])
    encoder.encode_images([decode(file.read_bytes()) for file in files[:_WARM_UP_PHOTOS]])
    encode_seconds = 0.0
    started, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(available_cores()) as pool:
        for start in range(0, len(files), size):
            batch = files[start : start + size]
            images = list(pool.map(lambda file: decode(file.read_bytes()), batch))
            begun = time.perf_counter()
            encoder.encode_images(images)
            encode_seconds += time.perf_counter() - begun
    run = {
        "photos": len(files),
        "encode_seconds": encode_seconds,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
    }
    print(orjson.dumps(run).decode())


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
