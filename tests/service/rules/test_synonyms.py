"""What synonyms make of a query, and that it is found, counted and told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.retrieval.lexical import WordGroup, lexical_clause
from service.rules.rule import Synonym
from service.rules.synonyms import MAX_OTHERS, Expansion, SynonymTable, with_synonyms
from service.search_results import AttributeMatch, UnderstoodQuery
from service.understanding.dictionary import Dictionary
from service.understanding.filters import as_filter
from service.understanding.parser import understand
from tests.service.catalogue import BY_ID
from tests.service.rules.conftest import Curated


def table(*synonyms: dict[str, Any]) -> SynonymTable:
    return SynonymTable(
        Synonym.model_validate({"id": f"s{number}", **one}) for number, one in enumerate(synonyms)
    )


def expand(synonyms: SynonymTable, text: str) -> Expansion:
    found = synonyms.expand({text: 1.0})
    assert found is not None
    return found


SOFA = {"words": ["sofa", "couch", "settee"]}
HDD = {"words": ["hdd", "hard drive"], "weight": 0.5}
ONE_WAY = {"words": ["laptop"], "to": ["notebook computer"], "weight": 0.8}


def test_expanding_words_stand_for_each_other_and_one_way_ones_do_not():
    synonyms = table(SOFA, ONE_WAY)
    assert expand(synonyms, "couch").others == {"sofa": 1.0, "settee": 1.0}
    assert expand(synonyms, "laptop").others == {"notebook computer": 0.8}
    assert synonyms.expand({"notebook computer": 1.0}) is None
    assert synonyms.expand({"chair": 1.0}) is None


def test_phrases_are_replaced_in_place_and_the_rest_is_kept_as_elasticsearch_reads_it():
    found = expand(table(HDD), 'External Hard-Drives 3.5" usb-c')
    assert found.groups == {
        'External Hard-Drives 3.5" usb-c': (
            WordGroup("external", {}),
            WordGroup("Hard-Drives", {"hdd": 0.5}),
            WordGroup("3.5", {}),
            WordGroup("usb-c", {}),
        )
    }
    assert found.replaced == {"external hdd 3.5 usb-c": 0.5}
    assert [one.to_json() for one in found.found] == [
        {"id": "s0", "text": "Hard-Drives", "others": ["hdd"]}
    ]


def test_of_overlapping_phrases_the_longest_counts():
    synonyms = table({"words": ["drive", "disk"]}, HDD)
    assert expand(synonyms, "hard drive").others == {"hdd": 0.5}
    assert expand(synonyms, "usb drive").others == {"disk": 1.0}


def test_words_of_several_synonyms_count_once_with_the_greatest_weight():
    synonyms = table({**SOFA, "weight": 0.3}, {"words": ["sofa"], "to": ["Couch"], "weight": 0.9})
    assert expand(synonyms, "sofa").others == {"Couch": 0.9, "settee": 0.3}


def test_weighted_phrases_are_expanded_and_avoided_ones_are_not():
    found = table(SOFA).expand({"red sofa": 2.0, "sofa": -1.0})
    assert found is not None
    assert list(found.groups) == ["red sofa"]
    assert found.replaced == {"red couch": 2.0}


def test_expansion_has_a_limit_and_says_so():
    many = [{"words": [f"w{n}"], "to": [f"o{n}x{m}" for m in range(50)]} for n in range(3)]
    found = expand(table(*many), "w0 w1 w2")
    assert len(found.others) == MAX_OTHERS
    assert found.is_cut
    assert not expand(table(*many), "w0").is_cut
    long = expand(table({"words": ["w"], "to": [" ".join("abcdefghij"), "k" * 9] * 9}), "w")
    assert list(long.others) == [" ".join("abcdefghij"), "k" * 9]
    longer = [f"{number} " * 30 for number in range(3)]
    assert list(expand(table({"words": ["w"], "to": longer}), "w").others) == [
        text.strip() for text in longer[:2]
    ]


@given(st.text(max_size=40))
def test_any_text_is_taken(text):
    synonyms = table({"words": ["a", "b c"], "to": ["<b>🔥</b>"]}, {"words": [f"x {text}", "y"]})
    found = synonyms.expand({f"X {text} a": 1.0})
    assert found is not None
    assert list(found.groups) == [f"X {text} a"]
    assert lexical_clause({f"X {text} a": 1.0}, synonyms=found.groups)


def test_word_that_a_synonym_knows_is_not_corrected():
    words = {"couch": 40}
    dictionary = Dictionary(
        products=100,
        complete=True,
        words=words,
        surfaces={"couch": "couch"},
        other_words=frozenset(),
        phrases={},
        limit_names=frozenset(),
    )
    assert understand("coach", dictionary).corrected == "couch"
    knows = table({"words": ["coach", "bus"]}).knows("Red Coaches")
    assert knows is not None
    assert understand("coach", dictionary, is_word=knows).corrected is None
    assert table(SOFA).knows("coach") is None


def test_values_that_other_words_name_count_by_their_weight_and_filter_as_alternatives():
    sofas = AttributeMatch("categories", "Home > Sofas", "sofa", 0.8)
    couches = AttributeMatch("categories", "Home > Couches", "couch", 0.6)
    expansion = expand(table({"words": ["sofa"], "to": ["couch"], "weight": 0.5}), "sofa")
    named = {"couch": UnderstoodQuery(matches=(couches, sofas))}
    found = with_synonyms(UnderstoodQuery(matches=(sofas,)), expansion, named.__getitem__)
    assert found.matches == (sofas, replace(couches, weight=0.3))
    assert as_filter(found) == {"categories": ["Home > Sofas", "Home > Couches"]}


MICE = {name for name, one in BY_ID.items() if "mouse" in one["title"]}
LEXICAL = {"weights": {"lexical": 1}, "limit": 200}


def ids(answer: dict[str, Any]) -> set[str]:
    return {hit["id"] for hit in answer["hits"]}


@pytest.mark.cluster
def test_total_and_facets_count_what_synonyms_find(curated: Curated):
    synonyms = [{"id": "rodent", "words": ["rodent", "mouse"]}]
    answer = curated([], synonyms, q="rodents", facets={"categories": 50}, **LEXICAL)
    assert ids(answer) == MICE
    assert answer["total"]["value"] == len(MICE)
    counted = {one["value"]: one["count"] for one in answer["facets"]["categories"]}
    assert counted["Computers > Input > Mice"] == len(MICE)
    assert answer["rules"]["synonyms"] == [
        {"id": "rodent", "text": "rodents", "others": ["mouse"]}
    ]


@pytest.mark.cluster
def test_several_words_stand_for_one_and_one_for_several(curated: Curated, search):
    synonyms = [{"id": "s", "words": ["rodent"], "to": ["wireless mouse"]}]
    expected = ids(search(q="wireless mouse", **LEXICAL))
    assert ids(curated([], synonyms, q="rodent", **LEXICAL)) == expected < MICE
    back = [{"id": "s", "words": ["cordless pointing thing"], "to": ["mouse"]}]
    answer = curated([], back, q="cordless pointing thing model", **LEXICAL)
    assert MICE <= ids(answer)


@pytest.mark.cluster
def test_words_without_others_score_as_they_do_alone(curated: Curated, search):
    synonyms = [{"id": "s", "words": ["mouse"], "to": ["nothing-has-this"]}]
    for query in ("wireless mouse", "wireless gaming mouse model"):
        plain = {hit["id"]: hit["score"] for hit in search(q=query, **LEXICAL)["hits"]}
        hits = curated([], synonyms, q=query, **LEXICAL)["hits"]
        assert {hit["id"]: hit["score"] for hit in hits} == pytest.approx(plain, rel=1e-4)


@pytest.mark.cluster
def test_weight_is_the_share_of_the_score_of_own_words(curated: Curated):
    def best(weight: float) -> float:
        synonyms = [{"id": "s", "words": ["rodent"], "to": ["mouse"], "weight": weight}]
        answer = curated([], synonyms, q="rodent", **LEXICAL, explain=True)
        return float(answer["hits"][0]["legs"]["lexical"]["score"])

    assert best(0.25) == pytest.approx(0.25 * best(1.0), rel=1e-4)


@pytest.mark.cluster
def test_meaning_is_searched_for_by_both_words(curated: Curated, search):
    body = {"weights": {"text_vector": 1}, "limit": 5}
    synonyms = [{"id": "s", "words": ["zzrodent"], "to": ["wireless mouse model"]}]
    found = curated([], synonyms, q="zzrodent", **body)["hits"]
    assert {hit["id"] for hit in found} <= MICE
    assert found[0]["score"] > 0


@pytest.mark.cluster
@pytest.mark.parametrize(
    "query", ['<script>alert(1)</script> "', "\u202egnal\u202c mouse", "🔥 mouse 🐭", "a" * 1_000]
)
def test_hostile_text_is_searched_as_text(curated: Curated, query: str):
    rules = [
        {"id": "r", "when": {"queries": [query[:200]], "match": "start"}, "pin": [query[:200]]},
        {
            "id": "w",
            "hide": [{"words": query[:200]}],
            "replace": {query[:200]: "x " + query[:100]},
        },
    ]
    synonyms = [{"id": "s", "words": [query[:200], "mouse"]}]
    answer = curated(rules, synonyms, q=query, facets={"brand": 5})
    assert answer["total"]["value"] >= len(answer["hits"])
