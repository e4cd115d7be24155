"""Who takes part in an experiment, interleaved lists, and what the numbers say."""

from __future__ import annotations

import hashlib
import math
from collections import Counter

import pytest

from mappings.errors import InvalidQuery
from service.weights.experiments import (
    Experiment,
    Session,
    ab_report,
    assign,
    interleaving_report,
    takes_part,
    team_draft,
)

STARTED = "2026-01-02T03:04:05Z"


def experiment(share: float = 0.1, salt: str = "salt", kind: str = "ab") -> Experiment:
    return Experiment(kind, ("old", "new"), share, salt, STARTED)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "versions", "share", "field"),
    [
        ("multi", ("a", "b"), 0.1, "kind"),
        ("ab", ("a", "a"), 0.1, "versions"),
        ("ab", ("a",), 0.1, "versions"),
        ("ab", ("a", "b"), 0.0, "share"),
        ("ab", ("a", "b"), 1.01, "share"),
        ("ab", ("a", "b"), float("nan"), "share"),
    ],
)
def test_bad_experiment_is_refused_by_field(kind, versions, share, field):
    with pytest.raises(InvalidQuery) as caught:
        Experiment(kind, versions, share, "salt", STARTED)
    assert caught.value.field == field


def test_experiment_comes_back_from_json():
    assert Experiment.from_json(experiment().to_json()) == experiment()


def test_client_is_placed_by_the_digest_of_salt_and_id():
    digest = hashlib.sha256(b"salt:client-7").hexdigest()
    fraction = int(digest[:16], 16) / 2**64
    assert takes_part(experiment(share=fraction + 1e-6), "client-7")
    assert not takes_part(experiment(share=fraction - 1e-6), "client-7")


def test_share_of_the_clients_gets_b_and_keeps_it():
    clients = [f"client-{number}" for number in range(20_000)]
    first = [assign(experiment(), client) for client in clients]
    assert first == [assign(experiment(), client) for client in clients]
    # Five standard errors of 2,000 expected: sqrt(20,000 * 0.1 * 0.9) = 42.
    assert abs(first.count("new") - 2_000) < 5 * math.sqrt(20_000 * 0.1 * 0.9)


def test_larger_share_keeps_who_was_in_the_smaller_one():
    clients = [f"client-{number}" for number in range(2_000)]
    small = {client for client in clients if takes_part(experiment(0.1), client)}
    large = {client for client in clients if takes_part(experiment(0.3), client)}
    assert small < large


def test_two_experiments_share_out_independently():
    clients = [f"client-{number}" for number in range(20_000)]
    both = sum(
        takes_part(experiment(0.5, "one"), client) and takes_part(experiment(0.5, "two"), client)
        for client in clients
    )
    assert abs(both - 5_000) < 5 * math.sqrt(20_000 * 0.25 * 0.75)


@pytest.mark.parametrize("client", [None, ""])
def test_client_without_an_id_gets_a(client):
    assert assign(experiment(share=1.0), client) == "old"


def test_whole_share_gives_everybody_b_whatever_the_id():
    for client in ("a", "ü", "half \ud800", "x" * 10_000):
        assert assign(experiment(share=1.0), client) == "new"


def test_interleaving_serves_a_to_those_who_do_not_take_part():
    assert assign(experiment(share=1.0, kind="interleave"), "client") == "old"


A = ["p1", "p2", "p3", "p4"]
B = ["p3", "p1", "p5", "p6"]


def seed_with(*coins: str) -> int:
    """A seed whose coins fall as given, in the rounds 0, 1, ..."""
    for seed in range(10_000):
        digests = [hashlib.sha256(f"{seed}:{n}".encode()).digest()[0] for n in range(len(coins))]
        if ["AB"[digest % 2] for digest in digests] == list(coins):
            return seed
    raise AssertionError(coins)


@pytest.mark.parametrize(
    ("coins", "drafted"),
    [
        # A picks p1, B its best that is left, p3; A p2, B p5; A p4, B p6.
        ("AAA", [("p1", "A"), ("p3", "B"), ("p2", "A"), ("p5", "B"), ("p4", "A"), ("p6", "B")]),
        ("BAA", [("p3", "B"), ("p1", "A"), ("p2", "A"), ("p5", "B"), ("p4", "A"), ("p6", "B")]),
        ("ABB", [("p1", "A"), ("p3", "B"), ("p5", "B"), ("p2", "A"), ("p6", "B"), ("p4", "A")]),
    ],
)
def test_teams_draft_as_in_the_paper(coins, drafted):
    seed = seed_with(*coins)
    assert team_draft(A, B, seed, 10) == drafted
    for length in range(7):
        assert team_draft(A, B, seed, length) == drafted[:length], "a longer page goes on"


def test_longer_ranking_fills_the_list_when_the_other_has_no_more():
    for seed in range(20):
        drafted = team_draft(["x"], ["x", "y", "z"], seed, 10)
        assert sorted(product for product, _ in drafted) == ["x", "y", "z"]
        assert drafted[1][0] == "y" and drafted[2] == ("z", "B")
    assert team_draft([], ["y"], 1, 5) == [("y", "B")]
    assert team_draft([], [], 1, 5) == []


def test_repeated_product_is_drafted_once():
    assert [one for one, _ in team_draft(["x", "x", "y"], ["x"], 3, 9)] == ["x", "y"]


def test_equal_rankings_give_each_team_every_place_equally_often():
    teams = Counter(team_draft(A, A, seed, 1)[0][1] for seed in range(4_000))
    assert abs(teams["A"] - 2_000) < 5 * math.sqrt(4_000 * 0.25)


def test_negative_length_is_refused():
    with pytest.raises(ValueError, match="length -1"):
        team_draft(A, B, 1, -1)


def test_interleaving_counts_each_list_once():
    report = interleaving_report(
        {
            "q1": {"A": 0, "B": 5},
            "q2": {"B": 1},
            "q3": {"A": 1, "B": 2},
            "q4": {"A": 3},
            "q5": {"A": 1, "B": 1},
            "q6": {},
            "q7": {"A": 0, "B": 0},
        }
    )
    assert (report.wins, report.ties, report.losses, report.without_clicks) == (3, 1, 1, 2)
    assert (report.preference.successes, report.preference.trials) == (3, 4)
    # 3 of 4 or more extreme, both sides: 2 * (1 + 4) / 16.
    assert report.p_value == pytest.approx(2 * (1 + 4) / 16)


def test_interleaving_without_lists_says_nothing():
    report = interleaving_report({})
    assert (report.wins, report.p_value) == (0, 1.0)
    assert (report.preference.low, report.preference.high) == (0.0, 1.0)


@pytest.mark.parametrize("clicks", [{"C": 1}, {"A": -1}])
def test_interleaving_refuses_other_teams_and_negative_counts(clicks):
    with pytest.raises(ValueError, match="q1"):
        interleaving_report({"q1": clicks})


def sessions(version: str, count: int, clicks: int, purchases: int) -> list[Session]:
    return [Session(version, place < clicks, place < purchases) for place in range(count)]


def test_ab_report_compares_clicks_and_purchases():
    seen = sessions("old", 200, 60, 10) + sessions("new", 100, 45, 8)
    report = ab_report(seen, versions=("old", "new"))
    assert list(report.clicks) == ["old", "new"]
    assert report.clicks["old"].value == 60 / 200
    assert report.purchases["new"].value == 8 / 100
    assert report.click_difference.value == pytest.approx(45 / 100 - 60 / 200)
    assert report.purchase_difference.value == pytest.approx(8 / 100 - 10 / 200)
    pooled = (60 + 45) / 300
    z = 0.15 / math.sqrt(pooled * (1 - pooled) * (1 / 200 + 1 / 100))
    assert report.click_difference.p_value == pytest.approx(math.erfc(z / math.sqrt(2)))
    assert report.click_difference.low > 0 > report.purchase_difference.low
    assert ab_report(seen).versions == ("new", "old"), "by name when none is called A"


def test_version_without_sessions_is_unknown_not_bad():
    report = ab_report(sessions("old", 10, 5, 1), versions=("old", "new"))
    assert (report.clicks["new"].low, report.clicks["new"].high) == (0.0, 1.0)
    assert report.click_difference.p_value == 1.0


@pytest.mark.parametrize(
    "names", [["old"], [], ["old", "new", "third"]], ids=["one", "none", "three"]
)
def test_ab_report_needs_two_versions(names):
    with pytest.raises(ValueError, match="two versions are compared"):
        ab_report([Session(name, True, False) for name in names])
