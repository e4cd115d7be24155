"""`shelfwise evaluate`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mappings.index_lifecycle import find_index
from mappings.index_versions import require_next, require_previous
from service.bootstrap import build_searcher
from service.evaluation.judgements import Judgements, answerable, read_judgements
from service.evaluation.measures import JUDGED_NDCG, mean, ndcg_per_query, per_query
from service.evaluation.systems import SYSTEMS, run_system
from service.searcher import Searcher
from service.settings import ServiceSettings

_VERSIONS = {"live": find_index, "next": require_next, "previous": require_previous}
_COLUMNS = ("ndcg@10", JUDGED_NDCG, "recall@100", "mrr@10")


@click.command()
@click.option("--index", required=True, help="Index to search.")
@click.option(
    "--judgements",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV file with the columns query, product_id, grade (0 to 3).",
)
@click.option(
    "--version",
    type=click.Choice(list(_VERSIONS)),
    default="live",
    show_default=True,
    help="Which version of the index: the live one, or the one that is being built.",
)
@click.option("--only", type=click.Choice(list(SYSTEMS)), help="One way of ranking alone.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
def evaluate(index: str, judgements: Path, version: str, only: str | None, as_json: bool) -> None:
    """Measure BM25, kNN and their fusions on a judgement list."""
    judged = read_judgements(judgements)
    settings = ServiceSettings.from_environment(os.environ)
    searcher = build_searcher(settings, find=_VERSIONS[version])
    systems = {only: SYSTEMS[only]} if only else SYSTEMS
    report = measure_systems(searcher, index, judged, systems)
    if as_json:
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    else:
        Console().print(_table(report))


def measure_systems(
    searcher: Searcher,
    index: str,
    judgements: Judgements,
    compared: Mapping[str, Mapping[str, Any]] = SYSTEMS,
) -> dict[str, Any]:
    """Return the measures of every system, each a mean with its 95 % interval."""
    systems = {}
    console = Console(stderr=True)
    for name, options in compared.items():

        def shown(queries: Any, name: str = name) -> Any:  # noqa: ANN401
            return track(queries, description=name, console=console, transient=True)

        ranked = run_system(searcher, index, judgements, options, track=shown)
        measured = per_query(judgements, ranked)
        among_judged = run_system(
            searcher, index, judgements, options, judged_only=True, track=shown
        )
        measured[JUDGED_NDCG] = ndcg_per_query(judgements, among_judged)
        systems[name] = {measure: asdict(mean(values)) for measure, values in measured.items()}
    return {
        "index": index,
        "queries": len(judgements),
        "queries_measured": len(answerable(judgements)),
        "judgements": sum(len(grades) for grades in judgements.values()),
        "gain": "2^grade - 1",
        "interval": "95 %, bootstrap over queries",
        "systems": systems,
    }


def _table(report: dict[str, Any]) -> Table:
    table = Table(
        title=f"{report['index']}: {report['queries_measured']} of {report['queries']} queries "
        "have a right answer and are measured"
    )
    table.add_column("system")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for name, measures in report["systems"].items():
        cells = [
            f"{measures[column]['value']:.3f} "
            f"[{measures[column]['low']:.3f}, {measures[column]['high']:.3f}]"
            for column in _COLUMNS
        ]
        table.add_row(name, *cells)
    return table
