"""Judgement files: CSV, JSON lines, TREC qrels and the exports of Quepid."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.judgements.judgement_list import MAX_GRADE, JudgementList, Judgements
from service.judgements.rows import Contradictions, Row, collect

Format = Literal["csv", "jsonl", "trec", "quepid"]
FORMATS: tuple[Format, ...] = get_args(Format)

_COLUMNS = {
    "query": ("query",),
    "product_id": ("product_id", "product", "docid", "doc_id"),
    "grade": ("grade", "rating"),
}
"""What a judgement needs, and the columns that may hold it, the first that is there."""
_QRELS_CELLS = 4


def read_judgements(path: Path) -> Judgements:
    """Return the judgements of a CSV file with grades 0 to 3; raises what `read_list` raises."""
    return read_list(path).judgements


def read_list(
    path: Path,
    *,
    form: Format = "csv",
    max_grade: int = MAX_GRADE,
    contradictions: Contradictions = "refuse",
    topics: Path | None = None,
) -> JudgementList:
    """Read a judgement list from a file.

    form: `csv` with a header, columns query, product_id (or product, docid) and grade (or
        rating); `jsonl` with lines of JSON objects that have these names; `trec` with lines
        `query_id 0 product_id grade`; `quepid`, its CSV export or one of its JSON exports (of
        ratings, or for Rated Ranking Evaluator).
    topics: of `trec` alone, a file with lines `query_id<TAB>query`; without it the query ids
        are the queries.
    Raises InvalidQuery that names the file, and the line where there is one, when anything of
    it is not sound: nothing of such a file is used.
    """
    if topics is not None and form != "trec":
        raise InvalidQuery(f"topics: only TREC files have them, not {form}", field="topics")
    text = _read_text(path)
    return read_text(
        text,
        path.name,
        form=form,
        max_grade=max_grade,
        contradictions=contradictions,
        queries=_topics(topics) if topics is not None else None,
    )


def read_text(
    text: str,
    source: str,
    *,
    form: Format = "csv",
    max_grade: int = MAX_GRADE,
    contradictions: Contradictions = "refuse",
    queries: Mapping[str, str] | None = None,
) -> JudgementList:
    """Return the list that the text of a file holds; everything else as in `read_list`.

    source: name for messages. queries: of `trec`, query id to query.
    """
    rows = _trec_rows(source, text, queries) if form == "trec" else _READERS[form](source, text)
    return collect(
        rows,
        source=source,
        max_grade=max_grade,
        contradictions=contradictions,
        unrated_allowed=form == "quepid",
    )


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidQuery(
            f"{path.name}: cannot be read: {error.strerror}", field="judgements"
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidQuery(
            f"{path.name}, line {line}: is not UTF-8, got byte 0x{content[error.start]:02x}",
            field="judgements",
        ) from error


def _csv_rows(source: str, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        # Quepid's template leaves an empty line above the header.
        header = next((cells for cells in reader if cells), [])
        places = _columns(source, header)
        for cells in reader:
            line = f"line {reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                raise InvalidQuery(
                    f"{source}, {line}: has {len(cells)} cells for {len(header)} columns; "
                    "is a comma in a query not quoted?",
                    field="judgements",
                )
            query, product_id, grade = (
                cells[place] if place < len(cells) else None for place in places
            )
            yield Row(query, product_id, grade, line)
    except csv.Error as error:
        raise InvalidQuery(
            f"{source}, line {reader.line_num}: is not CSV: {error}", field="judgements"
        ) from error


def _columns(source: str, header: list[str]) -> tuple[int, int, int]:
    names = [cell.strip().lower() for cell in header]
    found = {
        wanted: next((names.index(name) for name in allowed if name in names), None)
        for wanted, allowed in _COLUMNS.items()
    }
    missing = [" or ".join(_COLUMNS[wanted]) for wanted, place in found.items() if place is None]
    if missing:
        raise InvalidQuery(
            f"{source}: the header has no column {', nor '.join(missing)}; "
            f"it begins with {shorten(','.join(header))}",
            field="judgements",
        )
    query, product_id, grade = (place for place in found.values() if place is not None)
    return query, product_id, grade


def _trec_rows(source: str, text: str, queries: Mapping[str, str] | None) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != _QRELS_CELLS:
            raise InvalidQuery(
                f"{source}, line {number}: should be `query_id 0 product_id grade`, "
                f"got {shorten(line)}",
                field="judgements",
            )
        query: str | None = cells[0]
        if queries is not None:
            query = queries.get(cells[0])
            if query is None:
                raise InvalidQuery(
                    f"{source}, line {number}: query_id {shorten(cells[0])} is not in the topics",
                    field="query",
                )
        yield Row(query, cells[2], cells[3], f"line {number}")


def _topics(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        topic, query = (part.strip() for part in line.partition("\t")[::2])
        if not topic or not query:
            raise InvalidQuery(
                f"{path.name}, line {number}: should be `query_id<TAB>query`, got {shorten(line)}",
                field="topics",
            )
        if found.setdefault(topic, query) != query:
            raise InvalidQuery(
                f"{path.name}, line {number}: query_id {shorten(topic)} is "
                f"{shorten(found[topic])} further up, and {shorten(query)} here",
                field="topics",
            )
    return found


def _jsonl_rows(source: str, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (RecursionError, json.JSONDecodeError) as error:
            raise InvalidQuery(
                f"{source}, line {number}: is not JSON, got {shorten(line)}", field="judgements"
            ) from error
        if not isinstance(row, dict):
            raise InvalidQuery(
                f"{source}, line {number}: should be a JSON object, got {shorten(line)}",
                field="judgements",
            )
        yield row_of(row, f"line {number}")


def row_of(found: Mapping[str, object], place: str) -> Row:
    """Return the row that an object with the names of the columns says."""
    query, product_id, grade = (
        next((found[name] for name in names if name in found), None) for names in _COLUMNS.values()
    )
    # A query of 5 is text to a shop; a grade of True is none.
    return Row(
        query if isinstance(query, str) else None,
        product_id if isinstance(product_id, str) else None,
        None if grade is None else str(grade),
        place,
    )


def _quepid_rows(source: str, text: str) -> Iterator[Row]:
    if text.lstrip()[:1] not in ("{", "["):
        yield from _csv_rows(source, text)
        return
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise InvalidQuery(
            f"{source}: is nested too deep, got {shorten(text)}", field="judgements"
        ) from error
    except json.JSONDecodeError as error:
        raise InvalidQuery(
            f"{source}, line {error.lineno}: is not JSON: {error.msg}", field="judgements"
        ) from error
    queries = content.get("queries") if isinstance(content, dict) else None
    if not isinstance(queries, list):
        raise InvalidQuery(
            f"{source}: should be an object with a list of queries, got {shorten(content)}",
            field="judgements",
        )
    for number, entry in enumerate(queries):
        yield from _quepid_query(source, f"queries[{number}]", entry)


def _quepid_query(source: str, place: str, entry: object) -> Iterator[Row]:
    """Yield the ratings of one query, of either JSON export.

    Ratings: {"query": Q, "ratings": {id: rating}}. Rated Ranking Evaluator:
    {"placeholders": {"$query": Q}, "relevant_documents": {rating: [ids]}}.
    """
    parts: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    placeholders, by_grade = parts.get("placeholders"), parts.get("relevant_documents")
    if isinstance(parts.get("query"), str) and isinstance(parts.get("ratings", {}), dict):
        query, rated = parts["query"], parts.get("ratings", {}).items()
    elif isinstance(placeholders, dict) and isinstance(by_grade, dict):
        query = placeholders.get("$query")
        rated = [(name, grade) for grade, names in by_grade.items() for name in _names(names)]
    else:
        raise InvalidQuery(
            f"{source}, {place}: should have query and ratings, or placeholders and "
            f"relevant_documents, got {shorten(entry)}",
            field="judgements",
        )
    query = query if isinstance(query, str) else None
    if not rated:
        yield Row(query, None, None, place)
    for product_id, grade in rated:
        yield Row(query, str(product_id), None if grade is None else str(grade), place)


def _names(names: object) -> list[object]:
    return names if isinstance(names, list) else [names]


_READERS: Mapping[str, Callable[[str, str], Iterator[Row]]] = {
    "csv": _csv_rows,
    "jsonl": _jsonl_rows,
    "quepid": _quepid_rows,
}
