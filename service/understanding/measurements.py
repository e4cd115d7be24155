"""A number with its unit, as in `17 inch`, and the ways in which products write the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from service.search_results import Measurement
from service.understanding.numbers import MAX_NUMBER, NUMBER, read_number, write_number

MAX_SPELLINGS = 8
"""Each is a phrase that Elasticsearch looks up in three fields."""

_MOBILE_GENERATIONS = (2.0, 3.0, 4.0, 5.0)
"""`5g` is a network, `500g` is a weight."""

_TELLING = 10.0
_SHORT = 3


@dataclass(frozen=True)
class Unit:
    """A unit of measurement.

    words: how it is written, the name first, all in lower case. attached: written like this only
    right behind the number, since alone it is a word too. also: names of units to factors, for
    what products write instead; a value of theirs is rounded to so many decimals.
    """

    words: tuple[str, ...]
    attached: tuple[str, ...] = ()
    also: dict[str, tuple[float, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of the unit."""
        return self.words[0]


_UNITS = (
    Unit(("inch", "inches", '"', "''"), ("in",), {"cm": (2.54, 1)}),
    Unit(("ft", "feet", "foot"), ("'",)),
    Unit(("mm", "millimetre", "millimeter", "millimetres", "millimeters"), (), {"cm": (0.1, 1)}),
    Unit(("cm", "centimetre", "centimeter", "centimetres", "centimeters"), (), {"mm": (10, 0)}),
    Unit(("m", "metre", "meter", "metres", "meters", "mtr")),
    Unit(("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"), (), {"g": (1000, 0)}),
    Unit(("g", "gm", "gms", "gram", "grams"), (), {"kg": (0.001, 3)}),
    Unit(("mg",)),
    Unit(("lb", "lbs")),
    Unit(("oz", "ounce", "ounces")),
    Unit(("ml", "millilitre", "milliliter", "millilitres", "milliliters"), (), {"l": (0.001, 3)}),
    Unit(("cl",), (), {"ml": (10, 0)}),
    Unit(("l", "litre", "liter", "litres", "liters", "ltr"), (), {"ml": (1000, 0)}),
    Unit(("tb", "terabyte", "terabytes"), (), {"gb": (1000, 0)}),
    Unit(("gb", "gigabyte", "gigabytes", "gig"), (), {"tb": (0.001, 1)}),
    Unit(("mb", "megabyte", "megabytes")),
    Unit(("ghz", "gigahertz"), (), {"mhz": (1000, 0)}),
    Unit(("mhz", "megahertz"), (), {"ghz": (0.001, 3)}),
    Unit(("hz", "hertz")),
    Unit(("w", "watt", "watts"), (), {"kw": (0.001, 3)}),
    Unit(("kw", "kilowatt", "kilowatts"), (), {"w": (1000, 0)}),
    Unit(("v", "volt", "volts")),
    Unit(("va",)),
    Unit(("kva",), (), {"va": (1000, 0)}),
    Unit(("mah",)),
    Unit(("ah",), (), {"mah": (1000, 0)}),
    Unit(("mp", "megapixel", "megapixels")),
    Unit(("dpi",)),
    Unit(("rpm",)),
    Unit(("gbps", "gbit/s", "gbit")),
    Unit(("mbps", "mbit/s", "mbit")),
    Unit(("db", "decibel", "decibels")),
    Unit(("hour", "hours", "hr", "hrs")),
    Unit(("month", "months")),
    Unit(("year", "years", "yr", "yrs")),
    Unit(("piece", "pieces", "pcs", "pack")),
    Unit(("page", "pages")),
    Unit(("sheet", "sheets")),
    Unit(("person", "persons", "people")),
    Unit(("%", "percent")),
)

_BY_WORD = {word: unit for unit in _UNITS for word in unit.words + unit.attached}
_BY_NAME = {unit.name: unit for unit in _UNITS}


def _either(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


_APART = _either([word for unit in _UNITS for word in unit.words])
_ATTACHED = _either(list(_BY_WORD))
UNIT_AHEAD = rf"(?:[ -]{{0,2}}(?:{_APART})|(?:{_ATTACHED}))(?!\w)"
"""Pattern of a unit behind a number."""

_MEASUREMENT = re.compile(
    rf"(?<![\w.,])(?P<number>{NUMBER})"
    rf"(?:[ -]{{0,2}}(?P<apart>{_APART})|(?P<attached>{_ATTACHED}))(?!\w)"
)


class Measured(NamedTuple):
    """A measurement and where it stands in the text."""

    measurement: Measurement
    start: int
    end: int


def find_measurements(text: str) -> Iterator[Measured]:
    """Yield the measurements of a text that `normalize_text` has made, in their order."""
    for found in _MEASUREMENT.finditer(text):
        value = read_number(found["number"])
        unit = _BY_WORD[found["attached"] or found["apart"]]
        adjacent = found["number"] + "g" == found.group()
        if adjacent and unit.name == "g" and value in _MOBILE_GENERATIONS:
            continue
        if value > MAX_NUMBER:
            continue
        measurement = Measurement(value, unit.name, found.group(), _spellings(value, unit))
        yield Measured(measurement, *found.span())


def is_measurement(text: str) -> bool:
    """Whether a text that `normalize_text` has made says nothing but a measurement."""
    return _MEASUREMENT.fullmatch(text.strip()) is not None


def _can_stand(word: str, value: float) -> bool:
    """Whether a text with the number and this word can be found by it.

    Elasticsearch's tokenizer drops a sign, which leaves the number: 17 (inch) still says
    something, and so does 3.5, but a 3 is everywhere.
    """
    return word.isalpha() or (word == '"' and (value >= _TELLING or not value.is_integer()))


def _spellings(value: float, unit: Unit) -> tuple[str, ...]:
    """Return how products may write it: first the name, then other words, then other units."""
    number = write_number(value)
    names = [word for word in unit.words + unit.attached if _can_stand(word, value)]
    spellings = [f"{number} {unit.name}"]
    spellings += [f"{number}{word}" for word in names if len(word) <= _SHORT]
    for other, (factor, decimals) in unit.also.items():
        converted = round(value * factor, decimals)
        # 512 GB are not 0.5 TB: a number that had to be cut is another number.
        if converted >= 0.1 and (unit.name == "inch" or converted == round(value * factor, 6)):
            spellings += [
                f"{write_number(converted)} {other}",
                f"{write_number(converted)}{other}",
            ]
    spellings += [f"{number} {word}" for word in names[1:] if len(word) > 1 and word.isalpha()]
    return tuple(dict.fromkeys(spellings))[:MAX_SPELLINGS]
