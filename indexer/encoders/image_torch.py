"""The worker's encoder of photos: a torch model with a device and a precision."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import structlog
import torch
from PIL import Image

from indexer.encoders.base import Embeddings, LoadOptions, unit_rows
from indexer.encoders.image_onnx import Prepare
from indexer.encoders.image_probes import probe_photos
from indexer.encoders.lanes import Lanes, Surroundings, usual_threads
from indexer.encoders.precision import (
    Device,
    Precision,
    Trial,
    choose_device,
    choose_precision,
    cpu_has_bfloat16,
)
from mappings.encoder_spec import EncoderSpec

_log = structlog.get_logger(__name__)

LARGEST_BATCH = {"cpu": 8, "cuda": 256}
"""Photos of one batch unless set. On a CPU more fall out of its cache."""

PREPARED_AHEAD = 2
"""Batches that wait, prepared, for the GPU: one to hide a slow photo, one to be copied."""

PREPARED_AT_ONCE = 16
"""Photos that one thread prepares, of a batch for the GPU."""

TRIAL_RUNS = 3
_NO_AUTOCAST = "float32"

Model = Callable[[torch.Tensor], torch.Tensor]
"""Prepared photos [photos, 3, height, width] to embeddings of any length [photos, dims]."""


class TorchImageEncoder:
    """A model and what prepares photos for it. See ImageEncoder.

    On a CPU every lane prepares and encodes batches of its own; with a GPU threads prepare the
    next batches while it encodes one. device: torch's name of it. precision: the number format
    and why it was chosen.
    """

    def __init__(
        self,
        model: Model,
        *,
        spec: EncoderSpec,
        prepare: Prepare,
        device: str,
        threads: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        kind = device.partition(":")[0]
        cores = threads or usual_threads()
        self._spec = spec
        self._model = model
        self._prepare = prepare
        self._batch_size = batch_size or LARGEST_BATCH.get(kind, LARGEST_BATCH["cuda"])
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(cores, "photo-preparation")  # threads begin when used
        self._lanes = Lanes(cores) if kind == "cpu" else None
        self.device = device
        self.precision = Precision(_NO_AUTOCAST, "not chosen yet")

    @classmethod
    def load(
        cls, model: torch.nn.Module, *, spec: EncoderSpec, prepare: Prepare, options: LoadOptions
    ) -> TorchImageEncoder:
        """Move the model to its device and choose its precision by a trial on drawn pictures.

        Raises EncoderUnavailable when the device or the precision cannot be had.
        """
        device = choose_device(options.device, has_cuda=torch.cuda.is_available)
        encoder = cls(
            model.float().eval().to(device),
            spec=spec,
            prepare=prepare,
            device=device,
            threads=options.threads,
            batch_size=options.batch_size,
        )
        encoder.precision = choose_precision(
            options.precision, device=_describe(device), trial=encoder._trial
        )
        _log.info(
            "image_encoder_loaded",
            encoder=spec.name,
            revision=spec.revision,
            device=device,
            precision=encoder.precision.name,
            reason=encoder.precision.reason,
        )
        return encoder

    @property
    def spec(self) -> EncoderSpec:
        """Return the identity."""
        return self._spec

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Return one unit vector a photo, float32 [len(images), dims], in the photos' order."""
        return self._encode(images, self.precision.name)

    def _encode(self, images: Sequence[Image.Image], precision: str) -> Embeddings:
        vectors = np.empty((len(images), self._spec.dims), dtype=np.float32)
        # Autocast keeps its casts of the weights until it ends, so it spans all batches.
        around = partial(_inference, self.device, precision)
        if self._lanes is not None:
            size = max(1, min(self._batch_size, -(-len(images) // self._lanes.count)))

            def encode(rows: slice) -> None:
                vectors[rows] = self._forward(self._prepare(images[rows]))

            rows = [slice(start, start + size) for start in range(0, len(images), size)]
            self._lanes.run(rows, encode, Surroundings((id(self), precision), around))
        else:
            with self._lock, around():
                start = 0
                for prepared in self._prepared_ahead(images, self._pool):
                    vectors[start : start + len(prepared)] = self._forward(prepared)
                    start += len(prepared)
        return unit_rows(vectors)

    def _prepared_ahead(
        self, images: Sequence[Image.Image], pool: ThreadPoolExecutor
    ) -> Iterator[np.ndarray]:
        """Give prepared batches in order, while threads prepare those that follow."""
        waiting: deque[list[Future[np.ndarray]]] = deque()
        for start in range(0, len(images), self._batch_size):
            end = min(len(images), start + self._batch_size)
            waiting.append(
                [
                    pool.submit(self._prepare, images[at : min(end, at + PREPARED_AT_ONCE)])
                    for at in range(start, end, PREPARED_AT_ONCE)
                ]
            )
            if len(waiting) > PREPARED_AHEAD:
                yield np.concatenate([part.result() for part in waiting.popleft()])
        for parts in waiting:
            yield np.concatenate([part.result() for part in parts])

    def _forward(self, prepared: np.ndarray) -> Embeddings:
        on_device = torch.from_numpy(prepared).to(self.device)
        output = self._model(on_device)
        if not output.isfinite().all():  # float16 overflows at 65504
            with torch.autocast(self.device.partition(":")[0], enabled=False):
                output = self._model(on_device)
        vectors: Embeddings = output.float().cpu().numpy()
        return vectors

    def _trial(self, precision: str) -> Trial:
        """Return how a precision does on the probes, the best of its runs against the best."""
        photos = probe_photos()
        seconds = {_NO_AUTOCAST: math.inf, precision: math.inf}
        vectors = {}
        for run in range(1 + TRIAL_RUNS):  # the first one warms up
            for name in seconds:
                started = time.perf_counter()
                vectors[name] = self._encode(photos, name)
                if run > 0:
                    seconds[name] = min(seconds[name], time.perf_counter() - started)
        cosines = np.sum(vectors[_NO_AUTOCAST] * vectors[precision], axis=1)
        return Trial(float(np.min(cosines)), seconds[_NO_AUTOCAST] / seconds[precision])


def _describe(device: str) -> Device:
    kind = device.partition(":")[0]
    if kind == "cuda":
        return Device(kind, torch.cuda.get_device_capability(device) >= (8, 0))
    return Device(kind, kind == "cpu" and cpu_has_bfloat16())


@contextmanager
def _inference(device: str, precision: str) -> Iterator[None]:
    """Encode without gradients and in a precision, both of which are the thread's own."""
    cast = precision != _NO_AUTOCAST
    kind = device.partition(":")[0]
    dtype = getattr(torch, precision)
    with torch.inference_mode(), torch.autocast(kind, dtype=dtype) if cast else nullcontext():
        yield
