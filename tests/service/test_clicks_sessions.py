"""Events to result pages: what counts, and what is left out with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.clicks.click_log import ClickLog
from service.clicks.sessions import (
    CART,
    CLICK,
    PURCHASE,
    Guards,
    PageSession,
    SessionReport,
    build_sessions,
)
from service.events.stored_event import StoredEvent

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def event(
    action: str,
    *,
    query_id: str = "q1",
    client: str = "anna",
    minute: float = 0,
    query: str | None = "mouse",
    product: str | None = None,
    ordinal: int | None = None,
    shown: str = "",
    index: str = "shop",
) -> StoredEvent:
    """One event; shown: a product a letter, from position 1."""
    at = START + timedelta(minutes=minute)
    return StoredEvent(
        id=f"{action}-{query_id}-{client}-{minute}-{product}-{ordinal}-{shown}",
        action=action,
        query_id=query_id,
        client=client,
        session=None,
        at=at,
        user_query=query,
        index=index,
        key_id="k",
        object_id=product,
        ordinal=ordinal,
        shown=tuple((one, place) for place, one in enumerate(shown, start=1)),
    )


def page(shown: str = "abc", **changes: object) -> StoredEvent:
    return event("impression", shown=shown, **changes)  # type: ignore[arg-type]


def click(product: str, ordinal: int, **changes: object) -> StoredEvent:
    return event("click", product=product, ordinal=ordinal, **changes)  # type: ignore[arg-type]


def only(report: SessionReport) -> PageSession:
    (session,) = report.sessions
    return session


def test_page_with_what_was_done_on_it() -> None:
    report = build_sessions(
        [
            event("purchase", product="b", minute=9),
            click("c", 3, minute=2),
            click("b", 2, minute=1),
            event("search"),
            page(),
            event("add_to_cart", product="b", ordinal=2, minute=3),
        ]
    )
    session = only(report)
    assert session.shown == (("a", 1), ("b", 2), ("c", 3))
    assert session.levels == {2: PURCHASE, 3: CLICK}
    assert session.positions(CLICK) == {2, 3}
    assert session.positions(CART) == session.positions(PURCHASE) == {2}
    assert (session.client, session.at, session.index) == ("anna", START, "shop")
    assert report.dropped == {}


def test_click_that_was_sent_before_its_page_counts() -> None:
    assert only(build_sessions([click("a", 1), page(minute=1)])).levels == {1: CLICK}


@pytest.mark.parametrize(
    ("forged", "reason"),
    [
        (click("c", 1), "not_shown_there"),
        (click("z", 1), "not_shown_there"),
        (click("a", 4), "not_shown_there"),
        (event("purchase", product="z"), "not_shown_there"),
        (event("add_to_cart", product="a", ordinal=2), "not_shown_there"),
        (click("a", 1, query_id="q2"), "without_impression"),
        (click("a", 1, index="other"), "without_impression"),
        (click("a", 1, client="eve"), "other_client"),
        (page("cba", client="eve", minute=1), "other_client"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_its_page_is_dropped_and_counted(
    forged: StoredEvent, reason: str
) -> None:
    report = build_sessions([page(), click("b", 2), forged])
    assert only(report).shown == (("a", 1), ("b", 2), ("c", 3))
    assert only(report).levels == {2: CLICK}
    assert report.dropped == {reason: 1}


def test_further_pages_of_a_search_join_the_first() -> None:
    second = StoredEvent(**{**vars(page(minute=5)), "shown": (("d", 4), ("e", 5))})
    report = build_sessions([second, page(), click("e", 5, minute=6)])
    assert only(report).shown == (("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5))
    assert only(report).levels == {5: CLICK}
    assert report.dropped == {}


def test_page_that_contradicts_an_earlier_one_changes_nothing() -> None:
    # "xa": x at 1, where a was; a at 2, where b was. Then x at a free place is taken.
    free = StoredEvent(**{**vars(page(minute=2)), "shown": (("x", 7), ("c", 9))})
    report = build_sessions([page(), page("xa", minute=1), free])
    assert only(report).shown == (("a", 1), ("b", 2), ("c", 3), ("x", 7))
    assert report.dropped == {"contradiction": 3}


def test_queries_are_compared_without_case_and_blanks_and_blank_ones_dropped() -> None:
    report = build_sessions(
        [
            page(query="  Gaming   MOUSE "),
            page(query="gaming mouse", query_id="q2", client="ben"),
            page(query=" ", query_id="q3"),
            page(query=None, query_id="q4"),
        ]
    )
    assert [session.query for session in report.sessions] == ["gaming mouse"] * 2
    assert report.dropped == {"blank_query": 2}


def test_queries_with_masked_words_are_dropped_since_many_become_one() -> None:
    report = build_sessions(
        [
            page(query="[number]"),
            page(query="adapter [NUMBER]", query_id="q2", client="ben"),
            page(query="mail [email]", query_id="q3", client="carl"),
            page(query="number", query_id="q4", client="dora"),
        ]
    )
    assert [session.query for session in report.sessions] == ["number"]
    assert report.dropped == {"masked_query": 3}


def pages_of(client: str, count: int, *, every_minutes: float) -> list[StoredEvent]:
    return [
        page(
            query_id=f"{client}{number}",
            query=f"{client} {number}",
            client=client,
            minute=number * every_minutes,
        )
        for number in range(count)
    ]


def test_client_with_more_sessions_than_an_hour_has_minutes_is_dropped() -> None:
    shopper = pages_of("anna", 120, every_minutes=1)  # 60 in any hour
    program = pages_of("eve", 61, every_minutes=0.98)  # 61 within 58.8 minutes
    report = build_sessions([*shopper, *program])
    assert {session.client for session in report.sessions} == {"anna"}
    assert len(report.sessions) == 120
    assert report.dropped == {"busy_client": 61}


def test_client_that_clicks_on_everything_is_dropped_once_enough_was_shown() -> None:
    few = [page("abcdefghij", query_id="q1", client="anna")]
    many = [page("abcdefghij", query_id=f"e{number}", client="eve") for number in range(2)]
    some = [page("abcdefghij", query_id=f"b{number}", client="ben") for number in range(2)]
    events = [*few, *many, *some]
    for place, product in enumerate("abcdefghij", start=1):
        events.append(click(product, place, query_id="q1", client="anna"))  # 10 of 10
        events += [click(product, place, query_id=f"e{n}", client="eve") for n in range(2)]
        if place <= 8:  # 16 of 20 is the limit, not above it
            events += [click(product, place, query_id=f"b{n}", client="ben") for n in range(2)]
    report = build_sessions(events)
    assert {session.client for session in report.sessions} == {"anna", "ben"}
    assert report.dropped == {"clicks_everything": 2}


def test_client_counts_a_few_times_a_query_and_first_come_first() -> None:
    events = [page(query_id=f"q{number}", minute=number) for number in range(5)]
    report = build_sessions(events, Guards(sessions_a_query=3))
    assert [session.query_id for session in report.sessions] == ["q0", "q1", "q2"]
    assert report.dropped == {"repeated_query": 2}


def test_nothing_gives_nothing() -> None:
    assert build_sessions([]) == SessionReport((), {})
    log = ClickLog.from_sessions([])
    assert (log.pairs, len(log.pair), len(log.cells.pair)) == ((), 0, 0)
    assert not log.comparable_ranks.any()


def test_sessions_become_observations_up_to_the_deepest_rank() -> None:
    report = build_sessions(
        [
            page("abc"),
            click("b", 2),
            page("bac", query_id="q2", client="ben"),
            event("purchase", product="b", query_id="q2", client="ben"),
        ]
    )
    log = ClickLog.from_sessions(report.sessions, max_rank=2)
    seen = [
        (log.pairs[pair], rank, level)
        for pair, rank, level in zip(log.pair, log.rank, log.level, strict=True)
    ]
    a, b = ("mouse", "a"), ("mouse", "b")
    assert seen == [(a, 1, 0), (b, 2, CLICK), (b, 1, PURCHASE), (a, 2, 0)]
    assert log.cells.shown.tolist() == [1, 1, 1, 1]
    assert log.cells.clicked.sum() == 2
    assert log.comparable_ranks.tolist() == [True, True]


def test_pairs_that_were_seen_seldom_can_be_left_out() -> None:
    sessions = build_sessions(
        [
            page("ab"),
            page("ac", query_id="q2", client="ben"),
            click("c", 2, query_id="q2", client="ben"),
        ]
    ).sessions
    often = ClickLog.from_sessions(sessions).seen_often(2)
    assert often.pairs == (("mouse", "a"),)
    assert (often.pair.tolist(), often.rank.tolist(), often.level.tolist()) == (
        [0, 0],
        [1, 1],
        [0, 0],
    )
