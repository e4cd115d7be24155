"""The bare encoder in a process of its own: `python -m benchmarks.encoder_run JOB`.

JOB: a JSON object with `batches` (arrays of texts), `precision` and `vectors`, the .npy file to
write them to, or null.
Prints one JSON object: texts, seconds, precision. Nothing but the encoder runs meanwhile.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from benchmarks.stack import ENCODER
from indexer.encoders.registry import load_text_encoder
from mappings.settings import SharedSettings

TEMPLATE: str = SharedSettings.model_fields["text_template"].default
_WARM_UP_TEXTS = 64


@dataclass(frozen=True)
class EncoderRun:
    """How fast the encoder was. precision: its number format, chosen by a trial each time."""

    texts: int
    seconds: float
    precision: str

    @property
    def rate(self) -> float:
        """Return texts a second."""
        return self.texts / self.seconds


def run_encoder(
    batches: Sequence[Sequence[str]],
    folder: Path,
    *,
    precision: str = "auto",
    vectors: Path | None = None,
) -> EncoderRun:
    """Encode the batches in a fresh process; `folder` holds the texts on their way there."""
    job = folder / "encoder-job.json"
    wanted = {
        "batches": [list(batch) for batch in batches],
        "precision": precision,
        "vectors": str(vectors) if vectors else None,
    }
    job.write_bytes(orjson.dumps(wanted))
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.encoder_run", str(job)],
        cwd=Path(__file__).parents[1],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    job.unlink()
    return EncoderRun(**orjson.loads(done.stdout.splitlines()[-1]))


def _main(job: Path) -> None:
    wanted = orjson.loads(job.read_bytes())
    batches = wanted["batches"]
    encoder = load_text_encoder(ENCODER, template=TEMPLATE, precision=wanted["precision"])
    encoder.encode(batches[0][:_WARM_UP_TEXTS])
    start = time.perf_counter()
    found = [encoder.encode(batch) for batch in batches]
    seconds = time.perf_counter() - start
    if wanted["vectors"]:
        np.save(wanted["vectors"], np.vstack(found))
    precision = getattr(encoder, "precision", None)
    run = {
        "texts": sum(map(len, batches)),
        "seconds": seconds,
        "precision": getattr(precision, "name", "unknown"),
    }
    print(orjson.dumps(run).decode())


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
