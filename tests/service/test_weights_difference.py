"""What differs between two versions, as values and as tables."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from service.weights.difference import compare
from service.weights.experiments import Experiment
from service.weights.state import WeightsState
from service.weights.tables import difference_table, history_table, versions_table


def version(number: int, **changes: object) -> dict[str, Any]:
    return {
        "version": f"products-{number}",
        "index": "products",
        "created_at": "2026-01-02T03:04:05.000+00:00",
        "fusion": "weighted_sum",
        "model": {"weights": {"title": 0.5, "price": 0.25}},
        "features": ["title", "price"],
        "training": {"source": "judgements", "queries": 1_079, "pairs": 20},
        "metrics": {"ndcg@10": {"value": 0.75, "low": 0.7}, "mrr": 0.5},
        "note": "[b]as is[/b] \ud800",
        **changes,
    }


def shown(table: object) -> str:
    written = io.StringIO()
    Console(file=written, width=160).print(table)
    return written.getvalue()


def test_two_versions_are_put_side_by_side():
    second = version(
        2,
        fusion="gated",
        model={"weights": {"title": 0.75, "age": -1, "kind": "text", "on": True}},
        features=["age", "title"],
        metrics={"ndcg@10": {"value": 0.8}, "err": 0.1},
    )
    found = compare(version(1), second)
    assert found.versions == ("products-1", "products-2")
    assert found.fusion == ("weighted_sum", "gated")
    assert (found.added, found.removed) == (("age",), ("price",))
    assert found.weights == {"title": (0.5, 0.75), "price": (0.25, None), "age": (None, -1)}
    assert found.metrics == {
        "ndcg@10.value": (0.75, 0.8),
        "ndcg@10.low": (0.7, None),
        "mrr": (0.5, None),
        "err": (None, 0.1),
    }


def test_model_without_a_mapping_of_weights_has_none_to_compare():
    trees = version(2, fusion="lambdamart", model={"weights": [1, 2], "trees": []})
    assert compare(trees, trees).weights == {}


def test_difference_is_shown_with_the_change():
    text = shown(difference_table(compare(version(1), version(2, features=["title", "[x]"]))))
    assert "[x]" in text and "added" in text and "removed" in text
    better = version(2, model={"weights": {"title": 0.75, "price": 0.25}})
    lines = shown(difference_table(compare(version(1), better))).splitlines()
    (title,) = [line.split() for line in lines if "weight title" in line]
    assert [cell for cell in title if cell not in "│┃"] == [
        "weight",
        "title",
        "0.5",
        "0.75",
        "+0.25",
    ]
    (price,) = [line for line in lines if "weight price" in line]
    assert "=" in price


def test_list_marks_what_is_active_and_compared_and_shows_notes_as_they_are():
    experiment = Experiment("ab", ("products-2", "products-1"), 0.1, "s", "2026-01-02T03:04:05Z")
    state = WeightsState("products", "products-2", experiment=experiment)
    text = shown(versions_table([version(2), version(1)], state))
    second, first = (line for line in text.splitlines() if "products-" in line)
    assert "active A" in second and " B " in first
    assert "[b]as is[/b] \\ud800" in first
    assert "1,079" in first and "mrr 0.5" in first


def test_history_is_shown_newest_first():
    state = WeightsState("products")
    state = state.change_to("products-1", "activate", at="2026-01-02T03:04:05Z", who="ann@[host]")
    state = state.change_to(None, "deactivate", at="2026-01-03T03:04:05Z", who="bob")
    lines = [line for line in shown(history_table(state)).splitlines() if "2026" in line]
    assert "deactivate" in lines[0] and "default" in lines[0]
    assert "products-1" in lines[1] and "ann@[host]" in lines[1]
