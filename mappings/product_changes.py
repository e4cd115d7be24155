"""What passes between the programs: the changes of products, in batches, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from mappings.errors import ProductRejected
from mappings.validation_faults import shorten

INDEX_CHANGES_TASK = "indexer.index_changes"
"""Name of the Celery task, so that the service need not import it."""

EMBED_PHOTOS_TASK = "indexer.embed_photos"
"""Name of the Celery task that fetches and encodes the photos of some products."""

Lane = Literal["fast", "changes", "bulk", "photos"]

LANES: tuple[Lane, ...] = ("fast", "changes", "bulk", "photos")
"""The queues in order of priority. fast: what no encoder reads. bulk: loads of files. photos:
photos of products that are in the index already; last, since a product without its photos is found
by words, and one that waits to be loaded is not found at all."""

MAX_VERSION = 2**63 - 1

Operation = Literal["upsert", "patch", "delete", "copy", "fill"]


@dataclass(frozen=True)
class ProductChange:
    """One change of one product.

    operation: `upsert` replaces the whole product, `patch` some of its fields. A rebuild sends
        `copy` and `fill`, which bring the live product, and an upsert, into the version that is
        being built, and into that one alone.
    product_id: the shop's id.
    fields: the product's JSON for `upsert` and `fill`, the changed fields for `patch`, else empty.
    version: the shop's counter or time; a greater one is newer. None when the shop
        sends none: then the change counts in the order of arrival.
    arrival: the place in the order of arrival, microseconds since 1970 and never the same
        twice, which whoever puts the change into the queue gives it. A change that is
        delivered again keeps its arrival.
    """

    operation: Operation
    product_id: str
    fields: Mapping[str, Any]
    version: int | None = None
    arrival: int = 0

    def to_message(self) -> dict[str, Any]:
        """Return the JSON object for the queue."""
        message: dict[str, Any] = {"operation": self.operation, "id": self.product_id}
        if self.fields:
            message["fields"] = dict(self.fields)
        if self.version is not None:
            message["version"] = self.version
        if self.arrival:
            message["arrival"] = self.arrival
        return message

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> ProductChange:
        """Read a change back from the queue."""
        return cls(
            operation=cast(Operation, message["operation"]),
            product_id=message["id"],
            fields=message.get("fields", {}),
            version=message.get("version"),
            arrival=message.get("arrival", 0),
        )


def queue_of(lane: Lane) -> str:
    """Return the name of a lane's Celery queue."""
    return f"shelfwise-{lane}"


def check_version(value: object, *, product_id: str | None = None) -> int | None:
    """Return a version, None when there is none.

    Raises ProductRejected unless it is a whole number from 0 to 2**63 - 1.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_VERSION:
        raise ProductRejected(
            f"version: should be a whole number from 0 to {MAX_VERSION}, got {shorten(value)}",
            field="version",
            product_id=product_id,
        )
    return value
