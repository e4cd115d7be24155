"""`/v1/indexes/{index}/judgements`: judgement lists, single grades, and what to judge next.

Lists are of the whole cluster, as they are for the command line. So a key needs the scope `admin`
and all indexes.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar, get_args

from flask import Blueprint, Response, request

from mappings.errors import Forbidden, InvalidQuery
from mappings.validation_faults import shorten
from service.access.caller import current_caller
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_object, parameter_number, raw_body
from service.judgements.export import EXPORT_FORMATS, MEDIA_TYPES, export_text
from service.judgements.files import FORMATS, Format, read_text
from service.judgements.judgement_list import MAX_GRADE, JudgementList, check_max_grade
from service.judgements.remarks import remark_on_index, remarks_on
from service.judgements.rows import CONTRADICTIONS
from service.judgements.single_grades import ANY_GRADE
from service.judgements.store import JudgementStore, StoredList
from service.judging.desk import JudgingQueue
from service.judging.list_body import GradeBody, ListBody
from service.judging.queue_request import QueueRequest
from service.services import current_services

blueprint = Blueprint("judgements", __name__)

Mode = Literal["create", "replace", "merge"]
MODES: tuple[Mode, ...] = get_args(Mode)
IMPORT_PARAMETERS = ("mode", "format", "max_grade", "contradictions")
_Name = TypeVar("_Name", bound=str)
_PATH = "/v1/indexes/<index>/judgements"


@blueprint.get(_PATH)
@needs(Scope.ADMIN)
def list_all(index: str) -> Response:
    """Return every list with its numbers."""
    check_parameters(())
    found = _store(index).lists()
    return json_answer({"lists": [_shown(state) for state in found]})


@blueprint.get(f"{_PATH}/<name>")
@needs(Scope.ADMIN)
def read(index: str, name: str) -> Response:
    """Return a list with all its grades, as JSON or as a file."""
    check_parameters(("format",))
    store = _store(index)
    state, content = store.show(name), store.read(name)
    form = request.args.get("format", "json")
    if form == "json":
        return json_answer({**_shown(state), "grades": content.judgements})
    known = _choice("format", form, EXPORT_FORMATS, beside=("json",))
    text = export_text(content.judgements, known)
    response = Response(text, mimetype=MEDIA_TYPES[known])
    ending = {"trec": "qrels", "topics": "topics.tsv"}.get(known, known)
    response.headers["Content-Disposition"] = f'attachment; filename="{state.name}.{ending}"'
    return response


@blueprint.put(f"{_PATH}/<name>")
@needs(Scope.ADMIN)
def save(index: str, name: str) -> Response:
    """Store, replace or extend a list, whole or not at all."""
    check_parameters(IMPORT_PARAMETERS)
    mode = _choice("mode", request.args.get("mode", "create"), MODES)
    store = _store(index)
    content = _content()
    if mode == "merge":
        state = store.merge(name, content)
    else:
        if mode == "create" and store.has(name):
            raise InvalidQuery(
                f"name: there is a list {name!r} already; say mode=replace or mode=merge",
                field="name",
            )
        state = store.save(name, content, replace=mode == "replace")
    remarks = remarks_on(content)
    remarks += remark_on_index(current_services().client, index, content.judgements)
    return json_answer({**_shown(state), "remarks": [one.describe() for one in remarks]})


@blueprint.patch(f"{_PATH}/<name>")
@needs(Scope.ADMIN)
def grade(index: str, name: str) -> Response:
    """Give one pair a grade, or take it away."""
    check_parameters(())
    body = GradeBody.parse(json_object())
    caller = current_caller()
    seen = body.seen if "seen" in body.model_fields_set else ANY_GRADE
    previous = _store(index).grade(
        name,
        body.query,
        body.product_id,
        body.grade,
        source=caller.name or caller.key_id or "api",
        seen=seen,
    )
    pair = {"query": body.query, "product_id": body.product_id}
    return json_answer({**pair, "grade": body.grade, "previous": previous})


@blueprint.delete(f"{_PATH}/<name>")
@needs(Scope.ADMIN)
def delete(index: str, name: str) -> Response:
    """Delete a list for good, and answer what it was."""
    check_parameters(())
    return json_answer(_shown(_store(index).delete(name)))


@blueprint.post(f"{_PATH}/<name>/queue")
@needs(Scope.ADMIN)
def queue(index: str, name: str) -> Response:
    """Return the pairs that matter most and have no grade."""
    check_parameters(())
    _store(index)
    wanted = QueueRequest.parse(json_object() if request.content_length else {})
    return json_answer(queue_body(current_services().judging.queue(index, name, wanted)))


def queue_body(found: JudgingQueue) -> dict[str, Any]:
    """Return a queue as JSON."""
    return {
        "pairs": [
            {
                "query": pair.query,
                "product_id": pair.product_id,
                "stake": pair.stake,
                "ranks": pair.ranks,
                "product": found.products[pair.product_id],
            }
            for pair in found.pairs
        ],
        "queries": found.queries,
        "looked_at": found.looked_at,
        "open": found.open,
        "progress": [vars(one) for one in found.progress],
        "refused": found.refused,
    }


def visible_lists() -> list[StoredList]:
    """Return the lists that the caller may know of: with a key of some indexes, none."""
    if not current_caller().sees_all:
        return []
    return JudgementStore(current_services().client).lists()


def require_lists(index: str) -> None:
    """Raise Forbidden for a key that does not see all indexes, UnknownIndex without the index."""
    if not current_caller().sees_all:
        raise Forbidden(
            "judgement lists are of all indexes: the API key needs the pattern '*'", field="index"
        )
    current_services().indexes.get(index)


def _store(index: str) -> JudgementStore:
    require_lists(index)
    return JudgementStore(current_services().client)


def _content() -> JudgementList:
    """Return the list of the body: JSON, or the text of a file where `format` says so."""
    form = request.args.get("format", "json")
    contradictions = _choice(
        "contradictions", request.args.get("contradictions", "refuse"), CONTRADICTIONS
    )
    if form == "json":
        return ListBody.parse(json_object()).content(contradictions=contradictions)
    known: Format = _choice("format", form, FORMATS, beside=("json",))
    max_grade = parameter_number("max_grade")
    try:
        text = raw_body().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidQuery(f"the body is not UTF-8: {error}", field="body") from error
    return read_text(
        text,
        "body",
        form=known,
        max_grade=check_max_grade(MAX_GRADE if max_grade is None else max_grade),
        contradictions=contradictions,
    )


def _choice(
    name: str, value: str, allowed: tuple[_Name, ...], *, beside: tuple[str, ...] = ()
) -> _Name:
    for one in allowed:
        if one == value:
            return one
    raise InvalidQuery(
        f"{name}: should be {', '.join((*beside, *allowed))}, got {shorten(value)}", field=name
    )


def _shown(state: StoredList) -> dict[str, Any]:
    shown = state.to_json()
    del shown["revision"]  # how it is stored
    return shown
