"""Which number format trains faster here, by trying both."""

from __future__ import annotations

import time
from itertools import islice

import torch
from torch import nn

from indexer.encoders.precision import SMALLEST_SPEEDUP, cpu_has_bfloat16
from indexer.finetune.batches import Batches
from indexer.finetune.trainer import twin

EXACT, SHORT = "float32", "bfloat16"
_RUNS = 2


def faster_precision(model: nn.Module, batches: Batches, wanted: str, device: str) -> str:
    """Return the format to train in: `wanted`, or for "auto" the faster one.

    bfloat16 has float32's range, so no loss scaling is needed. It is taken only where it saves a
    seventh of the time: small networks on a CPU are often no faster in it. The model is not
    changed.
    """
    if wanted != "auto":
        return wanted
    kind = device.partition(":")[0]
    if kind == "cpu" and not cpu_has_bfloat16():
        return EXACT
    if kind == "cuda" and not torch.cuda.is_bf16_supported():
        return EXACT
    trial = twin(model).to(device, memory_format=torch.channels_last).train()
    photos = next(iter(islice(batches.epoch(0), 1))).photos
    seconds = {EXACT: float("inf"), SHORT: float("inf")}
    for run in range(1 + _RUNS):  # the first one warms up
        for name in seconds:
            started = time.perf_counter()
            _pass(trial, photos, getattr(torch, name), kind)
            if run:
                seconds[name] = min(seconds[name], time.perf_counter() - started)
    return SHORT if seconds[EXACT] / seconds[SHORT] >= SMALLEST_SPEEDUP else EXACT


def _pass(model: nn.Module, photos: torch.Tensor, dtype: torch.dtype, kind: str) -> None:
    """Compute forwards and backwards once, and wait for it."""
    model.zero_grad()
    with torch.autocast(kind, dtype=dtype, enabled=dtype is not torch.float32):
        _, embeddings = model(photos.contiguous(memory_format=torch.channels_last))
    embeddings.float().square().mean().backward()
    if kind == "cuda":
        torch.cuda.synchronize()
