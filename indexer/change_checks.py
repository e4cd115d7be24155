"""Whether a change may be applied: the product record's rules and the index's vector fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mappings.errors import ProductRejected
from mappings.index_lifecycle import LiveIndex
from mappings.product import IMAGE_VECTOR, Product
from mappings.product_changes import ProductChange, check_version


@dataclass(frozen=True)
class CheckedChange:
    """A change that keeps the rules of the product record.

    position: its place in the batch, from 0. product: what an upsert brings.
    """

    position: int
    change: ProductChange
    product: Product | None


def check_change(position: int, change: ProductChange, live: LiveIndex) -> CheckedChange:
    """Return the change when it may be applied to the index.

    Raises ProductRejected that names the first field at fault.
    """
    name = change.product_id
    check_version(change.version, product_id=name)
    if change.operation == "upsert":
        if change.fields.get("id", name) != name:
            raise ProductRejected(
                f"id: is {change.fields['id']!r} in the product but {name!r} beside it",
                field="id",
                product_id=name,
            )
        product = Product.parse({**change.fields, "id": name})
        _check_vectors(change, live)
        return CheckedChange(position, change, product)
    if change.operation == "patch":
        Product.check_changes(name, change.fields)
    elif change.operation != "delete":
        raise ProductRejected(
            f"operation: should be upsert, patch or delete, got {change.operation!r}",
            field="operation",
            product_id=name,
        )
    _check_vectors(change, live)
    return CheckedChange(position, change, None)


def _check_vectors(change: ProductChange, live: LiveIndex) -> None:
    for name, vector in (change.fields.get("vectors") or {}).items():
        spec = live.encoders.get(name)
        if spec is None:
            reason = f"index {live.index!r} has no such vector field"
        elif name == IMAGE_VECTOR and not spec.is_external:
            reason = f"index {live.index!r} takes none, as {spec.name!r} encodes the photos itself"
        elif len(vector) != spec.dims:
            reason = f"should have {spec.dims} numbers as in the index, has {len(vector)}"
        elif not _is_direction(vector):
            reason = "should have a length that a 32-bit float can express"
        else:
            continue
        raise ProductRejected(
            f"vectors.{name}: {reason}", field=f"vectors.{name}", product_id=change.product_id
        )


def _is_direction(vector: Sequence[float]) -> bool:
    with np.errstate(over="ignore"):
        length = np.linalg.norm(np.asarray(vector, dtype=np.float32))
    return bool(np.isfinite(length) and length > 0)
