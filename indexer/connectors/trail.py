"""How far a source was read by its times, and from where it must be read once more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Place = Sequence[Any]
"""A place in the order that a source is read in, as JSON; a later one is never less."""

_NOTES_IN_OVERLAP = 10


class Trail:
    """The places that were reached, and when.

    Changes become visible later than they are stamped, and in another order: a transaction may
    be stamped first and end last. What is stamped before a place that was reached `overlap`
    seconds ago is visible by now, if no transaction takes longer. So each pass begins at the
    last place of that age, and once nothing changes any more, behind the newest one. Only this
    machine's clock is asked, so the source's may be wrong, or count in any unit.

    kept: what `to_json` returned, None at the beginning. order: what places are compared by.
    """

    def __init__(
        self,
        kept: Mapping[str, Any] | None,
        *,
        overlap: float,
        order: Callable[[Place], Any] = list,
        clock: Callable[[], float] = time.time,
    ) -> None:
        kept = kept or {}
        self._overlap = overlap
        self._order = order
        self._clock = clock
        self._settled: Place | None = kept.get("settled")
        self._at: Place | None = kept.get("at")
        self._seen: list[tuple[float, Place]] = [
            (when, place) for when, place in kept.get("seen", ())
        ]

    @property
    def start(self) -> Place | None:
        """Return the place to read on behind; None for everything."""
        return self._at if self._at is not None else self._settled

    def reached(self, place: Place) -> None:
        """Note the last place of a page, before the page is handed on."""
        self._at = place
        now = self._clock()
        if not self._seen or now - self._seen[-1][0] >= self._overlap / _NOTES_IN_OVERLAP:
            self._note(now, place)

    def ended(self) -> None:
        """Note that a pass has come to the present."""
        now = self._clock()
        if self._at is not None:
            self._note(now, self._at)
            self._at = None
        while self._seen and now - self._seen[0][0] >= self._overlap:
            self._settled = self._seen.pop(0)[1]

    def to_json(self) -> dict[str, Any]:
        """Return what a later process goes on with."""
        return {
            "settled": self._settled,
            "at": self._at,
            "seen": [[when, place] for when, place in self._seen],
        }

    def _note(self, now: float, place: Place) -> None:
        # What is read once more was reached before, and keeps the time of then.
        newest = self._seen[-1][1] if self._seen else self._settled
        if newest is None or self._order(place) > self._order(newest):
            self._seen.append((now, place))
