"""Which legs a query and an index have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from indexer.encoders.base import Embeddings
from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_hashing import HashingImageEncoder
from mappings.encoder_spec import EncoderSpec, external
from mappings.errors import InvalidQuery
from mappings.index_lifecycle import LiveIndex
from service.query_legs import build_legs
from service.query_vectors import IndexEncoders, QueryVectors, shares_space, vector_legs
from service.ranking.weights import load_default
from service.search_request import SearchRequest

TEXT = HashingEncoder().spec
PHOTOS = HashingImageEncoder().spec
CLIP = EncoderSpec("clip", "abc", 16, template="")
PHOTO = np.eye(PHOTOS.dims, dtype=np.float32)[0]

FIELDS = {
    "text_vector": ("text_vector", ""),
    "text_to_image": ("photos.vector", "photos"),
    "image_vector": ("photos.vector", "photos"),
    "image_to_text": ("text_vector", ""),
}


class Words:
    """Counts how often it is asked."""

    def __init__(self, dims: int) -> None:
        self.spec = EncoderSpec("words", "1", dims)
        self.calls = 0

    def encode(self, texts: Sequence[str]) -> Embeddings:
        self.calls += 1
        return np.ones((len(texts), self.spec.dims), dtype=np.float32)


def index(**encoders: EncoderSpec) -> LiveIndex:
    return LiveIndex("shop", "shop-v1", encoders)


def fields_of(query: QueryVectors, live: LiveIndex, encoders: IndexEncoders) -> Mapping:
    made = {name: leg() for name, leg in vector_legs(query, live, encoders).items()}
    return {name: (leg.field, leg.path) for name, leg in made.items() if leg is not None}


CASES = [
    ("one space", {"text_vector": TEXT, "image_vector": PHOTOS}, None, set(FIELDS)),
    (
        "another text encoder",
        {"text_vector": replace(TEXT, revision="2"), "image_vector": PHOTOS},
        None,
        {"text_vector", "image_vector"},
    ),
    (
        "no space of text",
        {"text_vector": TEXT, "image_vector": replace(PHOTOS, text_space="")},
        None,
        {"text_vector", "image_vector"},
    ),
    (
        "other dims",
        {"text_vector": TEXT, "image_vector": replace(PHOTOS, dims=8)},
        None,
        {"text_vector", "image_vector"},
    ),
    (
        "words of its own",
        {"text_vector": TEXT, "image_vector": CLIP},
        16,
        {"text_vector", "text_to_image", "image_vector"},
    ),
    (
        "photos alone",
        {"image_vector": CLIP},
        16,
        {"text_to_image", "image_vector"},
    ),
    ("text alone", {"text_vector": TEXT}, None, {"text_vector"}),
]


@pytest.mark.parametrize(
    ("encoders", "words", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_legs_are_those_whose_vectors_can_be_compared(encoders, words, expected):
    live = index(**encoders)
    text = Words(TEXT.dims) if "text_vector" in encoders else None
    ours = IndexEncoders(text, Words(words) if words else None)
    photo = PHOTO if live.image_encoder else None
    found = fields_of(QueryVectors({"lamp": 1.0}, {}, photo), live, ours)
    assert found == {name: FIELDS[name] for name in expected}
    by_words = fields_of(QueryVectors({"lamp": 1.0}, {}), live, ours)
    assert set(by_words) == expected & {"text_vector", "text_to_image"}
    by_photo = fields_of(QueryVectors({}, {}, photo), live, ours)
    assert set(by_photo) == expected & {"image_vector", "image_to_text"}


def test_words_are_encoded_once_for_both_of_their_legs_and_only_when_asked():
    live = index(text_vector=TEXT, image_vector=PHOTOS)
    assert shares_space(live)
    words = Words(TEXT.dims)
    legs = vector_legs(QueryVectors({"lamp": 1.0}, {}), live, IndexEncoders(words))
    assert words.calls == 0
    assert [legs[name]() is not None for name in ("text_vector", "text_to_image")] == [True, True]
    assert words.calls == 1


def test_vector_that_the_shop_brings_stands_in_its_own_field():
    live = index(text_vector=external(4), image_vector=external(3))
    brought = {"text_vector": np.ones((1, 4)), "image_vector": np.ones((1, 3))}
    found = fields_of(QueryVectors({"lamp": 1.0}, brought), live, IndexEncoders())
    assert found == {"text_vector": ("text_vector", ""), "image_vector": ("image_vector", "")}


def test_words_that_cancel_out_leave_their_vector_legs_out():
    live = index(text_vector=TEXT, image_vector=PHOTOS)
    query = QueryVectors({"lamp": 1.0, "light": -1.0}, {}, PHOTO)
    legs = build_legs(
        SearchRequest(),
        query,
        live,
        encoders=IndexEncoders(Words(TEXT.dims)),
        ranking=load_default(),
    )
    assert set(legs.weights) == {"lexical", "image_vector", "image_to_text"}
    assert sum(legs.weights.values()) == pytest.approx(1.0)


def test_photo_alone_that_weighs_nothing_is_refused():
    request = SearchRequest.parse({"image": {"upload": "p", "weight": 0}})
    live = index(text_vector=TEXT, image_vector=PHOTOS)
    with pytest.raises(InvalidQuery) as caught:
        build_legs(
            request,
            QueryVectors({}, {}, PHOTO),
            live,
            encoders=IndexEncoders(Words(TEXT.dims)),
            ranking=load_default(),
        )
    assert caught.value.field == "image.weight"


def test_leg_that_is_left_out_costs_no_encoding():
    clip = index(text_vector=TEXT, image_vector=CLIP)
    words = Words(CLIP.dims)
    legs = build_legs(
        SearchRequest(),
        QueryVectors({"lamp": 1.0}, {}),
        clip,
        encoders=IndexEncoders(Words(TEXT.dims), words),
        ranking=load_default(),
        left_out={"text_to_image"},
    )
    assert set(legs.weights) == {"lexical", "text_vector"}
    assert words.calls == 0
