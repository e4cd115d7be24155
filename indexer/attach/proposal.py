"""Guesses which field of a shop's index is the title, the brand, the price and so on.

The guess goes by the field's name, its type and what a sample of documents has in it, and is
shown with its confidence, for a person to confirm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from elasticsearch import Elasticsearch

from indexer.attach.field_paths import leaf_fields, values_at
from indexer.attach.shop_index import ShopIndex
from mappings.cluster import cluster_errors
from mappings.errors import AttachRefused
from mappings.validation_faults import shorten

SAMPLE_DOCUMENTS = 200
MIN_CONFIDENCE = 0.45
"""Of a field that is proposed. The title, which has to be there, is the best there is."""

_NAME_SHARE = 0.6
_NEAR_THE_BEST = 0.75
_TEXT = frozenset({"text", "keyword", "match_only_text", "search_as_you_type", "wildcard"})
_KEYWORDS = frozenset({"text", "keyword", "constant_keyword", "wildcard", "boolean"})
_NUMBERS = frozenset(
    {"double", "float", "half_float", "scaled_float", "long", "integer", "short", "unsigned_long"}
)
_DATES = frozenset({"date", "date_nanos"})
_ADDRESS = re.compile(r"(https?:)?//\S+")
_PHOTO_ADDRESS = re.compile(r"\.(jpe?g|png|webp|gif|avif)\b", re.IGNORECASE)
_WORDS = re.compile(r"[a-z]+|[0-9]+")


@dataclass(frozen=True)
class Guess:
    """A field of ours and the path that may fill it. confidence: 0 to 1. samples: its values."""

    field: str
    path: str
    confidence: float
    samples: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    """What a sample of documents has at one path. rows: the values of each document."""

    path: str
    kind: str
    rows: Sequence[Sequence[Any]]

    @cached_property
    def values(self) -> list[str]:
        return [str(value) for row in self.rows for value in row]

    @property
    def filled(self) -> float:
        return sum(bool(row) for row in self.rows) / max(len(self.rows), 1)

    @property
    def distinct(self) -> float:
        return len(set(self.values)) / max(len(self.values), 1)

    @property
    def words(self) -> float:
        return sum(len(value.split()) for value in self.values) / max(len(self.values), 1)

    def share(self, pattern: re.Pattern[str]) -> float:
        found = sum(pattern.search(value) is not None for value in self.values)
        return found / max(len(self.values), 1)


@dataclass(frozen=True)
class _Sort:
    """What a field of ours looks like.

    names: words of a name that fit, the best first. against: words that speak against it.
    """

    names: tuple[str, ...]
    kinds: frozenset[str]
    against: tuple[str, ...] = ()
    several: bool = False


_SORTS: Mapping[str, _Sort] = {
    "title": _Sort(
        (
            "title",
            "product name",
            "name",
            "headline",
            "label",
            "titel",
            "titre",
            "nombre",
            "productname",
            "produktname",
            "artikelname",
            "bezeichnung",
            "nom",
        ),
        _TEXT,
        ("brand", "supplier", "category", "file", "user", "image", "vendor", "manufacturer"),
    ),
    "images": _Sort(
        ("image", "images", "photo", "photos", "picture", "pictures", "img", "bild", "bilder"),
        _KEYWORDS,
        ("thumb", "thumbnail", "small", "low", "icon", "logo", "alt"),
        several=True,
    ),
    "price": _Sort(
        ("price", "sale price", "amount", "preis", "prix", "precio"),
        _NUMBERS,
        ("old", "list", "was", "purchase", "cost", "shipping", "regular", "rrp", "msrp"),
    ),
    "brand": _Sort(
        ("brand", "manufacturer", "vendor", "supplier", "maker", "marke", "hersteller", "marque"),
        _KEYWORDS,
        ("id", "url", "logo"),
    ),
    "description": _Sort(
        ("description", "desc", "summary", "body", "details", "beschreibung", "text", "blurb"),
        _TEXT,
        ("seo", "meta"),
    ),
    "categories": _Sort(
        (
            "categories",
            "category",
            "product type",
            "department",
            "breadcrumb",
            "breadcrumbs",
            "taxonomy",
            "kategorie",
            "kategorien",
        ),
        _KEYWORDS,
        ("id", "url", "slug"),
        several=True,
    ),
    "currency": _Sort(("currency", "waehrung", "devise"), _KEYWORDS),
    "availability": _Sort(
        ("availability", "in stock", "available", "stock status", "is available"), _KEYWORDS
    ),
    "identifiers": _Sort(
        (
            "sku",
            "ean",
            "gtin",
            "mpn",
            "upc",
            "isbn",
            "part number",
            "model number",
            "article number",
            "artikelnummer",
        ),
        _KEYWORDS | _NUMBERS,
        several=True,
    ),
    "parent_id": _Sort(
        ("parent id", "group id", "master id", "style id", "item group id"), _KEYWORDS | _NUMBERS
    ),
    "popularity": _Sort(
        ("popularity", "sales", "units sold", "sold", "views", "orders"), _NUMBERS, ("price",)
    ),
    "released_at": _Sort(
        ("released at", "release date", "date released", "launch date", "published at"), _DATES
    ),
    "updated_at": _Sort(
        ("updated at", "modified at", "last modified", "last updated", "updated"), _DATES
    ),
}
"""In the order in which they choose: of two that fit a path the first has it."""


def propose(client: Elasticsearch, shop: ShopIndex) -> list[Guess]:
    """Return the guesses for an index, by field of ours in the order of the table.

    Raises AttachRefused when nothing can be the title.
    """
    with cluster_errors(index=shop.name):
        hits = client.search(
            index=shop.index,
            query={"function_score": {"random_score": {"seed": 7, "field": "_seq_no"}}},
            size=SAMPLE_DOCUMENTS,
        )["hits"]["hits"]
    sample = [hit["_source"] for hit in hits]
    guesses = guess_fields(leaf_fields(shop.mappings), sample)
    if not any(guess.field == "title" for guess in guesses):
        raise AttachRefused(
            f"no field of {shop.index!r} looks like a title; name one with --map", field="title"
        )
    return guesses


def guess_fields(fields: Mapping[str, str], sample: Sequence[Mapping[str, Any]]) -> list[Guess]:
    """Return the guesses. fields: path to type. sample: documents of the index."""
    columns = [
        _Column(path, kind, [values_at(document, path) for document in sample])
        for path, kind in fields.items()
    ]
    taken: set[str] = set()
    guesses: list[Guess] = []
    for name, sort in _SORTS.items():
        rated = sorted(
            (
                (-_confidence(name, sort, column), column.path, column)
                for column in columns
                if column.path not in taken and column.kind in sort.kinds and column.filled
            ),
            key=lambda item: item[:2],
        )
        least = 0.0 if name == "title" else MIN_CONFIDENCE
        fitting = [(-rate, column) for rate, _, column in rated if -rate > least]
        if sort.several:  # not those that only repeat the best one, as smaller photos do
            best = fitting[0][0] if fitting else 0.0
            fitting = [item for item in fitting if item[0] >= _NEAR_THE_BEST * best]
        for confidence, column in fitting if sort.several else fitting[:1]:
            taken.add(column.path)
            guesses.append(Guess(name, column.path, round(confidence, 2), _samples(column)))
    return guesses


def _confidence(name: str, sort: _Sort, column: _Column) -> float:
    named = _name_fits(sort, column.path)
    evidence = _evidence(name, column)
    return _NAME_SHARE * named + (1 - _NAME_SHARE) * evidence if evidence else 0.0


def _name_fits(sort: _Sort, path: str) -> float:
    """Return 1 for a path whose last step is a name of the sort, less for one that has it."""
    steps = [" ".join(_split(step)) for step in path.split(".")]
    best = 0.0
    for place, name in enumerate(sort.names):
        wanted = 1.0 - 0.02 * place
        if steps[-1] == name:
            best = max(best, wanted)
        elif f" {name} " in f" {' '.join(steps)} ":
            best = max(best, 0.75 * wanted)
    words = set(" ".join(steps).split())
    return best * 0.4 if words & set(sort.against) else best


def _evidence(name: str, column: _Column) -> float:
    """Return how far the values fit, 0 to 1; 0 when they cannot be it."""
    if name == "title":
        fits = 1.5 <= column.words <= 40 and column.distinct > 0.5
        return column.filled * (1.0 if fits else 0.3) * (1 - column.share(_ADDRESS))
    if name == "description":
        return column.filled * min(column.words / 12, 1.0) * (1 - column.share(_ADDRESS))
    if name == "images":
        photos = column.share(_PHOTO_ADDRESS)
        return column.share(_ADDRESS) * (0.5 + 0.5 * photos)
    if name in {"brand", "categories"}:
        few = 1.0 if column.distinct < 0.5 else 0.4
        return column.filled * few * (1.0 if column.words <= 8 else 0.2)
    if name == "currency":
        return column.share(re.compile(r"^[A-Z]{3}$"))
    if name == "availability":
        return column.filled * (1.0 if column.distinct < 0.2 else 0.2)
    return max(column.filled, 0.3)


def _split(step: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", step)
    return _WORDS.findall(spaced.lower())


def _samples(column: _Column) -> tuple[str, ...]:
    return tuple(shorten(value, 60) for value in list(dict.fromkeys(column.values))[:3])
