"""Pages: what the total counts is what paging finds, each product once, in one order."""

from __future__ import annotations

import pytest

from tests.service.catalogue import BY_ID, group_of, kept_ids
from tests.service.conftest import Search

pytestmark = pytest.mark.cluster
LIMIT = 7
PART = {"brand": ["HP", "Léon"], "categories": "Computers"}
"""Some 70 products: eleven pages."""

WORDS = {"q": "wireless gaming model mouse", "filter": PART}
SMALL_WINDOW = {"rank_window_size": 10}
SEARCHES = {
    "hybrid": WORDS | SMALL_WINDOW,
    "hybrid of one request's window": WORDS,
    "window of exactly some pages": WORDS | {"rank_window_size": 2 * LIMIT},
    "window of one product": WORDS | {"rank_window_size": 1},
    "reciprocal rank": WORDS | SMALL_WINDOW | {"fusion": "reciprocal_rank"},
    "words alone": WORDS | SMALL_WINDOW | {"weights": {"lexical": 1}},
    "vector alone": WORDS | SMALL_WINDOW | {"weights": {"text_vector": 1}},
    "fast": WORDS | SMALL_WINDOW | {"mode": "fast"},
    "price upwards": WORDS | {"sort": [{"price": "asc"}]},
    "price downwards": WORDS | {"sort": [{"price": "desc"}]},
    "date upwards": WORDS | {"sort": [{"released_at": "asc"}]},
    "date downwards": {"filter": PART, "sort": [{"released_at": "desc"}]},
    "two fields": {"filter": PART, "sort": [{"popularity": "desc"}, {"price": "asc"}]},
    "id downwards": {"filter": PART, "sort": [{"id": "desc"}]},
    "price, fast": WORDS | {"sort": [{"price": "asc"}], "mode": "fast"},
    "browse": {"filter": PART},
    "browse, fast": {"filter": PART, "mode": "fast"},
    "variants once": WORDS | SMALL_WINDOW | {"collapse": "parent_id"},
    "variants once, by price": WORDS | {"collapse": "parent_id", "sort": [{"price": "asc"}]},
    "variants once, browse": {"filter": PART, "collapse": "parent_id"},
    "variants once, fast": WORDS | {"collapse": "parent_id", "mode": "fast"},
}
every_search = pytest.mark.parametrize("body", SEARCHES.values(), ids=SEARCHES)


def by_offset(search: Search, body: dict, limit: int = LIMIT) -> list[dict]:
    pages = [search(**body, limit=limit, offset=0)]
    while len(pages) * limit < pages[0]["total"]["value"]:
        pages.append(search(**body, limit=limit, offset=len(pages) * limit))
    return pages


def by_cursor(search: Search, body: dict, limit: int = LIMIT) -> list[dict]:
    pages = [search(**body, limit=limit)]
    while pages[-1]["cursor"]:
        pages.append(search(**body, limit=limit, cursor=pages[-1]["cursor"]))
        assert len(pages) < 100, "the cursor never ends"
    return pages


def ids_of(pages: list[dict]) -> list[str]:
    return [hit["id"] for page in pages for hit in page["hits"]]


@every_search
def test_pages_hold_every_product_of_the_total_once(search, body):
    pages = by_cursor(search, body)
    ids = ids_of(pages)
    totals = {(page["total"]["value"], page["total"]["relation"]) for page in pages}
    assert totals == {(len(ids), "eq")}
    assert len(set(ids)) == len(ids) > 3 * LIMIT
    assert [len(page["hits"]) for page in pages[:-1]] == [LIMIT] * (len(pages) - 1)
    assert ids_of(by_offset(search, body)) == ids
    if "collapse" in body:
        groups = [group_of(BY_ID[name]) for name in ids]
        assert len(set(groups)) == len(groups)
        assert set(groups) == {group_of(BY_ID[name]) for name in kept_ids(PART)}
    elif "weights" in body:  # one leg alone need not find all
        assert set(ids) <= kept_ids(PART)
    else:
        assert set(ids) == kept_ids(PART)


@every_search
def test_page_size_does_not_change_the_order(search, body):
    assert ids_of(by_cursor(search, body, limit=30)) == ids_of(by_cursor(search, body, limit=13))


def test_whole_shop_is_paged_beyond_the_window(search):
    body = {"q": "wireless mouse model", "rank_window_size": 100}
    pages = by_cursor(search, body, limit=60)
    assert len(set(ids_of(pages))) == pages[0]["total"]["value"] == len(ids_of(pages))


def test_cursor_may_be_used_with_another_page_size(search):
    body = WORDS | SMALL_WINDOW
    whole = ids_of(by_cursor(search, body, limit=50))
    first = search(**body, limit=4)
    second = search(**body, limit=9, cursor=first["cursor"])
    third = search(**body, limit=20, cursor=second["cursor"])
    assert ids_of([first, second, third]) == whole[: 4 + 9 + 20]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("field", ["price", "popularity", "released_at"])
def test_sorted_by_field_missing_values_last_ties_by_id(search, field, order):
    ids = ids_of(by_cursor(search, {"filter": PART, "sort": [{field: order}]}, limit=50))
    found = [(BY_ID[name].get(field), name) for name in ids]
    with_value = [pair for pair in found if pair[0] is not None]
    without = [pair for pair in found if pair[0] is None]
    assert found == with_value + without
    assert without
    assert without == sorted(without, key=lambda pair: pair[1])
    expected = sorted(with_value, key=lambda pair: pair[1])
    assert with_value == sorted(expected, key=lambda pair: pair[0], reverse=order == "desc")


def test_browsing_goes_by_popularity_then_id(search):
    ids = ids_of(by_cursor(search, {"filter": PART}, limit=50))
    keys = [(-BY_ID[name].get("popularity", -1), name) for name in ids]
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    "body",
    [
        {"filter": PART},
        {"filter": PART, "mode": "fast"},
        WORDS | {"sort": [{"price": "asc"}]},
        WORDS | {"sort": [{"price": "asc"}], "mode": "fast"},
    ],
    ids=["browse", "browse, fast", "sorted", "sorted, fast"],
)
def test_hits_that_are_not_ranked_by_score_have_none(search, body):
    assert {hit["score"] for hit in search(**body)["hits"]} == {None}


@pytest.mark.parametrize("mode", ["precise", "fast"])
@pytest.mark.parametrize("fusion", ["weighted_sum", "reciprocal_rank"])
def test_scores_go_down_within_the_window(search, mode, fusion):
    hits = search(**WORDS, mode=mode, fusion=fusion, limit=100)["hits"]
    keys = [(-hit["score"], hit["id"]) for hit in hits]
    assert keys == sorted(keys)


def test_no_hits_wanted_still_counts(search):
    answer = search(**WORDS, limit=0, facets={"brand": 5})
    assert answer["hits"] == []
    assert answer["cursor"] is None
    assert answer["total"]["value"] == sum(entry["count"] for entry in answer["facets"]["brand"])


def test_offset_behind_the_end_is_an_empty_page(search):
    answer = search(**WORDS, offset=9_000)
    assert answer["hits"] == []
    assert answer["cursor"] is None
    assert answer["total"]["value"] == len(kept_ids(PART))


def test_nothing_found_is_an_empty_answer(search):
    answer = search(q="model", filter={"brand": "Nobody"}, facets={"brand": 3})
    assert (answer["total"]["value"], answer["hits"], answer["cursor"]) == (0, [], None)
    assert answer["facets"] == {"brand": []}


@pytest.mark.parametrize(
    "change", [{"q": "mouse"}, {"filter": {}}, {"rank_window_size": 11}], ids=str
)
def test_cursor_of_another_search_is_a_400(search, client, shop, change):
    cursor = search(**WORDS, limit=3)["cursor"]
    body = WORDS | change | {"cursor": cursor}
    response = client.post(f"/v1/indexes/{shop}/search", json=body)
    assert response.status_code == 400
    assert response.json["error"]["field"] == "cursor"
