"""The table in which every drawing of a kind of product stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from embedded.pictures.pen import Pen

Drawing: TypeAlias = Callable[[Pen], None]


@dataclass(frozen=True)
class Kind:
    """A kind of product that can be drawn.

    words: what people call it, the usual word first; tilt: degrees that it may be turned either
    way; flip: the share of pictures that look the other way; patterned: the share of pictures
    whose cloth has a pattern.
    """

    name: str
    words: tuple[str, ...]
    drawing: Drawing
    tilt: float
    flip: float
    patterned: float


class KindTable(dict[str, Kind]):
    """Kinds by name, filled by its decorator."""

    def kind(
        self, *words: str, tilt: float = 5.0, flip: float = 0.0, patterned: float = 0.0
    ) -> Callable[[Drawing], Drawing]:
        """Enter a drawing under its first word. Raises ValueError when the name is taken."""
        name = words[0]

        def enter(drawing: Drawing) -> Drawing:
            if name in self:
                raise ValueError(f"The kind {name!r} is drawn twice.")
            self[name] = Kind(name, words, drawing, tilt, flip, patterned)
            return drawing

        return enter
