"""Opens judgements by the path of a file or the name of a stored list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from elasticsearch import Elasticsearch

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.judgements.files import read_list
from service.judgements.judgement_list import MAX_GRADE, JudgementList, Judgements
from service.judgements.store import JudgementStore, is_list_name

ClientFactory = Callable[[], Elasticsearch]
"""Makes a client, or hands out one; not called for a file. The caller closes the client."""


def open_judgements(client_factory: ClientFactory, path_or_name: str | Path) -> Judgements:
    """Return the judgements of a CSV file or of a stored list; raises what `open_list` raises."""
    return open_list(client_factory, path_or_name).judgements


def open_list(
    client_factory: ClientFactory, path_or_name: str | Path, *, max_grade: int | None = None
) -> JudgementList:
    """Return a CSV file's list, or the stored list of that name when there is no such file.

    max_grade: best grade of a file's scale, 3 when None; a stored list knows its own.
    Raises InvalidQuery when there is neither, or the file is not sound; a TemporaryError when
    the cluster cannot answer.
    """
    path = Path(path_or_name)
    if path.is_file():
        return read_list(path, max_grade=MAX_GRADE if max_grade is None else max_grade)
    name = str(path_or_name)
    if not is_list_name(name):
        raise InvalidQuery(
            f"judgements: there is no file {shorten(name)}, and no stored list can have that name",
            field="judgements",
        )
    store = JudgementStore(client_factory())
    if not store.has(name):
        there = ", ".join(state.name for state in store.lists()) or "none at all"
        raise InvalidQuery(
            f"judgements: {shorten(name)} is neither a file nor a stored list; "
            f"of lists there is {there}",
            field="judgements",
        )
    return store.read(name)
