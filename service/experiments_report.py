"""What an experiment has shown: stored events to two versions compared, each client once."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from mappings.errors import InvalidQuery
from service.clicks.sessions import CLICK, PURCHASE, PageSession, build_sessions
from service.events.stored_event import StoredEvent
from service.weights.experiments import (
    AbReport,
    Experiment,
    InterleavingReport,
    Kind,
    Session,
    Team,
    ab_report,
    interleaving_report,
)
from service.weights.query_ids import Answered, QueryIds, is_signed

Page = tuple[PageSession, Answered]
MISMATCH = 0.001
"""A split of the clients that is less likely than this by chance has another reason."""


@dataclass(frozen=True)
class ExperimentReport:
    """Two versions by what clients did.

    clients, pages: that count. left_out: reason to number: those of `SessionReport`;
    `not_verified`, pages whose query id was made up, given to another client or signed under
    another key; `product_of_no_team`, clicks on products that are in no team's list.
    split_p_value: how likely chance divides the clients as unevenly as this against the share;
    None where the share is not known. result: of kind `ab` or `interleave`.
    """

    index: str
    experiment_id: str
    kind: Kind
    versions: tuple[str, str]
    clients: int
    pages: int
    left_out: Mapping[str, int]
    split_p_value: float | None
    result: AbReport | InterleavingReport

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)


def report_experiment(
    index: str,
    events: Iterable[StoredEvent],
    ids: QueryIds,
    *,
    running: Experiment | None,
    experiment_id: str | None = None,
) -> ExperimentReport:
    """Return what the events of an index say.

    experiment_id: the experiment; without it the one that runs, else the last one that the events
    know. Events alone decide nothing: a page counts by the signature in its query id.
    Raises InvalidQuery when no experiment is known.
    """
    report = build_sessions(events)
    left_out = Counter(report.dropped)
    pages = list(_signed(index, report.sessions, ids, left_out))
    wanted = experiment_id or (running and running.id) or (pages and pages[-1][1].experiment_id)
    own = [page for page in pages if page[1].experiment_id == wanted]
    if running is not None and running.id == wanted:
        kind, versions = running.kind, running.versions
    elif own:
        kind, versions = own[0][1].kind, own[0][1].versions
    else:
        raise InvalidQuery(
            f"no experiment {experiment_id!r} in the events of {index!r}"
            if experiment_id
            else f"no experiment runs on {index!r}, and its events know none",
            field="experiment",
        )
    result: AbReport | InterleavingReport
    split_p_value = None
    if kind == "ab":
        result = ab_report(_by_client(own), versions)
        if running is not None and running.id == wanted:
            split_p_value = _split_p_value(result, running.share)
    else:
        result = interleaving_report(_lists_won(own, left_out))
    return ExperimentReport(
        index=index,
        experiment_id=str(wanted),
        kind=kind,
        versions=versions,
        clients=len({session.client for session, _ in own}),
        pages=len(own),
        left_out=dict(left_out),
        split_p_value=split_p_value,
        result=result,
    )


def _signed(
    index: str, sessions: Sequence[PageSession], ids: QueryIds, left_out: Counter[str]
) -> Iterator[Page]:
    for session in sessions:
        answered = ids.read(index, session.query_id, session.client)
        if answered is not None:
            yield session, answered
        elif is_signed(session.query_id):
            left_out["not_verified"] += 1


def _by_client(pages: Sequence[Page]) -> list[Session]:
    """Return one session a client: what the same person does twice is not two samples."""
    levels: dict[tuple[str, str], int] = defaultdict(int)
    for session, answered in pages:
        version = answered.versions[0 if answered.arm == "A" else 1]
        key = (session.client, version)
        levels[key] = max([levels[key], *session.levels.values()])
    return [
        Session(version, clicked=level >= CLICK, purchased=level >= PURCHASE)
        for (_, version), level in levels.items()
    ]


def _lists_won(pages: Sequence[Page], left_out: Counter[str]) -> dict[str, dict[str, int]]:
    """Return by client how many lists each team won; of a draw both have one.

    So one who clicks a lot counts as much as one who clicks once.
    """
    won: dict[str, dict[str, int]] = {}
    for session, answered in pages:
        clicks: Counter[Team] = Counter()
        for product_id, position in session.shown:
            if session.levels.get(position, 0) < CLICK:
                continue
            team = answered.team_of(product_id)
            if team is None:
                left_out["product_of_no_team"] += 1
            else:
                clicks[team] += 1
        own = won.setdefault(session.client, {"A": 0, "B": 0})
        if clicks:
            most = max(clicks.values())
            for team, count in clicks.items():
                own[team] += count == most
    return won


def _split_p_value(result: AbReport, share: float) -> float | None:
    """Return the two-sided p-value of the clients of B against their share.

    By the normal approximation of the binomial distribution; None below 5 expected in an arm,
    where that does not hold. 1 for a share of 1 that everybody is in.
    """
    clients = sum(one.trials for one in result.clicks.values())
    of_b = result.clicks[result.versions[1]].trials
    if share == 1:
        return 1.0 if of_b == clients else 0.0
    if clients * min(share, 1 - share) < 5:
        return None
    deviation = (of_b - clients * share) / math.sqrt(clients * share * (1 - share))
    return 2 * NormalDist().cdf(-abs(deviation))
