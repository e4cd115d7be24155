"""Cursors: where the next page begins, as text that the client hands back."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.search_request import MAX_DEPTH, SearchRequest

Place = Literal["window", "tail"]
_PAGING = {"limit", "offset", "cursor", "facets", "fields", "explain"}
_PERSONAL = {"client_id"}
"""Who asks is in no cursor: the arm of an experiment is decided anew, by the id alone."""
_BY_CONTENT = {"image"}
"""A photo is the same however it came, and its file may be long."""


@dataclass(frozen=True)
class Cursor:
    """The last product of the page before.

    place: `window` when the next product is among the exactly ranked ones, where `after` is
    [score, product id]; `tail` behind them, where `after` is Elasticsearch's sort values.
    position: products on the pages before.
    """

    place: Place
    position: int
    after: tuple[Any, ...]


def fingerprint(index: str, request: SearchRequest, beside: Sequence[Any] = ()) -> str:
    """Return a digest of what decides the order, so that a cursor fits only its own search.

    beside: what decides it too and is not in the request, as JSON: a photo's digest, say.
    """
    deciding = request.model_dump(mode="json", exclude=_PAGING | _PERSONAL | _BY_CONTENT)
    text = orjson.dumps([index, deciding, *beside], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=9).hexdigest()


def encode_cursor(cursor: Cursor, search: str) -> str:
    """Return the text of a cursor of the search with that fingerprint."""
    raw = orjson.dumps([search, cursor.place, cursor.position, list(cursor.after)])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(text: str, search: str) -> Cursor:
    """Read a cursor back.

    Raises InvalidQuery when it is not one, or belongs to another search.
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        parts = orjson.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error) as error:
        raise _broken(text) from error
    if not isinstance(parts, list) or len(parts) != 4:
        raise _broken(text)
    found, place, position, after = parts
    if found != search:
        raise InvalidQuery(
            "cursor: belongs to another search; send it with the same index, words, filter, "
            "sort and weights",
            field="cursor",
        )
    scalars = isinstance(after, list) and all(
        isinstance(item, str | int | float) and not isinstance(item, bool) for item in after
    )
    counted = isinstance(position, int) and not isinstance(position, bool) and position >= 0
    if place not in ("window", "tail") or not counted or not scalars:
        raise _broken(text)
    if place == "window" and not (
        len(after) == 2 and isinstance(after[0], float) and isinstance(after[1], str)
    ):
        raise _broken(text)
    return Cursor(place, position, tuple(after))


def check_place(cursor: Cursor, *, sort_values: int) -> None:
    """Raise InvalidQuery for a place that this search cannot have reached.

    sort_values: how many values the search sorts by.
    """
    deep = not cursor.after and cursor.position > MAX_DEPTH
    if deep or (cursor.after and len(cursor.after) != sort_values):
        raise InvalidQuery("cursor: names a place that this search does not have", field="cursor")


def _broken(text: str) -> InvalidQuery:
    return InvalidQuery(f"cursor: {shorten(text)} is not a cursor of ours", field="cursor")
