"""Real catalogues loaded as a shop would, and their judged queries with every ranking feature."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.fashion_judgements import fashion_queries, read_products
from benchmarks.plan import Plan
from benchmarks.stack import BenchStack
from embedded.programs import shelfwise_command
from service.learning.collecting import Collected, collect
from service.searcher import Searcher

_SOME_REJECTED = 2


def load_catalogue(
    plan: Plan,
    stack: BenchStack,
    name: str,
    *,
    index: str | None = None,
    path: Path | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Load one of the catalogues into an index of its name, photos included where it has any.

    path: a file of some of its products. more: settings besides, by variable.
    Raises RuntimeError when the load fails.
    """
    path = path or plan.data / name / "products.jsonl.gz"
    command = shelfwise_command(["load", str(path), "--index", index or name, "--map", name])
    # It ends when its standard input does, so that stays open.
    with subprocess.Popen(  # noqa: S603 - our own program
        command,
        env={**stack.environ(), **more},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as loader:
        status = loader.wait()
    if status not in {0, _SOME_REJECTED}:
        raise RuntimeError(f"the load of {name} ended with status {status}")


def collect_fashion(
    plan: Plan,
    searcher: Searcher,
    index: str = "fashion",
    products: Sequence[Mapping[str, Any]] | None = None,
) -> Collected:
    """Return the fashion queries, graded by attributes, with the features of their candidates.

    products: those of the index, when they are not all of the catalogue.
    """
    products = products or read_products(plan.data)
    grades = {
        query.text: {
            str(product["id"]): grade for product in products if (grade := query.grade(product))
        }
        for query in fashion_queries(products)
    }
    return collect(searcher, index, grades, is_complete=True)
