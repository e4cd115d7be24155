"""Small batches that are worked on together: their changes in one row, and back again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from indexer.isolation import placed, total
from mappings.outbox import BatchName, Delivery, KeptBatch
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome, Reject


@dataclass(frozen=True)
class Group:
    """The changes of one delivery in the order of their arrival.

    changes: each with its place in this row, from 0. origins: by that place the batch, and
    the position in what its sender got. malformed: rejects of what is no change.
    """

    changes: Sequence[tuple[int, ProductChange]]
    origins: Sequence[tuple[BatchName, int]]
    malformed: Mapping[BatchName, BatchOutcome]

    def changes_of(self, name: BatchName) -> list[tuple[int, ProductChange]]:
        """Return the changes of one batch with their positions in what its sender got."""
        return [
            (position, change)
            for (_, change), (batch, position) in zip(self.changes, self.origins, strict=True)
            if batch == name
        ]

    def split(self, outcome: BatchOutcome) -> dict[BatchName, BatchOutcome]:
        """Return what became of each batch; the outcome's positions are places in the row."""
        if len(self.malformed) == 1:
            ((name, malformed),) = self.malformed.items()
            positions = [position for _, position in self.origins]
            return {name: total([placed(outcome, positions), malformed])}
        return {
            name: total([self._part(outcome, name), malformed])
            for name, malformed in self.malformed.items()
        }

    def _part(self, outcome: BatchOutcome, name: BatchName) -> BatchOutcome:
        places = {at for at, (batch, _) in enumerate(self.origins) if batch == name}
        if not places <= outcome.by_position.keys():
            raise RuntimeError("the pipeline has not told what became of each change")
        counts: dict[str, Any] = Counter(outcome.by_position[at] for at in places)
        rejects = tuple(
            replace(reject, position=self.origins[reject.position][1])
            for reject in outcome.rejects
            if reject.position is not None and reject.position in places
        )
        return replace(BatchOutcome(rejects=rejects), **counts)


def read_group(delivery: Delivery) -> Group:
    """Return the changes of a delivery."""
    found: list[tuple[ProductChange, BatchName, int]] = []
    malformed: dict[BatchName, BatchOutcome] = {}
    for batch in delivery.batches:
        changes, malformed[batch.name] = _read(batch)
        found += [(change, batch.name, position) for position, change in changes]
    found.sort(key=lambda one: one[0].arrival)
    return Group(
        [(place, change) for place, (change, _, _) in enumerate(found)],
        [(name, position) for _, name, position in found],
        malformed,
    )


def _read(batch: KeptBatch) -> tuple[list[tuple[int, ProductChange]], BatchOutcome]:
    """Return the changes with their positions, and the rejects of what is none."""
    changes: list[tuple[int, ProductChange]] = []
    rejects: list[Reject] = []
    for position, message in batch.changes:
        try:
            changes.append((position, ProductChange.from_message(message)))
        except (KeyError, TypeError, AttributeError) as error:
            reason = f"the message is no change of a product: {type(error).__name__}: {error}"
            rejects.append(Reject(None, None, reason, position))
    return changes, BatchOutcome(rejects=tuple(rejects), rejected=len(rejects))
