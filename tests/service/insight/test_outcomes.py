"""Events of a search brought together, and tables written for spreadsheets."""

from __future__ import annotations

import csv
import io
import random

import pytest

from service.insight.csv_text import csv_text
from service.insight.outcomes import Outcome, Outcomes, join
from service.insight.positions import position_row
from service.insight.queries import QueryCounts, query_row, without_clicks
from service.insight.rows import QueryRow


def rows(*found: tuple[str, str, str | None]):
    return [{"id": one, "action": action, "query": query} for one, action, query in found]


def test_what_was_clicked_counts_for_the_query_of_its_impression():
    found = join(
        rows(
            ("1", "click", None),
            ("1", "impression", "Red  Shoes"),
            ("2", "impression", "red shoes"),
            ("3", "impression", "hat"),
            ("3", "purchase", None),
            ("4", "click", "scarf"),  # never shown
        )
    )
    assert found.by_query == {"red shoes": Outcome(2, 1, 0), "hat": Outcome(1, 1, 1)}
    assert found.total == Outcome(3, 2, 1)


def test_outcomes_agree_with_counting_search_by_search():
    draw = random.Random(5)
    searches = [
        (f"{number:05}", draw.choice("abc"), draw.random() < 0.4, draw.random() < 0.1)
        for number in range(500)
    ]
    flat = []
    for one, query, clicked, bought in searches:
        flat += [(one, "impression", query)]
        flat += [(one, "click", None)] * clicked + [(one, "purchase", None)] * bought
    found = join(rows(*flat))
    for query in "abc":
        mine = [one for one in searches if one[1] == query]
        assert found.by_query[query] == Outcome(
            len(mine), sum(c or b for _, _, c, b in mine), sum(b for *_, b in mine)
        )


def test_queries_without_clicks_are_those_shown_often_enough():
    outcomes = Outcomes(
        {"a": Outcome(9, 0), "b": Outcome(5, 0), "c": Outcome(4, 0), "d": Outcome(9, 1)}
    )
    assert without_clicks(outcomes, least=5, limit=10) == ["a", "b"]
    assert without_clicks(outcomes, least=5, limit=1) == ["a"]


def test_click_rate_has_the_score_interval():
    row = query_row(QueryCounts("hat", 40, 40, 10, 400.0), Outcome(10, 4, 1))
    assert (row.zero_share, row.mean_ms, row.click_rate, row.purchase_rate) == (0.25, 10, 0.4, 0.1)
    # 4 of 10: Wilson by statsmodels.stats.proportion_confint(4, 10, method="wilson").
    assert (row.click_low, row.click_high) == (0.1682, 0.6873)


def test_position_never_has_more_clicks_than_it_was_shown():
    row = position_row(1, shown=4, clicked=7, purchased=1)
    assert (row.clicked, row.click_rate, row.purchase_rate) == (4, 1.0, 0.25)


@pytest.mark.parametrize(
    "query",
    ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "  =cmd|' /C calc'!a0", "＝1", "\r=1", "\n=1"],
)
def test_no_cell_is_a_formula(query):
    text = csv_text(QueryRow, [query_row(QueryCounts(query, 1, 1, 0, 3.0), None)])
    head, row = csv.reader(io.StringIO(text, newline=""))
    assert head[0] == "query"
    assert row[0] == f"'{query}"
    assert row[head.index("click_rate")] == ""


@pytest.mark.parametrize(
    "query", ['say "hi", you', "a,b;c", "<b>x</b>", "\u202eolleh", "\U0001f600"]
)
def test_other_cells_are_read_back_as_they_were(query):
    text = csv_text(QueryRow, [query_row(QueryCounts(query, 1, 1, 0, 3.0), None)])
    assert next(iter(list(csv.reader(io.StringIO(text, newline="")))[1])) == query
