"""From stored events to grades that training can learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from service.clicks.click_grades import ClickGrades, as_grades
from service.clicks.click_log import ClickLog
from service.clicks.grades import Worth, propensity_judgements
from service.clicks.interventions import compare_estimates, estimate_by_interventions
from service.clicks.position_bias import PositionBias, fit_position_bias
from service.clicks.sessions import CLICK, build_sessions
from service.events.event_store import EventStore

_ENOUGH_SESSIONS = 100
"""Result pages a query, below which the click model's estimate of the bias is too low."""


@dataclass(frozen=True)
class ClickData:
    """Grades by clicks, and what stands behind them.

    sessions: result pages that were used. dropped: reason to number of what was not.
    examination: how often a shopper looks at rank 1, 2, ..., against rank 1.
    disagreement: largest relative difference of that to an estimate from products that stood at
        several ranks; None where too few did.
    """

    grades: ClickGrades
    sessions: int
    dropped: Mapping[str, int]
    examination: tuple[float, ...]
    disagreement: float | None


def grades_by_clicks(store: EventStore, index: str, *, since: datetime | None) -> ClickData:
    """Return the grades that the shoppers of an index gave by what they did.

    Raises a TemporaryError when the cluster cannot answer.
    """
    report = build_sessions(store.read(index=index, since=since))
    log = ClickLog.from_sessions(report.sessions)
    if not log.pairs or not log.clicked.any():
        return ClickData(ClickGrades({}, {}), len(report.sessions), report.dropped, (), None)
    bias, disagreement = _bias(log, len(report.sessions))
    judgements = propensity_judgements(log, bias, worth=_worth(log))
    shown = tuple(float(one) for one in bias.examination)
    return ClickData(
        as_grades(judgements), len(report.sessions), report.dropped, shown, disagreement
    )


def _bias(log: ClickLog, sessions: int) -> tuple[PositionBias, float | None]:
    """Return how often each rank is looked at, and how far two estimates of it are apart."""
    fitted = fit_position_bias(log).bias
    observed = estimate_by_interventions(log)
    largest = compare_estimates(fitted, observed).largest
    disagreement = None if np.isnan(largest) else largest
    queries = len({query for query, _ in log.pairs})
    is_scarce = sessions < _ENOUGH_SESSIONS * queries
    return (observed if is_scarce and observed.identified.sum() > 1 else fitted), disagreement


def _worth(log: ClickLog) -> Worth:
    """Return what each interaction counts; a click counts whole where nothing else is sent."""
    return Worth() if (log.level > CLICK).any() else Worth(click=1.0)
