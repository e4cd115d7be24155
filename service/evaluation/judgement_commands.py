"""`shelfwise judgements`: lists in and out of the cluster, and what to judge next."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import click
import orjson
from rich.console import Console
from rich.table import Table

from mappings.confirming import confirm
from service.evaluation.options import (
    cluster,
    judgements_option,
    max_grade_option,
    searcher_of,
    show_progress,
    version_option,
)
from service.evaluation.systems import SYSTEMS, System, ranked_ids, run_hits
from service.evaluation.unjudged import POOL_DEPTH, choose_unjudged
from service.judgements.export import EXPORT_FORMATS, ExportFormat, export_text
from service.judgements.files import FORMATS, Format, read_list
from service.judgements.judgement_list import HIGHEST_GRADE, MAX_GRADE
from service.judgements.opening import open_list
from service.judgements.remarks import Remark, remark_on_index, remarks_on
from service.judgements.rows import CONTRADICTIONS, Contradictions
from service.judgements.store import JudgementStore

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def judgements() -> None:
    """Import, list, show, export and delete judgement lists, and find what to judge."""


@judgements.command("import")
@click.argument("file", type=_FILE)
@click.option("--name", required=True, help="Name of the list: a-z, 0-9, '_' and '-'.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("--topics", type=_FILE, help="With trec: a file with lines query_id<TAB>query.")
@click.option("--replace", is_flag=True, help="Replace the list of that name.")
@click.option(
    "--max-grade",
    type=click.IntRange(1, HIGHEST_GRADE),
    default=MAX_GRADE,
    show_default=True,
    help="Best grade of the scale.",
)
@click.option(
    "--contradictions",
    type=click.Choice(CONTRADICTIONS),
    default="refuse",
    show_default=True,
    help="What becomes of a pair with different grades.",
)
@click.option("--index", help="Also say which products this index does not have.")
def import_command(
    file: Path,
    name: str,
    form: Format,
    topics: Path | None,
    replace: bool,
    max_grade: int,
    contradictions: Contradictions,
    index: str | None,
) -> None:
    """Store a file as a named list, whole or not at all."""
    content = read_list(
        file, form=form, max_grade=max_grade, contradictions=contradictions, topics=topics
    )
    client = cluster()
    remarks = remarks_on(content)
    if index:
        remarks += remark_on_index(client, index, content.judgements)
    state = JudgementStore(client).save(name, content, replace=replace)
    click.echo(f"stored {state.judgements:,} judgements of {state.queries:,} queries as {name!r}")
    _print_remarks(remarks)


@judgements.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_command(as_json: bool) -> None:
    """List the stored lists."""
    found = JudgementStore(cluster()).lists()
    if as_json:
        for state in found:
            click.echo(orjson.dumps(state.to_json()))
        return
    table = Table("name", "judgements", "queries", "grades", "imported", "source")
    for state in found:
        at = state.imported_at.partition(".")[0].replace("T", " ")
        numbers = (f"{state.judgements:,}", f"{state.queries:,}", f"0 to {state.max_grade}")
        table.add_row(state.name, *numbers, at, state.source)
    Console().print(table)


@judgements.command("show")
@click.argument("name")
@click.option("--index", help="Also say which products this index does not have.")
def show(name: str, index: str | None) -> None:
    """Show what a list holds, as JSON, with how many pairs have which grade."""
    client = cluster()
    store = JudgementStore(client)
    state, content = store.show(name), store.read(name)
    given = [grade for grades in content.judgements.values() for grade in grades.values()]
    counts = {str(grade): given.count(grade) for grade in range(content.max_grade + 1)}
    shown = {**state.to_json(), "grades": counts}
    click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
    remarks = remarks_on(content)
    _print_remarks(
        [*remarks, *remark_on_index(client, index, content.judgements)] if index else remarks
    )


@judgements.command("export")
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(EXPORT_FORMATS),
    default="csv",
    show_default=True,
    help="trec is the qrels file, topics the file that says which query its numbers mean.",
)
@click.option("--output", type=_FILE, help="File to write; the terminal when left out.")
def export(name: str, form: ExportFormat, output: Path | None) -> None:
    """Write a list as `import` reads it."""
    text = export_text(JudgementStore(cluster()).read(name).judgements, form)
    if output is None:
        sys.stdout.write(text)
        return
    output.write_text(text, encoding="utf-8", newline="")


@judgements.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, yes: bool) -> None:
    """Delete a list for good."""
    store = JudgementStore(cluster())
    state = store.show(name)
    if not yes:
        confirm(f"Delete {name!r} with {state.judgements:,} judgements?")
    store.delete(name)
    click.echo(f"deleted {name!r} with {state.judgements:,} judgements")


@judgements.command("unjudged")
@click.option("--index", required=True, help="Index to search.")
@judgements_option
@max_grade_option
@version_option
@click.option(
    "--systems",
    default="bm25,knn,reciprocal_rank,weighted_sum",
    show_default=True,
    help=f"Ways of ranking, with commas: {', '.join(SYSTEMS)}.",
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option("--output", type=_FILE, help="File to write; the terminal when left out.")
def unjudged(
    index: str,
    judgements: str,
    max_grade: int | None,
    version: str,
    systems: str,
    limit: int,
    output: Path | None,
) -> None:
    """Write the products to judge next as CSV: those the systems disagree on most.

    Raters fill in the column grade; `import` reads the file then. One row of each query comes
    first, then a second of each.
    """
    wanted = [System.parse(name.strip()) for name in systems.split(",")]
    judged = open_list(cluster, judgements, max_grade=max_grade)
    searcher = searcher_of(version)
    titles: dict[str, str] = {}
    runs = {}
    for system in wanted:
        track = show_progress(system.name)
        found = run_hits(
            searcher, index, judged.judgements, system.options, depth=POOL_DEPTH, track=track
        )
        titles |= {
            hit.id: str(hit.product.get("title", "")) for hits in found.values() for hit in hits
        }
        runs[system.name] = ranked_ids(found)
    chosen = choose_unjudged(judged.judgements, runs, limit=limit)
    rows = [
        (
            pair.query,
            pair.product_id,
            "",
            titles[pair.product_id],
            *("" if rank is None else str(rank) for rank in pair.ranks.values()),
        )
        for pair in chosen
    ]
    ranks = [f"rank_{name}" for name in runs]
    _write(("query", "product_id", "grade", "title", *ranks), rows, output)
    click.echo(f"{len(rows):,} products to judge", err=True)


def _print_remarks(remarks: Sequence[Remark]) -> None:
    for remark in remarks:
        click.echo(f"note: {remark.describe()}", err=True)


def _write(header: Sequence[str], rows: Sequence[Sequence[str]], output: Path | None) -> None:
    def write_to(file: TextIO) -> None:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)

    if output is None:
        write_to(sys.stdout)
        return
    with output.open("w", encoding="utf-8", newline="") as file:
        write_to(file)
