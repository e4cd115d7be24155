"""From a shop's own index to hybrid answers and back, by the code that attaches and detaches."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient

from indexer.attach.companion_index import COMPANION_PREFIX
from indexer.attach.detaching import detach
from indexer.attach.follower import Follower, FollowerParts
from indexer.attach.opening import Mode, Wish, open_attachment
from indexer.attach.proposal import propose
from indexer.attach.shop_index import find_shop_index
from indexer.encoders.hashing import HashingEncoder
from mappings.attachments import Attachments
from tests.service.compat.recorded import ids_of
from tests.service.compat.shop_index import TEMPLATE, make_shop
from tests.service.compat.test_hybrid_answers import WORDS

pytestmark = pytest.mark.cluster


@pytest.fixture
def boutique(cluster: Elasticsearch) -> Iterator[str]:
    name = f"boutique-{secrets.token_hex(4)}"
    make_shop(cluster, name)
    yield name
    Attachments(cluster).remove(name)
    made = cluster.indices.get(index=f"{name},{COMPANION_PREFIX}{name}*", expand_wildcards="all")
    for index in made:
        cluster.indices.delete(index=index)


@pytest.mark.parametrize("mode", ["in_place", "companion"])
def test_attached_shop_is_searched_by_meaning_too_and_a_detached_one_as_before(
    cluster: Elasticsearch, compat: FlaskClient, boutique: str, mode: Mode
) -> None:
    body = {"query": WORDS, "size": 240, "_source": ["name"]}
    before = cluster.search(index=boutique, **{"query": WORDS, "size": 240})
    shop = find_shop_index(cluster, boutique)
    fields: dict[str, tuple[str, ...]] = {}
    for guess in propose(cluster, shop):
        fields[guess.field] = (*fields.get(guess.field, ()), guess.path)
    assert {name: fields[name] for name in ("title", "description", "brand", "price")} == {
        "title": ("name",),
        "description": ("desc",),
        "brand": ("manufacturer",),
        "price": ("price",),
    }
    encoder = HashingEncoder(template=TEMPLATE)
    attachment = open_attachment(cluster, shop, Wish(fields, encoder.spec, mode=mode))
    follower = Follower(FollowerParts(cluster, lambda _: encoder))
    while follower.has_news(attachment):
        attachment = follower.turn(attachment)
    answer = compat.post(f"/{boutique}/_search", json=body)
    assert answer.headers["Shelfwise-Search"].startswith("hybrid")
    by_words = {hit["_id"] for hit in before["hits"]["hits"]}
    assert by_words < set(ids_of(answer.json))
    assert {hit["_index"] for hit in answer.json["hits"]["hits"]} == {boutique}
    assert all(set(hit["_source"]) == {"name"} for hit in answer.json["hits"]["hits"])
    detach(cluster, Attachments(cluster).set_detaching(boutique))
    after = cluster.search(index=boutique, **{"query": WORDS, "size": 240})
    assert {hit["_id"]: hit["_source"] for hit in after["hits"]["hits"]} == {
        hit["_id"]: hit["_source"] for hit in before["hits"]["hits"]
    }
