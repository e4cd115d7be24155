"""What the instructions of one block of Querqy's common rules become."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from service.rules.querqy_blocks import Instruction, unescape
from service.rules.querqy_queries import NotTaken, read_side
from service.rules.rule import Boost, Selection, Synonym
from service.suggestions.folding import fold

Match = Literal["exact", "start", "contains"]

FULL_BOOST = 500.0
"""The factor of UP and DOWN that becomes the strength 1; tools that write the format go so far."""

_LEAST_STRENGTH = 0.01


@dataclass(frozen=True)
class Input:
    """What stands before the arrow: words, and where in a query they should stand."""

    text: str
    match: Match


@dataclass
class Draft:
    """The parts of a rule, and its synonyms by weight, as instructions add them."""

    given: Input
    only: Selection | None = None
    hide: list[Selection] = field(default_factory=list)
    boost: list[Boost] = field(default_factory=list)
    bury: list[Boost] = field(default_factory=list)
    replace: dict[str, str] = field(default_factory=dict)
    synonyms: dict[float, list[str]] = field(default_factory=dict)

    def add(self, instruction: Instruction) -> str | None:
        """Take an instruction in; returns what is to be said of it, if anything.

        Raises NotTaken, and pydantic's ValidationError for words or ids that cannot be kept.
        """
        if "$1" in instruction.value:
            raise NotTaken("$1 stands for what a wildcard matched")
        return _TAKERS[instruction.name](self, instruction)

    def parts(self) -> dict[str, Any]:
        """Return what a rule does, empty for nothing."""
        parts = {
            "only": [self.only] if self.only else [],
            "hide": self.hide,
            "boost": self.boost,
            "bury": self.bury,
            "replace": self.replace,
        }
        return {name: value for name, value in parts.items() if value}


def _synonym(draft: Draft, instruction: Instruction) -> str | None:
    if draft.given.match != "contains":
        raise NotTaken("synonyms hold wherever their words stand, not at the ends of a query")
    words = " ".join(unescape(_value(instruction)).split())
    weight = _number(instruction.argument)
    said = None if weight <= 1 else f"the weight {weight:g} counts as 1"
    one = Synonym(id="x", words=(draft.given.text,), to=(words,), weight=min(weight, 1.0))
    draft.synonyms.setdefault(one.weight, []).extend(one.to)
    return said


def _filter(draft: Draft, instruction: Instruction) -> None:
    sides = read_side(_value(instruction))
    for one in sides.those:
        draft.only = one if draft.only is None else _both(draft.only, one)
    draft.hide += sides.not_those


def _up(draft: Draft, instruction: Instruction) -> None:
    draft.boost += _moved(instruction)


def _down(draft: Draft, instruction: Instruction) -> None:
    draft.bury += _moved(instruction)


def _delete(draft: Draft, instruction: Instruction) -> None:
    words = draft.given.text.split()
    gone = {fold(word) for word in unescape(instruction.value).split()}
    if missing := gone - {fold(word) for word in words}:
        raise NotTaken(f"{', '.join(sorted(missing))!r}: is no word of the input")
    left = [word for word in words if fold(word) not in gone] if gone else []
    draft.replace[draft.given.text] = " ".join(left)


def _decorate(draft: Draft, instruction: Instruction) -> None:
    raise NotTaken("DECORATE adds to the answer, which rules here do not")


_TAKERS: Mapping[str, Callable[[Draft, Instruction], str | None]] = {
    "synonym": _synonym,
    "filter": _filter,
    "up": _up,
    "down": _down,
    "delete": _delete,
    "decorate": _decorate,
}


def _moved(instruction: Instruction) -> list[Boost]:
    sides = read_side(_value(instruction))
    if sides.not_those:
        raise NotTaken("products without a word are not moved")
    strength = _strength(_number(instruction.argument))
    return [Boost(products=one, strength=strength) for one in sides.those]


def _both(first: Selection, second: Selection) -> Selection:
    """Return the products that two filters leave, neither of which has ids."""
    filters = [one.filter for one in (first, second) if one.filter]
    words = [one.words for one in (first, second) if one.words]
    return Selection(
        filter={"all": filters} if len(filters) > 1 else filters[0] if filters else {},
        words=" ".join(words) if words else None,
    )


def _value(instruction: Instruction) -> str:
    if not instruction.value:
        raise NotTaken("there is nothing after the colon")
    return instruction.value


def _number(argument: str | None) -> float:
    if argument is None:
        return 1.0
    try:
        number = float(argument)
    except ValueError as error:
        raise NotTaken(f"({argument}) is no number") from error
    if not math.isfinite(number) or number <= 0:
        raise NotTaken(f"({argument}) is not above 0")
    return number


def _strength(factor: float) -> float:
    """Return log(1 + factor) on a scale where FULL_BOOST gives 1."""
    scaled = math.log1p(factor) / math.log1p(FULL_BOOST)
    return round(max(_LEAST_STRENGTH, min(1.0, scaled)), 2)
