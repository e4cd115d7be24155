"""What rules make of one request, before anything is asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mappings.errors import UnknownRules
from service.rules.curation import (
    Curation,
    Curator,
    compile_rules,
    rules_of,
)
from service.rules.following import NoRules, RulesInForce
from service.rules.rule import MAX_PINS, RuleSet
from service.search_request import SearchRequest

NOW = datetime(2026, 7, 1, tzinfo=UTC)
SOFA = {"id": "sofa", "words": ["sofa", "couch"]}


def curator(*rules: dict[str, Any], body: dict[str, Any] | None = None, **given: Any) -> Curator:
    parsed = RuleSet.parse({"rules": rules, "synonyms": [SOFA]})
    in_force = RulesInForce("v-1", parsed, compile_rules(parsed))
    return Curator(in_force, SearchRequest.parse(body or {"q": "red sofa"}), NOW, **given)


def curated(*rules: dict[str, Any], **given: Any) -> Curation:
    one = curator(*rules, **given)
    return one.curate(one.replaced())


def test_answer_names_the_version_what_was_applied_and_the_synonyms():
    found = curated(
        {"id": "a", "when": {"queries": ["red sofa"]}, "pin": ["1"], "hide": [{"ids": ["2"]}]},
        {"id": "b", "when": {"queries": ["blue sofa"]}, "pin": ["3"]},
        {"id": "c", "boost": [{"products": {"ids": ["4"]}}]},
    )
    assert found.to_json() == {
        "version": "v-1",
        "applied": [{"id": "a", "what": ["hide", "pin"]}, {"id": "c", "what": ["boost"]}],
        "synonyms": [{"id": "sofa", "text": "sofa", "others": ["couch"]}],
    }


def test_rules_wait_for_the_words_as_sent_and_as_they_became():
    rules = (
        {"id": "put", "when": {"queries": ["red sofa"]}, "replace": {"red": "scarlet"}},
        {"id": "sent", "when": {"queries": ["red sofa"]}, "pin": ["1"]},
        {"id": "became", "when": {"queries": ["scarlet sofa"]}, "pin": ["2"]},
        {"id": "next", "when": {"queries": ["scarlet sofa"]}, "replace": {"sofa": "bed"}},
    )
    assert curator(*rules).replaced().q == "scarlet sofa"
    found = curated(*rules)
    assert [(one.id, one.what) for one in found.applied] == [
        ("put", ("replace",)),
        ("sent", ("pin",)),
        ("became", ("pin",)),
    ]
    weighted = {"q": {"red sofa": 1.0, "red": -1.0}}
    assert curator(*rules, body=weighted).replaced().q == {"scarlet sofa": 1.0, "scarlet": -1.0}


def test_earlier_rules_pin_first_and_each_product_once():
    found = curated({"id": "a", "pin": ["1", "2"]}, {"id": "b", "pin": ["2", "3"]})
    assert list(found.pins.items()) == [("1", "a"), ("2", "a"), ("3", "b")]


def test_order_by_fields_is_left_alone_with_a_word():
    rules = (
        {"id": "a", "pin": ["1"], "only": [{"ids": ["1"]}]},
        {"id": "b", "bury": [{"products": {"ids": ["1"]}}]},
    )
    found = curated(*rules, filters_alone=True)
    assert (found.pins, found.moves) == ({}, ())
    assert [(one.id, one.what) for one in found.applied] == [("a", ("only",))]
    assert len(found.filters) == 1
    assert "(a, b)" in found.warnings[0]


def test_products_that_cannot_be_told_by_their_fields_are_told_by_ids():
    hp = {"filter": {"brand": "HP"}}
    rules = (
        {"id": "a", "hide": [{"ids": ["1"]}, hp], "only": [{"ids": ["1"]}, hp]},
        {"id": "b", "boost": [{"products": hp}, {"products": {"ids": ["2"]}}]},
        {"id": "c", "hide": [{"ids": ["1"], "words": "red"}]},
    )
    found = curated(*rules, by_id_alone=True)
    assert found.filters == ({"bool": {"must_not": [{"ids": {"values": ["1"]}}]}},)
    assert [one.products for one in found.moves] == [{"ids": {"values": ["2"]}}]
    assert [(one.id, one.what) for one in found.applied] == [("a", ("hide",)), ("b", ("boost",))]


def test_too_much_at_once_leaves_later_rules_out_whole_and_says_so():
    words = " ".join(f"w{number}" for number in range(20))  # of 20 words in 5 fields: 100 clauses
    rules = [
        {"id": "pins", "pin": [f"p{place}" for place in range(MAX_PINS - 1)]},
        {"id": "more-pins", "pin": ["another", "other"]},
        {"id": "last-pin", "pin": ["last"]},
        {"id": "hide", "hide": [{"words": words}] * 5},
        {"id": "hide-more", "hide": [{"ids": ["1"]}]},
        {"id": "move", "boost": [{"products": {"words": words}}]},
        {"id": "move-more", "bury": [{"products": {"words": words}}] * 2},
        {"id": "move-one", "bury": [{"products": {"filter": {"brand": ["HP", "Dell"]}}}] * 20},
    ]
    found = curated(*rules)
    assert [one.id for one in found.applied] == ["pins", "last-pin", "hide", "move", "move-one"]
    assert len(found.pins) == MAX_PINS
    assert len(found.moves) == 21
    assert found.warnings == (
        "rules: too much holds at once, which leaves out all or some of hide-more, more-pins, "
        "move-more",
    )


def test_key_tells_what_rules_do_and_not_which_version_says_so():
    plain = {"id": "a", "when": {"queries": ["chair"]}, "pin": ["1"]}
    assert curated(plain).key() == curated().key()  # of the synonym alone
    assert curated(plain, body={"q": "x"}).key() == ""
    keys = {
        curated({"id": "a", **part}).key()
        for part in (
            {"pin": ["1"]},
            {"pin": ["2"]},
            {"hide": [{"ids": ["1"]}]},
            {"boost": [{"products": {"ids": ["1"]}}]},
            {"bury": [{"products": {"ids": ["1"]}}]},
            {"boost": [{"products": {"ids": ["1"]}, "strength": 0.4}]},
        )
    }
    assert len(keys) == 6


def test_request_may_want_none_or_a_version_by_name():
    source = NoRules(compile_rules)
    assert rules_of(source, "shop", SearchRequest(rules="off")).version is None
    with pytest.raises(UnknownRules) as error:
        rules_of(source, "shop", SearchRequest(rules="shop-rules-9"))
    assert error.value.field == "rules"
    assert "shop-rules-9" in error.value.message
    assert curated(body={"q": "x"}).to_json() == {
        "version": "v-1",
        "applied": [],
        "synonyms": [],
    }
