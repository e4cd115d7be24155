"""Suggestions from memory: which words begin so, and which queries are for everybody."""

from __future__ import annotations

import threading

import pytest

from mappings.index_lifecycle import LiveIndex
from service.suggestions.folding import fold, place_of
from service.suggestions.vocabularies import RETRY_SECONDS, Vocabularies
from service.suggestions.vocabulary import Term, Vocabulary, WordList
from service.suggestions.vocabulary_reader import LEAST_PEOPLE, shared_queries


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Café  NOIR ", "cafe noir"),
        ("Computers > Mice", "computers mice"),
        ("T-Shirt", "t shirt"),
        ("\u202eabc\u202c\u200b", "abc"),
        ("STRASSE straße", "strasse strasse"),
        ("<b>&", "b"),
        ("\U0001f9e6 !", ""),
    ],
)
def test_case_accents_and_signs_do_not_count(text, folded):
    assert fold(text) == folded


def test_a_word_inside_may_begin_so_and_none_in_the_middle():
    assert place_of("mi", "computers mice") == 10
    assert place_of("comp", "computers mice") == 0
    assert place_of("ice", "computers mice") is None


def test_what_begins_so_itself_goes_first_then_what_is_frequent():
    words = WordList.of([Term("Mice", 1), Term("Computers > Mice", 90), Term("Mixers", 5)])
    assert [term.text for term in words.starting("mi", 3)] == [
        "Mixers",
        "Mice",
        "Computers > Mice",
    ]
    assert [term.text for term in words.starting("mi", 1)] == ["Mixers"]
    assert [term.text for term in words.starting("", 2)] == ["Computers > Mice", "Mixers"]


def test_a_query_of_too_few_people_is_shown_to_nobody():
    counted = [("rare disease", LEAST_PEOPLE - 1), ("lamp", LEAST_PEOPLE)]
    assert shared_queries(counted) == [Term("lamp", LEAST_PEOPLE)]


@pytest.mark.parametrize(
    "text",
    [
        "mail to [email]",
        "call [number]",
        "a.b@example.com",
        "0049 170 1234567",
        "x" * 200,
        " ",
        "!",
    ],
)
def test_a_query_with_something_personal_is_shown_to_nobody(text):
    assert shared_queries([(text, 1_000)]) == []


def test_spellings_of_one_query_are_one():
    assert shared_queries([("Lamp", 6), ("lamp", 9), ("LAMP", 5)]) == [Term("lamp", 9)]


LIVE = LiveIndex("shop", "shop-v1", {})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_old_vocabulary_serves_until_the_next_is_read():
    clock, go_on, reads = Clock(), threading.Event(), []

    def read(live: LiveIndex) -> Vocabulary:
        reads.append(live.index)
        if len(reads) > 1:
            assert go_on.wait(5)
        return Vocabulary(live.index, WordList.of([Term(f"brand {len(reads)}", 1)]))

    kept = Vocabularies(read, ttl_seconds=10, clock=clock)
    first = kept.get(LIVE)
    assert kept.get(LIVE) is first and len(reads) == 1
    clock.now = 11
    assert kept.get(LIVE) is first  # at once
    go_on.set()
    for _ in range(500):
        if kept.get(LIVE) is not first:
            break
        threading.Event().wait(0.01)
    assert kept.get(LIVE).brands.starting("", 1)[0].text == "brand 2" and len(reads) == 2


def test_a_part_that_could_not_be_read_is_tried_again_soon():
    clock, reads = Clock(), []

    def read(live: LiveIndex) -> Vocabulary:
        reads.append(live)
        return Vocabulary(live.index, problems=("queries: away",))

    kept = Vocabularies(read, ttl_seconds=1_000, clock=clock)
    assert kept.get(LIVE).problems
    clock.now = RETRY_SECONDS + 1
    kept.get(LIVE)
    for _ in range(500):
        if len(reads) > 1:
            break
        threading.Event().wait(0.01)
    assert len(reads) == 2
