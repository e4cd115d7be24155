"""A model of photos in ONNX Runtime, without torch: for photo queries, and for small towers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.encoders.base import Embeddings, unit_rows
from indexer.encoders.onnx_session import open_session
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

Prepare = Callable[[Sequence[Image.Image]], NDArray[np.float32]]
"""Photos to a model's input, float32 [photos, 3, height, width]. Called by several threads."""

MICRO_BATCH = 4
"""Photos of one run. On a CPU more of them fall out of its cache, and are slower."""


class OnnxImageEncoder:
    """A graph from prepared photos to embeddings. See ImageEncoder.

    path: the graph; its one input is what `prepare` gives. threads: CPU threads of one run.
    lanes: micro-batches at the same time, each prepared by the thread that runs it; so no core
    waits for another, neither within a run nor between preparation and run.
    advice: what mends a broken file. Raises EncoderUnavailable when the file is missing, broken
    or gives vectors of another length than the spec.
    """

    def __init__(
        self,
        path: Path,
        *,
        spec: EncoderSpec,
        prepare: Prepare,
        advice: str,
        threads: int = 1,
        lanes: int = 1,
        batch_size: int | None = None,
    ) -> None:
        self._spec = spec
        self._prepare = prepare
        self._batch_size = batch_size or MICRO_BATCH
        self._session = open_session(path, threads=threads, advice=advice)
        self._input = self._session.get_inputs()[0].name
        dims = self._session.get_outputs()[0].shape[-1]
        if isinstance(dims, int) and dims != spec.dims:
            raise EncoderUnavailable(
                f"encoder {spec.name!r}: {str(path)!r} gives {dims} dims, should be {spec.dims}; "
                f"{advice}"
            )
        self._lanes = lanes
        self._pool = ThreadPoolExecutor(lanes, "photo-encoder") if lanes > 1 else None

    @property
    def spec(self) -> EncoderSpec:
        """Return the identity."""
        return self._spec

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Return one unit vector a photo, float32 [len(images), dims], in the photos' order."""
        vectors = np.empty((len(images), self._spec.dims), dtype=np.float32)

        def encode(rows: slice) -> None:
            prepared = self._prepare(images[rows])
            vectors[rows] = self._session.run(None, {self._input: prepared})[0]

        batches = list(self._plan(len(images)))
        if self._pool is None or len(batches) == 1:
            for rows in batches:
                encode(rows)
        else:
            list(self._pool.map(encode, batches))  # the list raises what a lane raised
        return unit_rows(vectors)

    def _plan(self, count: int) -> Iterator[slice]:
        """Give the photos of each run, few enough that every lane has some."""
        size = min(self._batch_size, -(-count // self._lanes))
        return (slice(start, start + size) for start in range(0, count, max(1, size)))


def available_cores() -> int:
    """Return how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
