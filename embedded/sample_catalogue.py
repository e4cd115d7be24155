"""The sample catalogue: a few hundred invented products, the same on every machine."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from embedded.sample_photos import SamplePhoto, photos_of

_Item = TypeVar("_Item")

FILE_NAME = "sample-catalogue.jsonl"
INDEX_NAME = "products"

_SOURCE = Path(__file__).with_name("sample_products.toml")
_SEED = 20_260_101
_MODELS_PER_KIND = 3
_FIRST_ID = 10_001
_FIRST_RELEASE = datetime(2021, 3, 1, tzinfo=UTC)
_RELEASE_DAYS = 1_700
_IN_STORE_PREFIX = "29"
"""GS1 keeps EANs that begin so for use inside a shop: none of ours is a real article's."""
_SERIES = (
    *("Alder", "Beacon", "Cove", "Drift", "Ember", "Fjord", "Glade", "Harbour", "Islet", "Juno"),
    *("Kestrel", "Linden", "Meadow", "Nimbus", "Orchard", "Pine", "Quay", "Ridge", "Summit"),
    *("Thistle", "Umber", "Vale", "Willow", "Yarrow"),
)
_AVAILABILITY = {"in_stock": 80, "out_of_stock": 8, "backorder": 6, "preorder": 4}
"""Value to its share."""


@dataclass(frozen=True)
class _Kind:
    """A kind of product: what a shop would say of it, and how `render` draws it."""

    name: str
    text: str
    drawing: str
    pattern: str | None = None


@dataclass(frozen=True)
class _Family:
    """Kinds of product that share a category, attributes and a range of prices."""

    category: str
    price: tuple[float, float]
    attributes: Mapping[str, Sequence[Any]]
    kinds: Sequence[_Kind]
    brands: Sequence[str]
    notes: Sequence[str]
    per_variant: str | None
    per_model: str | None

    def models(self) -> list[dict[str, Any]]:
        """Return, for each model of a kind, the attributes that set it apart."""
        if self.per_model is None:
            return [{}] * _MODELS_PER_KIND
        return [{self.per_model: value} for value in self.attributes[self.per_model]]


def write_sample_catalogue(directory: Path) -> Path:
    """Write the catalogue as JSON lines unless the same is there, and return its path."""
    path = directory / FILE_NAME
    text = "".join(json.dumps(product) + "\n" for product in sample_products())
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path


def sample_products() -> list[dict[str, Any]]:
    """Return the products as JSON objects in the shape of `mappings.product.Product`."""
    return [product for product, _ in _products_with_photos()]


def sample_photos() -> list[SamplePhoto]:
    """Return every photo that a product of the sample names, once."""
    return list(dict.fromkeys(photo for _, photos in _products_with_photos() for photo in photos))


def _products_with_photos() -> list[tuple[dict[str, Any], list[SamplePhoto]]]:
    # Only random() keeps its values between Python versions, so everything is drawn from it.
    draw = random.Random(_SEED)  # noqa: S311
    found: list[tuple[dict[str, Any], list[SamplePhoto]]] = []
    for family in _read_families():
        for kind in family.kinds:
            for place, own in enumerate(family.models()):
                brand = family.brands[place % len(family.brands)]
                number = _FIRST_ID + len(found)
                products = list(_variants(draw, family, kind, own, brand=brand, first_id=number))
                photos = photos_of(
                    number,
                    kind=kind.drawing,
                    pattern=kind.pattern,
                    colour=products[0]["attributes"].get("colour"),
                )
                images = [photo.address for photo in photos]
                found += [(product | {"images": images}, photos) for product in products]
    return found


def _read_families() -> Iterator[_Family]:
    source = tomllib.loads(_SOURCE.read_text(encoding="utf-8"))
    for raw in source["families"]:
        department = source["departments"][raw["department"]]
        low, high = raw["price"]
        yield _Family(
            category=raw["category"],
            price=(low, high),
            attributes=raw["attributes"],
            kinds=[_Kind(*kind) for kind in raw["kinds"]],
            brands=department["brands"],
            notes=department["notes"],
            per_variant=raw.get("per_variant"),
            per_model=raw.get("per_model"),
        )


def _variants(
    draw: random.Random,
    family: _Family,
    kind: _Kind,
    model: Mapping[str, Any],
    *,
    brand: str,
    first_id: int,
) -> Iterator[dict[str, Any]]:
    """Yield one model: a product, or one for each value of the family's `per_variant`.

    model: the attributes that set it apart from other models of its kind.
    """
    series, number = _one_of(draw, _SERIES), 100 + 10 * _whole(draw, 0, 89)
    attributes = {name: _value(draw, values) for name, values in family.attributes.items()}
    attributes |= model
    price = _price(draw, family.price)
    released = _FIRST_RELEASE + timedelta(days=_whole(draw, 0, _RELEASE_DAYS))
    description = f"{kind.text} {_one_of(draw, family.notes)}"
    varying = family.per_variant
    for offset, value in enumerate(family.attributes[varying] if varying else [None]):
        own = attributes | ({varying: value} if varying else {})
        product_id = first_id + offset
        yield {
            "id": f"P{product_id}",
            "title": _title(brand, series, number, kind.name, own, size=value),
            "description": description,
            "brand": brand,
            "categories": [family.category],
            "price": price,
            "currency": "EUR",
            "availability": _weighted(draw, _AVAILABILITY),
            "attributes": own,
            "identifiers": [f"{brand[:2].upper()}-{series[:2].upper()}{number}", _ean(product_id)],
            **({"parent_id": f"M{first_id}"} if varying else {}),
            # A few products sell very well, most sell now and then.
            "popularity": int(5 + 2_000 * draw.random() ** 4),
            "released_at": released.isoformat(),
        }


def _title(
    brand: str,
    series: str,
    number: int,
    kind: str,
    attributes: Mapping[str, Any],
    *,
    size: str | None,
) -> str:
    parts = [f"{brand} {series} {number} {kind}", attributes.get("colour"), size]
    return ", ".join(part for part in parts if part)


def _value(draw: random.Random, values: Sequence[Any]) -> Any:  # noqa: ANN401 - a JSON scalar
    if len(values) != 2 or any(isinstance(value, bool | str) for value in values):
        return _one_of(draw, values)
    low, high = values
    if isinstance(low, float) or isinstance(high, float):
        return round(low + draw.random() * (high - low), 1 if low >= 0.1 else 2)
    number = _whole(draw, low, high)
    return number if high < 200 else number // 10 * 10


def _price(draw: random.Random, limits: tuple[float, float]) -> float:
    """Return a price near which a shop would set one: 24.99, 118.90, 649.00."""
    low, high = limits
    # Squared: more products at the lower end, as in a shop.
    amount = int(low + (high - low) * draw.random() ** 2)
    return amount + _one_of(draw, (0.0, 0.5, 0.9, 0.99) if amount < 200 else (0.0,))


def _ean(number: int) -> str:
    digits = f"{_IN_STORE_PREFIX}{number:010d}"
    odd, even = sum(map(int, digits[0::2])), sum(map(int, digits[1::2]))
    return f"{digits}{-(odd + 3 * even) % 10}"


def _one_of(draw: random.Random, items: Sequence[_Item]) -> _Item:
    return items[int(draw.random() * len(items))]


def _whole(draw: random.Random, low: int, high: int) -> int:
    return low + int(draw.random() * (high - low + 1))


def _weighted(draw: random.Random, shares: Mapping[str, int]) -> str:
    mark = draw.random() * sum(shares.values())
    for value, share in shares.items():
        mark -= share
        if mark < 0:
            return value
    return next(iter(shares))
