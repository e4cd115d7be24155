"""Judgement lists as text: CSV and JSON lines as `import` reads them, and TREC's two files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, get_args

import orjson

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.judgements.judgement_list import Judgements

ExportFormat = Literal["csv", "jsonl", "trec", "topics"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
MEDIA_TYPES: Mapping[ExportFormat, str] = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "trec": "text/plain",
    "topics": "text/plain",
}


def export_text(judgements: Judgements, form: ExportFormat) -> str:
    """Return a list as text.

    form: `csv`, `jsonl`; `trec`, lines `query_id 0 product_id grade`, whose query ids are the
    queries' numbers; `topics`, lines `query_id<TAB>query` that say which query is meant.
    Raises InvalidQuery for a query or product id that TREC's files cannot hold.
    """
    return _WRITERS[form](judgements)


def _rows(judgements: Judgements) -> Iterator[tuple[str, str, int]]:
    for query, grades in judgements.items():
        for product_id, grade in grades.items():
            yield query, product_id, grade


def _csv(judgements: Judgements) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("query", "product_id", "grade"))
    writer.writerows(_rows(judgements))
    return text.getvalue()


def _jsonl(judgements: Judgements) -> str:
    names = ("query", "product_id", "grade")
    lines = (
        orjson.dumps(dict(zip(names, row, strict=True))).decode() for row in _rows(judgements)
    )
    return "".join(f"{line}\n" for line in lines)


def _trec(judgements: Judgements) -> str:
    lines = []
    for number, grades in enumerate(judgements.values(), start=1):
        for product_id, grade in grades.items():
            if any(character.isspace() for character in product_id):
                raise InvalidQuery(
                    f"format: a TREC file cannot hold product {shorten(product_id)}, whose id "
                    "has a space; take csv or jsonl",
                    field="format",
                )
            lines.append(f"{number} 0 {product_id} {grade}\n")
    return "".join(lines)


def _topics(judgements: Judgements) -> str:
    for query in judgements:
        if "\n" in query or "\t" in query:
            raise InvalidQuery(
                f"format: a TREC file cannot hold query {shorten(query)}, which has a line break "
                "or tab; take csv or jsonl",
                field="format",
            )
    return "".join(f"{number}\t{query}\n" for number, query in enumerate(judgements, start=1))


_WRITERS: Mapping[ExportFormat, Callable[[Judgements], str]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "trec": _trec,
    "topics": _topics,
}
