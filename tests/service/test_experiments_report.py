"""What an experiment has shown: counted by hand, and from events that a shop sent."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from mappings.errors import InvalidQuery
from service.events.pseudonyms import Pseudonyms
from service.events.stored_event import StoredEvent
from service.experiments_report import ExperimentReport, report_experiment
from service.experiments_words import in_words
from service.weights.experiments import (
    AbReport,
    Experiment,
    InterleavingReport,
    Kind,
    Team,
)
from service.weights.query_ids import QueryIds, plain_query_id

KEY = b"a key that only the tests have"
IDS, PSEUDONYMS = QueryIds(KEY), Pseudonyms(KEY)
START = datetime(2026, 1, 2, tzinfo=UTC)
PAGE: dict[str, Team] = {"p1": "A", "p2": "B", "p3": "B", "p4": "A", "p5": "A", "p6": "B"}


def experiment(kind: Kind, share: float = 0.5, salt: str = "salt") -> Experiment:
    return Experiment(kind, ("shop-3", "shop-4"), share, salt, START.isoformat())


AB, DRAFT = experiment("ab"), experiment("interleave")


def signed(client: str, answer: Team | Mapping[str, Team], of: Experiment | None = None) -> str:
    return IDS.sign("shop", of or (AB if isinstance(answer, str) else DRAFT), client, answer)


def page(
    client: str,
    query_id: str,
    clicks: tuple[str, ...] = (),
    bought: tuple[str, ...] = (),
    shown: tuple[str, ...] = tuple(PAGE),
    minute: int = 0,
) -> list[StoredEvent]:
    """An impression with what was done on it."""

    def event(action: str, product: str | None, seconds: int) -> StoredEvent:
        return StoredEvent(
            id=secrets.token_hex(8),
            action=action,
            query_id=query_id,
            client=PSEUDONYMS.client(client),
            session=None,
            at=START + timedelta(minutes=minute, seconds=seconds),
            user_query=f"mouse {minute}",
            index="shop",
            key_id=PSEUDONYMS.key_id,
            object_id=product,
            ordinal=None,
            shown=tuple((one, place) for place, one in enumerate(shown, start=1))
            if product is None
            else (),
        )

    return [
        event("impression", None, 0),
        *(event("click", product, 1) for product in clicks),
        *(event("purchase", product, 2) for product in bought),
    ]


def team_of(query_id: str, client: str, product: str) -> Team | None:
    answered = IDS.read("shop", query_id, PSEUDONYMS.client(client))
    assert answered is not None
    return answered.team_of(product)


def ab_events(arm: Team, clients: int, clicking: int, buying: int) -> list[StoredEvent]:
    events = []
    for number in range(clients):
        name = f"{arm}-{number}"
        clicks = ("p1",) if number < clicking else ()
        bought = ("p1",) if number < buying else ()
        events += page(name, signed(name, arm), clicks, bought)
    return events


def of_ab(report: ExperimentReport) -> AbReport:
    assert isinstance(report.result, AbReport)
    return report.result


def of_draft(report: ExperimentReport) -> InterleavingReport:
    assert isinstance(report.result, InterleavingReport)
    return report.result


def test_ab_counts_clients_that_clicked_and_bought() -> None:
    events = ab_events("A", 50, 20, 5) + ab_events("B", 50, 30, 10)
    report = report_experiment("shop", events, IDS, running=AB)
    assert (report.kind, report.clients, report.pages) == ("ab", 100, 100)
    found = of_ab(report)
    assert found.versions == ("shop-3", "shop-4")
    counted = {version: (share.successes, share.trials) for version, share in found.clicks.items()}
    assert counted == {"shop-3": (20, 50), "shop-4": (30, 50)}
    assert [one.successes for one in found.purchases.values()] == [5, 10]
    assert found.click_difference.value == pytest.approx(30 / 50 - 20 / 50)
    # Pooled 50 of 100: z = 0.2 / sqrt(0.5 * 0.5 * (1/50 + 1/50)) = 2.
    assert found.click_difference.p_value == pytest.approx(math.erfc(2 / math.sqrt(2)))
    assert report.split_p_value == pytest.approx(1.0)
    assert report.left_out == {}


def test_client_counts_once_however_often_it_searches() -> None:
    events = [
        event
        for minute in range(5)
        for event in page(
            "anna", signed("anna", "B"), ("p1",) if minute == 3 else (), minute=minute
        )
    ]
    report = report_experiment("shop", events, IDS, running=AB)
    assert (report.clients, report.pages) == (1, 5)
    share = of_ab(report).clicks["shop-4"]
    assert (share.successes, share.trials) == (1, 1)


def test_lists_are_won_by_the_team_with_more_clicks_and_clients_by_lists() -> None:
    clicks_of_clients: dict[str, list[tuple[str, ...]]] = {
        "for B": [("p2",)],
        "B twice, A once": [("p2", "p3", "p1"), ("p6",), ("p1", "p4")],
        "five clicks count as one": [("p2", "p3", "p6"), ("p1",), ("p4",)],
        "both": [("p1", "p2")],
        "both by turns": [("p1",), ("p2",)],
        "nothing": [()],
    }
    events = [
        event
        for client, lists in clicks_of_clients.items()
        for minute, clicks in enumerate(lists)
        for event in page(client, signed(client, PAGE), clicks, minute=minute)
    ]
    report = report_experiment("shop", events, IDS, running=DRAFT)
    found = of_draft(report)
    # Won by B: the first two; by A: the third; both alike: two.
    assert (found.wins, found.losses, found.ties, found.without_clicks) == (2, 1, 2, 1)
    assert found.p_value == pytest.approx(min(1.0, 2 * (1 + 3) / 2**3))
    assert (report.clients, report.pages) == (6, 1 + 3 + 3 + 1 + 2 + 1)
    assert report.split_p_value is None


def test_forged_ids_count_for_nobody() -> None:
    annas = signed("anna", "B")
    made_up = annas[:-1] + ("A" if annas[-1] != "A" else "B")
    other = b"another key of sixteen bytes"
    events = [
        *page("ben", annas, ("p1",)),  # somebody else's
        *page("carl", made_up, ("p1",)),
        *page("dora", QueryIds(other).sign("shop", AB, "dora", "B"), ("p1",)),
        *page("emil", plain_query_id(), ("p1",)),  # not in the experiment, and no forgery
        *page("fred", signed("fred", "A"), ("p1",)),
    ]
    report = report_experiment("shop", events, IDS, running=AB)
    assert (report.clients, report.left_out) == (1, {"not_verified": 3})
    assert [one.trials for one in of_ab(report).clicks.values()] == [1, 0]


def test_click_on_what_no_team_had_picked_decides_nothing() -> None:
    shown = (*PAGE, "advert-1")
    # The check of 7 bits lets a stranger pass once in 128 times; that once is not meant here.
    signatures = (signed("anna", PAGE) for _ in range(100))
    query_id = next(one for one in signatures if team_of(one, "anna", "advert-1") is None)
    events = page("anna", query_id, ("advert-1",), shown=shown)
    events += page("ben", signed("ben", PAGE), ("p2",), shown=("p2", "p1"))  # moved by the shop
    report = report_experiment("shop", events, IDS, running=DRAFT)
    found = of_draft(report)
    assert report.left_out == {"product_of_no_team": 1}
    assert (found.wins, found.losses, found.without_clicks) == (1, 0, 1)


def test_experiment_is_the_named_one_or_the_running_or_the_last() -> None:
    old, new = experiment("ab", salt="old"), experiment("interleave", salt="new")
    events = page("anna", signed("anna", "A", old), ("p1",))
    events += page("ben", signed("ben", PAGE, new), ("p2",), minute=60)

    def chosen(
        running: Experiment | None = None, experiment_id: str | None = None
    ) -> tuple[str, Kind, int]:
        report = report_experiment(
            "shop", events, IDS, running=running, experiment_id=experiment_id
        )
        return report.experiment_id, report.kind, report.clients

    assert chosen() == (new.id, "interleave", 1)
    assert chosen(old) == (old.id, "ab", 1)
    assert chosen(new, old.id) == (old.id, "ab", 1)
    assert chosen(AB) == (AB.id, "ab", 0), "one that has just begun"
    with pytest.raises(InvalidQuery, match="no experiment '00000000'"):
        chosen(old, "00000000")
    with pytest.raises(InvalidQuery, match="events know none") as caught:
        report_experiment("shop", [], IDS, running=None)
    assert caught.value.field == "experiment"


def test_traffic_that_is_not_divided_as_set_is_told() -> None:
    even = ab_events("A", 60, 0, 0) + ab_events("B", 40, 0, 0)
    report = report_experiment("shop", even, IDS, running=AB)
    # 40 of 100 where 50 are expected: 10 / sqrt(100 * 0.5 * 0.5) = 2 standard deviations.
    assert report.split_p_value == pytest.approx(math.erfc(2 / math.sqrt(2)))
    assert "WARNING" not in in_words(report)
    odd = ab_events("A", 80, 0, 0) + ab_events("B", 20, 0, 0)
    report = report_experiment("shop", odd, IDS, running=AB)
    assert report.split_p_value == pytest.approx(math.erfc(6 / math.sqrt(2)))
    assert "WARNING: the clients are not divided as the share says" in in_words(report)
    assert report_experiment("shop", odd[:8], IDS, running=AB).split_p_value is None
    whole = experiment("ab", share=1.0)
    own = page("anna", signed("anna", "B", whole))
    assert report_experiment("shop", own, IDS, running=whole).split_p_value == 1.0
    other = page("ben", signed("ben", "A", whole))
    assert report_experiment("shop", own + other, IDS, running=whole).split_p_value == 0.0


def test_ab_report_in_words() -> None:
    events = ab_events("A", 50, 20, 5) + ab_events("B", 50, 30, 10)
    text = in_words(report_experiment("shop", events, IDS, running=AB))
    lines = text.splitlines()
    assert lines[0] == f"experiment {AB.id} on 'shop': A is shop-3, B is shop-4"
    assert lines[1] == "100 clients saw 100 result pages of it"
    assert lines[2].startswith("clicked: 40.0% of 50 clients (95 % interval ")
    assert ", 60.0% of 50 clients (95 % interval " in lines[2]
    assert lines[3].startswith("  B - A: +20.0 points (95 % interval +")
    assert lines[3].endswith("p = 0.046: chance seldom makes as much")
    assert lines[4].startswith("bought: 10.0% of 50 clients")
    assert lines[5].endswith("p = 0.16: chance alone may well make as much")
    assert len(lines) == 6
    few = in_words(report_experiment("shop", events[:50], IDS, running=AB))
    assert "none of 0 clients of B" in few
    assert "fewer than 30 clients in an arm: too few to go by" in few


def test_interleaving_report_in_words() -> None:
    events = [
        event
        for number in range(40)
        for event in page(
            f"c{number}", signed(f"c{number}", PAGE), ("p2",) if number < 30 else ("p1",)
        )
    ]
    events += page("forger", "x" * 16 + ".00000000.i3-4.AAAA." + "y" * 16, ("p2",))
    text = in_words(report_experiment("shop", events, IDS, running=DRAFT))
    assert "30 clients preferred B, 10 A, 0 both alike; 0 clicked on nothing that counts" in text
    assert "B is preferred by 75.0% of 40 clients (95 % interval " in text
    # 2 * sum of C(40, k) for k <= 10, over 2^40 = 0.0022.
    assert "p = 0.0022: chance hardly makes as much" in text
    assert "  pages whose query id was made up, of another client or of another key: 1" in text
    assert "too few" not in text


def test_report_is_json() -> None:
    for running, events in ((AB, ab_events("A", 3, 1, 0)), (DRAFT, [])):
        found = report_experiment("shop", events, IDS, running=running).to_json()
        assert json.loads(json.dumps(found))["versions"] == ["shop-3", "shop-4"]
