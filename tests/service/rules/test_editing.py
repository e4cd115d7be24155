"""Changes of one rule or synonym of a set, and what two pages differ in."""

from __future__ import annotations

import pytest

from mappings.errors import InvalidQuery, UnknownRules
from service.rules.editing import (
    drop_rule,
    drop_synonym,
    merge,
    named_products,
    put_rule,
    put_synonym,
)
from service.rules.moves import moved
from service.rules.rule import Rule, RuleSet, Synonym


def rule(name: str, *pins: str) -> Rule:
    return Rule(id=name, pin=pins or ("p1",))


def synonym(name: str, *words: str) -> Synonym:
    return Synonym(id=name, words=words or ("a", "b"))


KNOWN = RuleSet(rules=(rule("r1"), rule("r2")), synonyms=(synonym("s1"),))


def test_rule_takes_the_place_of_the_one_of_its_id_or_comes_last():
    assert put_rule(KNOWN, rule("r1", "p9")).rules == (rule("r1", "p9"), rule("r2"))
    assert put_rule(KNOWN, rule("r3")).rules == (*KNOWN.rules, rule("r3"))
    assert put_rule(KNOWN, rule("r1")) == KNOWN
    assert put_synonym(KNOWN, synonym("s1", "x", "y")).synonyms == (synonym("s1", "x", "y"),)


def test_id_of_a_synonym_is_no_new_rules():
    with pytest.raises(InvalidQuery, match="'s1' is there twice"):
        put_rule(KNOWN, rule("s1"))


def test_what_is_dropped_must_be_there():
    assert drop_rule(KNOWN, "r1").rules == (rule("r2"),)
    assert drop_synonym(KNOWN, "s1").synonyms == ()
    for drop, name in ((drop_rule, "s1"), (drop_synonym, "r1"), (drop_rule, "r9")):
        with pytest.raises(UnknownRules, match=name):
            drop(KNOWN, name)


def test_merged_sets_keep_the_order_and_each_id_once():
    added = RuleSet(rules=(rule("r2", "p2"), rule("s1")), synonyms=(synonym("s2"),))
    merged = merge(KNOWN, added)
    assert [one.id for one in merged.rules] == ["r1", "r2", "s1"]
    assert merged.rules[1].pin == ("p2",)
    assert [one.id for one in merged.synonyms] == ["s2"], "s1 is a rule now"
    assert merge(merged, added) == merged


def test_every_product_that_a_rule_names_is_found():
    raw = {
        "rules": [
            {
                "id": "r1",
                "pin": ["a"],
                "hide": [{"ids": ["b"]}],
                "only": [{"ids": ["c"]}, {"words": "x"}],
                "boost": [{"products": {"ids": ["d"]}}],
                "bury": [{"products": {"ids": ["e", "a"]}}],
            }
        ]
    }
    assert list(named_products(RuleSet.parse(raw).rules)) == ["a", "b", "c", "d", "e", "a"]


def test_what_moved_between_two_pages():
    assert moved(["a", "b", "c", "d"], ["c", "b", "e"]) == {
        "moved": [{"id": "c", "from": 3, "to": 1}],
        "hidden": ["a", "d"],
        "added": ["e"],
    }
    assert moved([], []) == {"moved": [], "hidden": [], "added": []}
