"""Products of a batch one by one, to find the one over which a worker dies or fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Protocol

import structlog

from mappings.errors import ShelfwiseError
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome, Reject

DEATHS_THAT_CONVICT = 2
"""One death may have any cause, e.g. a machine that was switched off."""

_log = structlog.get_logger(__name__)


class Suspects(Protocol):
    """Remembers, beyond the life of a worker, which product was at work when it died."""

    def deaths(self) -> Mapping[str, int]:
        """Return product id to the number of starts that did not end."""
        ...

    def started(self, product_id: str) -> None:
        """Note that a product's work begins."""
        ...

    def ended(self, product_id: str) -> None:
        """Note that it came to an end."""
        ...


def process_one_by_one(
    process: Callable[[Sequence[ProductChange]], BatchOutcome],
    changes: Sequence[tuple[int, ProductChange]],
    suspects: Suspects,
) -> BatchOutcome:
    """Apply the changes product by product and return their common outcome.

    process: applies the changes of one product. changes: with their positions.
    A product over which workers died DEATHS_THAT_CONVICT times is rejected, and so is one
    that fails in a way nobody thought of; its neighbours are indexed. An error of our tree
    concerns the whole batch and is raised.
    """
    deaths = suspects.deaths()
    outcomes: list[BatchOutcome] = []
    for name, group in _by_product(changes).items():
        if deaths.get(name, 0) >= DEATHS_THAT_CONVICT:
            reason = f"{deaths[name]} workers died over this product"
            _log.error("product_convicted", product=name, reason=reason)
            outcomes.append(rejected(group, reason))
            continue
        suspects.started(name)
        try:
            part = process([change for _, change in group])
        except ShelfwiseError:
            suspects.ended(name)
            raise
        except Exception as error:  # the product must not vanish, whatever the fault
            _log.exception("product_failed", product=name)
            outcomes.append(
                rejected(group, f"unexpected failure: {type(error).__name__}: {error}")
            )
        else:
            outcomes.append(placed(part, [position for position, _ in group]))
        suspects.ended(name)
    return total(outcomes)


def rejected(
    changes: Iterable[tuple[int, ProductChange]], reason: str, *, field: str | None = None
) -> BatchOutcome:
    """Return the outcome of changes that are all rejected for one reason."""
    rejects = tuple(
        Reject(change.product_id, field, reason, position) for position, change in changes
    )
    known = {reject.position: "rejected" for reject in rejects if reject.position is not None}
    return BatchOutcome(rejects=rejects, rejected=len(rejects), by_position=known)


def total(outcomes: Sequence[BatchOutcome]) -> BatchOutcome:
    """Return the sum of outcomes, with their rejects in order of position."""
    counts = {
        item.name: sum(getattr(outcome, item.name) for outcome in outcomes)
        for item in fields(BatchOutcome)
        if item.name not in {"rejects", "by_position"}
    }
    rejects = sorted(
        (reject for outcome in outcomes for reject in outcome.rejects),
        key=lambda reject: reject.position or 0,
    )
    known = {at: name for outcome in outcomes for at, name in outcome.by_position.items()}
    return BatchOutcome(rejects=tuple(rejects), by_position=known, **counts)


def placed(outcome: BatchOutcome, positions: Sequence[int]) -> BatchOutcome:
    """Return the outcome with the rejects' positions looked up in `positions`."""
    rejects = tuple(
        replace(reject, position=positions[reject.position or 0]) for reject in outcome.rejects
    )
    known = {positions[at]: name for at, name in outcome.by_position.items()}
    return replace(outcome, rejects=rejects, by_position=known)


def _by_product(
    changes: Sequence[tuple[int, ProductChange]],
) -> dict[str, list[tuple[int, ProductChange]]]:
    groups: dict[str, list[tuple[int, ProductChange]]] = {}
    for position, change in changes:
        groups.setdefault(change.product_id, []).append((position, change))
    return groups
