"""Every filter keeps exactly the products that it should, for words, vectors and both."""

from __future__ import annotations

import pytest

from tests.service.catalogue import COUNT, PRODUCTS, kept_ids

pytestmark = pytest.mark.cluster
NEIGHBOURS = 100
"""Products that a vector leg finds at most."""

FILTERS = [
    {"id": ["p003", "p250", "no-such"]},
    {"brand": "HP"},
    {"brand": "hp"},
    {"brand": ["leon", "ACME LTD"]},
    {"brand": {"exists": False}},
    {"price": {"lt": 50}},
    {"price": {"gte": 20, "lte": 100.5}},
    {"price": next(product["price"] for product in PRODUCTS if "price" in product)},
    {"price": {"exists": False}},
    {"availability": ["preorder", "out_of_stock"]},
    {"categories": "Computers"},
    {"categories": "Computers > Input"},
    {"categories": ["Cables", "Audio"]},
    {"identifiers": "sku-00017"},
    {"parent_id": ["g003", "p200"]},
    {"popularity": {"gte": 5}},
    {"attributes.colour": "red"},
    {"attributes.colour": ["Dark Grey", "green"]},
    {"attributes.colour": "dark grey"},
    {"attributes.wireless": False},
    {"attributes.size": 17},
    {"attributes.size": 15.6},
    {"attributes.size": ["large", 17.0]},
    {"attributes.weight": {"lt": 0}},
    {"attributes.weight": {"gte": -2.5, "lt": 10}},
    {"attributes.weight": {"gt": 9}},
    {"attributes.weight": {"lte": -12}},
    {"attributes.size": {"gt": 15.6}},
    {"attributes.size": {"exists": False}},
    {"attributes.no_such": {"exists": True}},
    {"released_at": {"gte": "2020-02-01", "lt": "2020-02-15"}},
    {"released_at": {"lte": "2020-01-03"}},
    {"released_at": {"gt": "2020-01-03", "lt": "20200110"}},
    {"released_at": {"gt": "2020-03-05T12:00:00+02:00"}},
    {"released_at": {"exists": False}},
    {"brand": "HP", "price": {"lt": 100}, "attributes.wireless": True},
    {"any": [{"brand": "HP"}, {"price": {"exists": False}}]},
    {"all": [{"brand": "HP"}, {"price": {"gt": 10}}, {"attributes.colour": "red"}]},
    {"not": {"brand": ["HP", "Logitech"]}},
    {"not": {"brand": "HP", "attributes.wireless": True}},
    {"not": {"any": [{"brand": "HP"}, {"not": {"categories": "Computers"}}]}},
    {
        "any": [
            {"all": [{"brand": "Léon"}, {"not": {"price": {"lt": 100}}}]},
            {"attributes.weight": {"lt": -10}, "availability": "in_stock"},
        ]
    },
    {"brand": "Nobody"},
]


def ids_of(search, **body) -> set[str]:
    first = search(limit=200, **body)
    ids = [hit["id"] for hit in first["hits"]]
    if first["cursor"]:
        ids += [hit["id"] for hit in search(limit=200, cursor=first["cursor"], **body)["hits"]]
    assert len(set(ids)) == len(ids) == first["total"]["value"]
    return set(ids)


@pytest.mark.parametrize("raw", FILTERS, ids=str)
def test_filter_keeps_exactly_the_matching_products(search, middle, raw):
    expected = kept_ids(raw)
    assert len(expected) < COUNT
    assert ids_of(search, filter=raw) == expected, "browsing"
    assert ids_of(search, q="model", weights={"lexical": 1}, filter=raw) == expected, "BM25"
    both = ids_of(search, q="model", vectors={"text_vector": middle}, filter=raw)
    assert both == expected, "hybrid"
    nearest = ids_of(search, vectors={"text_vector": middle}, filter=raw)
    assert nearest <= expected, "kNN"
    assert len(nearest) == min(NEIGHBOURS, len(expected)), "kNN finds its number under a filter"


def test_filters_of_the_table_are_telling():
    sizes = [len(kept_ids(raw)) for raw in FILTERS]
    assert sum(0 < size <= NEIGHBOURS for size in sizes) > len(FILTERS) / 2


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"price": {"lt": "x"}}, "filter.price"),
        ({"colour": "red"}, "filter.colour"),
        ({"released_at": {"gt": "soon"}}, "filter.released_at"),
    ],
)
def test_bad_filter_is_a_400_that_names_the_field(client, shop, raw, field):
    response = client.post(f"/v1/indexes/{shop}/search", json={"filter": raw})
    assert response.status_code == 400
    assert response.json["error"]["code"] == "invalid_filter"
    assert response.json["error"]["field"] == field


def test_filter_in_the_address_does_the_same(client, shop):
    response = client.get(
        f"/v1/indexes/{shop}/search",
        query_string={"filter": '{"brand": "hp"}', "limit": "200", "facets": '{"brand": 5}'},
    )
    assert {hit["id"] for hit in response.json["hits"]} == kept_ids({"brand": "HP"})
    assert [entry["value"] for entry in response.json["facets"]["brand"]] == ["HP"]
