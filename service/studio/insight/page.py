"""The page of figures: its views."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from service.access.scopes import Scope, needs
from service.insight.insight import latency_of, summary_of
from service.insight.queries import LEAST_SHOWN, Only
from service.insight.rows import QueriesAnswer
from service.insight.time_range import TimeRange
from service.services import current_services
from service.studio.frame import StudioPage, page_blueprint, piece
from service.studio.insight import plots

PAGE = StudioPage(
    name="insight",
    title="Insight",
    lead="What is searched for, what is found, clicked and bought, and how fast.",
    order=70,
    package="service.studio.insight",
    scripts=("insight.js",),
    styles=("insight.css",),
)
blueprint = page_blueprint(PAGE)

_TABLES: tuple[tuple[Only, str, str], ...] = (
    ("all", "Top queries", "Nothing was searched for in this time."),
    ("no_results", "Without results", "Every query of this time found something."),
    (
        "no_clicks",
        "Without clicks",
        f"No query was shown in {LEAST_SHOWN} searches or more and never clicked.",
    ),
)
"""Which queries, the heading, and what is said where there are none."""

_SHOWN_QUERIES = 20
_SHOWN_POSITIONS = 24


@blueprint.get("/overview")
@needs(Scope.ADMIN)
def overview(index: str) -> ResponseReturnValue:
    """Show the figures of the whole span, and searches and times over time."""
    span, insight = _span(index), current_services().insight
    traffic, outcomes = insight.traffic(index, span), insight.outcomes(index, span)
    notes = insight.notes(outcomes)
    found = summary_of(span, traffic, outcomes, notes)
    times = latency_of(span, traffic, [])
    return piece(
        "studio/insight/overview.html",
        name=index,
        found=found,
        steps=[pair for pair in zip(found.rows, times.rows, strict=True) if pair[1].answers],
        step=plots.step_name(span),
        plots=_safe(
            plots.plot_searches(span, found.rows),
            plots.plot_zero_share(span, found.rows),
            plots.plot_latency(span, times.rows),
        ),
        span=_span_name(span),
    )


@blueprint.get("/queries")
@needs(Scope.ADMIN)
def queries(index: str) -> ResponseReturnValue:
    """Show the most frequent queries, those without results and those without clicks."""
    services, span = current_services(), _span(index)
    outcomes = services.insight.outcomes(index, span)
    insight = services.insight

    def found(only: Only) -> QueriesAnswer:
        return insight.queries(index, span, only=only, limit=_SHOWN_QUERIES, outcomes=outcomes)

    tables = [(only, title, empty, found(only)) for only, title, empty in _TABLES]
    return piece(
        "studio/insight/queries.html",
        name=index,
        tables=tables,
    )


@blueprint.get("/positions")
@needs(Scope.ADMIN)
def positions(index: str) -> ResponseReturnValue:
    """Show click and purchase rate by position."""
    found = current_services().insight.positions(index, _span(index), limit=_SHOWN_POSITIONS)
    (plot,) = _safe(plots.plot_positions(found.rows))
    return piece("studio/insight/positions.html", name=index, found=found, plot=plot)


@blueprint.get("/lag")
@needs(Scope.ADMIN)
def lag(index: str) -> ResponseReturnValue:
    """Show how far the index was behind."""
    span = _span(index)
    found = current_services().insight.lag(span)
    (plot,) = _safe(plots.plot_lag(span, found.rows))
    behind = [row for row in found.rows if row.changes or row.waiting or row.oldest_seconds]
    return piece(
        "studio/insight/lag.html",
        found=found,
        behind=behind,
        plot=plot,
        step=plots.step_name(span),
    )


def _span(index: str) -> TimeRange:
    """Return the span of the address. Raises UnknownIndex, InvalidQuery."""
    current_services().elasticsearch_api.targets.get(index)
    now = datetime.now(UTC)
    return TimeRange.parse(request.args.get("from"), request.args.get("to"), now=now)


def _span_name(span: TimeRange) -> str:
    last = span.end - timedelta(microseconds=1)
    return f"{span.start:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def _safe(*pictures: str) -> list[Markup]:
    # Their own module escapes every text in them.
    return [Markup(picture) for picture in pictures]  # noqa: S704
