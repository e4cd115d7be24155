"""The identity of an encoder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mappings.encoder_spec import EncoderSpec, external
from mappings.errors import EncoderMismatch, MappingMismatch

SPEC = EncoderSpec("minilm", "ab12", 384, template="{title}. {brand}")


def test_meta_round_trip():
    assert EncoderSpec.from_meta(SPEC.to_meta(), field="text_vector") == SPEC


@pytest.mark.parametrize(
    "meta",
    [{}, {"name": "minilm"}, {**SPEC.to_meta(), "pooling": "mean"}],
    ids=["empty", "key missing", "key of a later version"],
)
def test_meta_of_another_version_is_refused_by_field(meta):
    with pytest.raises(MappingMismatch, match="text_vector") as caught:
        EncoderSpec.from_meta(meta, field="text_vector")
    assert caught.value.field == "text_vector"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "hashing"}, "name is 'hashing' in the index but 'minilm' here"),
        ({"revision": "cd34"}, "revision is 'cd34' in the index but 'ab12' here"),
        ({"dims": 256}, "dims is 256 in the index but 384 here"),
        ({"similarity": "dot_product"}, "similarity is 'dot_product' in the index but 'cosine'"),
        ({"template": "{title}"}, "template is '{title}' in the index but '{title}. {brand}'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_any_difference_is_a_mismatch_that_tells_both_sides(change, words):
    of_index = replace(SPEC, **change)
    with pytest.raises(EncoderMismatch) as caught:
        of_index.require_same(SPEC, index="products-v1", field="text_vector")
    assert words in str(caught.value)
    assert "products-v1" in str(caught.value)
    assert caught.value.field == "text_vector"


def test_all_differences_are_named_at_once():
    other = replace(SPEC, dims=256, revision="x")
    with pytest.raises(EncoderMismatch, match=r"revision.*dims"):
        SPEC.require_same(other, index="i", field="text_vector")


def test_same_is_quiet():
    SPEC.require_same(replace(SPEC), index="i", field="text_vector")


def test_external_is_told_by_name():
    assert external(512).is_external
    assert external(512).dims == 512
    assert not SPEC.is_external
