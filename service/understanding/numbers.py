"""Numbers as people type them: `50`, `1,000`, `1.000,50`, `10k`."""

from __future__ import annotations

import re

NUMBER = r"\d+(?:[.,]\d+)*"
"""Pattern of a number."""

MAX_NUMBER = 1e12
"""A larger one is an article number or nonsense, neither a price nor a measurement."""

_THOUSANDS = re.compile(r"[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*$")


def read_number(text: str) -> float:
    """Return the value of a text that matches NUMBER.

    Of two kinds of separator the last one is the decimal one. A single kind separates
    thousands when groups of three digits follow, else it is the decimal one; so "1.000" is a
    thousand, as on most price tags.
    """
    separators = [letter for letter in text if letter in ".,"]
    if len(set(separators)) > 1:
        decimal = separators[-1]
        whole, _, rest = text.rpartition(decimal)
        return float(f"{_digits(whole)}.{rest}")
    if not separators or _THOUSANDS.match(text):
        return float(_digits(text))
    whole, _, rest = text.rpartition(separators[-1])
    return float(f"{_digits(whole)}.{rest}")


def write_number(value: float) -> str:
    """Return the shortest usual way to write it: 17.0 as '17', 43.2 as '43.2'."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _digits(text: str) -> str:
    return text.replace(".", "").replace(",", "")
