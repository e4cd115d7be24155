"""`_msearch`: several searches in one request, each as `_search` would answer it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from mappings.errors import InvalidQuery, ShelfwiseError
from mappings.validation_faults import shorten
from service.compat.elasticsearch_api import Call, ElasticsearchApi, MayAsk
from service.compat.exchange import Media
from service.compat.failures import error_envelope
from service.compat.parameters import HEADER, OUTPUT, Parameters
from service.compat.side_by_side import MOST, SpareTurns, side_by_side
from service.compat.writing import Answer, written

MAX_SEARCHES = 100


@dataclass(frozen=True)
class MultiCall:
    """The searches as they came. index: of those that name none, empty for none."""

    index: str
    raw: bytes = field(repr=False)
    parameters: Parameters
    media: Media
    may_ask: MayAsk


def multi_search(
    api: ElasticsearchApi, calls: MultiCall, *, turns: SpareTurns | None = None
) -> Answer:
    """Return the answers in their order; one that fails has its error in its place.

    Several searches run at a time: as many as `max_concurrent_searches` says, MOST at most, and
    each beyond the first only while the service has a turn to spare. turns: of the service.
    Raises InvalidQuery for lines that are not pairs of a header and a body.
    """
    began = time.perf_counter()
    most = _side_by_side(calls.parameters.given.get("max_concurrent_searches"))
    answers = side_by_side(
        lambda call: _one(api, call), list(_calls(calls)), most=most, turns=turns
    )
    notes = sorted({answer.note.partition(";")[0] for answer in answers if answer.note})
    responses = b",".join(_with_status(answer) for answer in answers)
    took = round((time.perf_counter() - began) * 1e3)
    body = b'{"took":%d,"responses":[%b]}' % (took, responses)
    if any(calls.parameters.given.get(name) for name in ("filter_path", "pretty")):
        body = written(orjson.loads(body), calls.parameters.given)
    return Answer(200, body, calls.media.of_answer(), ", ".join(notes))


def _one(api: ElasticsearchApi, call: Call) -> Answer:
    try:
        for name in call.index.split(","):
            call.may_ask(name)
        return api.search(call)
    except ShelfwiseError as error:
        return Answer(error.http_status, orjson.dumps(error_envelope(error)))


def _side_by_side(given: str | None) -> int:
    """Return how many searches may run at a time. Raises InvalidQuery."""
    if given is None:
        return MOST
    if not given.isascii() or not given.isdecimal() or int(given[:9]) < 1:
        raise InvalidQuery(
            f"max_concurrent_searches: should be a whole number from 1, got {shorten(given)}",
            field="max_concurrent_searches",
        )
    return min(int(given[:9]), MOST)


def _with_status(answer: Answer) -> bytes:
    found = answer.body.rstrip()
    if answer.status == 200:
        return found[:-1] + b',"status":200}'
    return found


def _calls(calls: MultiCall) -> Iterator[Call]:
    lines = [line.strip() for line in calls.raw.split(b"\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines or len(lines) % 2:
        raise InvalidQuery(
            "body: should have a line of header and a line of body for each search", field="body"
        )
    if len(lines) > 2 * MAX_SEARCHES:
        raise InvalidQuery(f"body: has more than {MAX_SEARCHES} searches", field="body")
    shared = {
        name: value
        for name, value in calls.parameters.given.items()
        if name not in OUTPUT and name != "max_concurrent_searches"
    }
    for place in range(0, len(lines), 2):
        header = _header(lines[place], place // 2)
        index = _as_text(header.pop("index", calls.index))
        if not index:
            raise InvalidQuery(f"index: search {place // 2} names none", field="index")
        own = {name: _as_text(value) for name, value in header.items()}
        yield Call(
            index,
            lines[place + 1],
            Parameters({**shared, **own}),
            calls.media,
            calls.may_ask,
        )


def _header(line: bytes, place: int) -> dict[str, Any]:
    try:
        header = orjson.loads(line) if line else {}
    except orjson.JSONDecodeError as error:
        raise InvalidQuery(
            f"body: header of search {place} is not JSON: {error}", field="body"
        ) from error
    if not isinstance(header, dict):
        raise InvalidQuery(f"body: header of search {place} is no object", field="body")
    for name in header:
        if name not in HEADER:
            raise InvalidQuery(
                f"{shorten(name)}: is not known in the header of search {place}; there are "
                + ", ".join(sorted(HEADER)),
                field=name[:80],
            )
    return header


def _as_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_as_text(part) for part in value)
    return "" if value is None else str(value)
