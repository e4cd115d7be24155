"""Elasticsearch's own addresses: `/`, `/{index}/_search`, `_count`, `_msearch`, and the rest."""

from __future__ import annotations

import gzip
import io
import zlib

import structlog
from flask import Blueprint, Response, g, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from mappings.errors import InvalidQuery, RequestTooLarge, ShelfwiseError
from mappings.validation_faults import shorten
from service.access.admission import TURNS
from service.access.caller import current_caller
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import raw_body
from service.compat.cursors import CursorCall
from service.compat.elasticsearch_api import Call
from service.compat.exchange import Media
from service.compat.failures import envelope, error_envelope
from service.compat.multi_search import MultiCall, multi_search
from service.compat.parameters import (
    COUNT,
    IN_POINT,
    MSEARCH,
    OUTPUT,
    PAGE,
    POINT,
    SCROLLED,
    SEARCH,
    Parameters,
)
from service.compat.passing import READS_BY_POST, WRITES, PassedCall, pass_through
from service.compat.writing import Answer
from service.services import current_services

NOTE_HEADER = "Shelfwise-Search"
_PRODUCT_HEADER = {"X-Elastic-Product": "Elasticsearch"}
_MAX_NOTE = 300

log = structlog.get_logger(__name__)
blueprint = Blueprint("compat", __name__)


class IndexName(BaseConverter):
    """The first part of an address that is no other address of ours."""

    regex = r"(?!(?:v1|healthz|readyz|metrics|docs|openapi\.json)$)[a-z0-9*.<+-][^/]*"


class WritePath(BaseConverter):
    """What changes documents."""

    regex = WRITES
    part_isolating = False
    weight = 120


class PostedRead(BaseConverter):
    """What reads although it is posted."""

    regex = READS_BY_POST
    part_isolating = False
    weight = 120


class AnyPath(BaseConverter):
    """Any endpoint under an index; what is known of it more exactly goes first."""

    regex = r"_[a-z_]+(?:/.*)?"
    part_isolating = False
    weight = 300


@blueprint.record_once
def _know_converters(state: BlueprintSetupState) -> None:
    # Before the routes below, which are recorded after it.
    state.app.url_map.converters |= {
        "shop": IndexName,
        "write": WritePath,
        "read": PostedRead,
        "any_path": AnyPath,
    }


@blueprint.get("/")
@needs(Scope.SEARCH)
def info() -> Response:
    """Tell what the cluster tells of itself, which clients ask for first."""
    Parameters.checked(request.args, OUTPUT)
    return _response(current_services().elasticsearch_api.info(_media()))


@blueprint.route("/<shop:index>/_search", methods=["GET", "POST"])
@needs(Scope.SEARCH)
def search(index: str) -> Response:
    """Search with Elasticsearch's body."""
    if "scroll" in request.args:
        return _response(current_services().cursors.begin_scroll(_call(index, SCROLLED)))
    return _response(current_services().elasticsearch_api.search(_call(index, SEARCH)))


@blueprint.post("/<shop:index>/_pit")
@needs(Scope.SEARCH, changes=False)
def open_point(index: str) -> Response:
    """Open a point in time, where the settings let it pass."""
    return _response(current_services().cursors.open_point(_call(index, POINT)))


@blueprint.route("/_search", methods=["GET", "POST"])
@needs(Scope.SEARCH)
def search_point() -> Response:
    """Search in a point in time, where the settings let it pass."""
    return _response(current_services().cursors.search_point(_cursor_call(IN_POINT)))


@blueprint.delete("/_pit")
@needs(Scope.SEARCH, changes=False)
def close_point() -> Response:
    """Close a point in time."""
    return _response(current_services().cursors.close_point(_cursor_call(OUTPUT)))


@blueprint.route("/_search/scroll", methods=["GET", "POST"])
@needs(Scope.SEARCH)
def next_page() -> Response:
    """Return the next page of a scroll."""
    return _response(current_services().cursors.next_page(_cursor_call(PAGE)))


@blueprint.delete("/_search/scroll")
@needs(Scope.SEARCH, changes=False)
def clear_scrolls() -> Response:
    """Close scrolls."""
    return _response(current_services().cursors.clear_scrolls(_cursor_call(OUTPUT)))


@blueprint.route("/<shop:index>/_count", methods=["GET", "POST"])
@needs(Scope.SEARCH)
def count(index: str) -> Response:
    """Count what a search of the same query finds."""
    return _response(current_services().elasticsearch_api.count(_call(index, COUNT)))


@blueprint.route("/_msearch", methods=["GET", "POST"])
@needs(Scope.SEARCH)
def multi_search_anywhere() -> Response:
    """Search several times; each search names its index."""
    return _multi_search("")


@blueprint.route("/<shop:index>/_msearch", methods=["GET", "POST"])
@needs(Scope.SEARCH)
def multi_search_of(index: str) -> Response:
    """Search several times, in this index where a search names no other."""
    return _multi_search(index)


@blueprint.get("/<shop:index>")
@needs(Scope.SEARCH)
def read_index(index: str) -> Response:
    """Read what an index is, where the settings let it pass."""
    return _passed(index, "")


@blueprint.get("/<shop:index>/<any_path:path>")
@needs(Scope.SEARCH)
def read(index: str, path: str) -> Response:
    """Read, where the settings let it pass."""
    return _passed(index, path)


@blueprint.post("/<shop:index>/<read:path>")
@needs(Scope.SEARCH)
def read_by_body(index: str, path: str) -> Response:
    """Read with a body, where the settings let it pass."""
    return _passed(index, path)


@blueprint.route("/<shop:index>/<write:path>", methods=["POST", "PUT", "DELETE"])
@needs(Scope.WRITE)
def write(index: str, path: str) -> Response:
    """Change documents, where the settings let it pass."""
    return _passed(index, path)


@blueprint.route("/<shop:index>", methods=["PUT", "DELETE"])
@needs(Scope.ADMIN)
def change_index(index: str) -> Response:
    """Make or drop an index, where the settings let it pass."""
    return _passed(index, "")


@blueprint.route("/<shop:index>/<any_path:path>", methods=["POST", "PUT", "DELETE"])
@needs(Scope.ADMIN)
def change(index: str, path: str) -> Response:
    """Change an index, where the settings let it pass."""
    return _passed(index, path)


@blueprint.errorhandler(ShelfwiseError)
def _ours(error: ShelfwiseError) -> Response:
    if error.http_status >= 500:
        log.warning("request_failed", code=error.code, reason=str(error), request_id=g.request_id)
    response = json_answer(error_envelope(error), error.http_status)
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


@blueprint.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    status = error.code or 500
    return json_answer(
        envelope("status_exception", error.description or error.name, status), status
    )


@blueprint.after_request
def _finish(response: Response) -> Response:
    # Official clients take answers without it for those of another product.
    response.headers.update(_PRODUCT_HEADER)
    return response


def _multi_search(index: str) -> Response:
    call = MultiCall(
        index, _body(), _parameters(MSEARCH), _media(), current_caller().require_index
    )
    # Without the server around the application, as in a test, nobody else asks.
    turns = request.environ.get(TURNS)
    return _response(multi_search(current_services().elasticsearch_api, call, turns=turns))


def _call(index: str, known: frozenset[str]) -> Call:
    return Call(index, _body(), _parameters(known), _media(), current_caller().require_index)


def _cursor_call(known: frozenset[str]) -> CursorCall:
    return CursorCall(_body(), _parameters(known), _media(), current_caller().require_index)


def _passed(index: str, path: str) -> Response:
    services = current_services()
    api = services.elasticsearch_api
    call = PassedCall(
        request.method,
        index,
        path,
        request.query_string.decode("latin-1"),
        _body(),
        _media(),
        current_caller().require_index,
    )
    return _response(
        pass_through(api.cluster, api.targets, services.settings.service_pass_through, call)
    )


def _response(answer: Answer) -> Response:
    response = Response(answer.body, status=answer.status, content_type=answer.content_type)
    if answer.note:
        # A reason may have words of the request in it, or of an error of many lines.
        note = " ".join(answer.note[:_MAX_NOTE].split())
        response.headers[NOTE_HEADER] = note.encode("ascii", "replace").decode()
    if answer.warning:
        response.headers["Warning"] = answer.warning
    return response


def _parameters(known: frozenset[str]) -> Parameters:
    return Parameters.checked(request.args, known)


def _media() -> Media:
    return Media.of_headers(
        request.headers.get("Content-Type", ""), request.headers.get("Accept", "")
    )


def _body() -> bytes:
    raw = raw_body()
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("", "identity") or not raw:
        return raw
    if encoding != "gzip":
        raise InvalidQuery(
            f"Content-Encoding: should be gzip, got {shorten(encoding)}", field="Content-Encoding"
        )
    limit = current_services().settings.service_max_body_bytes
    try:
        found = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidQuery("the body is not gzip", field="body") from error
    if len(found) > limit:
        raise RequestTooLarge(f"the body is longer than {limit} bytes", field="body")
    return found
