"""What of a request is a shopper's own: the words of a search, and who searches."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import orjson
from flask import has_request_context, request

from service.access.admission import EARLY_BODY_BYTES

_PUBLIC_PARAMETERS = frozenset({"index", "limit", "offset", "mode", "fusion", "sort", "fields"})
_MAX_DEPTH = 20


def words_of_request() -> Iterable[str]:
    """Return the texts of the request's parameters and of its body, when that is short JSON.

    Every text of a body: in Elasticsearch's language the words of a query may stand under any
    name. A longer body is a photo or a list of products.
    """
    if not has_request_context():
        return
    for name, value in request.args.items():
        if name not in _PUBLIC_PARAMETERS:
            yield value
    body = request.environ.get("wsgi.input")
    if not isinstance(body, io.BytesIO):
        return
    raw = body.getvalue()
    if len(raw) > EARLY_BODY_BYTES:
        return
    for line in (raw, *raw.splitlines()) if request.path.endswith("_msearch") else (raw,):
        try:
            yield from _texts(orjson.loads(line), 0)
        except orjson.JSONDecodeError:
            continue


def _texts(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < _MAX_DEPTH and isinstance(value, list):
        for one in value:
            yield from _texts(one, depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, dict):
        for name, one in value.items():
            if name in ("q", "query"):  # {"cordless mouse": 1.0}
                yield from (key for key in one if " " in key) if isinstance(one, dict) else ()
            yield from _texts(one, depth + 1)
