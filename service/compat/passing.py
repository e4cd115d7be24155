"""Endpoints under an index that are no search: handed on as the settings allow, or refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import orjson

from mappings.errors import Forbidden, InvalidQuery
from mappings.raw_cluster import JSON, RawCluster
from service.compat.body_checks import decode_body, foreign_indexes
from service.compat.elasticsearch_api import MayAsk
from service.compat.exchange import NDJSON, Exchange, Media, quoted
from service.compat.index_names import check_name, split_names
from service.compat.targets import SearchTargets
from service.compat.writing import Answer

PassThrough = Literal["none", "read", "all"]

_ID = r"/[^/]+"
_READ_BY_GET = re.compile(
    rf"(_doc{_ID}|_source{_ID}|_mapping|_mapping/field{_ID}|_settings(/[^/]+)?|_alias(/[^/]+)?)?"
)
_READ_BY_BODY = re.compile(
    rf"_mget|_field_caps|_validate/query|_explain{_ID}|_termvectors({_ID})?|_mtermvectors"
    r"|_analyze|_terms_enum|_search_shards|_rank_eval"
)
WRITES = (
    rf"_doc(?:{_ID})?|_create{_ID}|_update{_ID}|_bulk|_update_by_query|_delete_by_query|_refresh"
)
"""What needs the scope of writes; a pattern of paths behind the index."""
READS_BY_POST = _READ_BY_BODY.pattern
"""What only reads although it is sent by POST, as it has a body."""

_DOCUMENTS = re.compile(rf"_doc({_ID})?|_create{_ID}|_update{_ID}")
"""Bodies that are documents: whatever is in them refers to nothing."""


@dataclass(frozen=True)
class PassedCall:
    """A request to an endpoint. rest: its path behind the index, empty for the index itself.

    query: of the address, as it came.
    """

    method: str
    index: str
    rest: str
    query: str
    raw: bytes = field(repr=False)
    media: Media
    may_ask: MayAsk


def pass_through(
    cluster: RawCluster, targets: SearchTargets, allowed: PassThrough, call: PassedCall
) -> Answer:
    """Return what Elasticsearch answers.

    Raises Forbidden for what the settings do not allow, InvalidQuery for a path or body that
    reaches further than it says.
    """
    _check_allowed(allowed, call)
    names = split_names(call.index)
    for name in names:
        targets.require_served(name)
    parts = call.rest.split("/") if call.rest else []
    if any(part in ("", ".", "..") for part in parts):
        raise InvalidQuery(
            f"path {call.rest[:80]!r} has an empty part, or dots alone", field="path"
        )
    for name in _other_indexes(call):
        if name not in names:
            targets.require_served(check_name(name))
            call.may_ask(name)
    path = "/".join([quoted(call.index), *(quote(part, safe="*,") for part in parts)])
    raw = Exchange(cluster, call.media).pass_on(
        call.method,
        f"/{path}",
        query=call.query,
        body=call.raw,
        kind=NDJSON if call.rest == "_bulk" else JSON,
    )
    return Answer.of_raw(raw, "passed; reason=no search")


def _check_allowed(allowed: PassThrough, call: PassedCall) -> None:
    if allowed == "all" or (allowed == "read" and is_read(call.method, call.rest)):
        return
    raise Forbidden(
        f"{call.method} /{{index}}/{call.rest[:80]} is not passed on: "
        f"SHELFWISE_SERVICE_PASS_THROUGH is {allowed!r}",
        field="path",
    )


def is_read(method: str, rest: str) -> bool:
    """Whether a request changes nothing."""
    if method in ("GET", "HEAD") and _READ_BY_GET.fullmatch(rest):
        return True
    return method in ("GET", "POST") and _READ_BY_BODY.fullmatch(rest) is not None


def _other_indexes(call: PassedCall) -> set[str]:
    """Return the indexes that a body names itself."""
    if not call.raw.strip() or _DOCUMENTS.fullmatch(call.rest):
        return set()
    if call.rest == "_bulk":
        return _of_bulk(call.raw)
    body = decode_body(call.raw)
    found = foreign_indexes(body)
    docs = body.get("docs")
    for entry in docs if isinstance(docs, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("_index"), str):
            found.add(entry["_index"])
    return found


def _of_bulk(raw: bytes) -> set[str]:
    """Return the indexes of the lines that say what is done with a document.

    A document may look like such a line: then its index is asked for, too.
    """
    found: set[str] = set()
    for line in raw.split(b"\n"):
        if b"_index" not in line and b"\\u" not in line:
            continue
        try:
            action: Any = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # Elasticsearch will say so
        for meta in action.values() if isinstance(action, dict) else ():
            if isinstance(meta, dict) and isinstance(meta.get("_index"), str):
                found.add(meta["_index"])
    return found
