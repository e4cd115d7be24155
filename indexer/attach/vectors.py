"""Vectors for a page of a shop's documents: those that are there already, else encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from indexer.attach.feed import FeedDocument
from indexer.attach.field_paths import FieldPaths, document_text
from indexer.attach.whole_documents import read_whole
from indexer.documents import text_digest
from indexer.encoders.base import TextEncoder
from indexer.text_embedding import encode_texts
from indexer.vector_cache import VectorCache
from mappings.attachments import ATTACHED_TEXT_HASH, ATTACHED_TEXT_VECTOR, OWN_FIELD

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class PageVectors:
    """By place in the page. refused: why a text has no vector."""

    vectors: Mapping[int, Vector]
    refused: Mapping[int, str]


class VectorSource:
    """Finds the vectors of texts: in indexes that have them, in the cache, or by the encoder.

    donors: indexes, the most likely first, whose documents of the same id may have the vector.
    """

    def __init__(
        self,
        client: Elasticsearch,
        encoder: TextEncoder,
        paths: FieldPaths,
        *,
        cache: VectorCache | None = None,
        donors: Sequence[str] = (),
    ) -> None:
        self._client = client
        self._encoder = encoder
        self._paths = paths
        self._cache = cache
        self._donors = donors

    def digests(self, documents: Sequence[FeedDocument]) -> list[str]:
        """Return what each document's vector should stand for; empty for one without words."""
        return [
            text_digest(self._encoder.spec, text) if text else ""
            for text in self._texts(documents)
        ]

    def vectors(
        self, documents: Sequence[FeedDocument], digests: Sequence[str], places: Sequence[int]
    ) -> PageVectors:
        """Return the vectors of the documents at some places of a page.

        digests: of the whole page, from `digests`. A place without words gets none.
        """
        wanted = [place for place in places if digests[place]]
        found = self._donated(documents, digests, wanted)
        missing = [place for place in wanted if place not in found]
        texts = self._texts([documents[place] for place in missing])
        by_place = {str(place): text for place, text in zip(missing, texts, strict=True)}
        encoded, refused = encode_texts(self._encoder, by_place, self._cache)
        return PageVectors(
            found | {int(place): vector for place, vector in encoded.items()},
            {int(place): reason for place, reason in refused.items()},
        )

    def _texts(self, documents: Sequence[FeedDocument]) -> list[str]:
        template = self._encoder.spec.template
        return [document_text(document.source, self._paths, template) for document in documents]

    def _donated(
        self, documents: Sequence[FeedDocument], digests: Sequence[str], places: Sequence[int]
    ) -> dict[int, Vector]:
        found: dict[int, Vector] = {}
        for donor in self._donors:
            missing = [place for place in places if place not in found]
            if missing:
                found |= self._from(donor, documents, digests, missing)
        return found

    def _from(
        self,
        donor: str,
        documents: Sequence[FeedDocument],
        digests: Sequence[str],
        places: Sequence[int],
    ) -> dict[int, Vector]:
        answers = read_whole(
            self._client,
            donor,
            [(documents[place].document_id, documents[place].routing) for place in places],
            paths=(ATTACHED_TEXT_HASH, ATTACHED_TEXT_VECTOR),
        )
        found: dict[int, Vector] = {}
        for place, document in zip(places, answers, strict=True):
            own = document.get("_source", {}).get(OWN_FIELD) or {}
            if own.get("text_hash") != digests[place] or not own.get("text_vector"):
                continue
            vector = np.asarray(own["text_vector"], dtype=np.float32)
            if vector.shape == (self._encoder.spec.dims,):
                found[place] = vector
        return found
