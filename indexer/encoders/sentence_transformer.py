"""The worker's encoder: any sentence-transformers text model in torch."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import structlog
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from indexer.encoders.base import Embeddings, LoadOptions, unit_rows
from indexer.encoders.batching import plan_batches
from indexer.encoders.lanes import Lanes, Surroundings, usual_threads
from indexer.encoders.model_folder import ModelFolder
from indexer.encoders.precision import (
    Device,
    Precision,
    Trial,
    choose_device,
    choose_precision,
    cpu_has_bfloat16,
)
from indexer.encoders.probe_texts import PROBE_TEXTS
from indexer.encoders.text_cleaning import clean_text
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

_log = structlog.get_logger(__name__)

WINDOW = 512
"""Texts tokenized at once; they are sorted by token length within it."""

TOKEN_BUDGET = {"cpu": 512, "cuda": 65_536}
"""Tokens of one batch with padding. On a CPU more falls out of its cache and is slower."""

LARGEST_BATCH = {"cpu": 64, "cuda": 1024}
"""Texts of one batch unless set."""

TRIAL_RUNS = 3

UNLIMITED_TOKENS = 8192
"""Taken as the limit of a model that names none."""

DOCUMENT_PROMPTS = ("document", "passage", "corpus")
QUERY_PROMPTS = ("query",)
_NO_AUTOCAST = "float32"


class SentenceTransformerEncoder:
    """A model in torch with a device and a precision. See TextEncoder.

    device: torch's name of it. precision: the number format and why it was chosen.
    model: the sentence-transformers model, in float32. max_tokens: its input limit.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        *,
        spec: EncoderSpec,
        device: str,
        batch_size: int | None = None,
    ) -> None:
        kind = device.partition(":")[0]
        self._spec = spec
        self._lock = threading.Lock()
        self._batch_size = batch_size or LARGEST_BATCH.get(kind, LARGEST_BATCH["cuda"])
        self._token_budget = TOKEN_BUDGET.get(kind, TOKEN_BUDGET["cuda"])
        # One model on a GPU has no use for a second batch at the same time.
        self._lanes = Lanes(torch.get_num_threads()) if kind == "cpu" else None
        self._document_prompt = prompt_of(model, DOCUMENT_PROMPTS)
        self.model = model
        self.device = device
        self.precision = Precision(_NO_AUTOCAST, "not chosen yet")
        self.max_tokens = int(min(model.max_seq_length or UNLIMITED_TOKENS, UNLIMITED_TOKENS))

    @classmethod
    def load(
        cls, folder: ModelFolder, *, template: str, options: LoadOptions
    ) -> SentenceTransformerEncoder:
        """Load the model and choose its precision by a trial on the probe texts.

        Raises EncoderUnavailable when torch or sentence-transformers cannot load it.
        """
        torch.set_num_threads(options.threads or usual_threads())
        device = choose_device(options.device, has_cuda=torch.cuda.is_available)
        model = load_model(folder, device)
        encoder = cls(
            model, spec=folder.spec(template), device=device, batch_size=options.batch_size
        )
        encoder.precision = choose_precision(
            options.precision, device=_describe(device), trial=encoder._trial
        )
        _log.info(
            "encoder_loaded",
            encoder=folder.name,
            revision=folder.revision,
            device=device,
            precision=encoder.precision.name,
            reason=encoder.precision.reason,
        )
        return encoder

    @property
    def spec(self) -> EncoderSpec:
        """Return the identity."""
        return self._spec

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return one unit vector a text, float32 [len(texts), dims], in the texts' order."""
        return self._encode(texts, self._document_prompt, self.precision.name)

    def encode_queries(self, texts: Sequence[str]) -> Embeddings:
        """Return query vectors as `encode` does, with the model's query prompt."""
        prompt = prompt_of(self.model, QUERY_PROMPTS)
        return self._encode(texts, prompt, self.precision.name)

    def _encode(self, texts: Sequence[str], prompt: str | None, precision: str) -> Embeddings:
        cleaned = [clean_text(text, max_tokens=self.max_tokens) for text in texts]
        vectors = np.empty((len(texts), self._spec.dims), dtype=np.float32)
        # By characters first, so that a window of mixed texts is tokenized without much padding.
        order = np.argsort([-len(text) for text in cleaned], kind="stable")
        for start in range(0, len(order), WINDOW):
            positions = order[start : start + WINDOW]
            window = [cleaned[position] for position in positions]
            vectors[positions] = self._encode_window(window, prompt, precision)
        return unit_rows(vectors)

    def _encode_window(self, texts: list[str], prompt: str | None, precision: str) -> Embeddings:
        with self._lock:  # the tokenizer is not safe to share: it raises "Already borrowed"
            features = self.model.preprocess(texts, prompt=prompt)
        vectors = np.empty((len(texts), self._spec.dims), dtype=np.float32)
        batches = self._plan(features, len(texts))

        def encode(rows: NDArray[np.intp]) -> None:
            vectors[rows] = self._forward(_select(features, torch.from_numpy(rows)))

        # Autocast keeps its casts of the weights until it ends, so it spans all batches.
        around = partial(_inference, self.device, precision)
        if self._lanes is not None:
            self._lanes.run(batches, encode, Surroundings(precision, around))
        else:
            with self._lock, around():
                for rows in batches:
                    encode(rows)
        return vectors

    def _plan(self, features: Mapping[str, Any], count: int) -> list[NDArray[np.intp]]:
        if "attention_mask" not in features:  # a bag of words: nothing is padded
            return [np.arange(count)]
        return plan_batches(
            features["attention_mask"].sum(dim=1).numpy(),
            batch_size=self._batch_size,
            token_budget=self._token_budget,
        )

    def _forward(self, features: Mapping[str, Any]) -> Embeddings:
        on_device = {
            name: value.to(self.device) if isinstance(value, torch.Tensor) else value
            for name, value in features.items()
        }
        # A copy each time: the model's modules write their outputs into the mapping.
        output = self.model(dict(on_device))["sentence_embedding"]
        if not output.isfinite().all():  # float16 overflows at 65504
            with torch.autocast(self.device.partition(":")[0], enabled=False):
                output = self.model(dict(on_device))["sentence_embedding"]
        vectors: Embeddings = output.float().cpu().numpy()
        return vectors

    def _trial(self, precision: str) -> Trial:
        """Return how a precision does on the probe texts, the best of its runs against the best.

        The runs alternate, so that a busy moment of the machine hits both.
        """
        seconds = {_NO_AUTOCAST: math.inf, precision: math.inf}
        vectors = {}
        for run in range(1 + TRIAL_RUNS):  # the first one warms up
            for name in seconds:
                started = time.perf_counter()
                vectors[name] = self._encode(PROBE_TEXTS, None, name)
                if run > 0:
                    seconds[name] = min(seconds[name], time.perf_counter() - started)
        cosines = np.sum(vectors[_NO_AUTOCAST] * vectors[precision], axis=1)
        return Trial(float(np.min(cosines)), seconds[_NO_AUTOCAST] / seconds[precision])


def prompt_of(model: SentenceTransformer, names: tuple[str, ...]) -> str | None:
    """Return the first of the model's named prompts that is set, else its default, else None."""
    for name in (*names, model.default_prompt_name):
        if name is not None and model.prompts.get(name):
            return str(model.prompts[name])
    return None


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """Keep transformers from drawing progress bars into a worker's log."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


def load_model(folder: ModelFolder, device: str) -> SentenceTransformer:
    """Load from the folder alone, in float32; the network is never asked, no code of it is run.

    Raises EncoderUnavailable when it cannot be loaded, or gives vectors of another length.
    """
    try:
        with without_progress_bars():
            model = SentenceTransformer(str(folder.path), device=device, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise EncoderUnavailable(
            f"encoder {folder.name!r}: sentence-transformers cannot load {str(folder.path)!r}: "
            f"{error}"
        ) from error
    dims = model.get_embedding_dimension()
    if dims != folder.dims:
        raise EncoderUnavailable(
            f"encoder {folder.name!r}: its files say {folder.dims} dims, the model gives {dims}"
        )
    # Checkpoints are kept in half precision at times; the trial needs exact numbers to compare.
    model.float().eval()
    return model


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


def _select(features: Mapping[str, Any], rows: torch.Tensor) -> dict[str, Any]:
    """Return some rows of a padded window without the columns that are padding in all of them."""
    if "attention_mask" not in features:
        return dict(features)
    mask = features["attention_mask"]
    used = mask[rows].any(dim=0)
    if not used.any():  # empty texts of a tokenizer without special tokens
        used[0] = True
    selected: dict[str, Any] = {}
    for name, value in features.items():
        if isinstance(value, torch.Tensor) and value.shape[:2] == mask.shape:
            selected[name] = value[rows][:, used]  # [window, width] -> [batch, longest]
        else:
            selected[name] = value
    return selected
