"""A text encoder as fine-tuning trains it, and the losses of its batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import nn
from torch.nn import functional

from indexer.encoders.base import Embeddings, unit_rows
from indexer.encoders.model_folder import ModelFolder, read_model_folder
from indexer.encoders.sentence_transformer import (
    DOCUMENT_PROMPTS,
    QUERY_PROMPTS,
    load_model,
    prompt_of,
)
from indexer.encoders.text_cleaning import clean_text
from indexer.finetune.lora import freeze_and_adapt, merge
from indexer.finetune.losses import spread_cross_entropy
from indexer.finetune.objective import LossValues
from indexer.finetune.text_pairs import TextBatch
from mappings.encoder_spec import EncoderSpec

LARGE = 60_000_000
"""Parameters from which on only low-rank maps are trained."""

TEXT_SCALE = 20.0
"""1 / temperature of the contrast, as sentence-transformers has it."""

ANCHOR_WEIGHT = 1.0
_DEFAULT_TOKENS = 512
_AT_ONCE = 32


class TextModel(nn.Module):  # type: ignore[misc]
    """A sentence-transformers model; a large one is frozen but for low-rank maps."""

    def __init__(self, folder: ModelFolder, *, seed: int) -> None:
        super().__init__()
        self.inner: SentenceTransformer = load_model(folder, "cpu")
        self.query_prompt = prompt_of(self.inner, QUERY_PROMPTS)
        self.product_prompt = prompt_of(self.inner, DOCUMENT_PROMPTS)
        self.max_tokens = int(self.inner.max_seq_length or _DEFAULT_TOKENS)
        torch.manual_seed(seed)
        self.is_large = sum(one.numel() for one in self.inner.parameters()) > LARGE
        if self.is_large:
            freeze_and_adapt(self.inner)

    def forward(self, texts: Sequence[str], prompt: str | None) -> torch.Tensor:
        """Return embeddings [texts, dims] of any length."""
        cleaned = [clean_text(text, max_tokens=self.max_tokens) for text in texts]
        features = self.inner.preprocess(cleaned, prompt=prompt)
        device = next(self.inner.parameters()).device
        there = {
            name: value.to(device) if isinstance(value, torch.Tensor) else value
            for name, value in features.items()
        }
        output: torch.Tensor = self.inner(there)["sentence_embedding"]
        return output

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def encode(self, texts: Sequence[str], prompt: str | None) -> Embeddings:
        """Return unit vectors, float32 [texts, dims]; the model is left evaluating."""
        self.eval()
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        dims = int(self.inner.get_embedding_dimension() or 0)
        vectors = np.zeros((len(texts), dims), dtype=np.float32)
        for start in range(0, len(order), _AT_ONCE):
            rows = order[start : start + _AT_ONCE]
            vectors[rows] = self([texts[row] for row in rows], prompt).float().cpu().numpy()
        return unit_rows(vectors)

    def save(self, folder: Path) -> EncoderSpec:
        """Write the model as sentence-transformers does, and return its identity."""
        merge(self.inner)
        self.inner.cpu().save_pretrained(str(folder))
        return read_model_folder(folder.resolve().name, folder).spec("")


class TextObjective(nn.Module):  # type: ignore[misc]
    """Multiple-negatives contrast both ways, and a pull towards the vectors of before.

    before: the product's row to its unit vector by the encoder as it was. The pull keeps what
    judgements of a few queries say nothing about.
    """

    def __init__(self, before: Mapping[int, Embeddings]) -> None:
        super().__init__()
        self._before = before

    def forward(
        self,
        model: nn.Module,
        batch: TextBatch,
        shortened: Callable[[], AbstractContextManager[object]],
    ) -> LossValues:
        """Return the losses of a batch, in float32. model: a TextModel."""
        with shortened():
            queries = model(batch.queries, model.query_prompt)
            products = model(batch.products, model.product_prompt)
        queries, products = (
            functional.normalize(one.float(), dim=1) for one in (queries, products)
        )
        right = torch.from_numpy(batch.right).to(products.device)
        neither = torch.from_numpy(batch.open).to(products.device)
        logits = (TEXT_SCALE * queries @ products.T).masked_fill(neither, -math.inf)
        before = torch.from_numpy(np.stack([self._before[int(row)] for row in batch.rows]))
        each = {
            "query to product": spread_cross_entropy(logits, right),
            "product to query": spread_cross_entropy(logits.T, right.T),
            "anchor": (1 - (products * before.to(products.device)).sum(dim=1)).mean(),
        }
        total = (each["query to product"] + each["product to query"]) / 2
        total = total + ANCHOR_WEIGHT * each["anchor"]
        return LossValues(total, {name: value.detach() for name, value in each.items()})
