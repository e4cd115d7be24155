"""What a webhook says, whichever shop system sent it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mappings.errors import InvalidQuery
from mappings.product_changes import ProductChange
from mappings.validation_faults import shorten

Variants = Literal["together", "apart"]
"""Whether the variants of a shop's product are one product of ours, or one each."""

MAX_VALUES = 256
"""Values of one attribute that a product may have."""
MAX_IMAGES = 32
MAX_IDENTIFIERS = 512


@dataclass(frozen=True)
class ShopEvent:
    """What becomes of one product of the shop, and of its variants.

    changes: upserts and patches. family: the shop's id of the product, whose variants are
    products of ours too; None where there are none. version: of the family as a whole.
    is_delete: the product is gone, with all variants. is_whole: other variants than those of
    `changes` are gone. members: variants that are there, besides those of `changes`; None when
    it is not told. overrides: it comes after whatever is known, as an undone delete does.
    ignored: why there is nothing to do.
    """

    changes: Sequence[ProductChange] = ()
    family: str | None = None
    version: int | None = None
    is_delete: bool = False
    is_whole: bool = False
    members: Sequence[str] = ()
    overrides: bool = False
    ignored: str = ""


def ignored(reason: str) -> ShopEvent:
    """Return an event of which nothing follows."""
    return ShopEvent(ignored=reason)


def require_product(body: object, *, topic: str, name: str, is_delete: bool) -> Mapping[str, Any]:
    """Return the product of a body; what stands for a deleted one has no name.

    name: the field of it. Raises InvalidQuery for a body that does not fit its topic, since the
    topic itself is not signed.
    """
    product = require_object(body)
    require_id(product)
    if is_delete != (name not in product):
        raise InvalidQuery(f"the body is not one of topic {topic!r}", field="body")
    return product


def require_object(body: object) -> Mapping[str, Any]:
    """Return a decoded body that is an object. Raises InvalidQuery."""
    if not isinstance(body, Mapping):
        raise InvalidQuery(f"the body should be a JSON object, got {shorten(body)}", field="body")
    return body


def require_id(body: Mapping[str, Any]) -> str:
    """Return the id of a shop's product. Raises InvalidQuery."""
    value = body.get("id")
    if isinstance(value, bool) or not isinstance(value, int | str) or value in ("", 0):
        raise InvalidQuery(f"id: should be a product's id, got {shorten(value)}", field="id")
    return str(value)


def number_of(value: object) -> float | None:
    """Return a price, which shop systems send as text; None for none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def texts_of(values: object, *, most: int) -> list[str]:
    """Return the texts among some values, stripped, each once, at most so many."""
    if not isinstance(values, list | tuple):
        return []
    found = (str(value).strip() for value in values if isinstance(value, str | int | float))
    return list(dict.fromkeys(text for text in found if text))[:most]


def objects_of(values: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list; of anything else none."""
    found = values if isinstance(values, list) else []
    return [one for one in found if isinstance(one, Mapping)]


def without_nothing(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def single(values: Sequence[str]) -> str | list[str] | None:
    """Return one value as itself, several as a list, none as None."""
    return None if not values else values[0] if len(values) == 1 else list(values)
