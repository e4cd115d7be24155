"""Pages of one search are cut from one ranking, also while the index changes."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.encoders.hashing import HashingEncoder
from mappings.index_lifecycle import create_index
from service.page import Ranked
from service.ranked_windows import TTL_SECONDS, RankedWindow, RankedWindows
from service.retrieval.candidates import Candidates
from service.search_results import FusedScores, LegScores, Total
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import TEMPLATE, fill


def window(aggregations: dict) -> RankedWindow:
    scores = LegScores((), (), np.zeros((0, 0)))
    fused = FusedScores(np.zeros(0), np.zeros((0, 0)))
    candidates = Candidates(scores, Total(0), {}, {}, ())
    return RankedWindow(candidates, Ranked(scores, fused, {}, ranked=True), aggregations)


def test_window_is_known_by_index_search_and_facets_until_it_expires():
    now = [0.0]
    windows = RankedWindows(clock=lambda: now[0])
    kept = window({"facet:brand": 1})
    windows.put("shop-v1", "abc", kept)
    assert windows.get("shop-v1", "abc", {"facet:brand": 1}) is kept
    assert windows.get("shop-v2", "abc", {"facet:brand": 1}) is None
    assert windows.get("shop-v1", "abd", {"facet:brand": 1}) is None
    assert windows.get("shop-v1", "abc", {}) is None
    now[0] = TTL_SECONDS + 0.1
    assert windows.get("shop-v1", "abc", {"facet:brand": 1}) is None


@pytest.mark.cluster
@pytest.mark.parametrize("paging", ["offset", "cursor"])
def test_product_that_comes_between_two_pages_shifts_nothing(search, cluster, index_name, paging):
    create_index(cluster, index_name, {"text_vector": HashingEncoder(template=TEMPLATE).spec})
    fill(cluster, index_name, PRODUCTS[:40])
    first = search(index_name, q="model", limit=10)
    fill(cluster, index_name, [{"id": "new", "title": "model model model"}])
    place = {"offset": 10} if paging == "offset" else {"cursor": first["cursor"]}
    second = search(index_name, q="model", limit=10, **place)
    both = [hit["id"] for hit in first["hits"] + second["hits"]]
    assert len(set(both)) == 20
    assert "new" not in both
    assert second["total"] == first["total"]
    assert search(index_name, q="model", limit=1)["hits"][0]["id"] == "new"
