"""The service's encoder: an exported model in ONNX Runtime, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from indexer.encoders.base import Embeddings, unit_rows
from indexer.encoders.batching import plan_batches
from indexer.encoders.model_export import MODEL_FILE, TOKENIZER_FILE, read_export
from indexer.encoders.onnx_session import open_session
from indexer.encoders.text_cleaning import clean_text
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

LARGEST_BATCH = 32
TOKEN_BUDGET = 640
"""Tokens of one batch with padding; bounds memory, and more is slower on a CPU."""

_ADVICE = "delete its folder and run `shelfwise encoder export`"


class OnnxTextEncoder:
    """An export in ONNX Runtime. See TextEncoder.

    folder: holds model.onnx, tokenizer.json and encoder.json.
    threads: CPU threads of one call.
    Raises EncoderUnavailable when a file is missing or broken.
    """

    def __init__(self, folder: Path, *, template: str, threads: int = 1) -> None:
        self.exported = read_export(folder)
        self._spec = self.exported.spec(template)
        self._session = open_session(folder / MODEL_FILE, threads=threads, advice=_ADVICE)
        self._tokenizer = _open_tokenizer(folder / TOKENIZER_FILE, self.exported.max_tokens)

    @property
    def spec(self) -> EncoderSpec:
        """Return the identity."""
        return self._spec

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return one unit vector a text, float32 [len(texts), dims], in the texts' order."""
        tokens = [self._token_ids(text) for text in texts]
        vectors = np.empty((len(texts), self._spec.dims), dtype=np.float32)
        for rows in plan_batches(
            [len(ids) for ids in tokens], batch_size=LARGEST_BATCH, token_budget=TOKEN_BUDGET
        ):
            inputs = self._inputs([tokens[row] for row in rows])
            vectors[rows] = self._session.run(None, inputs)[0]
        return unit_rows(vectors)

    def is_word(self, text: str) -> bool:
        """Return whether a text is one whole word of the vocabulary, which has the usual ones."""
        # The space in front is what a word in the middle of a sentence has; some vocabularies
        # keep it with the word.
        found = self._tokenizer.encode(f" {text}", add_special_tokens=False)
        # One token may also stand for what the vocabulary lacks: "[UNK]", "<unk>".
        return text.isalpha() and len(found.ids) == 1 and found.tokens[0][-1].isalpha()

    def _token_ids(self, text: str) -> list[int]:
        text = self.exported.prompt + clean_text(text, max_tokens=self.exported.max_tokens)
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids

    def _inputs(self, tokens: list[list[int]]) -> dict[str, NDArray[np.int64]]:
        """Return the graph's inputs, each int64 [texts, longest]."""
        longest = max(1, self.exported.pad_to, *(len(ids) for ids in tokens))
        input_ids = np.full((len(tokens), longest), self.exported.pad_token_id, dtype=np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, ids in enumerate(tokens):
            left = longest - len(ids) if self.exported.padding_side == "left" else 0
            input_ids[row, left : left + len(ids)] = ids
            attention_mask[row, left : left + len(ids)] = 1
        inputs = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": np.zeros_like(input_ids),
        }
        return {name: inputs[name] for name in self.exported.inputs}


def _open_tokenizer(path: Path, max_tokens: int) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises a bare Exception
        raise EncoderUnavailable(f"{str(path)!r} is not readable: {error}; {_ADVICE}") from error
    # A tokenizer.json may have a padding and a truncation of its own baked in.
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=max_tokens)
    return tokenizer
