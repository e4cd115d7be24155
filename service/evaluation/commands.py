"""`shelfwise evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from service.evaluation.html_report import evaluation_page
from service.evaluation.measures import parse_measures
from service.evaluation.measuring import measure_system, report_on
from service.evaluation.options import (
    cluster,
    judgements_option,
    max_grade_option,
    measures_option,
    searcher_of,
    show_progress,
    version_option,
)
from service.evaluation.systems import SYSTEMS, System
from service.judgements.opening import open_list


@click.command()
@click.option("--index", required=True, help="Index to search.")
@judgements_option
@max_grade_option
@version_option
@measures_option
@click.option(
    "--only",
    metavar="SYSTEM",
    help=f"One way of ranking alone: {', '.join(SYSTEMS)}, a weights version, or options as JSON.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a report with charts and every query as one HTML file.",
)
def evaluate(
    index: str,
    judgements: str,
    max_grade: int | None,
    version: str,
    measures: str,
    only: str | None,
    as_json: bool,
    html: Path | None,
) -> None:
    """Measure BM25, kNN and their fusions on a judgement list."""
    wanted = parse_measures(measures)
    judged = open_list(cluster, judgements, max_grade=max_grade)
    searcher = searcher_of(version)
    measured = [
        measure_system(searcher, index, judged, System.parse(name), wanted, progress=show_progress)
        for name in ([only] if only else SYSTEMS)
    ]
    report = report_on(index, judged, measured)
    if html:
        html.write_text(evaluation_page(report, measured), encoding="utf-8")
    if as_json:
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    else:
        Console().print(_table(report))


def _table(report: dict[str, Any]) -> Table:
    table = Table(
        title=f"{report['index']}: {report['queries_measured']} of {report['queries']} queries "
        "have a right answer and are measured"
    )
    columns = list(next(iter(report["systems"].values())))
    table.add_column("system")
    for column in columns:
        table.add_column(column, justify="right")
    for name, measures in report["systems"].items():
        cells = [
            f"{measures[column]['value']:.3f} "
            f"[{measures[column]['low']:.3f}, {measures[column]['high']:.3f}]"
            for column in columns
        ]
        table.add_row(name, *cells)
    return table
