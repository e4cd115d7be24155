"""Points in time and scrolls through the service, by the official client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from elasticsearch import BadRequestError, Elasticsearch, NotFoundError
from elasticsearch.helpers import scan
from flask.testing import FlaskClient

from mappings.errors import Forbidden
from service.compat.cursors import CursorCall, Cursors, key_of_secrets, made_id, read_id
from service.compat.exchange import Media
from service.compat.parameters import Parameters
from tests.service.compat.shop_index import products
from tests.service.conftest import services_of

KEY = key_of_secrets({"password": "x"})
WORDS = {"match": {"name": "wireless mouse"}}


@pytest.fixture
def client(address: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(address) as client:
        yield client


@pytest.mark.cluster
@pytest.mark.parametrize("name", ["attached", "unattached"])
def test_client_walks_through_a_point_in_time(
    client: Elasticsearch, names: dict[str, str], name: str
) -> None:
    point = client.open_point_in_time(index=names[name], keep_alive="1m")["id"]
    found: dict[str, Any] = {}
    after: list[Any] | None = None
    while True:
        page = client.search(
            pit={"id": point, "keep_alive": "1m"},
            query=WORDS,
            sort=["sku"],
            size=50,
            search_after=after,
        )
        hits = page["hits"]["hits"]
        if not hits:
            break
        found |= {hit["_id"]: hit["_source"] for hit in hits}
        after, point = hits[-1]["sort"], page["pit_id"]
    shop = products()
    wanted = {key for key, one in shop.items() if {"wireless", "mouse"} & set(one["name"].split())}
    assert set(found) == wanted and len(wanted) > 50
    assert all(source == shop[key] for key, source in found.items()), "and nothing of ours"
    assert client.close_point_in_time(id=point)["succeeded"] is True
    with pytest.raises(NotFoundError, match="No search context found"):
        client.search(pit={"id": point}, size=1)


@pytest.mark.cluster
@pytest.mark.parametrize("name", ["attached", "unattached"])
def test_client_scans_an_index_by_scrolling(
    client: Elasticsearch, names: dict[str, str], name: str
) -> None:
    hits = scan(client, index=names[name], query={"query": {"match_all": {}}}, size=100)
    assert {hit["_id"]: hit["_source"] for hit in hits} == products()


@pytest.mark.cluster
def test_body_that_is_made_hybrid_is_refused_by_name_unless_it_says_that_it_shall_pass(
    client: Elasticsearch, attached: str
) -> None:
    point = client.open_point_in_time(index=attached, keep_alive="1m")["id"]
    with pytest.raises(BadRequestError, match="pit: a search that is made hybrid"):
        client.search(pit={"id": point}, query=WORDS)
    with pytest.raises(BadRequestError, match="scroll: a search that is made hybrid"):
        client.search(index=attached, scroll="1m", query=WORDS)
    passed = {"shelfwise": {"hybrid": False}}
    assert client.search(pit={"id": point}, query=WORDS, ext=passed)["hits"]["hits"]
    first = client.search(index=attached, scroll="1m", query=WORDS, ext=passed)
    assert client.clear_scroll(scroll_id=[first["_scroll_id"]])["succeeded"] is True
    client.close_point_in_time(id=point)


@pytest.mark.cluster
def test_ids_of_others_are_refused(compat: FlaskClient, cluster: Elasticsearch) -> None:
    cluster.indices.create(index="shelfwise-cursor-test")
    try:
        own = cluster.open_point_in_time(index="shelfwise-cursor-test", keep_alive="1m")["id"]
        for given in (own, made_id(KEY, "pit", "shop", own), None, 5):
            answer = compat.post("/_search", json={"pit": {"id": given}})
            assert answer.status_code == 400
            reason = cast(Any, answer.json)["error"]["reason"]
            assert reason.startswith("pit.id: is none that was given out here")
        for method in ("post", "delete"):
            answer = getattr(compat, method)("/_search/scroll", json={"scroll_id": own})
            assert answer.status_code == 400
        assert compat.delete("/_pit", json={"id": own}).status_code == 400
        assert compat.post("/_search", json={}).status_code == 400
        assert compat.post("/shelfwise-keys/_pit?keep_alive=1m").status_code == 403
        cluster.close_point_in_time(id=own)
    finally:
        cluster.indices.delete(index="shelfwise-cursor-test")


@pytest.mark.cluster
def test_id_is_used_only_with_a_key_for_its_indexes(
    compat: FlaskClient, attached: str, cluster: Elasticsearch
) -> None:
    cursors: Cursors = services_of(compat.application).cursors
    own = cluster.open_point_in_time(index=attached, keep_alive="1m")["id"]
    given = made_id(cursors.key, "pit", attached, own)

    def may_not(name: str) -> None:
        raise Forbidden(f"not {name}", field="index")

    raw = f'{{"pit": {{"id": "{given}"}}}}'.encode()
    with pytest.raises(Forbidden, match=attached):
        cursors.search_point(CursorCall(raw, Parameters(), Media(), may_not))
    cluster.close_point_in_time(id=own)


def test_nothing_is_opened_unless_the_settings_say_so() -> None:
    cursors = Cursors(cast(Any, None), KEY, "none")
    call = CursorCall(b"{}", Parameters(), Media(), lambda name: None)
    for act in (cursors.search_point, cursors.close_point, cursors.next_page):
        with pytest.raises(Forbidden, match="SHELFWISE_SERVICE_PASS_THROUGH is 'none'"):
            act(call)


def test_id_holds_only_as_it_was_made() -> None:
    made = made_id(KEY, "pit", "shop,other", "abc=")
    assert read_id(KEY, "pit", made) == ("shop,other", "abc=")
    assert read_id(KEY, "scroll", made) is None
    assert read_id(key_of_secrets({"password": "y"}), "pit", made) is None
    other = made_id(KEY, "pit", "secret", "abc=").split("~")[1]
    signature, _, own = made.split("~")
    assert read_id(KEY, "pit", f"{signature}~{other}~{own}") is None
    for given in ("", "a~b", "~~", "a~b~c", "ä~ö~ü", None, 7, "x" * 300_000):
        assert read_id(KEY, "pit", given) is None
