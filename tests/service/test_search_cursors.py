"""Cursors that were forged, and paging over several shards."""

from __future__ import annotations

import pytest

from indexer.encoders.hashing import HashingEncoder
from mappings.index_lifecycle import create_index
from service.cursor import Cursor, encode_cursor, fingerprint
from service.search_request import SearchRequest
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import TEMPLATE, fill

pytestmark = pytest.mark.cluster
SEARCHES = {
    "words": {"q": "model"},
    "fast": {"q": "model", "mode": "fast"},
    "sorted": {"sort": [{"price": "asc"}]},
    "by date": {"sort": [{"released_at": "asc"}, {"price": "desc"}]},
    "browse": {},
    "variants once": {"q": "model", "collapse": "parent_id"},
}
FORGED = [
    Cursor("window", 0, (0.5, "p001")),
    Cursor("window", 3, (1e308, "")),
    Cursor("window", 2**63 - 1, (0.5, "p001")),
    Cursor("tail", 0, ()),
    Cursor("tail", 2**63 - 1, ()),
    Cursor("tail", 5, (1.5,)),
    Cursor("tail", 5, ("x", "y")),
    Cursor("tail", 5, ("2020-01-01", 1e308, "p001")),
    Cursor("tail", 5, tuple(range(50))),
    Cursor("tail", 9_999, (0.5, "p001")),
]


@pytest.mark.parametrize("cursor", FORGED, ids=str)
@pytest.mark.parametrize("body", SEARCHES.values(), ids=SEARCHES)
def test_forged_cursor_is_a_page_or_a_400(client, shop, body, cursor):
    text = encode_cursor(cursor, fingerprint(shop, SearchRequest.parse(body)))
    response = client.post(f"/v1/indexes/{shop}/search", json={**body, "cursor": text, "limit": 5})
    if response.status_code != 200:
        assert response.status_code == 400, response.text
        error = response.json["error"]
        # What only Elasticsearch can tell, such as text where a date should be, names the body.
        assert error["field"] in ("cursor", "body")
        assert len(error["message"]) < 300
    else:
        assert len(response.json["hits"]) <= 5


@pytest.mark.parametrize("body", SEARCHES.values(), ids=SEARCHES)
def test_pages_over_several_shards_hold_every_product_once(search, cluster, index_name, body):
    spec = HashingEncoder(template=TEMPLATE).spec
    create_index(cluster, index_name, {"text_vector": spec}, shards=3)
    fill(cluster, index_name, PRODUCTS[:40])
    body = {**body, "rank_window_size": 10}
    answer = search(index_name, **body, limit=7)
    ids = [hit["id"] for hit in answer["hits"]]
    while answer["cursor"]:
        answer = search(index_name, **body, limit=7, cursor=answer["cursor"])
        ids += [hit["id"] for hit in answer["hits"]]
    assert len(set(ids)) == len(ids) == answer["total"]["value"]
    if "collapse" not in body:
        assert set(ids) == {product["id"] for product in PRODUCTS[:40]}
