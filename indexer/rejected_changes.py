"""From the rejects of a batch to dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mappings.dead_letters import DeadLetter, letter_id
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome


def letters_of(
    task_id: str,
    index: str,
    changes: Sequence[tuple[int, ProductChange]],
    outcome: BatchOutcome,
    attempts: int,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[DeadLetter]:
    """Return a letter for every reject of the outcome, in the order of the rejects.

    changes: with their positions in what the sender got, as the rejects have them. A reject
    of what was no change of a product has none, and gets no letter.
    attempts: how often the batch was tried, this time included.
    """
    at = now().isoformat("T", "milliseconds")
    by_position = dict(changes)
    return [
        DeadLetter(
            id=letter_id(task_id, reject.position, change),
            index=index,
            change=change,
            reason=reject.reason,
            field=reject.field,
            attempts=attempts,
            task_id=task_id,
            at=at,
        )
        for reject in outcome.rejects
        if reject.position is not None and (change := by_position.get(reject.position)) is not None
    ]
