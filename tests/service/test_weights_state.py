"""What was active before, through activations, rollbacks and pauses."""

from __future__ import annotations

import pytest

from service.weights.experiments import Experiment
from service.weights.state import HISTORY_ENTRIES, Action, WeightsState


def after(*steps: str) -> WeightsState:
    """The state after `a` (activate), `-` (deactivate) and `<a` (rolled back to a)."""
    state = WeightsState("products")
    for place, step in enumerate(steps):
        name = None if step.endswith("-") else step.removeprefix("<")
        action: Action = (
            "rollback" if step.startswith("<") else "deactivate" if name is None else "activate"
        )
        state = state.change_to(name, action, at=f"2026-01-02T03:04:{place:02d}Z", who="ann")
    return state


@pytest.mark.parametrize(
    ("steps", "before"),
    [
        ([], []),
        (["a"], [None]),
        (["a", "b"], ["a", None]),
        (["a", "b", "c"], ["b", "a", None]),
        (["a", "b", "c", "<b"], ["a", None]),
        (["a", "b", "c", "<b", "<a"], [None]),
        (["a", "b", "c", "<b", "<a", "<-"], []),
        (["a", "b", "<a", "c"], ["a", None]),
        (["a", "-"], ["a", None]),
        (["a", "-", "<a"], [None]),
        (["a", "b", "c", "<a"], [None]),  # b was passed over, having been deleted
    ],
    ids=lambda value: ",".join(map(str, value)),
)
def test_rollbacks_go_back_step_by_step(steps, before):
    assert list(after(*steps).before_active()) == before


def test_history_keeps_the_newest_twenty_and_goes_no_further_back():
    names = [f"v{number}" for number in range(HISTORY_ENTRIES + 5)]
    state = after(*names)
    assert [change.version for change in state.history] == names[5:]
    assert state.history[0].before == "v4"
    assert list(state.before_active()) == names[4:-1][::-1]


def test_json_keeps_everything():
    experiment = Experiment("ab", ("a", "b"), 0.25, "salt", "2026-01-02T03:04:05Z")
    state = WeightsState(
        "products",
        "a",
        after("a").history,
        last_number=7,
        deleting=("c",),
        experiment=experiment,
    )
    assert WeightsState.from_json(state.to_json()) == state
    assert state.in_use == ("a", "b")
    assert WeightsState.from_json({"index": "x"}) == WeightsState("x")
