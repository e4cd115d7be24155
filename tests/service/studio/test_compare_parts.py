"""The side-by-side page's plain parts: configurations, moves, bars, and what is measured."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mappings.errors import InvalidQuery
from service.search_request import SearchRequest
from service.search_results import LegShare
from service.studio.compare.bars import WIDTH, Scale, bar, given
from service.studio.compare.configurations import NAMED, Configuration, version_choice
from service.studio.compare.judged import (
    MAX_QUERIES,
    PART_SECONDS,
    Values,
    chosen_queries,
    effect_of,
    measure_part,
)
from service.studio.compare.moved import mark
from service.studio.compare.sides import Question


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("keyword", {"weights": {"lexical": 1.0}}),
        ("active", {}),
        ("reciprocal_rank", {"fusion": "reciprocal_rank"}),
        (version_choice("products-3"), {"weights_version": "products-3"}),
        ("own:lexical=0.4,text_vector=1", {"weights": {"lexical": 0.4, "text_vector": 1.0}}),
    ],
)
def test_a_configuration_of_an_address_is_what_a_request_says(text, options):
    assert Configuration.parse(text).options() == options
    SearchRequest.parse({"q": "lamp", **options})


def test_rules_of_a_side_go_along():
    assert Configuration.parse("active", rules="off").options() == {"rules": "off"}
    assert "without rules" in Configuration.parse("active", rules="off").label


@pytest.mark.parametrize("text", ["", "none", "version:", "own", "own:lexical", "own:lexical=x"])
def test_what_is_no_configuration_is_refused_by_the_name_of_its_side(text):
    with pytest.raises(InvalidQuery, match="^b: ") as caught:
        Configuration.parse(text, field="b")
    assert caught.value.field == "b"


@pytest.mark.parametrize("text", ["own:", "own:lexical=0", "own:lexical=nan", "own:price=1"])
def test_weights_that_no_request_may_have_are_refused(text):
    with pytest.raises(InvalidQuery):
        Question("lamp", {}).request(Configuration.parse(text))


@pytest.mark.parametrize("choice", NAMED)
def test_every_named_configuration_is_a_request(choice):
    assert Question("lamp", {"brand": ["HP"]}).request(Configuration(choice)).q == "lamp"


@pytest.mark.parametrize("text", ["[1]", "{", '"brand"', "1"])
def test_a_filter_is_an_object(text):
    with pytest.raises(InvalidQuery, match="filter"):
        Question.parse("lamp", text)


def test_what_moved_is_said_from_either_side():
    a, b = ["p", "q", "r", "s"], ["q", "p", "r", "t"]
    after = mark(b, a, is_after=True, other_name="A", is_whole=True)
    assert {name: one.direction for name, one in after.items()} == {
        "q": "up",
        "p": "down",
        "r": "same",
        "t": "new",
    }
    assert after["q"].text == "▲ up 1, from 2" and after["p"].text == "▼ down 1, from 1"
    assert after["t"].text == "new: A does not find it"
    before = mark(a, b, is_after=False, other_name="B", is_whole=False)
    assert before["s"].direction == "gone" and "not in the first 4 of B" in before["s"].text
    assert before["q"].text == "▲ goes up 1, to 1" and before["p"].text == "▼ goes down 1, to 2"


def test_bars_of_one_list_share_a_scale_and_leave_room_for_what_was_taken_away():
    hits = [{"lexical": 0.6, "text_vector": 0.2, "product": -0.2}, {"text_vector": 0.3}]
    scale = Scale.of(hits)
    assert (scale.most, scale.least) == (pytest.approx(0.8), -0.2)
    first, second = (bar(one, scale) for one in hits)
    assert first.zero == second.zero == pytest.approx(WIDTH * 0.2)
    words, meaning, product = first.parts
    assert (words.x, words.width) == (pytest.approx(20), pytest.approx(60))
    assert (meaning.x, meaning.width) == (pytest.approx(80), pytest.approx(20))
    assert (product.x, product.width) == (0, pytest.approx(20))
    assert second.parts[0].width == pytest.approx(30)
    assert first.words == "words 0.600, meaning 0.200, product -0.200"
    assert bar({"lexical": 0.0}, Scale.of([{"lexical": 0.0}])).parts == ()


def test_legs_stand_in_one_order_and_unknown_ones_are_shown_too():
    share = LegShare(score=1.0, rank=1, weight=1.0, contribution=0.5)
    found = given({"popularity_leg": share, "text_vector": share, "lexical": share})
    assert list(found) == ["lexical", "text_vector", "popularity_leg"]
    assert bar(found, Scale.of([found])).parts[-1].name == "popularity_leg"


def test_the_same_queries_are_drawn_each_time():
    many = {f"q{number}": {"p": number % 2} for number in range(3 * MAX_QUERIES)}
    chosen = chosen_queries(many)
    assert len(chosen) == len(set(chosen)) == MAX_QUERIES
    assert all(many[query]["p"] for query in chosen)  # those without a right product say nothing
    assert chosen == chosen_queries(dict(reversed(many.items())))


class Ranker:
    """Finds what a query asks for at the place that the weights say."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def search(self, index, request):
        self.asked.append(request.q)
        ids = ["right", "wrong"] if request.weights == "auto" else ["wrong", "right"]
        return SimpleNamespace(hits=[SimpleNamespace(id=one) for one in ids])


def test_parts_are_measured_until_their_time_is_over_and_lose_no_query():
    judgements = {f"q{number}": {"right": 3, "wrong": 0} for number in range(7)}
    sides = (Configuration("keyword"), Configuration("active"))
    now, ranker, start = iter(range(1_000)), Ranker(), 0
    gathered: dict[str, dict[str, float]] = {"a": {}, "b": {}}
    parts = 0
    while start is not None:
        # Each look at the clock takes a second, so a part has time for one or two queries.
        part = measure_part(
            ranker, "products", judgements, sides, {}, start, clock=lambda: next(now)
        )
        gathered["a"] |= part.a
        gathered["b"] |= part.b
        start, parts = part.next, parts + 1
        assert part.queries == part.of == 7
    assert 1 < parts <= 7 and PART_SECONDS < 2
    assert sorted(ranker.asked) == sorted([*judgements] * 2)
    effect = effect_of(Values.parse(gathered))
    assert effect.comparison.b == 1.0 and effect.comparison.wins == 7 and not effect.lost
    assert effect.gained[0].difference == pytest.approx(1.0 - gathered["a"]["q0"])


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"a": {"q": 0.5}},
        {"a": {"q": 0.5}, "b": {}},
        {"a": {"q": 2}, "b": {"q": 0.5}},
        {"a": {"q": "x"}, "b": {"q": 0.5}},
        {"a": {str(n): 0.5 for n in range(MAX_QUERIES + 1)}, "b": {"q": 0.5}},
        {"a": {"q": 0.5}, "b": {"q": 0.5}, "c": {}},
    ],
)
def test_values_that_nobody_measured_are_refused(raw):
    with pytest.raises(InvalidQuery):
        Values.parse(raw)


def test_both_sides_are_measured_on_the_same_queries():
    with pytest.raises(InvalidQuery, match="same queries"):
        effect_of(Values.parse({"a": {"p": 0.5}, "b": {"q": 0.5}}))
