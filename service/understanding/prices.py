"""Price limits in a query: `under 50 eur`, `$50 to $100`, `between 20 and 40`."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from service.understanding.measurements import UNIT_AHEAD
from service.understanding.numbers import MAX_NUMBER, NUMBER, read_number

# Language, not catalogue: how people say a limit and name money.
_MOST = (
    r"(?:no|not)\s+(?:over|above|more\s+than)|under|below|less\s+than|cheaper\s+than|at\s+most"
    r"|up\s*to|max\.?|maximum|within|<=?"
)
_LEAST = (
    r"(?:no|not|nothing)\s+(?:less\s+than|under|below)|over|above|more\s+than|at\s+least|min\.?"
    r"|minimum|starting\s+(?:at|from)|>=?"
)
_CURRENCY = (
    r"[$€£¥₹]|(?:eur|usd|gbp|inr|chf|jpy|cad|aud|sek|nok|dkk|pln|czk|rs\.?|euros?|dollars?"
    r"|pounds?|rupees?)(?![\w])"
)


def _money(name: str) -> str:
    return (
        rf"(?P<{name}_before>{_CURRENCY})?\s?(?<![\d.,])(?P<{name}>{NUMBER})(?P<{name}_k>k(?!\w))?"
        rf"(?![\d]|[.,]\d)(?:\s?(?P<{name}_after>{_CURRENCY}))?"
    )


_START = r"(?<![\w-])(?:(?:priced?|cost(?:s|ing)?|for)\s+)?"
_LIMIT = re.compile(
    rf"{_START}(?P<words>(?P<most>{_MOST})|(?P<least>{_LEAST}))\s*{_money('price')}(?![\w])"
)
_RANGE = re.compile(
    rf"{_START}(?P<words>from|between)\s+{_money('low')}\s*(?:to|and|-|–)\s*{_money('high')}(?!\w)"
)
_BARE_RANGE = re.compile(rf"(?<![\w.,-]){_money('low')}\s*(?:to|-|–)\s*{_money('high')}(?![\w-])")
_BEHIND = re.compile(
    rf"(?<![\w.,-]){_money('price')}\s*(?:(?P<most>or\s+(?:less|cheaper|under)|and\s+under|max)"
    r"|(?P<least>or\s+more|and\s+(?:up|over)|min))(?!\w)"
)
_NAMED = re.compile(r"\b[^\W\d_]+\s+(?:max|min)\b")
_NAMED_BEFORE = re.compile(rf"{_NAMED.pattern}\Z")
_NAMES = ("price", "low", "high")
_WEAK = re.compile(r"up\s*to|within|min\.?|minimum")
"""Said of sizes and speeds as often as of prices: these need a currency."""
_UNIT = re.compile(UNIT_AHEAD)
_SPACES = re.compile(r"\s+")


class PriceLimits(NamedTuple):
    """The limits of a text, None where it has none, and the parts of it that say so."""

    least: float | None
    most: float | None
    spans: tuple[tuple[int, int], ...]


def find_price_limits(text: str, *, names: Collection[str] = ()) -> PriceLimits:
    """Return the price limits of a text that `normalize_text` has made.

    A price alone ("20 eur") is no limit, a range without a word or a currency no price. A
    number with a unit behind it is a measurement. names: of what `limit_names` finds in titles;
    behind such words a number is a price only with a currency. Of several limits on one side
    the last one counts.
    """
    least: float | None = None
    most: float | None = None
    spans: list[tuple[int, int]] = []
    for pattern in (_RANGE, _BARE_RANGE, _LIMIT, _BEHIND):
        for found in pattern.finditer(text):
            if not _is_price(found, text, names) or _overlaps(found.span(), spans):
                continue
            groups = found.groupdict()
            values = sorted(_value(found, name) for name in _NAMES if groups.get(name))
            if values[-1] > MAX_NUMBER:
                continue
            spans.append(found.span())
            if len(values) > 1:
                least, most = values
            elif groups["most"]:
                most = values[0]
            else:
                least = values[0]
    if least is not None and most is not None and least > most:
        return PriceLimits(None, None, ())
    return PriceLimits(least, most, tuple(sorted(spans)))


def limit_names(title: str) -> list[str]:
    """Return the word before each `max` and `min`, with it, as `air max` in "Air Max 90".

    Products have these two in their names, the other words of a limit hardly ever. title:
    made by `normalize_text`.
    """
    return [_SPACES.sub(" ", found.group()) for found in _NAMED.finditer(title)]


def _is_price(found: re.Match[str], text: str, names: Collection[str]) -> bool:
    if _has_currency(found):
        return True
    if found.re in (_BARE_RANGE, _BEHIND) or _UNIT.match(text, found.end()):
        return False
    if found.re is not _LIMIT:
        return True
    if _WEAK.fullmatch(found["words"]):
        return False
    if found["words"][0] in "<>" and len(found["price"]) == 1:
        return False  # a heart
    if not names:
        return True
    named = _NAMED_BEFORE.search(text[: found.end("words")])
    return named is None or _SPACES.sub(" ", named.group()) not in names


def _has_currency(found: re.Match[str]) -> bool:
    return any(
        value is not None and name.endswith(("_before", "_after"))
        for name, value in found.groupdict().items()
    )


def _value(found: re.Match[str], name: str) -> float:
    return read_number(found[name]) * (1_000.0 if found[f"{name}_k"] else 1.0)


def _overlaps(span: tuple[int, int], spans: list[tuple[int, int]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in spans)
