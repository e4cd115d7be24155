"""What every encoder of the registry promises, worker side and service side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.encoders.base import TextEncoder
from indexer.encoders.registry import load_query_encoder, load_text_encoder, text_encoder_spec
from tests.indexer.encoders.conftest import TEMPLATE

MODELS = [
    pytest.param(name, marks=pytest.mark.models)
    for name in ("minilm_torch", "minilm_onnx", "tiny_torch", "tiny_onnx")
]
TEXTS = [
    "cordless mouse",
    "",
    "   ",
    "HP laptop with a red case for the phone",
    "word " * 2000,
    "x" * 100_000,
    "🎧🙂👩‍👩‍👧",
    "سماعات لاسلكية",
    "\x00\x07\u200b\ufeff tab\tnew\nline",
    "half of an emoji \ud83d here",
    "usb",
    "ノートパソコン",
]


@pytest.fixture(params=["hashing_text", "hashing_query", *MODELS])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> TextEncoder:
    if request.param == "hashing_text":
        return load_text_encoder("hashing", template=TEMPLATE)
    if request.param == "hashing_query":
        return load_query_encoder("hashing", template=TEMPLATE, model_directory=tmp_path)
    return request.getfixturevalue(request.param)


def test_it_is_a_text_encoder(encoder: TextEncoder) -> None:
    assert isinstance(encoder, TextEncoder)


def test_vectors_are_float32_of_the_specs_length(encoder: TextEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.spec.dims)
    assert vectors.dtype == np.float32


def test_every_text_gives_a_unit_vector(encoder: TextEncoder) -> None:
    np.testing.assert_allclose(np.linalg.norm(encoder.encode(TEXTS), axis=1), 1.0, atol=1e-5)


def test_no_texts_give_no_rows(encoder: TextEncoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.spec.dims)


def test_same_texts_give_the_same_numbers_again(encoder: TextEncoder) -> None:
    np.testing.assert_array_equal(encoder.encode(TEXTS), encoder.encode(TEXTS))


def test_alone_and_in_a_batch_agree(encoder: TextEncoder) -> None:
    together = encoder.encode(TEXTS)
    alone = np.vstack([encoder.encode([text]) for text in TEXTS])
    assert np.sum(together * alone, axis=1).min() > 0.9999


def test_order_is_kept_whatever_the_lengths(encoder: TextEncoder) -> None:
    texts = [f"{'red ' * (number % 7)}mouse {number}" for number in range(100)]
    forwards, backwards = encoder.encode(texts), encoder.encode(texts[::-1])
    assert np.sum(forwards * backwards[::-1], axis=1).min() > 0.9999


def test_different_texts_give_different_vectors(encoder: TextEncoder) -> None:
    first, second = encoder.encode(["cordless mouse", "red shoes"])
    assert first @ second < 0.99


def test_the_argument_is_not_changed(encoder: TextEncoder) -> None:
    texts = list(TEXTS)
    encoder.encode(texts)
    assert texts == TEXTS


def test_the_spec_carries_the_callers_template(encoder: TextEncoder) -> None:
    assert encoder.spec.template == TEMPLATE
    assert encoder.spec.similarity == "cosine"


@pytest.mark.parametrize(
    ("name", "worker", "service"),
    [
        ("hashing", None, None),
        pytest.param("minilm", "minilm_torch", "minilm_onnx", marks=pytest.mark.models),
        pytest.param("tiny", "tiny_torch", "tiny_onnx", marks=pytest.mark.models),
    ],
    ids=["hashing", "minilm", "tiny"],
)
def test_worker_and_service_have_one_identity(
    name: str,
    worker: str | None,
    service: str | None,
    request: pytest.FixtureRequest,
    model_directory: Path,
) -> None:
    if worker is None or service is None:
        text = load_text_encoder(name, template=TEMPLATE)
        query = load_query_encoder(name, template=TEMPLATE, model_directory=model_directory)
    else:
        text, query = request.getfixturevalue(worker), request.getfixturevalue(service)
    if name == "tiny":
        name = str(request.getfixturevalue("tiny_model"))
    told = text_encoder_spec(name, template=TEMPLATE, model_directory=model_directory)
    assert text.spec == query.spec == told
