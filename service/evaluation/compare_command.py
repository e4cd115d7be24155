"""`shelfwise compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from service.evaluation.compare_report import compare_report
from service.evaluation.html_report import comparison_page
from service.evaluation.measures import parse_measures
from service.evaluation.measuring import measure_system
from service.evaluation.options import (
    cluster,
    judgements_option,
    max_grade_option,
    measures_option,
    searcher_of,
    show_progress,
    version_option,
)
from service.evaluation.systems import System
from service.judgements.opening import open_list

_SHOWN_QUERIES = 5
_SHOWN_MOVES = 3


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--index", required=True, help="Index to search.")
@judgements_option
@max_grade_option
@version_option
@measures_option
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of tables.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a report with charts and every query as one HTML file.",
)
def compare(
    a: str,
    b: str,
    index: str,
    judgements: str,
    max_grade: int | None,
    version: str,
    measures: str,
    as_json: bool,
    html: Path | None,
) -> None:
    """Compare two ways of ranking on the same queries: is B better than A, where, and why.

    A and B are names as in evaluate, or JSON objects of request options such as
    '{"weights": {"lexical": 1}}'. Queries are ordered by the first of the measures.
    """
    wanted = parse_measures(measures)
    systems = [System.parse(text) for text in (a, b)]
    judged = open_list(cluster, judgements, max_grade=max_grade)
    searcher = searcher_of(version)
    measured_a, measured_b = (
        measure_system(searcher, index, judged, system, wanted, progress=show_progress)
        for system in systems
    )
    report = compare_report(index, judged, measured_a, measured_b)
    if html:
        html.write_text(comparison_page(report), encoding="utf-8")
    if as_json:
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        return
    console = Console()
    console.print(_measures(report))
    _print_queries(console, "Gained most", report["by"], report["gained"])
    _print_queries(console, "Lost most", report["by"], report["lost"])


def _measures(report: dict[str, Any]) -> Table:
    table = Table(
        title=escape(
            f"{report['index']}: A is {report['a']['name']}, B is {report['b']['name']}, on "
            f"{report['queries_measured']} queries"
        )
    )
    for column in ("measure", "A", "B", "B - A", "95 % interval", "p", "wins", "ties", "losses"):
        table.add_column(column, justify="left" if column == "measure" else "right")
    for name, one in report["measures"].items():
        difference = one["difference"]
        table.add_row(
            name,
            f"{one['a']:.3f}",
            f"{one['b']:.3f}",
            f"{difference['value']:+.3f}",
            f"[{difference['low']:+.3f}, {difference['high']:+.3f}]",
            f"{one['p_value']:.4f}",
            *(str(one[count]) for count in ("wins", "ties", "losses")),
        )
    return table


def _print_queries(
    console: Console, title: str, measure: str, queries: Sequence[dict[str, Any]]
) -> None:
    if not queries:
        return
    console.print(f"\n{title} ({measure}):")
    for one in queries[:_SHOWN_QUERIES]:
        console.print(f"  {one['difference']:+.3f}  {one['query']}", markup=False)
        for move in one["moves"][:_SHOWN_MOVES]:
            console.print(
                f"          grade {move['grade']}, {_rank(move['rank_a'])} to "
                f"{_rank(move['rank_b'])}: {move['title'] or move['product_id']}: "
                f"{move['reason']}",
                markup=False,
            )


def _rank(rank: int | None) -> str:
    return "nowhere" if rank is None else f"rank {rank}"
