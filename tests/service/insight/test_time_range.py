"""Spans of time from what an address says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mappings.errors import InvalidQuery
from service.insight.time_range import TimeRange

NOW = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "first", "step"),
    [
        ("1h", None, datetime(2026, 11, 22, 11, 34, tzinfo=UTC), 60),
        (None, None, datetime(2026, 11, 21, 12, 30, tzinfo=UTC), 1_800),
        ("7d", "", datetime(2026, 11, 15, 12, 0, tzinfo=UTC), 10_800),
        ("30d", None, datetime(2026, 10, 23, 12, 0, tzinfo=UTC), 43_200),
        (
            "2026-11-22T08:00:00+02:00",
            "2026-11-22T06:10:00Z",
            datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
            10,
        ),
        ("2026-11-20", None, datetime(2026, 11, 20, 0, 0, tzinfo=UTC), 3_600),
    ],
)
def test_span_begins_at_a_whole_step_that_divides_it_well(start, end, first, step):
    span = TimeRange.parse(start, end, now=NOW)
    assert (span.start, span.step_seconds) == (first, step)
    assert (span.end - span.start) / timedelta(seconds=step) <= 73


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("yesterday", None, "from"),
        ("=1+1", None, "from"),
        ("1h", "2h", "from"),  # from 1 h ago to 2 h ago
        ("400d", None, "from"),
        ("1h", "9999-99-99", "to"),
        ("0001-01-01", None, "from"),
        ("99999w", None, "from"),
        ("2026-11-22T08:00٣", None, "from"),
    ],
)
def test_what_is_no_span_is_refused_by_its_name(start, end, field):
    with pytest.raises(InvalidQuery) as caught:
        TimeRange.parse(start, end, now=NOW)
    assert caught.value.field == field
