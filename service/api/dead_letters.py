"""Dead letters: list, read, retry and delete changes that no worker could apply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from mappings.dead_letters import DeadLetter, Indexes
from mappings.errors import Forbidden, InvalidQuery, UnknownDeadLetter, UnknownIndex
from mappings.index_lifecycle import list_indexes
from mappings.index_names import check_index_name
from service.access.caller import current_caller
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, parameter_number
from service.services import current_services

DEFAULT_LETTERS = 20
MAX_LETTERS = 100
"""On one page; a letter is as long as the product that came with it."""
MAX_OFFSET = 1_000_000

blueprint = Blueprint("dead_letters", __name__)


@blueprint.get("/v1/dead-letters")
@needs(Scope.WRITE)
def list_dead_letters() -> Response:
    """Return letters of all served indexes, or of one, newest first."""
    check_parameters(("index", "limit", "offset"))
    limit = _number("limit", DEFAULT_LETTERS, most=MAX_LETTERS)
    offset = _number("offset", 0, most=MAX_OFFSET)
    letters = current_services().dead_letters
    indexes = _indexes(request.args.get("index"))
    found = letters.list(indexes, limit=limit, offset=offset)
    return _answer(
        {
            "total": letters.count(indexes),
            "dead_letters": [letter.to_json() for letter in found],
        }
    )


@blueprint.get("/v1/dead-letters/<letter_id>")
@needs(Scope.WRITE)
def read_dead_letter(letter_id: str) -> Response:
    """Return one letter."""
    check_parameters(())
    return _answer(_letter(letter_id).to_json())


@blueprint.post("/v1/dead-letters/<letter_id>/retry")
@needs(Scope.WRITE)
def retry_dead_letter(letter_id: str) -> Response:
    """Queue the letter's change as it was; the letter goes when it is queued."""
    check_parameters(())
    services = current_services()
    letter = _letter(letter_id)
    services.indexes.get(letter.index)
    tasks = services.dead_letters.retry([letter], services.task_queue.submit)
    return json_answer({"task_id": tasks[letter.index], "accepted": 1, "rejected": []}, 202)


@blueprint.delete("/v1/dead-letters/<letter_id>")
@needs(Scope.ADMIN)
def delete_dead_letter(letter_id: str) -> Response:
    """Forget the letter, and return it for the last time."""
    check_parameters(())
    letter = _letter(letter_id)
    current_services().dead_letters.remove([letter.id])
    return _answer(letter.to_json())


def _letter(letter_id: str) -> DeadLetter:
    services = current_services()
    letter = services.dead_letters.get(letter_id)
    try:
        services.indexes.require_served(letter.index)
        current_caller().require_index(letter.index)
    except (UnknownIndex, Forbidden) as error:  # its id must not tell that it is there
        raise UnknownDeadLetter(f"no dead letter {letter_id[:80]!r}", field="letter_id") from error
    return letter


def _indexes(name: str | None) -> Indexes:
    services, caller = current_services(), current_caller()
    served = services.indexes.served
    if name is not None:
        caller.require_index(check_index_name(name))
        services.indexes.require_served(name)
        return name
    if caller.sees_all:
        return sorted(served) or None
    known = served or {live.name for live in list_indexes(services.client)}
    return sorted(filter(caller.may_use, known))


def _number(name: str, default: int, *, most: int) -> int:
    value = parameter_number(name)
    if value is None:
        return default
    if not 0 <= value <= most:
        raise InvalidQuery(f"{name}: should be 0 to {most}, got {value}", field=name)
    return value


def _answer(body: Mapping[str, Any]) -> Response:
    # Escaped: a change may have been given up because it holds text that is no UTF-8.
    return Response(json.dumps(body), mimetype="application/json")
