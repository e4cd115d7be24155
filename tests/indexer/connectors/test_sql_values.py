"""Values of databases as JSON, and pages of queries as statements."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import make_url

from indexer.connectors.sql_database import connect_arguments, is_refusal
from indexer.connectors.sql_paging import Paging
from indexer.connectors.sql_values import decode, encode, plain, seconds_of
from mappings.errors import MissingSetting
from mappings.feeds.versions import version_at

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_456)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("12.50"), 12.5),
        (Decimal(3), 3),
        (Decimal("1e30"), 1e30),
        (Decimal("NaN"), "NaN"),
        (Decimal("-Infinity"), "-Infinity"),
        (float("inf"), "inf"),
        (NOON, "2026-03-01T12:00:00.123456+00:00"),
        (NOON.replace(tzinfo=timezone(timedelta(hours=2))), "2026-03-01T12:00:00.123456+02:00"),
        (date(2026, 3, 1), "2026-03-01"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([Decimal(1), None, "x"], [1, None, "x"]),
        ({"colour": Decimal("0.5")}, {"colour": 0.5}),
        (b"\x00", None),
        (True, True),
        (None, None),
    ],
    ids=repr,
)
def test_column_becomes_json(value, expected):
    assert plain(value) == expected


@pytest.mark.parametrize(
    "value",
    [NOON, NOON.replace(tzinfo=UTC), date(2026, 3, 1), UUID(int=5), Decimal("1.5"), 7, "x", None],
    ids=repr,
)
def test_place_comes_back_from_a_cursor_as_it_was(value):
    again = decode(json.loads(json.dumps(encode(value))))
    assert (again, type(again)) == (value, type(value))


def test_column_that_has_no_order_is_refused():
    with pytest.raises(MissingSetting, match="of the kind dict"):
        encode({})


@pytest.mark.parametrize(
    "time", [NOON, NOON.timestamp(), NOON.replace(tzinfo=UTC), NOON.isoformat(), str(NOON)]
)
def test_version_is_the_time_whatever_the_database_calls_it(time):
    expected = version_at(NOON)
    if isinstance(time, float):
        time = NOON.replace(tzinfo=UTC).timestamp()
        assert version_at(seconds_of(round(time * 1000))) == expected // 1000 * 1000
    assert version_at(seconds_of(time)) == expected
    assert version_at(seconds_of(date(2026, 3, 1))) == version_at("2026-03-01")


def test_paging_is_written_around_a_query():
    paging = Paging("SELECT * FROM products;\n", "sku", "changed", ("", ""))
    first, parameters = paging.page(None, None, 10)
    assert "WHERE feed.changed IS NOT NULL ORDER BY feed.changed, feed.sku LIMIT :limit" in first
    assert parameters == {"limit": 10}
    later, parameters = paging.page(5, "b", 10)
    assert "feed.changed >= :since AND (feed.changed > :since OR feed.sku > :after_id)" in later
    assert parameters == {"since": 5, "after_id": "b", "limit": 10}
    assert paging.everything() == "SELECT * FROM products"


def test_query_that_pages_itself_is_run_as_it_stands():
    query = "SELECT 1 WHERE (t, id) > (:since, :after_id) AND x::text > '' ORDER BY 1 LIMIT :limit"
    paging = Paging(query, "id", "t", ("1970-01-01", 0))
    assert paging.page(None, None, 7) == (
        query,
        {"since": "1970-01-01", "after_id": 0, "limit": 7},
    )
    with pytest.raises(MissingSetting, match="ids_query: is needed"):
        paging.everything()


@pytest.mark.parametrize(
    ("query", "column", "said"),
    [
        ("SELECT 1 WHERE t > :since", "id", "names :since but not :after_id"),
        ("SELECT 1", "id; DROP TABLE x", "is no name of a column"),
    ],
)
def test_query_that_cannot_be_paged_says_why(query, column, said):
    with pytest.raises(MissingSetting, match=said):
        Paging(query, column, "t", (0, 0))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql+psycopg://u:p@h/shop", {"connect_timeout": 10, "keepalives_idle": 30}),
        ("postgresql+psycopg://h/shop?connect_timeout=3", {"connect_timeout": None}),
        ("sqlite://", {"connect_timeout": None}),
    ],
)
def test_server_that_is_gone_without_a_word_is_not_waited_for_in_vain(address, expected):
    found = connect_arguments(make_url(address))
    assert {name: found.get(name) for name in expected} == expected


class DriversError(Exception):
    """As MySQL's drivers raise: a number and a text."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DriversError(1054, "Unknown column 'nmae'"), True),
        (DriversError(1792, "Cannot execute statement in a READ ONLY transaction"), True),
        (DriversError(2013, "Lost connection to server"), False),
        (DriversError(1205, "Lock wait timeout exceeded"), False),
        (DriversError("server closed the connection unexpectedly"), False),
        (DriversError(), False),
        (None, False),
    ],
)
def test_statement_that_will_never_do_is_told_from_a_database_that_is_away(error, expected):
    assert is_refusal(error) is expected
