"""The benchmark's catalogue, its queries, and the vectors that are brought along."""

from __future__ import annotations

from collections import Counter

import numpy as np
import orjson
import pytest

from benchmarks.catalogue import Catalogue, open_catalogue, original_text
from benchmarks.filling import RecalledEncoder
from benchmarks.queries import query_texts, requests
from mappings.encoder_spec import EncoderSpec
from service.search_request import SearchRequest

SPEC = EncoderSpec("recorded", "1", 16, template="{title}. {brand}")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> Catalogue:
    return open_catalogue(tmp_path_factory.mktemp("no-data"))


def test_without_data_the_sample_is_repeated_without_equal_texts_or_ids(catalogue):
    size = 3 * len(catalogue.base) + 7
    records = list(catalogue.records(size))
    assert len(records) == size
    assert Counter(record["id"] for record in records).most_common(1)[0][1] == 1
    base = {record["title"] for record in catalogue.base}
    repeated = [record["title"] for record in records[len(catalogue.base) :]]
    assert not base & set(repeated)


def test_text_of_a_repeated_product_leads_back_to_its_original(catalogue):
    count = len(catalogue.base)
    texts = catalogue.texts(count + 50, SPEC.template)
    assert [original_text(text) for text in texts[count:]] == texts[:50]


def test_written_file_leaves_out_what_is_skipped(catalogue, tmp_path):
    path = catalogue.write(tmp_path / "products.jsonl", 3, skip=5)
    ids = [orjson.loads(line)["id"] for line in path.read_bytes().splitlines()]
    assert ids == [record["id"] for record in list(catalogue.records(8))[5:]]


def test_every_request_is_one_that_the_service_takes(catalogue, tmp_path):
    texts = query_texts(catalogue, tmp_path)
    parsed = [SearchRequest.parse(orjson.loads(body)) for body in requests(texts, catalogue)]
    assert [request.q for request in parsed] == texts
    assert len(set(texts)) == len(texts) > 100
    assert any(request.filter for request in parsed) and any(r.facets for r in parsed)


def test_recalled_vector_of_an_original_is_the_kept_one_and_of_a_copy_is_near_it():
    draw = np.random.default_rng(3)
    rows = draw.normal(size=(2, 16))
    kept = dict(zip("ab", rows / np.linalg.norm(rows, axis=1, keepdims=True), strict=True))
    encoder = RecalledEncoder(SPEC, {text: row.astype(np.float32) for text, row in kept.items()})
    a, a_copy, b = encoder.encode(["a", "a revision 2", "b"])
    assert a == pytest.approx(kept["a"], abs=1e-6) and b == pytest.approx(kept["b"], abs=1e-6)
    assert 0.9 < float(a @ a_copy) < 0.9999
    assert np.array_equal(a_copy, encoder.encode(["a revision 2"])[0])
