"""Fills an index through the real pipeline with vectors that were encoded once and kept."""

from __future__ import annotations

import hashlib
import re
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from elasticsearch import Elasticsearch
from rich.console import Console
from rich.progress import track

from benchmarks.catalogue import Catalogue, original_text
from benchmarks.encoder_run import TEMPLATE, run_encoder
from benchmarks.stack import ENCODER
from indexer.encoders.base import Embeddings, unit_rows
from indexer.encoders.registry import text_encoder_spec
from indexer.pipeline import Pipeline
from mappings.encoder_spec import EncoderSpec
from mappings.index_lifecycle import create_index
from mappings.index_names import write_alias
from mappings.product_changes import ProductChange

_Item = TypeVar("_Item")

BATCH = 500
_WRITERS = 2
_POLL_SECONDS = 0.5
_WORD = re.compile(r"\w+")
_SPREAD = 0.02
"""Noise on each component of a repeated product's vector: its cosine to the original is 0.93."""


class RecalledEncoder:
    """Gives texts the vectors that the real encoder gave them before; see TextEncoder.

    Texts of repeated products get the original's vector with noise that depends on the text.
    vectors: text to its vector; punctuation plays no part in it, which a template may change.
    """

    def __init__(self, spec: EncoderSpec, vectors: Mapping[str, Embeddings]) -> None:
        self._spec = spec
        self._vectors = {_words(text): vector for text, vector in vectors.items()}

    @property
    def spec(self) -> EncoderSpec:
        """Return the real encoder's identity."""
        return self._spec

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return one unit vector a text; raises KeyError for one that is not known."""
        rows = np.empty((len(texts), self._spec.dims), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            known = self._vectors.get(_words(text))
            if known is not None:
                row[:] = known
            else:
                row[:] = self._vectors[_words(original_text(text))]
                draw = np.random.default_rng(zlib.crc32(text.encode()))
                row += _SPREAD * draw.standard_normal(self._spec.dims, dtype=np.float32)
        return unit_rows(rows)


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text))


def recall_vectors(catalogue: Catalogue, size: int, folder: Path) -> RecalledEncoder:
    """Return an encoder of the catalogue's first products; encodes them once and keeps them."""
    texts = list(dict.fromkeys(catalogue.texts(min(size, len(catalogue.base)), TEMPLATE)))
    spec = text_encoder_spec(ENCODER, template=TEMPLATE, model_directory=folder / "models")
    digest = hashlib.sha256("\0".join([spec.revision, *texts]).encode()).hexdigest()[:16]
    path = folder / f"vectors-{digest}.npy"
    if not path.is_file():
        partial = folder / "vectors-partial.npy"
        run_encoder(list(_batched(texts, BATCH)), folder, vectors=partial)
        partial.replace(path)
    return RecalledEncoder(spec, dict(zip(texts, np.load(path), strict=True)))


def fill_index(
    client: Elasticsearch,
    name: str,
    changes: Iterable[ProductChange],
    encoder: RecalledEncoder,
    specs: Mapping[str, EncoderSpec],
    *,
    total: int,
    console: Console,
    one_segment: bool = False,
    quantization: str = "int8_hnsw",
) -> int:
    """Create the index, write every change, make it searchable, and return how many are in it.

    one_segment: merge to one, as the peers are measured.
    """
    live = create_index(client, name, specs, quantization=quantization)
    client.indices.put_settings(index=live.index, settings={"index": {"refresh_interval": "-1"}})
    pipeline = Pipeline(client, encoder)
    indexed = 0
    with ThreadPoolExecutor(_WRITERS) as writers:
        for group in track(
            _groups(changes),
            total=-(-total // (BATCH * _WRITERS)),
            description=f"filling {name}",
            console=console,
            transient=True,
        ):
            outcomes = writers.map(lambda batch: pipeline.process(name, batch), group)
            indexed += sum(outcome.indexed for outcome in outcomes)
    client.indices.put_settings(index=live.index, settings={"index": {"refresh_interval": "1s"}})
    client.indices.refresh(index=write_alias(name))
    if one_segment:
        client.indices.forcemerge(index=live.index, max_num_segments=1)
        client.indices.refresh(index=live.index)
    wait_for_merges(client, live.index)
    return indexed


def wait_for_merges(client: Elasticsearch, index: str) -> None:
    """Wait until Elasticsearch merges no segments, which would take a core from the searches."""
    while client.indices.stats(index=index, metric="merge")["_all"]["total"]["merges"]["current"]:
        time.sleep(_POLL_SECONDS)


def _groups(changes: Iterable[ProductChange]) -> Iterator[list[list[ProductChange]]]:
    """Yield as many batches at a time as there are writers, so that few are in memory."""
    yield from _batched(_batched(changes, BATCH), _WRITERS)


def _batched(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield lists of `size` items, the last one shorter (itertools.batched is of Python 3.12)."""
    source = iter(items)
    while group := list(islice(source, size)):
        yield group
