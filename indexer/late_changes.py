"""Changes of a product that may still come, although newer ones are applied already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from mappings.dead_letters import DeadLetters


class InFlight(Protocol):
    """Knows the changes that were accepted and have no outcome yet."""

    def in_flight(self, index: str, product_ids: Sequence[str]) -> Mapping[str, int]:
        """Return product id to the number of its changes, for those that have any."""
        ...


class LateChanges:
    """Counts what is on its way and what lies among the dead letters.

    Before a newer change of such a product is taken for done, its place in the order of
    arrival must be written, or the older one would overwrite it when it is retried.
    """

    def __init__(self, outbox: InFlight, letters: DeadLetters) -> None:
        self._outbox = outbox
        self._letters = letters

    def in_flight(self, index: str, product_ids: Sequence[str]) -> dict[str, int]:
        """Return product id to the number of such changes. Raises QueueUnavailable.

        A change that goes from one to the other meanwhile is counted: it is always in one.
        """
        # A worker makes the letter before it lets the change go, and a retry queues the change
        # before the letter goes. Letters asked for before and after miss neither way.
        letters = self._letters.waiting(index, product_ids)
        sent = self._outbox.in_flight(index, product_ids)
        again = self._letters.waiting(index, product_ids)
        return {
            name: sent.get(name, 0) + max(letters.get(name, 0), again.get(name, 0))
            for name in product_ids
        }
