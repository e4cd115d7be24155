"""Facets count the products that the total counts, whatever found them."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.service.catalogue import BY_ID, group_of, values_of
from tests.service.conftest import Search

pytestmark = pytest.mark.cluster
NAMES = (
    "brand",
    "categories",
    "availability",
    "attributes.colour",
    "attributes.wireless",
    "parent_id",
)
EDGES = [25, 50.5, 150]
FACETS = {**dict.fromkeys(NAMES, 500), "price": {"ranges": EDGES}}
SOME = {"categories": "Computers"}
SEARCHES = {
    "hybrid": {"q": "wireless gaming mouse", "filter": SOME},
    "words alone": {"q": "wireless gaming mouse", "weights": {"lexical": 1}},
    "vector alone": {"q": "wireless gaming mouse", "weights": {"text_vector": 1}},
    "fast": {"q": "wireless gaming mouse", "mode": "fast"},
    "sorted": {"q": "wireless mouse", "sort": [{"price": "asc"}]},
    "browse": {"filter": SOME},
    "variants once": {"q": "wireless mouse", "collapse": "parent_id"},
    "variants once, browse": {"filter": SOME, "collapse": "parent_id"},
}
every_search = pytest.mark.parametrize("body", SEARCHES.values(), ids=SEARCHES)


def candidates(search: Search, body: dict) -> list[dict]:
    """Every product that a search finds, all variants of it, by paging."""
    body = {name: value for name, value in body.items() if name != "collapse"}
    answer = search(**body, limit=200)
    hits = answer["hits"]
    while answer["cursor"]:
        answer = search(**body, limit=200, cursor=answer["cursor"])
        hits += answer["hits"]
    return [BY_ID[hit["id"]] for hit in hits]


def groups(products: list[dict], *, collapsed: bool) -> int:
    return len({group_of(product) for product in products}) if collapsed else len(products)


@every_search
def test_counts_are_those_of_the_candidates(search, body):
    answer = search(**body, facets=FACETS, limit=1)
    found = candidates(search, body)
    collapsed = "collapse" in body
    assert answer["total"]["value"] == groups(found, collapsed=collapsed)
    for name in NAMES:
        expected = {
            value: groups(
                [product for product in found if value in values_of(product, name)],
                collapsed=collapsed,
            )
            for value in {value for product in found for value in values_of(product, name)}
        }
        counted = {entry["value"]: entry["count"] for entry in answer["facets"][name]}
        assert counted == {_key(value): count for value, count in expected.items()}, name


def _key(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@every_search
def test_ranges_add_up_to_the_products_with_a_price(search, body):
    answer = search(**body, facets=FACETS, limit=1)
    priced = [product for product in candidates(search, body) if "price" in product]
    collapsed = "collapse" in body
    ranges = answer["facets"]["price"]
    assert [(part["from"], part["to"]) for part in ranges] == [
        (None, 25),
        (25, 50.5),
        (50.5, 150),
        (150, None),
    ]
    for part in ranges:
        low, high = part["from"] or 0, part["to"] or 1e12
        inside = [product for product in priced if low <= product["price"] < high]
        assert part["count"] == groups(inside, collapsed=collapsed)
    if not collapsed:  # the variants of a product may lie in several ranges
        assert sum(part["count"] for part in ranges) == len(priced)


@pytest.mark.parametrize("name", NAMES)
def test_count_of_a_value_is_what_filtering_by_it_finds(search, name):
    body = {"q": "wireless gaming mouse", "weights": {"lexical": 1}}
    for entry in search(**body, facets={name: 4}, limit=0)["facets"][name]:
        narrowed = search(**body, filter={name: entry["value"]}, limit=0)
        assert narrowed["total"]["value"] == entry["count"], entry


def test_range_count_is_what_filtering_by_the_range_finds(search):
    body = {"q": "wireless gaming mouse", "weights": {"lexical": 1}}
    for part in search(**body, facets={"price": {"ranges": EDGES}})["facets"]["price"]:
        edges = {"gte": part["from"], "lt": part["to"]}
        wanted = {operator: edge for operator, edge in edges.items() if edge is not None}
        narrowed = search(**body, filter={"price": wanted}, limit=0)
        assert narrowed["total"]["value"] == part["count"]


def test_most_frequent_values_come_first_and_ties_by_value(search):
    counts = [
        (-entry["count"], entry["value"])
        for entry in search(facets={"brand": 100})["facets"]["brand"]
    ]
    assert counts == sorted(counts)
    top = search(facets={"brand": 2})["facets"]["brand"]
    assert [(-entry["count"], entry["value"]) for entry in top] == counts[:2]


def test_brands_are_shown_as_the_shop_writes_them(search):
    expected = Counter(product["brand"] for product in BY_ID.values() if "brand" in product)
    shown = search(facets={"brand": 10})["facets"]["brand"]
    assert {entry["value"]: entry["count"] for entry in shown} == expected


def test_facet_of_a_name_that_no_product_has_is_empty(search):
    assert search(facets={"attributes.voltage": 5})["facets"] == {"attributes.voltage": []}


def test_facets_do_not_depend_on_the_page(search):
    body = {"q": "wireless mouse", "facets": FACETS, "rank_window_size": 10}
    first = search(**body, limit=7)
    for page in (
        search(**body, limit=7, offset=7),
        search(**body, limit=7, offset=70),
        search(**body, limit=7, cursor=first["cursor"]),
        search(**body, limit=0),
    ):
        assert page["facets"] == first["facets"]
        assert page["total"] == first["total"]


@pytest.mark.parametrize(
    ("facets", "field"),
    [
        ({"colour": 3}, "facets.colour"),
        ({"price": 3}, "facets.price"),
        ({"brand": 0}, "facets.brand"),
    ],
    ids=str,
)
def test_bad_facet_is_a_400_that_names_it(client, shop, facets, field):
    response = client.post(f"/v1/indexes/{shop}/search", json={"facets": facets})
    assert response.status_code == 400
    assert response.json["error"]["field"] == field
