"""Products as fine-tuning sees them: a title, the labels that words name, and photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mappings.errors import InvalidQuery
from mappings.product import CATEGORY_SEPARATOR

COLOUR_NAMES = ("colour", "color", "base_colour", "base_color", "main_colour", "main_color")
KIND_NAMES = ("article_type", "product_type", "type", "category")
"""Attributes that are looked for, in this order, whatever their case and spaces."""

MOST_FACETS = 6
"""Attributes beside kind and colour whose values become words of phrases."""

_FEWEST_VALUES, _MOST_VALUES = 2, 200
_MOST_WORDS = 3
_LEAST_COVERAGE = 0.2
_NO_VALUE = frozenset({"", "-", "na", "n/a", "none", "null", "unknown", "other", "others"})


@dataclass(frozen=True)
class ShopProduct:
    """What is learned from one product.

    group: its parent's id, else its own; variants of one product stay together in a split.
    kind, colour, brand: as the shop writes them, "" when not known. facets: further short values,
    e.g. "Printed". photos: addresses as the shop gives them.
    """

    id: str
    group: str
    title: str
    kind: str = ""
    colour: str = ""
    brand: str = ""
    facets: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelNames:
    """Which attributes hold a product's kind and colour.

    kind: an attribute's name, or "" for the last level of the first category.
    colour: an attribute's name, or "" for none. facets: attributes that describe it further.
    """

    kind: str
    colour: str
    facets: tuple[str, ...] = ()


def find_labels(
    fields: Sequence[Mapping[str, Any]], *, kind: str | None = None, colour: str | None = None
) -> LabelNames:
    """Return which attributes of the products hold labels.

    fields: products in the form of `mappings.product.Product`. kind, colour: attributes that the
    shop names itself. Raises InvalidQuery when no product has an attribute that was named.
    """
    names = Counter(name for one in fields for name in _attributes(one))
    for option, wanted in (("kind", kind), ("colour", colour)):
        if wanted and wanted not in names:
            shown = ", ".join(name for name, _ in names.most_common(12)) or "none"
            raise InvalidQuery(
                f"{option}: no product has an attribute {wanted!r}; there are {shown}",
                field=option,
            )
    has_categories = any(one.get("categories") for one in fields)
    found_kind = kind or ("" if has_categories else _first_known(names, KIND_NAMES))
    found_colour = colour or _first_known(names, COLOUR_NAMES)
    taken = {found_kind, found_colour}
    return LabelNames(found_kind, found_colour, _facets(fields, names, taken))


def shop_product(fields: Mapping[str, Any], names: LabelNames) -> ShopProduct:
    """Return what is learned from a product."""
    attributes = _attributes(fields)
    product_id = str(fields["id"])
    kind = _text(attributes.get(names.kind)) if names.kind else _last_category(fields)
    facets = (_text(attributes.get(name)) for name in names.facets)
    return ShopProduct(
        id=product_id,
        group=str(fields.get("parent_id") or product_id),
        title=str(fields.get("title") or "").strip(),
        kind=kind,
        colour=_text(attributes.get(names.colour)),
        brand=_text(fields.get("brand")),
        facets=tuple(value for value in facets if value),
        photos=tuple(str(address) for address in fields.get("images") or ()),
    )


def usable(products: Iterable[ShopProduct]) -> list[ShopProduct]:
    """Return the products that have a title and a photo, in order of their ids."""
    return sorted((one for one in products if one.title and one.photos), key=lambda one: one.id)


def _attributes(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    found = fields.get("attributes")
    return found if isinstance(found, Mapping) else {}


def _first_known(names: Mapping[str, int], wanted: Sequence[str]) -> str:
    plain = {name.lower().replace(" ", "_"): name for name in names}
    return next((plain[name] for name in wanted if name in plain), "")


def _last_category(fields: Mapping[str, Any]) -> str:
    categories = fields.get("categories") or ()
    return _text(categories[0].split(CATEGORY_SEPARATOR)[-1]) if categories else ""


def _facets(
    fields: Sequence[Mapping[str, Any]], names: Mapping[str, int], taken: set[str]
) -> tuple[str, ...]:
    """Return attributes with few, short values that many products have, most used first."""
    found: list[tuple[int, str]] = []
    for name, count in names.items():
        if name in taken or count < _LEAST_COVERAGE * len(fields):
            continue
        values = {
            str(value)
            for one in fields
            if (value := _attributes(one).get(name)) is not None and not _is_blank(value)
        }
        if _FEWEST_VALUES <= len(values) <= _MOST_VALUES and all(_is_words(v) for v in values):
            found.append((count, name))
    found.sort(key=lambda pair: (-pair[0], pair[1]))
    return tuple(name for _, name in found[:MOST_FACETS])


def _is_words(value: str) -> bool:
    return len(value.split()) <= _MOST_WORDS and not any(sign.isdigit() for sign in value)


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower() in _NO_VALUE


def _text(value: object) -> str:
    """Return a label; of several values the first, and "" for what says nothing."""
    if isinstance(value, list | tuple):
        value = value[0] if value else ""
    if value is None or isinstance(value, bool | int | float) or _is_blank(value):
        return ""
    return str(value).strip()
