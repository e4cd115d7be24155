"""The right-hand sides of Querqy's rules as selections of products."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mappings.errors import RequestError
from service.filters.compiler import compile_filter
from service.product_fields import PRODUCT_FIELDS, find_field
from service.rules.querqy_blocks import unescape
from service.rules.rule import Selection

_OTHER_NAMES = {"category": "categories", "product_id": "id", "_id": "id"}
"""What shops call fields of a product that are called otherwise here."""
_SUBFIELD = re.compile(r"\.(keyword|raw|folded|exact)$")
_TERM = re.compile(
    r"(?P<sign>[+-]?)(?P<field>[\w.]+):"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|\((?:[^()]*)\)|[\[{][^\]}]*[\]}]|\S+)"
)
_RANGE = re.compile(r"(?P<open>[\[{])\s*(?P<low>\S+)\s+TO\s+(?P<high>\S+)\s*(?P<close>[\]}])$")
_VALUE = re.compile(r"\"(?:[^\"\\]|\\.)*\"|[^\s\"]+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?$")


class NotTaken(ValueError):
    """Something that has no counterpart here; the message says what and why."""


@dataclass(frozen=True)
class Sides:
    """What a right-hand side asks for: products that match, and products that must not."""

    those: tuple[Selection, ...] = ()
    not_those: tuple[Selection, ...] = ()


def read_side(value: str) -> Sides:
    """Return the products that a right-hand side means: words, or after `*` a raw query.

    All words must match. Raises NotTaken.
    """
    if value.startswith("*"):
        return _raw(value[1:].strip())
    words: list[str] = []
    without: list[str] = []
    for token in map(unescape, value.split()):
        if re.match(r"[+-]?[A-Za-z_][\w.]*:\S", token):
            raise NotTaken(f"{token!r}: a word in one field; `* {token}` would be a raw query")
        (without if token.startswith("-") else words).append(token.lstrip("+-"))
    if not any(words + without):
        raise NotTaken("words are missing")
    return Sides(
        those=(Selection(words=" ".join(filter(None, words))),) if any(words) else (),
        not_those=tuple(Selection(words=word) for word in without if word),
    )


def _raw(query: str) -> Sides:
    if not query:
        raise NotTaken("the raw query after * is missing")
    if "%%" in query:
        raise NotTaken("a raw query with parameters (%%)")
    if query.startswith("{"):
        try:
            decoded = orjson.loads(query)
        except orjson.JSONDecodeError as error:
            raise NotTaken(f"the raw query is no JSON: {error}") from error
        return Sides(those=(_selection(_json_filter(decoded)),))
    those: list[Selection] = []
    not_those: list[Selection] = []
    position = 0
    for found in _TERM.finditer(query):
        if query[position : found.start()].strip() not in ("", "AND"):
            break
        position = found.end()
        selection = _selection({_field(found["field"]): _lucene_value(found["value"])})
        (not_those if found["sign"] == "-" else those).append(selection)
    if query[position:].strip():
        raise NotTaken(f"the raw query {query!r}: only field:value is, and several with AND")
    if len(those) > 1:
        those = [_selection({"all": [one.filter for one in those]})]
    return Sides(tuple(those), tuple(not_those))


def _lucene_value(text: str) -> object:
    if (found := _RANGE.match(text)) is not None:
        limits: dict[str, object] = {}
        if found["low"] != "*":
            limits["gte" if found["open"] == "[" else "gt"] = _scalar(found["low"])
        if found["high"] != "*":
            limits["lte" if found["close"] == "]" else "lt"] = _scalar(found["high"])
        return limits
    if text.startswith("("):
        values = _VALUE.findall(text[1:-1])
        return [_scalar(value) for value in values if value != "OR"]
    if text == "*":
        return {"exists": True}
    if "*" in text.replace("\\*", "") or "~" in text:
        raise NotTaken(f"{text!r}: wildcards and fuzzy words of raw queries")
    return _scalar(text)


def _scalar(text: str) -> object:
    if text.startswith('"'):
        return unescape(text[1:-1])
    if _NUMBER.match(text):
        return float(text) if "." in text else int(text)
    return unescape(text)


def _json_filter(query: object) -> dict[str, Any]:
    """Return a filter of ours for a query of Elasticsearch; raises NotTaken."""
    if not isinstance(query, Mapping) or len(query) != 1:
        raise NotTaken(f"the raw query {query!r}: should be an object of one query")
    kind, body = next(iter(query.items()))
    if not isinstance(body, Mapping):
        raise NotTaken(f"{kind}: should be an object")
    if kind == "bool":
        return _bool_filter(body)
    if kind == "exists":
        return {_field(str(body.get("field"))): {"exists": True}}
    if kind == "constant_score":
        return _json_filter(body.get("filter"))
    if kind not in ("term", "terms", "range"):
        raise NotTaken(f"{kind}: only term, terms, range, exists and bool are")
    named = {name: value for name, value in body.items() if name != "boost"}
    if len(named) != 1:
        raise NotTaken(f"{kind}: should name one field")
    name, value = next(iter(named.items()))
    if kind == "term" and isinstance(value, Mapping):
        value = value.get("value")
    return {_field(name): value}


def _bool_filter(body: Mapping[str, Any]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    for name, queries in body.items():
        listed = queries if isinstance(queries, Sequence) else [queries]
        if name in ("must", "filter"):
            parts += [_json_filter(one) for one in listed]
        elif name == "must_not":
            parts += [{"not": _json_filter(one)} for one in listed]
        elif name == "should":
            parts.append({"any": [_json_filter(one) for one in listed]})
        elif name != "minimum_should_match" or queries not in (1, "1"):
            raise NotTaken(f"bool.{name}")
    if not parts:
        raise NotTaken("bool: it is empty")
    return parts[0] if len(parts) == 1 else {"all": parts}


def _field(name: str) -> str:
    plain = _SUBFIELD.sub("", name)
    known = _OTHER_NAMES.get(plain, plain)
    if find_field(known) is None:
        raise NotTaken(
            f"there is no product field {plain!r} to filter by; there are "
            f"{', '.join(sorted(PRODUCT_FIELDS))} and attributes.<name>"
        )
    return known


def _selection(filters: dict[str, Any]) -> Selection:
    try:
        compile_filter(filters)
    except RequestError as error:
        raise NotTaken(error.message) from error
    return Selection(filter=filters)
