"""`shelfwise train` and `shelfwise features`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Self, cast

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from service.evaluation.options import (
    cluster,
    max_grade_option,
    searcher_of,
    show_progress,
)
from service.events.commands import age
from service.events.event_store import EventStore
from service.intervals import interval
from service.judgements.opening import open_list
from service.learning.baselines import FIXED_BLEND
from service.learning.click_data import grades_by_clicks
from service.learning.collecting import Collected
from service.learning.curve import pays_from
from service.learning.registry import TRAINERS, load_trainer
from service.learning.report import training_page
from service.learning.run import (
    Activates,
    GradeSource,
    TrainingPlan,
    TrainingWatch,
    run_training,
)
from service.learning.training import Training, metrics
from service.ranking.features import FEATURES
from service.weights.console import refusals

_SHOWN_RANKS = 10
_MOST_DISAGREEMENT = 0.2


@click.command()
@click.option("--index", required=True, help="Index whose ranking is learned.")
@click.option(
    "--judgements",
    metavar="FILE|NAME",
    help="CSV file with the columns query, product_id, grade, or the name of a stored list.",
)
@click.option("--clicks", is_flag=True, help="Learn from what shoppers did instead.")
@click.option("--since", default="90d", show_default=True, metavar="AGE", help="For --clicks.")
@max_grade_option
@click.option(
    "--fusion",
    default="auto",
    show_default=True,
    help=f"auto, or with commas: {', '.join(TRAINERS)}. Of several the best one is kept.",
)
@click.option(
    "--activate",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="auto: only when it is better than the best fixed blend beyond chance.",
)
@click.option(
    "--complete",
    is_flag=True,
    help="The list names every right product: all others are wrong, not unjudged.",
)
@click.option("--curve", is_flag=True, help="Also measure how many judged queries it takes.")
@click.option("--note", default="", help="Kept beside the version.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of tables.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a report with charts as one HTML file.",
)
def train(
    index: str,
    judgements: str | None,
    clicks: bool,
    since: str,
    max_grade: int | None,
    fusion: str,
    activate: str,
    complete: bool,
    curve: bool,
    note: str,
    as_json: bool,
    html: Path | None,
) -> None:
    """Learn ranking weights from judgements or clicks, and say what they are worth."""
    if clicks == bool(judgements):
        raise click.UsageError("name either --judgements or --clicks")
    trainers = [
        load_trainer(name) for name in (TRAINERS if fusion == "auto" else fusion.split(","))
    ]
    console = Console(stderr=as_json)
    source = (
        GradeSource("judgements", open_list(cluster, judgements, max_grade=max_grade).judgements)
        if judgements
        else _clicked(index, since, console)
    )
    plan = TrainingPlan(
        index,
        trainers,
        activates=cast(Activates, activate),
        is_complete=complete,
        with_curve=curve,
        note=note,
        who="shelfwise train",
    )
    with _Bars(console) as watch, refusals():
        trained = run_training(
            plan,
            source,
            client=cluster(),
            searcher=searcher_of("live"),
            watch=watch,
            track=show_progress("searching"),
        )
    version, is_active = trained.version, trained.is_active
    data, training = trained.data, trained.training
    if html:
        html.write_text(training_page(index, version, data, training), encoding="utf-8")
    if as_json:
        report = {
            "version": version,
            "active": is_active,
            "pays": training.pays,
            "fusion": training.model.fusion,
            "queries": len(data.queries),
            "pairs": data.pairs,
            **metrics(training),
            "curve": [vars(point) for point in training.curve],
        }
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        return
    console.print(_table(training))
    console.print(_verdict(index, version, training, is_active=is_active), highlight=False)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
def features(as_json: bool) -> None:
    """List the ranking features: name, leg, range, unit and meaning."""
    if as_json:
        rows = [
            {
                "name": one.name,
                "leg": one.leg,
                "range": one.range,
                "unit": one.unit,
                "meaning": one.meaning,
                "may_be_negative": one.may_be_negative,
            }
            for one in FEATURES.values()
        ]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        return
    table = Table("feature", "leg", "range", "unit", "meaning")
    for one in FEATURES.values():
        table.add_row(one.name, one.leg, one.range, one.unit, one.meaning)
    Console().print(table)


def _clicked(index: str, since: str, console: Console) -> GradeSource:
    """Return grades and confidence by clicks, and say what they come from."""
    found = grades_by_clicks(EventStore(cluster()), index, since=datetime.now(UTC) - age(since))
    looks = ", ".join(f"{one:.2f}" for one in found.examination[:_SHOWN_RANKS])
    console.print(
        f"{found.sessions:,} result pages, {len(found.grades.grades):,} queries; left out: "
        f"{dict(found.dropped) or 'nothing'}\nhow often ranks are looked at: {looks or 'unknown'}",
        highlight=False,
        markup=False,
    )
    if found.disagreement is not None and found.disagreement > _MOST_DISAGREEMENT:
        console.print(
            f"two estimates of that are {found.disagreement:.0%} apart: collect more clicks, or "
            "vary the ranking a little (see docs/relevance.md, Clicks)",
            highlight=False,
        )
    return GradeSource("clicks", found.grades.grades, found.grades.confidence)


class _Bars(TrainingWatch):
    """Shows how far each way of ranking is, on standard error, and what was left out."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, stage: str, total: int) -> None:
        """Show a bar."""
        self._progress.start()
        self._tasks[stage] = self._progress.add_task(stage, total=total)

    def advance(self, stage: str) -> None:
        """Move a bar on."""
        self._progress.advance(self._tasks[stage])

    def collected(self, data: Collected) -> None:
        """Say what was left out."""
        _say_what_was_left_out(data, self._console)


def _say_what_was_left_out(data: Collected, console: Console) -> None:
    for query, reason in data.refused.items():
        console.print(f"left out: {query!r}: {reason}", markup=False, highlight=False)
    if data.useless:
        console.print(
            f"left out: {len(data.useless)} queries without a right answer that differs from a "
            f"wrong one, e.g. {data.useless[0]!r}",
            markup=False,
            highlight=False,
        )
    if data.missing:
        console.print(
            f"{data.missing} judged pairs play no part: the product is not in the index, or "
            "no leg finds it",
            highlight=False,
        )


def _table(training: Training) -> Table:
    table = Table("way of ranking", title="On queries that were not learned from")
    for column in ("NDCG@10", "judged only", "against the fixed blend, mean of both"):
        table.add_column(column, justify="right")
    start = training.validated[FIXED_BLEND].quality.goal
    for name, one in training.validated.items():
        gain, low, high = interval(one.quality.goal - start)
        against = "" if name == FIXED_BLEND else f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]"
        plain, judged = one.quality.plain.mean(), one.quality.judged.mean()
        shown = f"{name} (kept)" if name == training.best else name
        table.add_row(shown, f"{plain:.3f}", f"{judged:.3f}", against)
    return table


def _verdict(index: str, version: str, training: Training, *, is_active: bool) -> str:
    lines = []
    if training.curve:
        enough = pays_from(training.curve)
        shown = ", ".join(f"{one.queries}: {one.gain:+.3f}" for one in training.curve)
        lines.append(f"gain by judged queries: {shown}")
        lines.append(
            f"learning pays from {enough} judged queries on"
            if enough
            else "no number of these queries is enough for learning to pay beyond chance"
        )
    if training.best == FIXED_BLEND:
        lines.append(
            "Nothing learned is better than the best fixed blend beyond chance, which is kept; "
            "more judged queries may help."
        )
    if not training.pays:
        lines.append("Its gain may be chance, so that the weights of before go on.")
    what = "is active" if is_active else "is kept, and not active"
    lines.append(f"{version} ({training.best}) {what}.")
    if not is_active:
        lines.append(f"shelfwise weights activate {version} --index {index} makes it so.")
    return "\n".join(lines)
