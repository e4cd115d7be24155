"""Webhooks of any other system, read by a field map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from mappings.errors import InvalidQuery, ProductRejected
from mappings.feeds.field_map import RecordMap, product_id_of
from mappings.feeds.field_rules import look_up
from mappings.feeds.versions import version_at, with_version
from mappings.product_changes import ProductChange
from mappings.validation_faults import shorten
from service.webhooks.shop_event import ShopEvent, require_object

MAX_ITEMS = 10_000


@dataclass(frozen=True)
class DeleteRule:
    """What says that a product is gone: a path and the values at it, as text."""

    path: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class GenericDecoder:
    """Where the products of a body are, and what they become.

    items: path of the products, one or a list; empty for the body itself. version: path of a
    time or a counter, in the item or in the body; else the product's `updated_at` counts.
    """

    mapping: RecordMap
    items: str = ""
    operation: Literal["upsert", "patch"] = "upsert"
    delete: DeleteRule | None = None
    version: str | None = None

    def decode(self, body: object) -> ShopEvent:
        """Return what a body says. Raises InvalidQuery when it cannot be read."""
        items = self._items(body)
        root = body if isinstance(body, Mapping) else {}
        changes = []
        for place, item in enumerate(items):
            try:
                changes.append(self._change(require_object(item), root))
            except ProductRejected as error:
                raise InvalidQuery(f"item {place}: {error.message}", field=error.field) from error
        return ShopEvent(changes) if changes else ShopEvent(ignored="it holds no products")

    def _items(self, body: object) -> Sequence[Any]:
        found = look_up(require_object(body), self.items) if self.items else body
        if found is None:
            raise InvalidQuery(f"the body has nothing at {self.items!r}", field=self.items)
        items = found if isinstance(found, list) else [found]
        if len(items) > MAX_ITEMS:
            raise InvalidQuery(
                f"{self.items or 'body'}: at most {MAX_ITEMS} products, got {len(items)}",
                field=self.items or "body",
            )
        return items

    def _change(self, item: Mapping[str, Any], root: Mapping[str, Any]) -> ProductChange:
        version = self._version(item, root)
        if self.delete is not None:
            said = _near(self.delete.path, item, root)
            said = str(said).lower() if isinstance(said, bool) else str(said)
            if said in self.delete.values:
                return ProductChange("delete", product_id_of(self.mapping, item), {}, version)
        change = self.mapping.apply(item)
        if version is not None:
            change = replace(change, version=version)
        change = with_version(change, change.fields.get("updated_at"))
        if self.operation == "patch":
            return replace(change, operation="patch")
        return change

    def _version(self, item: Mapping[str, Any], root: Mapping[str, Any]) -> int | None:
        if self.version is None:
            return None
        value = _near(self.version, item, root)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        version = version_at(value) if isinstance(value, str) else None
        if version is None:
            raise ProductRejected(
                f"{self.version}: should be a time or a counter, got {shorten(value)}",
                field=self.version,
            )
        return version


def _near(path: str, item: Mapping[str, Any], root: Mapping[str, Any]) -> object:
    """Return what is at a path in the item, else in the whole body."""
    found = look_up(item, path)
    return look_up(root, path) if found is None else found
