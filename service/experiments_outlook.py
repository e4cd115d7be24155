"""Who leads in an experiment, how sure that is, and how long until it is clear."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from service.experiments_report import ExperimentReport
from service.weights.experiments import AbReport, Experiment, InterleavingReport, Team
from service.weights.proportions import Difference, Proportion
from service.weights.sample_size import clients_for_difference, clients_for_preference

FEW = 30
"""Clients in an arm, or decided ones, below which the approximations say little."""

SURE = 0.05
"""A difference that chance makes less often than this is taken for one."""

Measure = Literal["clicked", "bought", "preferred"]


@dataclass(frozen=True)
class Outlook:
    """One measure of an experiment.

    leader: None while both are alike, or there are too few clients to say. p_value: how likely
    chance makes a difference as large. is_clear: whether that is seldom enough to believe.
    clients_needed: in the whole experiment, by whom a difference as large as the one seen is
    found 8 times in 10; None where nothing can be said. clients_more: those that are missing; 0
    when it is clear. days_more: until then, at the pace so far; None when the experiment has
    ended.
    """

    leader: Team | None
    p_value: float
    is_clear: bool
    clients_needed: int | None
    clients_more: int | None
    days_more: float | None


def outlooks(
    report: ExperimentReport, *, running: Experiment | None, now: datetime
) -> dict[Measure, Outlook]:
    """Return what each measure of a report says; the first is the one to go by.

    running: the experiment that runs, whoever's report it is. now: with its zone.
    """
    is_running = running is not None and running.id == report.experiment_id
    begun = datetime.fromisoformat(running.started_at) if running and is_running else None
    pace = 0.0 if begun is None else _clients_a_day(report.clients, now - begun)
    result = report.result
    if isinstance(result, InterleavingReport):
        return {"preferred": _preferred(result, report.clients, pace)}
    return {
        "clicked": _compared(result, result.clicks, result.click_difference, pace),
        "bought": _compared(result, result.purchases, result.purchase_difference, pace),
    }


def has_few(report: ExperimentReport) -> bool:
    """Return whether too few clients have been counted to go by."""
    result = report.result
    if isinstance(result, InterleavingReport):
        return result.wins + result.losses < FEW
    return min(share.trials for share in result.clicks.values()) < FEW


def _compared(
    result: AbReport, shares: Mapping[str, Proportion], found: Difference, pace: float
) -> Outlook:
    a, b = (shares[version] for version in result.versions)
    clients = a.trials + b.trials
    if min(a.trials, b.trials) < FEW:
        return Outlook(None, found.p_value, False, None, None, None)
    needed = clients_for_difference(a.value, b.value, b.trials / clients)
    return _outlook(found.value, found.p_value, needed, clients, pace)


def _preferred(result: InterleavingReport, clients: int, pace: float) -> Outlook:
    decided = result.wins + result.losses
    if decided < FEW:
        return Outlook(None, result.p_value, False, None, None, None)
    needed = clients_for_preference(result.preference.value)
    if needed is not None:  # of those who decide; the others come along
        needed = math.ceil(needed * clients / decided)
    return _outlook(result.preference.value - 0.5, result.p_value, needed, clients, pace)


def _outlook(
    lead: float, p_value: float, needed: int | None, clients: int, pace: float
) -> Outlook:
    is_clear = p_value < SURE
    more = None if needed is None else max(0, needed - clients)
    if is_clear:
        more = 0
    days = more / pace if more is not None and pace > 0 else None
    leader: Team | None = None if lead == 0 else "B" if lead > 0 else "A"
    return Outlook(leader, p_value, is_clear, needed, more, days)


def _clients_a_day(clients: int, elapsed: timedelta) -> float:
    days = elapsed / timedelta(days=1)
    return clients / days if days > 0 else 0.0
