"""Sorting by fields."""

from __future__ import annotations

import pytest

from mappings.errors import InvalidQuery
from service.product_fields import PRODUCT_FIELDS
from service.retrieval.candidates import BROWSING, BY_SCORE
from service.retrieval.sorting import sort_clauses


@pytest.mark.parametrize(("scored", "expected"), [(True, BY_SCORE), (False, BROWSING)])
def test_without_fields_the_order_is_the_score_or_popularity(scored, expected):
    assert sort_clauses((), scored=scored) is expected


def test_missing_values_come_last_in_both_directions_and_ties_go_by_id():
    assert sort_clauses(({"price": "desc"}, {"released_at": "asc"}), scored=True) == (
        {"price": {"order": "desc", "missing": "_last"}},
        {"released_at": {"order": "asc", "missing": "_last"}},
        {"product_id": "asc"},
    )


@pytest.mark.parametrize("sort", [(), ({"price": "asc"},), ({"id": "desc"},)], ids=str)
@pytest.mark.parametrize("scored", [True, False])
def test_order_is_always_total(sort, scored):
    assert sort_clauses(sort, scored=scored)[-1] == {"product_id": "asc"}


@pytest.mark.parametrize("name", [*PRODUCT_FIELDS, "title", "attributes.a", "_score", "_script"])
def test_field_without_order_is_refused_by_its_place(name):
    if name in ("id", "price", "popularity", "released_at", "updated_at"):
        assert sort_clauses(({name: "asc"},), scored=False)
        return
    with pytest.raises(InvalidQuery) as caught:
        sort_clauses(({"price": "asc"}, {name: "asc"}), scored=False)
    assert caught.value.field == f"sort.1.{name}"
    assert "popularity" in str(caught.value)
