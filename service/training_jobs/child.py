"""The process of one training: reads its order from standard input, and reports to its record.

It ends at once when its order is cancelled or the web process that started it is gone.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import structlog
from elasticsearch import Elasticsearch

from mappings.cluster import connect
from mappings.errors import ShelfwiseError
from service.bootstrap import build_searcher
from service.events.event_store import EventStore
from service.judgements.store import JudgementStore
from service.learning.click_data import grades_by_clicks
from service.learning.collecting import Collected
from service.learning.figures import training_figures, way_figures
from service.learning.registry import load_trainer
from service.learning.run import (
    GradeSource,
    TrainingPlan,
    TrainingWatch,
    join_lists,
    run_training,
)
from service.learning.validation import Validated
from service.settings import ServiceSettings
from service.training_jobs.records import TrainingJob, TrainingJobs
from service.training_jobs.request import TrainRequest

REPORT_SECONDS = 1.0
MOST_SAID = 50
_NICE = 5
"""Searches come first: the training has the time that they leave."""
_GONE = "the service that ran it has ended; start it again"

log = structlog.get_logger(__name__)


class ReportingWatch(TrainingWatch):
    """Keeps how far the training is, and stores it every second from a thread of its own."""

    def __init__(self, jobs: TrainingJobs, job: TrainingJob) -> None:
        self._jobs = jobs
        self._job = job
        self._stages: dict[str, dict[str, Any]] = {}
        self._ways: dict[str, dict[str, float]] = {}
        self._said: list[str] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def begin(self, stage: str, total: int) -> None:
        """Note a stage."""
        with self._lock:
            self._stages[stage] = {"name": stage, "done": 0, "total": total}

    def advance(self, stage: str) -> None:
        """Note a step."""
        with self._lock:
            self._stages[stage]["done"] += 1

    def collected(self, data: Collected) -> None:
        """Say what is learned from, and what was left out."""
        self.say(f"{len(data.queries):,} queries with {data.pairs:,} judged products")
        for query, reason in data.refused.items():
            self.say(f"left out {query[:100]!r}: {reason}")
        if data.useless:
            self.say(
                f"left out {len(data.useless):,} queries without a right answer to tell apart"
            )
        if data.missing:
            self.say(f"{data.missing:,} judged products play no part: no leg finds them")

    def validated(self, name: str, way: Validated) -> None:
        """Note a figure."""
        with self._lock:
            self._ways[name] = way_figures(way)

    def say(self, line: str) -> None:
        """Add a line to the log."""
        with self._lock:
            self._said = [*self._said, line][-MOST_SAID:]

    def now(self) -> TrainingJob:
        """Return the record as it stands."""
        with self._lock:
            return replace(
                self._job,
                progress=tuple(dict(one) for one in self._stages.values()),
                said=tuple(self._said),
                figures={"ways": {name: dict(one) for name, one in self._ways.items()}},
            )

    def follow(self) -> None:
        """Report until the end; end the process when it is not wanted any more."""
        while not self._ended.wait(REPORT_SECONDS):
            try:
                is_wanted = self._jobs.report(self.now())
            except ShelfwiseError as error:
                log.warning("training_not_reported", reason=error.message)
                continue
            if not is_wanted and not self._ended.is_set():
                os._exit(0)  # cancelled; nothing is half done, as a version is stored whole

    def end(self, job: TrainingJob) -> None:
        """Report how it ended."""
        self._ended.set()
        # Twice, as the other thread may have been in between.
        if not self._jobs.report(job):
            self._jobs.report(job)


def main() -> None:
    """Do what the first line of standard input says."""
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    os.nice(_NICE)
    order = orjson.loads(sys.stdin.buffer.readline())
    settings = ServiceSettings.model_validate(order["settings"])
    with connect(settings) as client:
        jobs = TrainingJobs(client)
        job = jobs.get(order["training"])
        if job.state != "running":
            return  # cancelled, or given up, before it could begin
        watch = ReportingWatch(jobs, job)
        threading.Thread(target=_end_with_parent, args=(jobs, watch), daemon=True).start()
        threading.Thread(target=watch.follow, daemon=True).start()
        _train(settings, client, watch)


def _train(settings: ServiceSettings, client: Elasticsearch, watch: ReportingWatch) -> None:
    job = watch.now()
    wanted = TrainRequest.parse(job.options)
    try:
        plan = TrainingPlan(
            job.index,
            [load_trainer(name) for name in wanted.fusions],
            activates=wanted.activate,
            is_complete=wanted.complete,
            with_curve=wanted.curve,
            note=wanted.note,
            seed=wanted.seed,
            who=job.who,
        )
        source = _source(client, job.index, wanted, watch)
        searcher = build_searcher(settings)
        trained = run_training(plan, source, client=client, searcher=searcher, watch=watch)
    except ShelfwiseError as error:
        watch.say(error.message)
        watch.end(replace(watch.now(), state="failed"))
    except Exception as error:
        log.error("training_broke", exc_info=error)
        watch.say(f"something of ours broke, the service's log says what: {type(error).__name__}")
        watch.end(replace(watch.now(), state="failed"))
    else:
        kept = "is active" if trained.is_active else "is kept, and not active"
        watch.say(f"{trained.version} ({trained.training.best}) {kept}")
        figures: Mapping[str, Any] = training_figures(trained.data, trained.training)
        done = replace(watch.now(), state="done", version=trained.version, figures=figures)
        watch.end(replace(done, is_active=trained.is_active))


def _source(
    client: Elasticsearch, index: str, wanted: TrainRequest, watch: ReportingWatch
) -> GradeSource:
    if not wanted.clicks:
        contents = {name: JudgementStore(client).read(name) for name in wanted.judgements}
        lists = {name: (one.judgements, one.max_grade) for name, one in contents.items()}
        return GradeSource("judgements", join_lists(lists))
    since = datetime.now(UTC) - timedelta(days=wanted.days)
    found = grades_by_clicks(EventStore(client), index, since=since)
    watch.say(f"{found.sessions:,} result pages, {len(found.grades.grades):,} queries")
    return GradeSource("clicks", found.grades.grades, found.grades.confidence)


def _end_with_parent(jobs: TrainingJobs, watch: ReportingWatch) -> None:
    os.read(0, 1)  # not sys.stdin, whose lock would spoil the interpreter's end
    watch.say(_GONE)
    with suppress(ShelfwiseError):
        jobs.report(replace(watch.now(), state="failed"))
    os._exit(1)


if __name__ == "__main__":
    main()
