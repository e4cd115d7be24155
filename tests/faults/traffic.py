"""A shop's changes made by chance, the requests that bring them, and what they amount to."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mappings.product import merge_changes

Operation = Literal["upsert", "patch", "delete"]
Fields = Mapping[str, Any]

REPEATED = 0.2
"""Share of the versioned changes that are sent twice."""
DISORDER = 0.04
"""How far, in shares of the whole time, a versioned change strays from its place."""
MOST_TOGETHER = 30
AT_ONCE = 0.2
"""Share of the changes that come together with the one before of the same product."""

_WORDS = "mouse keyboard cable screen lamp desk chair wireless red small quiet bright".split()


@dataclass(frozen=True)
class Change:
    """One change of a product, as the shop means it. version: None when the shop has none."""

    product_id: str
    operation: Operation
    fields: Fields
    version: int | None = None


@dataclass(frozen=True)
class Request:
    """Changes that are sent together. at: when, from 0 to 1. is_list: as a list, even of one."""

    at: float
    changes: tuple[Change, ...]
    is_list: bool

    @property
    def operation(self) -> Operation:
        """What it does to each of its products."""
        return self.changes[0].operation


def make_histories(
    chance: random.Random, *, products: int, changes: int
) -> dict[str, list[Change]]:
    """Return product id to its changes in their order; every second product has versions."""
    each, rest = divmod(changes, products)
    return {
        name: _history(chance, name, each + (number < rest), is_versioned=number % 2 == 0)
        for number, name in enumerate(f"p{n:03}" for n in range(products))
    }


def make_requests(
    chance: random.Random, histories: Mapping[str, Sequence[Change]], *, senders: int
) -> list[list[Request]]:
    """Return for each sender its requests in order.

    Changes without versions count as they arrive, so one sender sends all of a product, in
    order. Versioned ones are sent by any, some twice, and out of order.
    """
    timed: list[list[tuple[float, Change]]] = [[] for _ in range(senders)]
    for number, history in enumerate(histories.values()):
        moments = sorted(chance.random() for _ in history)
        for place in range(1, len(moments)):
            if chance.random() < AT_ONCE:
                moments[place] = moments[place - 1]
        for moment, change in zip(moments, history, strict=True):
            if change.version is None:
                timed[number % senders].append((moment, change))
                continue
            for _ in range(1 + (chance.random() < REPEATED)):
                late = moment + chance.gauss(0, DISORDER)
                chance.choice(timed).append((late, change))
    return [_cut(chance, sorted(row, key=lambda one: one[0])) for row in timed]


def expected_product(history: Sequence[Change]) -> dict[str, Any] | None:
    """Return what every change once, in its order, makes of a product; None for none."""
    product: dict[str, Any] | None = None
    for change in history:
        if change.operation == "upsert":
            product = {**change.fields, "id": change.product_id}
        elif change.operation == "delete":
            product = None
        elif product is not None:
            product = merge_changes(product, change.fields)
    return None if product is None else {k: v for k, v in product.items() if v not in ({}, [])}


def _history(chance: random.Random, name: str, count: int, *, is_versioned: bool) -> list[Change]:
    made: list[Change] = []
    version = chance.randrange(1_000)
    for number in range(count):
        kind = chance.choices(
            ["upsert", "price", "text", "attributes", "removal", "delete"], [20, 30, 15, 15, 10, 8]
        )[0]
        if number == 0 and chance.random() < 0.9:
            kind = "upsert"
        version += chance.randint(1, 5)
        operation: Operation = "patch"
        if kind == "upsert" or kind == "delete":
            operation = "upsert" if kind == "upsert" else "delete"
        fields = _FIELDS[kind](chance)
        made.append(Change(name, operation, fields, version if is_versioned else None))
    return made


def _product(chance: random.Random) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "description": _text(chance, 6),
        "brand": chance.choice(["HP", "Dell", "Sony"]),
        "categories": [f"Home > {chance.choice(_WORDS)}"],
        "price": chance.randrange(1_000),
        "availability": chance.choice(["in_stock", "out_of_stock"]),
        "popularity": chance.randrange(100),
        "attributes": _attributes(chance),
    }
    kept = {name: value for name, value in optional.items() if chance.random() < 0.6}
    return {"title": _text(chance, 3), **kept}


def _price(chance: random.Random) -> dict[str, Any]:
    more = {"availability": chance.choice(["in_stock", "out_of_stock", "preorder"])}
    return {"price": chance.randrange(1_000), **(more if chance.random() < 0.3 else {})}


def _texts(chance: random.Random) -> dict[str, Any]:
    more = {"description": _text(chance, 6), "price": chance.randrange(1_000)}
    return {"title": _text(chance, 3), **(more if chance.random() < 0.4 else {})}


def _attribute_patch(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.15:
        return {"attributes": None}
    patch = {
        name: None if chance.random() < 0.3 else value
        for name, value in _attributes(chance).items()
    }
    return {"attributes": patch}


def _removal(chance: random.Random) -> dict[str, Any]:
    names = ["description", "brand", "price", "categories", "popularity", "availability"]
    return dict.fromkeys(chance.sample(names, chance.randint(1, 2)))


def _attributes(chance: random.Random) -> dict[str, Any]:
    names = chance.sample(["size", "weight", "colour", "material"], chance.randint(1, 3))
    return {name: chance.choice([chance.randrange(50), chance.choice(_WORDS)]) for name in names}


def _text(chance: random.Random, most: int) -> str:
    # A number makes most texts new, so that they must be encoded.
    words = chance.choices(_WORDS, k=chance.randint(1, most))
    return " ".join([*words, str(chance.randrange(1_000))])


_FIELDS = {
    "upsert": _product,
    "price": _price,
    "text": _texts,
    "attributes": _attribute_patch,
    "removal": _removal,
    "delete": lambda _: {},
}


def _cut(chance: random.Random, timed: Sequence[tuple[float, Change]]) -> list[Request]:
    """Return the changes in requests, each of one operation; those of a product in order."""
    waiting = list(timed)
    requests: list[Request] = []
    while waiting:
        at, first = waiting[0]
        size = 1 if chance.random() < 0.7 else chance.randint(2, MOST_TOGETHER)
        taken, passed_over, rest = [first], set[str](), []
        for moment, change in waiting[1:]:
            if (
                _may_join(first, change)
                and len(taken) < size
                and (change.version is not None or change.product_id not in passed_over)
            ):
                taken.append(change)
            else:
                passed_over.add(change.product_id)
                rest.append((moment, change))
        requests.append(Request(at, tuple(taken), is_list=size > 1))
        waiting = rest
    return requests


def _may_join(first: Change, other: Change) -> bool:
    # A list of ids to delete holds no versions.
    return first.operation == other.operation and (
        first.operation != "delete" or (first.version is None and other.version is None)
    )
