"""Versions of the rules in a real Elasticsearch."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from elasticsearch import Elasticsearch

from mappings.errors import Conflict, InvalidQuery, RequestTooLarge, UnknownRules
from service.rules import store as stores
from service.rules.rule import Rule, RuleSet
from service.rules.store import RULES_INDEX, RulesStore

pytestmark = pytest.mark.cluster
HOSTILE = "<script>alert(1)</script> \"'` \u202eevil\u202c \U0001f9e8"


@pytest.fixture
def name() -> str:
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
def store(cluster: Elasticsearch) -> RulesStore:
    return RulesStore(cluster)


def pinning(*ids: str) -> RuleSet:
    return RuleSet(rules=tuple(Rule(id=one, pin=("p1",)) for one in ids))


def adding(one: str):
    return lambda rules: RuleSet(rules=(*rules.rules, *pinning(one).rules))


def test_rules_come_back_as_they_were_saved(store, name):
    rules = RuleSet.parse(
        {
            "rules": [
                {
                    "id": "r1",
                    "note": HOSTILE,
                    "when": {"queries": [HOSTILE], "starts": "2026-11-01T00:00:00+01:00"},
                    "pin": [HOSTILE],
                    "hide": [{"filter": {"brand": [HOSTILE]}}],
                    "replace": {HOSTILE: ""},
                }
            ],
            "synonyms": [{"id": "s1", "words": [HOSTILE], "to": ["x"], "weight": 0.25}],
        }
    )
    version = store.save(name, rules, note=HOSTILE, who="ann")
    assert version == f"{name}-rules-1"
    assert store.get(name, version) == rules
    (listed,) = store.list(name)
    assert "rules" not in listed
    assert {key: listed[key] for key in ("rules_count", "synonyms_count", "note", "who")} == {
        "rules_count": 1,
        "synonyms_count": 1,
        "note": HOSTILE,
        "who": "ann",
    }
    assert RULES_INDEX not in store._client.indices.get(index="*"), "it is hidden"


def test_draft_is_active_only_once_it_is_activated(store, name):
    version = store.save(name, pinning("a"))
    assert store.active(name) == (None, None)
    store.activate(name, version, who="ann")
    assert store.active(name)[0] == version
    assert store.rollback(name).active is None


def test_edits_at_once_all_hold(store, name):
    editors = 3
    together = Barrier(editors)

    def edit(number: int) -> None:
        together.wait()
        store.edit(name, adding(f"r{number}"))

    with ThreadPoolExecutor(editors) as pool:
        list(pool.map(edit, range(editors)))
    active = store.get(name, store.active(name)[0])
    assert sorted(rule.id for rule in active.rules) == [f"r{one}" for one in range(editors)]
    assert len(store.list(name)) == editors, "versions that lost a race are gone"


def test_edit_of_rules_that_were_read_before_is_refused(store, name):
    first = store.replace(name, pinning("a"), if_version="none").active
    store.edit(name, adding("b"), if_version=first)
    with pytest.raises(Conflict, match="is active on") as caught:
        store.edit(name, adding("c"), if_version=first)
    assert caught.value.field == "if_version"
    assert [one.id for one in store.get(name, store.active(name)[0]).rules] == ["a", "b"]
    again = store.replace(name, pinning("a", "b"), if_version=first)
    assert again == store.state(name), "what is so already is the same request again"


def test_change_that_changes_nothing_makes_no_version(store, name):
    state = store.replace(name, pinning("a"))
    assert store.replace(name, pinning("a")) == state
    assert len(store.list(name)) == 1


def test_every_change_of_what_is_active_is_told(cluster, name):
    told = []
    store = RulesStore(cluster, on_change=told.append)
    version = store.save(name, pinning("a"))
    assert told == []
    store.activate(name, version)
    store.activate(name, version)
    assert told == [name], "the second time changed nothing"
    store.edit(name, adding("b"))
    store.rollback(name)
    store.deactivate(name)
    assert told == [name] * 4


def test_oldest_versions_go_but_never_those_that_were_active_lately(monkeypatch, store, name):
    monkeypatch.setattr(stores, "KEPT_VERSIONS", 2)
    store.activate(name, store.save(name, pinning("a")))
    for one in "bcd":
        store.save(name, pinning(one))
    assert [one["version"].rpartition("-")[2] for one in store.list(name)] == ["4", "3", "1"]
    with pytest.raises(UnknownRules, match="near are"):
        store.get(name, f"{name}-rules-2")


def test_five_thousand_rules_are_one_version_and_what_is_too_large_is_refused(
    monkeypatch, store, name
):
    large = pinning(*(f"r{one}" for one in range(5_000)))
    version = store.save(name, large)
    assert store.get(name, version) == large
    monkeypatch.setattr(stores, "MAX_RULES_BYTES", 100_000)
    with pytest.raises(RequestTooLarge, match="bytes of JSON: at most 100,000") as caught:
        store.save(name, large)
    assert caught.value.field == "rules"


def test_note_that_is_too_long_is_refused(store, name):
    with pytest.raises(InvalidQuery, match="note of 501"):
        store.save(name, pinning("a"), note="x" * 501)
