"""What each leg gave to a hit, as a bar and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.search_results import (
    ATTRIBUTES,
    LEXICAL,
    PHOTO_FINDS_PHOTOS,
    PHOTO_FINDS_TEXT,
    PRODUCT,
    WORDS_FIND_PHOTOS,
    WORDS_FIND_TEXT,
    LegShare,
)

WIDTH = 100.0
"""Units of a bar's picture."""

LEGS: Mapping[str, tuple[str, str]] = {
    LEXICAL: ("words", "a"),
    WORDS_FIND_TEXT: ("meaning", "c"),
    WORDS_FIND_PHOTOS: ("photos", "b"),
    PHOTO_FINDS_PHOTOS: ("photo by photo", "b"),
    PHOTO_FINDS_TEXT: ("meaning by photo", "c"),
    ATTRIBUTES: ("attributes", "d"),
    PRODUCT: ("product", "e"),
}
"""Leg to what it is called, and to the letter of its colour in `studio.css`."""
_OTHER = "f"

Given = Mapping[str, float]
"""Leg to its contribution."""


@dataclass(frozen=True)
class Part:
    """What one leg gave. x, width: in units of the picture; of what was taken away, left of 0."""

    name: str
    colour: str
    value: float
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    """A hit's bar. zero: where it begins. words: the same for who does not see it."""

    parts: tuple[Part, ...]
    zero: float
    words: str


@dataclass(frozen=True)
class Scale:
    """What makes bars of one list comparable: the most that legs gave, and took away, together."""

    most: float
    least: float

    @classmethod
    def of(cls, hits: Iterable[Given]) -> Scale:
        """Return the scale on which every one of the hits has room."""
        most = least = 0.0
        for given in hits:
            most = max(most, sum(value for value in given.values() if value > 0))
            least = min(least, sum(value for value in given.values() if value < 0))
        return cls(most, least)

    @property
    def unit(self) -> float:
        """Return units of the picture for a contribution of 1; 0 when nothing gave anything."""
        span = self.most - self.least
        return WIDTH / span if span else 0.0


def given(legs: Mapping[str, LegShare]) -> Given:
    """Return leg to contribution, in the order of LEGS, the others after them."""
    order = [*(leg for leg in LEGS if leg in legs), *(leg for leg in legs if leg not in LEGS)]
    return {leg: legs[leg].contribution for leg in order}


def bar(contributions: Given, scale: Scale) -> Bar:
    """Return the bar of a hit."""
    zero = -scale.least * scale.unit
    right = left = zero
    parts = []
    for leg, value in contributions.items():
        width = abs(value) * scale.unit
        if not width:
            continue
        left -= width if value < 0 else 0.0
        name, colour = LEGS.get(leg, (leg, _OTHER))
        parts.append(
            Part(name, colour, value, round(left if value < 0 else right, 3), round(width, 3))
        )
        right += width if value > 0 else 0.0
    words = ", ".join(f"{part.name} {part.value:.3f}" for part in parts) or "no leg gave anything"
    return Bar(tuple(parts), round(zero, 3), words)
