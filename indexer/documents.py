"""From a product to the document that Elasticsearch keeps, and back: pure functions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeGuard

import numpy as np
import orjson

from mappings.encoder_spec import EncoderSpec
from mappings.errors import MissingSetting
from mappings.index_mapping import CONTRACT_VERSION
from mappings.product import (
    CATEGORY_SEPARATOR,
    FAST_FIELDS,
    PHOTO_STATE_FIELDS,
    PHOTOS,
    VECTOR_FIELDS,
    Product,
)
from mappings.sortable_numbers import encode_sortable

MAX_ATTRIBUTE_TEXT = 10_000
"""Characters of `attribute_text`; the longest of 19,406 real products has 6,900."""

GIVEN = "given"
_MARKS = frozenset(".,;:")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_TEMPLATE_FIELDS = ("title", "description", "brand", "categories", "identifiers", "attributes")
_ATTRIBUTE_PREFIX = "attributes."
# Values that say only that the shop knows nothing; as words they would match each other.
_EMPTY_WORDS = frozenset(
    {"", "-", "n", "no", "none", "n/a", "na", "y", "yes", "not available", "not supported"}
)
_DERIVED = frozenset(
    {
        "product_id",
        "category_paths",
        "attribute_numbers",
        "attribute_text",
        "version",
        "arrival",
        "last_arrival",
        "field_stamps",
        "pending",
        "deleted_at",
        "product_hash",
        "sent_hash",
        "content_hash",
        PHOTOS,
        *PHOTO_STATE_FIELDS,
        *VECTOR_FIELDS,
    }
)


def product_fields(product: Product) -> dict[str, Any]:
    """Return the product's JSON in the one form that equal products share.

    Whole numbers lose their ".0", empty lists and a `parent_id` that only repeats the id
    are left out; `vectors` are not part of it.
    """
    fields = product.to_json()
    fields.pop("vectors", None)
    if "attributes" in fields:
        fields["attributes"] = {
            name: canonical
            for name, value in sorted(fields["attributes"].items())
            if (canonical := _canonical(value)) != []
        }
        if not fields["attributes"]:
            del fields["attributes"]
    if fields.get("parent_id") == fields["id"]:
        del fields["parent_id"]
    return fields


def product_hash(fields: Mapping[str, Any], given: Mapping[str, str]) -> str:
    """Return sha256 (hex) over the product's fields and the digests of the vectors it brings.

    FAST_FIELDS are left out.
    """
    slow = {name: value for name, value in fields.items() if name not in FAST_FIELDS}
    body = orjson.dumps([slow, given], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()


def sent_hash(fields: Mapping[str, Any], version: int | None) -> str | None:
    """Return sha256 (hex) over an upsert as it was sent, None for what JSON cannot hold.

    It is cheap beside `product_hash`, which needs the product checked first.
    """
    try:
        body = orjson.dumps([CONTRACT_VERSION, version, fields], option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a lone surrogate, or a number beyond 64 bits
        return None
    return hashlib.sha256(body).hexdigest()


def given_digests(product: Product) -> dict[str, str]:
    """Return vector field to digest, for the vectors that the product brings itself."""
    return {
        field: GIVEN + hashlib.sha256(np.asarray(vector, dtype="<f4").tobytes()).hexdigest()
        for field, vector in product.vectors.items()
    }


def text_digest(spec: EncoderSpec, text: str) -> str:
    """Return sha256 (hex) over the encoder's identity and the text that it encodes."""
    return hashlib.sha256(_identity(spec) + b"\0" + text.encode()).hexdigest()


def photo_digest(spec: EncoderSpec, content: str) -> str:
    """Return sha256 (hex) over the encoder's identity and a photo's content (sha256, hex)."""
    return hashlib.sha256(_identity(spec) + b"\0photo\0" + content.encode()).hexdigest()


@cache
def _identity(spec: EncoderSpec) -> bytes:
    return orjson.dumps(spec.to_meta(), option=orjson.OPT_SORT_KEYS)


def to_document(
    fields: Mapping[str, Any],
    *,
    hash_of_product: str,
    digests: Mapping[str, str],
    sent: str | None = None,
) -> dict[str, Any]:
    """Return the document without its vectors.

    fields: from `product_fields`. hash_of_product: from `product_hash`. sent: `sent_hash` of the
    upsert that the product comes from, None when it is not the only one.
    digests: vector field to the digest of what its vector stands for.
    """
    document = {name: value for name, value in fields.items() if name != "id"}
    document["product_id"] = fields["id"]
    document.setdefault("parent_id", fields["id"])
    if categories := fields.get("categories"):
        document["category_paths"] = category_paths(categories)
    if attributes := fields.get("attributes"):
        if numbers := attribute_numbers(attributes):
            document["attribute_numbers"] = numbers
        if text := attribute_text(attributes):
            document["attribute_text"] = text
    document["product_hash"] = hash_of_product
    if sent:
        document["sent_hash"] = sent
    if digests:
        document["content_hash"] = [f"{name}:{digests[name]}" for name in sorted(digests)]
    return document


def read_digests(source: Mapping[str, Any]) -> dict[str, str]:
    """Return vector field to digest from a stored document's `content_hash`."""
    stored = source.get("content_hash") or []
    pairs = (item.partition(":") for item in ([stored] if isinstance(stored, str) else stored))
    return {field: digest for field, _, digest in pairs}


def stored_fields(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the product's JSON that a stored document was made from, without `vectors`."""
    fields = {name: value for name, value in source.items() if name not in _DERIVED}
    fields["id"] = source["product_id"]
    if fields.get("parent_id") == fields["id"]:
        del fields["parent_id"]
    return fields


def category_paths(categories: Sequence[str]) -> list[str]:
    """Return every category path and each of its ancestors once, shorter ones first."""
    paths: dict[str, None] = {}
    for category in categories:
        levels = [level.strip() for level in category.split(CATEGORY_SEPARATOR.strip())]
        levels = [level for level in levels if level]
        for depth in range(1, len(levels) + 1):
            paths[CATEGORY_SEPARATOR.join(levels[:depth])] = None
    return list(paths)


def attribute_numbers(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numeric values by name, each so written that text order is number order."""
    numbers: dict[str, Any] = {}
    for name, value in attributes.items():
        found = [encode_sortable(item) for item in _each(value) if _is_number(item)]
        if found:
            numbers[name] = found if isinstance(value, list) else found[0]
    return numbers


def attribute_text(attributes: Mapping[str, Any]) -> str:
    """Return the words of the attributes' values, at most MAX_ATTRIBUTE_TEXT characters.

    A flag that is set counts by its name ("bluetooth"). Numbers and values without a
    letter are left out: without their unit they would match every other number. A value
    that several attributes share is said once.
    """
    words: dict[str, None] = {}
    for name, value in attributes.items():
        for item in _each(value):
            if item is True:
                words[_readable(name)] = None
            elif isinstance(item, str) and _says_something(item):
                words[item.strip()] = None
    text = "; ".join(words)
    if len(text) > MAX_ATTRIBUTE_TEXT:
        text = text[:MAX_ATTRIBUTE_TEXT].rpartition(" ")[0]
    return text


@cache
def template_pieces(template: str) -> tuple[str, ...]:
    """Return text and placeholder names of a template in turn, text first and last.

    Raises MissingSetting that names a placeholder which no product field fills.
    """
    pieces = tuple(_PLACEHOLDER.split(template))
    for name in pieces[1::2]:
        if name not in _TEMPLATE_FIELDS and not name.startswith(_ATTRIBUTE_PREFIX):
            raise MissingSetting(
                f"text template {template!r}: no product field {name!r}; there are "
                f"{', '.join(_TEMPLATE_FIELDS)} and {_ATTRIBUTE_PREFIX}<name>"
            )
    if len(pieces) == 1:
        raise MissingSetting(f"text template {template!r} names no product field")
    return pieces


def product_text(fields: Mapping[str, Any], template: str) -> str:
    """Return the text that stands for the product, e.g. from "{title}. {description}".

    What stands before a placeholder is written only when its field has a value and some
    text is there already (or it opens the template), so that missing fields leave no
    stray punctuation; nor is a full stop doubled.
    Raises MissingSetting for a placeholder that no product field fills.
    """
    pieces = template_pieces(template)
    text = ""
    for position, (before, name) in enumerate(zip(pieces[:-1:2], pieces[1::2], strict=True)):
        value = _template_value(fields, name)
        if value:
            text = (_append(text, before) if text or position == 0 else text) + value
    return _append(text, pieces[-1]) if text else text


def _append(text: str, more: str) -> str:
    mark = more.strip()[:1]
    return (text.rstrip(mark) if mark in _MARKS else text) + more


def _template_value(fields: Mapping[str, Any], name: str) -> str:
    if name == "attributes":
        return attribute_text(fields.get("attributes", {}))
    if name.startswith(_ATTRIBUTE_PREFIX):
        value = fields.get("attributes", {}).get(name.removeprefix(_ATTRIBUTE_PREFIX))
    else:
        value = fields.get(name)
    if value is None:
        return ""
    return " ".join(", ".join(str(item) for item in _each(value)).split())


def _canonical(value: object) -> object:
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    # Up to 2**53 a whole number means the same as a float and as an integer.
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    return value


def _each(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple):
        yield from value
    else:
        yield value


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _says_something(value: str) -> bool:
    return any(map(str.isalpha, value)) and value.strip().lower() not in _EMPTY_WORDS


def _readable(name: str) -> str:
    return " ".join(name.replace("_", " ").split())
