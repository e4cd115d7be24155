"""Facets and the total: aggregations, and how their answers are read."""

from __future__ import annotations

import pytest

from mappings.errors import InvalidQuery
from service.product_fields import PRODUCT_FIELDS
from service.retrieval.facets import GROUPS, aggregations, read_facets, read_total
from service.search_request import RangeFacet
from service.search_results import FacetCount, RangeCount, Total


def test_values_are_counted_most_frequent_first_and_ties_by_value():
    assert aggregations({"brand": 20}, collapse=None) == {
        "facet:brand": {
            "terms": {"field": "brand", "size": 20, "order": [{"_count": "desc"}, {"_key": "asc"}]}
        }
    }


def test_ranges_are_open_at_both_ends():
    aggs = aggregations({"price": RangeFacet(ranges=(25, 50))}, collapse=None)
    assert aggs["facet:price"]["range"] == {
        "field": "price",
        "ranges": [{"to": 25}, {"from": 25, "to": 50}, {"from": 50}],
    }


def test_collapsed_facets_count_groups():
    aggs = aggregations({"brand": 5}, collapse="parent_id")
    groups = aggs[GROUPS]
    assert groups["cardinality"]["field"] == "parent_id"
    assert aggs["facet:brand"]["aggs"] == {GROUPS: groups}
    assert aggs["facet:brand"]["terms"]["order"][0] == {GROUPS: "desc"}


@pytest.mark.parametrize(
    ("facets", "field"),
    [
        ({"colour": 5}, "facets.colour"),
        ({"title": 5}, "facets.title"),
        ({"price": 5}, "facets.price"),
        ({"released_at": 5}, "facets.released_at"),
        ({"brand": RangeFacet(ranges=(1,))}, "facets.brand"),
        ({"attributes.weight": RangeFacet(ranges=(1,))}, "facets.attributes.weight"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_field_that_cannot_be_counted_that_way_is_named(facets, field):
    with pytest.raises(InvalidQuery) as caught:
        aggregations(facets, collapse=None)
    assert caught.value.field == field


@pytest.mark.parametrize("name", [*PRODUCT_FIELDS, "attributes.any thing"])
def test_every_field_can_be_counted_in_one_way_or_not_at_all(name):
    ways = []
    for wanted in (5, RangeFacet(ranges=(1,))):
        try:
            ways.append(aggregations({name: wanted}, collapse=None))
        except InvalidQuery as error:
            assert error.field == f"facets.{name}"
    assert len(ways) == (0 if name in ("released_at", "updated_at") else 1)


def test_answer_is_read_in_its_order():
    answer = {
        "aggregations": {
            "facet:brand": {
                "buckets": [{"key": "HP", "doc_count": 3}, {"key": "A", "doc_count": 1}]
            },
            "facet:price": {
                "buckets": [
                    {"to": 25.0, "doc_count": 2},
                    {"from": 25.0, "to": 50.0, "doc_count": 0},
                    {"from": 50.0, "doc_count": 1},
                ]
            },
        }
    }
    assert read_facets(answer) == {
        "brand": [FacetCount("HP", 3), FacetCount("A", 1)],
        "price": [RangeCount(None, 25.0, 2), RangeCount(25.0, 50.0, 0), RangeCount(50.0, None, 1)],
    }


def test_groups_are_read_instead_of_documents():
    answer = {
        "hits": {"total": {"value": 9, "relation": "eq"}},
        "aggregations": {
            GROUPS: {"value": 4},
            "facet:brand": {"buckets": [{"key": "HP", "doc_count": 9, GROUPS: {"value": 4}}]},
        },
    }
    assert read_total(answer) == Total(4)
    assert read_facets(answer) == {"brand": [FacetCount("HP", 4)]}


def test_total_without_groups_is_elasticsearchs_own():
    answer = {"hits": {"total": {"value": 9, "relation": "gte"}}}
    assert read_total(answer) == Total(9, "gte")
    assert read_facets(answer) == {}
