"""What `evaluate`, `compare` and `judgements` are told and show alike."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
import structlog
from elasticsearch import Elasticsearch
from rich.console import Console
from rich.progress import track

from mappings.cluster import connect
from mappings.index_lifecycle import find_index
from mappings.index_versions import require_next, require_previous
from service.evaluation.measures import DEFAULT_MEASURES
from service.evaluation.systems import Track
from service.judgements.judgement_list import HIGHEST_GRADE
from service.searcher import Searcher
from service.settings import ServiceSettings

VERSIONS = {"live": find_index, "next": require_next, "previous": require_previous}
_Command = TypeVar("_Command", bound=Callable[..., Any])

judgements_option = click.option(
    "--judgements",
    required=True,
    metavar="FILE|NAME",
    help="CSV file with the columns query, product_id, grade, or the name of a stored list.",
)
max_grade_option = click.option(
    "--max-grade",
    type=click.IntRange(1, HIGHEST_GRADE),
    help="Best grade of a file's scale [default: 3]; a stored list knows its own.",
)
version_option = click.option(
    "--version",
    type=click.Choice(list(VERSIONS)),
    default="live",
    show_default=True,
    help="Which version of the index: the live one, or the one that is being built.",
)
measures_option = click.option(
    "--measures",
    default=",".join(measure.name for measure in DEFAULT_MEASURES),
    show_default=True,
    help="With commas: ndcg, map, mrr, err, precision, recall, f1 or coverage, each with its "
    "cutoff, and with _judged_only where only judged products are to count.",
)


def searcher_of(version: str) -> Searcher:
    """Return a searcher on one version of the indexes, by the settings of the environment."""
    from service.bootstrap import build_searcher  # with all the service's parts: slow

    return build_searcher(_start(), find=VERSIONS[version])


def cluster() -> Elasticsearch:
    """Return a client by the settings of the environment."""
    return connect(_start())


def show_progress(name: str) -> Track:
    """Return a wrapper of queries that shows how far they are, on standard error.

    Where that is no terminal it says only what begins.
    """
    console = Console(stderr=True)

    def shown(queries: Iterable[str]) -> Iterable[str]:
        if not console.is_terminal:
            console.print(f"running {name}", markup=False)
            return queries
        return track(list(queries), description=name, console=console, transient=True)

    return shown


def _start() -> ServiceSettings:
    """Send logs to standard error, so that a report is all of standard output; read settings."""
    # Asked for again at each line, as a stream may be replaced while the process runs.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    return ServiceSettings.from_environment(os.environ)
