"""What the figures look like: rows of a table each, as JSON, as CSV and on the page."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

_MS = "Milliseconds; none without searches."


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrafficRow(_Row):
    """Searches of one step of time."""

    at: datetime = Field(description="Where the step begins.")
    searches: int = Field(description="Searches; the pages after the first are not counted.")
    zero_results: int
    zero_share: float | None = Field(description="Of the searches whose total is known.")
    degraded: int = Field(description="Answers that had to do without a leg.")
    p50_ms: float | None = Field(description=_MS)
    p95_ms: float | None = Field(description=_MS)


class LatencyRow(_Row):
    """Times of the answers of one step of time, pages after the first among them."""

    at: datetime = Field(description="Where the step begins.")
    answers: int
    mean_ms: float | None = Field(description=_MS)
    p50_ms: float | None = Field(description=_MS)
    p95_ms: float | None = Field(description=_MS)
    p99_ms: float | None = Field(description=_MS)
    max_ms: float | None = Field(description=_MS)


class QueryRow(_Row):
    """What became of a query. Rates are shares of the searches that were shown (see events)."""

    query: str = Field(description="In lower case; addresses and long numbers are masked.")
    searches: int
    zero_share: float | None
    mean_ms: float | None
    shown: int = Field(description="Searches of which events tell that results were shown.")
    click_rate: float | None
    click_low: float | None = Field(description="Lower end of the 95 % interval (Wilson).")
    click_high: float | None
    purchase_rate: float | None


class PositionRow(_Row):
    """What became of the products that were shown at one position."""

    position: int = Field(description="1 is the top.")
    shown: int = Field(description="Searches whose results were shown down to there.")
    clicked: int
    click_rate: float | None
    click_low: float | None = Field(description="Lower end of the 95 % interval (Wilson).")
    click_high: float | None
    purchased: int
    purchase_rate: float | None
    purchase_low: float | None
    purchase_high: float | None


class LagRow(_Row):
    """How far a lane of the queue was behind in one step of time: the greatest of its samples."""

    at: datetime = Field(description="Where the step begins.")
    lane: str
    oldest_seconds: float = Field(description="Age of the oldest unfinished batch, 0 for none.")
    changes: int = Field(description="Changes of products that were not finished.")
    waiting: int = Field(description="Messages that no worker had taken.")
    dead_letters: int = Field(description="Of all lanes.")


class Count(_Row):
    """How often something was so."""

    name: str
    count: int


class _Answer(_Row):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    step_seconds: int
    notes: list[str] = Field(description="What is estimated or missing, in words.")


class SummaryAnswer(_Answer):
    """Figures of the whole span, and the searches by step."""

    searches: int
    pages: int = Field(description="Pages after the first.")
    zero_results: int
    zero_share: float | None
    degraded: int
    p50_ms: float | None = Field(description=_MS)
    p95_ms: float | None = Field(description=_MS)
    shown: int = Field(description="Searches of which events tell that results were shown.")
    click_rate: float | None
    purchase_rate: float | None
    sources: list[Count] = Field(description="Searches by who asked.")
    weights: list[Count] = Field(description="Searches by the weights that ranked.")
    rules: list[Count] = Field(description="Searches by the version of the rules in force.")
    fallbacks: list[Count] = Field(description="Answers without a leg, by reason.")
    rows: list[TrafficRow]


class QueriesAnswer(_Answer):
    """Queries, the most frequent first."""

    rows: list[QueryRow]


class PositionsAnswer(_Answer):
    """Click and purchase rate by position."""

    rows: list[PositionRow]


class LatencyAnswer(_Answer):
    """Times of the answers by step."""

    rows: list[LatencyRow]


class LagAnswer(_Answer):
    """How far behind the index was, by step and lane."""

    rows: list[LagRow]


Answer = SummaryAnswer | QueriesAnswer | PositionsAnswer | LatencyAnswer | LagAnswer
ROWS: dict[type[BaseModel], type[BaseModel]] = {
    SummaryAnswer: TrafficRow,
    QueriesAnswer: QueryRow,
    PositionsAnswer: PositionRow,
    LatencyAnswer: LatencyRow,
    LagAnswer: LagRow,
}
"""The rows of each answer."""
