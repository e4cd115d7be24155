"""A small shop of 300 products, and what a filter should keep of it, worked out in Python."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

COUNT = 300
BRANDS = ("HP", "Logitech", "Léon", "Acme Ltd", "Kensington")
KINDS = {
    "mouse": ["Computers > Input > Mice"],
    "keyboard": ["Computers > Input > Keyboards", "Office"],
    "cable": ["Cables"],
    "monitor": ["Computers > Screens"],
    "headset": ["Audio > Headsets", "Computers > Input"],
}
MANNERS = ("wireless", "gaming", "compact", "silent", "ergonomic", "wired")
COLOURS = ("red", "blue", "green", "Dark Grey")
SIZES: tuple[Any, ...] = ("large", "small", 17, 15.6, None)
WEIGHTS: tuple[Any, ...] = (-12, -2.5, 0, 0.5, 9, 9.5, 10, 100, 2500, None)
START = datetime(2020, 1, 1, tzinfo=UTC)


def _product(number: int, chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(list(KINDS))
    manner = chance.choice(MANNERS)
    attributes: dict[str, Any] = {
        "colour": chance.sample(COLOURS, chance.choice((1, 1, 2))),
        "wireless": manner != "wired",
        "weight": chance.choice(WEIGHTS),
        "size": chance.choice(SIZES),
    }
    product: dict[str, Any] = {
        "id": f"p{number:03}",
        # "model" is in every title, so that a search for it finds the whole shop.
        "title": f"{manner} {kind} model",
        "description": f"A {chance.choice(MANNERS)} thing" if number % 2 else None,
        "brand": chance.choice((*BRANDS, None)),
        "categories": KINDS[kind],
        "price": chance.choice((None, *(round(chance.uniform(1, 200), 2) for _ in range(7)))),
        "currency": "EUR",
        "availability": chance.choice(("in_stock", "out_of_stock", "preorder", None)),
        "attributes": {name: value for name, value in attributes.items() if value is not None},
        "identifiers": [f"SKU-{number:05}"],
        # Half of the shop are variants, in groups of three.
        "parent_id": f"g{number // 3:03}" if number < COUNT // 2 else None,
        "popularity": chance.choice((None, None, 0, 5, 5, 80)),
        "released_at": (START + timedelta(hours=7 * number)).isoformat() if number % 10 else None,
    }
    return {name: value for name, value in product.items() if value is not None}


_CHANCE = random.Random(20)
PRODUCTS = [_product(number, _CHANCE) for number in range(COUNT)]
BY_ID = {product["id"]: product for product in PRODUCTS}


def group_of(product: Mapping[str, Any]) -> str:
    return product.get("parent_id", product["id"])


def folded(text: str) -> str:
    plain = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def values_of(product: Mapping[str, Any], field: str) -> list[Any]:
    """The values of a product that a filter or facet on the field looks at."""
    if field == "categories":
        paths = [path.split(" > ") for path in product["categories"]]
        return sorted({" > ".join(path[: n + 1]) for path in paths for n in range(len(path))})
    if field == "parent_id":
        return [group_of(product)]
    if field.startswith("attributes."):
        value = product["attributes"].get(field.removeprefix("attributes."))
    else:
        value = product.get(field)
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def keeps(product: Mapping[str, Any], raw: Mapping[str, Any]) -> bool:
    """Whether a filter should keep a product."""
    return all(_condition(product, name, value) for name, value in raw.items())


def kept_ids(raw: Mapping[str, Any], among: Iterable[Mapping[str, Any]] = PRODUCTS) -> set[str]:
    return {product["id"] for product in among if keeps(product, raw)}


def _condition(product: Mapping[str, Any], name: str, wanted: Any) -> bool:
    if name == "any":
        return any(keeps(product, part) for part in wanted)
    if name == "all":
        return all(keeps(product, part) for part in wanted)
    if name == "not":
        return not keeps(product, wanted)
    values = values_of(product, name)
    if isinstance(wanted, Mapping):
        if "exists" in wanted:
            return bool(values) == wanted["exists"]
        return any(_in_range(value, wanted) for value in values)
    given = wanted if isinstance(wanted, list) else [wanted]
    if name in ("brand", "identifiers"):
        return bool({folded(value) for value in values} & {folded(value) for value in given})
    if name.startswith("attributes."):
        return bool({as_text(value) for value in values} & {as_text(value) for value in given})
    return bool(set(values) & set(given))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def _in_range(value: Any, wanted: Mapping[str, Any]) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(next(iter(wanted.values())), str):
        moment = datetime.fromisoformat(value)
        return all(
            _COMPARE[operator](moment, _moment(bound, to_its_end=operator in ("lte", "gt")))
            for operator, bound in wanted.items()
        )
    if isinstance(value, str):
        return False
    return all(_COMPARE[operator](value, bound) for operator, bound in wanted.items())


def _moment(text: str, *, to_its_end: bool) -> datetime:
    moment = datetime.fromisoformat(text)
    if len(text) == len("2020-01-01") and to_its_end:
        moment += timedelta(days=1, microseconds=-1)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
