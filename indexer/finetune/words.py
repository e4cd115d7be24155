"""Vectors of texts from an encoder that stays as it is, computed once and kept in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from indexer.finetune.text_bank import Encode, Vectors

_CHUNK = 1_024


class Words:
    """Encodes texts, each once; use it like a function from texts to unit rows.

    encode: the encoder. dims: length of its vectors. folder: where they are kept. revision: of
    the encoder; vectors of another one are not used.
    """

    def __init__(self, encode: Encode, *, dims: int, folder: Path, revision: str) -> None:
        self._encode = encode
        self._dims = dims
        self._texts_file = folder / f"texts-{revision}.json"
        self._vectors_file = folder / f"texts-{revision}.npy"
        self._rows: dict[str, int] = {}
        self._vectors: Vectors = np.zeros((0, dims), dtype=np.float32)
        self._read()

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Return a unit vector a text, float32 [texts, dims]."""
        self.learn(texts)
        return self._vectors[[self._rows[text] for text in texts]]

    def learn(
        self, texts: Sequence[str], show: Callable[[int, int], None] = lambda done, of: None
    ) -> None:
        """Encode the texts that are new and keep them. show: told how many of how many."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if not new:
            return
        parts = [self._vectors]
        for start in range(0, len(new), _CHUNK):
            parts.append(self._encode(new[start : start + _CHUNK]))
            show(min(start + _CHUNK, len(new)), len(new))
        self._vectors = np.concatenate(parts)
        for text in new:
            self._rows[text] = len(self._rows)
        self._write()

    def _read(self) -> None:
        """Take what is kept; a file that is not whole is made anew."""
        try:
            texts = json.loads(self._texts_file.read_text(encoding="utf-8"))
            vectors = np.load(self._vectors_file)
        except (OSError, ValueError):
            return
        if vectors.shape == (len(texts), self._dims):
            self._rows = {text: row for row, text in enumerate(texts)}
            self._vectors = vectors

    def _write(self) -> None:
        self._texts_file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._vectors_file.with_name(f".{self._vectors_file.name}.{os.getpid()}")
        with unfinished.open("wb") as file:
            np.save(file, self._vectors)
        # Vectors first: more of them than texts are not used, and fewer cannot happen.
        unfinished.replace(self._vectors_file)
        self._texts_file.write_text(json.dumps(list(self._rows)), encoding="utf-8")
