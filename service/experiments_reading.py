"""The report of an experiment, read from what the cluster keeps of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from mappings.errors import InvalidQuery
from service.events.event_store import EventStore
from service.events.stored_event import StoredEvent
from service.experiments_outlook import Measure, Outlook, outlooks
from service.experiments_report import ExperimentReport, report_experiment
from service.experiments_words import in_words, verdicts
from service.weights.experiments import Experiment
from service.weights.query_ids import QueryIds

MAX_AGE = timedelta(days=30)
"""As old as an event may be when it comes."""

_SLOW_CLOCKS = timedelta(hours=1)
"""Events have the times of browsers; an earlier page than the experiment has no id of it."""


@dataclass(frozen=True)
class ExperimentReading:
    """A report, what its measures say, and the time whose events it counts."""

    report: ExperimentReport
    outlooks: Mapping[Measure, Outlook]
    since: datetime
    until: datetime

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            **self.report.to_json(),
            "since": self.since.isoformat("T", "seconds"),
            "until": self.until.isoformat("T", "seconds"),
            "outlook": {name: asdict(one) for name, one in self.outlooks.items()},
            "verdicts": verdicts(self.report, self.outlooks),
        }

    def in_words(self) -> str:
        """Return it as lines of text."""
        return "\n".join([in_words(self.report), *verdicts(self.report, self.outlooks)])


def read_experiment(
    index: str,
    events: EventStore,
    ids: QueryIds,
    *,
    running: Experiment | None,
    now: datetime,
    experiment_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    most_events: int | None = None,
) -> ExperimentReading:
    """Return what clients did with two versions.

    running: the experiment that runs, None without. experiment_id: by default that one, else the
    last that the events know. since: by default when it began, of an ended one 30 days ago.
    until: by default now. most_events: more than so many are not read.
    Raises InvalidQuery when there is no such experiment, the time ends before it begins, or
    there are more events.
    """
    if since is None:
        is_running = running is not None and experiment_id in (None, running.id)
        begun = datetime.fromisoformat(running.started_at) if running and is_running else None
        since = now - MAX_AGE if begun is None else begun - _SLOW_CLOCKS
    if (until or now) <= since:
        raise InvalidQuery(
            f"until {(until or now).isoformat()!r}: should be after since, {since.isoformat()!r}",
            field="until",
        )
    found = events.read(index=index, since=since, until=until)
    report = report_experiment(
        index,
        found if most_events is None else _at_most(found, most_events),
        ids,
        running=running,
        experiment_id=experiment_id,
    )
    said = outlooks(report, running=running, now=now)
    return ExperimentReading(report, said, since, until or now)


def _at_most(events: Iterable[StoredEvent], most: int) -> Iterator[StoredEvent]:
    for number, event in enumerate(events):
        if number == most:
            raise InvalidQuery(
                f"since: there are more than {most:,} events from then on, too many for one "
                "request; ask for less time, or by `shelfwise weights experiment report`",
                field="since",
            )
        yield event
