"""Arms and interleaved lists, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.cursor import Cursor, fingerprint
from service.feature_ranking import LearnedRanking
from service.fusion.linear import CalibratedFeatures, LinearModel
from service.interleaving import Arm, Interleaved, build_hits, choose_arm, interleave, place_after
from service.page import Ranked
from service.ranking.features import DEFAULT_CALIBRATIONS
from service.search_request import SearchRequest
from service.search_results import FusedScores, LegScores
from service.weights.active import Current
from service.weights.experiments import Experiment, Kind, team_draft

IDS = ("p1", "p2", "p3", "p4")
SCALE = CalibratedFeatures({"lexical": DEFAULT_CALIBRATIONS["lexical"]})
MODEL = LinearModel(SCALE, np.array([1.0]))


def ranked(*scores: float) -> Ranked:
    column = np.array(scores)[:, np.newaxis]  # [products, legs]
    legs = LegScores(IDS, ("lexical",), column)
    return Ranked(legs, FusedScores(column[:, 0], column), {"lexical": 1.0}, ranked=True)


def drafted(seed: str = "seed") -> Interleaved:
    # A: p1 p2 p3 p4; B: p4 p3 p2 p1.
    return interleave(ranked(4, 3, 2, 1), ranked(0.1, 0.2, 0.3, 0.4), ("s-1", "s-2"), seed)


def test_list_is_the_draft_of_both_orders() -> None:
    for seed in ("one", "two", "three"):
        found = drafted(seed)
        expected = team_draft(IDS, IDS[::-1], seed, 4)
        assert [(IDS[row], team) for row, team in found.drafted] == expected
        assert found.order() == [IDS.index(product) for product, _ in expected]


def test_hit_has_the_score_and_the_name_of_its_team() -> None:
    found = drafted()
    hits = build_hits(found, found.order(), {one: {} for one in IDS}, first=0, explain=True)
    scores = {
        "s-1": {"p1": 4.0, "p2": 3.0, "p3": 2.0, "p4": 1.0},
        "s-2": {"p1": 0.1, "p2": 0.2, "p3": 0.3, "p4": 0.4},
    }
    assert {hit.team for hit in hits} == {"s-1", "s-2"}
    for place, hit in enumerate(hits, start=1):
        assert hit.team is not None
        assert hit.score == scores[hit.team][hit.id]
        assert hit.explanation is not None and hit.explanation.startswith(f"Number {place}")
        assert found.key(IDS.index(hit.id)) == (hit.score, hit.id)


def test_product_that_was_deleted_meanwhile_is_left_out() -> None:
    found = drafted()
    products: dict[str, Any] = {one: {} for one in IDS if one != "p2"}
    hits = build_hits(found, found.order(), products, first=0, explain=False)
    assert [hit.id for hit in hits] == [IDS[row] for row in found.order() if IDS[row] != "p2"]


def test_page_begins_behind_the_last_product() -> None:
    found = drafted()
    order = found.order()
    for place, row in enumerate(order, start=1):
        assert place_after(found, order, Cursor("window", place, found.key(row))) == place
    assert place_after(found, order, Cursor("window", 3, ())) == 3
    assert place_after(found, order, Cursor("window", 9, ())) == 4


def test_page_begins_where_a_last_product_stood_that_is_gone() -> None:
    found = drafted()
    gone = Cursor("window", 2, (0.5, "sold out"))
    # Behind the one product before it; those behind have moved up by one.
    assert place_after(found, found.order(), gone) == 1


def test_page_of_one_ranking_begins_by_score_as_ever() -> None:
    one = ranked(4, 3, 2, 1)
    assert place_after(one, one.order(), Cursor("window", 2, (3.0, "p2"))) == 2
    assert place_after(one, one.order(), Cursor("window", 2, (2.5, "sold out"))) == 2


def current(kind: Kind, share: float, *broken: str) -> Current[LearnedRanking | None]:
    experiment = Experiment(kind, ("s-1", "s-2"), share, "salt", "2026-01-02T03:04:05Z")
    arms = {one: None if one in broken else LearnedRanking(one, MODEL) for one in ("s-1", "s-2")}
    return Current(None, None, experiment, arms)


class Live:
    encoders: dict[str, Any] = {}


def chosen(
    found: Current[LearnedRanking | None], client_id: str | None
) -> tuple[str, str, str | None, str | None] | None:
    arm = choose_arm(found, Live(), client_id)  # type: ignore[arg-type]
    if arm is None:
        return None
    other = None if arm.other is None else arm.other.version
    return arm.version, arm.learned.version, other, arm.client_id


@pytest.mark.parametrize("client_id", [None, ""])
def test_client_without_an_id_gets_a_and_is_not_counted(client_id: str | None) -> None:
    kinds: tuple[Kind, ...] = ("ab", "interleave")
    for kind in kinds:
        assert chosen(current(kind, 1.0), client_id) == ("s-1", "s-1", None, None)


def test_client_that_takes_part_gets_b_or_both() -> None:
    assert chosen(current("ab", 1.0), "anna") == ("s-2", "s-2", None, "anna")
    assert chosen(current("interleave", 1.0), "anna") == ("s-1+s-2", "s-1", "s-2", "anna")


def test_client_outside_the_share_gets_a_and_counts_only_in_ab() -> None:
    assert chosen(current("ab", 1e-9), "anna") == ("s-1", "s-1", None, "anna")
    assert chosen(current("interleave", 1e-9), "anna") == ("s-1", "s-1", None, None)


@pytest.mark.parametrize("broken", [("s-1",), ("s-2",), ("s-1", "s-2")])
def test_half_an_experiment_is_none(broken: tuple[str, ...]) -> None:
    assert chosen(current("ab", 0.5, *broken), "anna") is None
    assert chosen(Current(None), "anna") is None


def test_pages_share_their_coins_and_searches_and_experiments_do_not() -> None:
    first = current("interleave", 1.0).experiment
    assert first is not None
    other = Experiment("interleave", ("s-1", "s-2"), 1.0, "pepper", first.started_at)
    learned = LearnedRanking("s-1", MODEL)

    def seed(experiment: Experiment, client: str, **request: object) -> str:
        text = fingerprint("shop", SearchRequest.parse({"q": "mouse", **request}))
        return Arm(experiment, "s-1+s-2", learned, learned, client).seed(text)

    whole = seed(first, "anna")
    assert seed(first, "anna", limit=3, offset=6, client_id="anna") == whole
    different = {whole, seed(first, "ben"), seed(other, "anna"), seed(first, "anna", q="cable")}
    assert len(different) == 4
