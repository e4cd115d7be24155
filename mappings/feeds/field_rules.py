"""One rule of a field map: from a record's columns to the value of one product field."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings.errors import MissingSetting, ProductRejected
from mappings.product import shorten

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SOURCES = ("from", "template", "const")
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "y", "1", "on"), True),
    **dict.fromkeys(("false", "no", "n", "0", "off"), False),
}
_WHOLE_BELOW = 2**63
"""What Elasticsearch, and JSON as Redis is sent it, take as a whole number."""
# At most 15 digits, so that a float holds them all; no leading zero, which an article number has.
_PLAIN_NUMBER = re.compile(r"-?(?=[0-9.]{1,16}$)(0|[1-9][0-9]*)(\.[0-9]+)?")


@dataclass(frozen=True)
class Rule:
    """How one value is made; see docs of `parse_rule` for the keys of its JSON.

    target: the product field or attribute, for messages.
    """

    target: str
    columns: tuple[str, ...] = ()
    all_columns: bool = False
    join: str | None = None
    template: str | None = None
    const: object = None
    drop: tuple[object, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    split: str | None = None
    number: Mapping[str, str] | None = None
    boolean: bool = False
    guess: bool = False
    date: str | None = None
    scale: Decimal | None = None

    def apply(self, record: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
        """Return the value, a list when there are several, None when there is none.

        Raises ProductRejected that names the target and the value that cannot be read.
        """
        return self.convert(self._source(record))

    def convert(self, value: Any) -> Any:  # noqa: ANN401
        """Return a column's value as this rule reads it."""
        if isinstance(value, list):
            found = [item for item in map(self.convert, value) if item is not None]
            if self.split is not None:  # the texts of a list of lists are one list
                found = [one for item in found for one in (item if _is_list(item) else [item])]
            return found or None
        if isinstance(value, str):
            if self.split is not None:
                return Rule.convert(_without_split(self), value.split(self.split))
            value = value.strip()
        if value is None or value == "" or value in self.drop:
            return None
        if self.values and str(value) in self.values:
            return self.values[str(value)]
        return self._typed(value)

    def _source(self, record: Mapping[str, Any]) -> Any:  # noqa: ANN401
        if self.const is not None:
            return self.const
        if self.template is not None:
            return self._filled(record)
        if len(self.columns) == 1:
            return look_up(record, self.columns[0])
        values = [look_up(record, name) for name in self.columns]
        present = [value for value in values if value not in (None, "", [])]
        if self.join is not None:
            return self.join.join(str(value).strip() for value in present)
        if self.all_columns:
            return [
                item
                for value in present
                for item in (value if isinstance(value, list) else [value])
            ]
        return next((value for value in present if self.convert(value) is not None), None)

    def _filled(self, record: Mapping[str, Any]) -> str | None:
        pieces = _PLACEHOLDER.split(self.template or "")
        for position in range(1, len(pieces), 2):
            value = look_up(record, pieces[position])
            if value in (None, ""):
                return None
            pieces[position] = str(value)
        return "".join(pieces)

    def _typed(self, value: Any) -> Any:  # noqa: ANN401
        try:
            if self.number is not None:
                value = _number(value, self.number)
            elif self.boolean:
                value = value if isinstance(value, bool) else _BOOLEANS[str(value).lower()]
            elif self.date is not None:
                value = _date(value, self.date)
            elif self.guess and isinstance(value, str):
                value = _guessed(value)
            if self.scale is not None:
                value = _finite(Decimal(str(value)) * self.scale)
        except (ValueError, KeyError, ArithmeticError) as error:
            kind = "a number" if self.number is not None or self.scale else "readable"
            kind = "true or false" if self.boolean else kind
            kind = f"a date of the form {self.date!r}" if self.date else kind
            raise ProductRejected(
                f"{self.target}: should be {kind}, got {shorten(value)}", field=self.target
            ) from error
        return value


def parse_rule(target: str, raw: object, *, where: str) -> Rule:
    """Read a rule from a map's JSON.

    One source: `from` (a column, or several of which the first with a value counts; with
    `join` all of them in one text, with `all` all of them as a list), `template`
    ("{column} {column}"; nothing when one is missing) or `const`.
    Then, in this order: `split` (text to list), `drop` (values that mean nothing), `values`
    (value map), `number` (true, or {"decimal": ",", "thousands": "."}), `boolean`, `date`
    ("iso", "unix", "unix_ms" or a strptime pattern), `guess` (numbers and true/false in
    text), `scale` (a factor, e.g. 0.01 from cents).
    where: file and place, for the message.
    Raises MissingSetting that names every unknown key.
    """
    rule = {"from": raw} if isinstance(raw, str | list) else raw
    if not isinstance(rule, Mapping):
        raise MissingSetting(f"{where}: should be a rule, got {shorten(raw)}")
    check_keys(rule, {*_SOURCES, *_OPTIONS}, where=where)
    if sum(key in rule for key in _SOURCES) != 1:
        raise MissingSetting(f"{where}: needs exactly one of {', '.join(_SOURCES)}")
    source = rule.get("from", ())
    columns = (source,) if isinstance(source, str) else tuple(source)
    number = rule.get("number")
    if isinstance(number, Mapping):
        check_keys(number, {"decimal", "thousands"}, where=f"{where}.number")
    try:
        return Rule(
            target=target,
            columns=columns,
            all_columns=bool(rule.get("all")),
            join=rule.get("join"),
            template=rule.get("template"),
            const=rule.get("const"),
            drop=tuple(rule.get("drop", ())),
            values=dict(rule.get("values", {})),
            split=rule.get("split"),
            number=number if isinstance(number, Mapping) else {} if number else None,
            boolean=bool(rule.get("boolean")),
            guess=bool(rule.get("guess")),
            date=rule.get("date"),
            scale=Decimal(str(rule["scale"])) if "scale" in rule else None,
        )
    except (TypeError, InvalidOperation) as error:
        raise MissingSetting(f"{where}: cannot be read: {error}") from error


_OPTIONS = (
    "join",
    "all",
    "split",
    "drop",
    "values",
    "number",
    "boolean",
    "date",
    "guess",
    "scale",
)


def check_keys(found: Mapping[str, Any], known: set[str], *, where: str) -> None:
    """Raise MissingSetting that names the keys which are not known."""
    unknown = sorted(set(found) - known)
    if unknown:
        raise MissingSetting(
            f"{where}: unknown key {', '.join(map(repr, unknown))}; known are "
            f"{', '.join(sorted(known))}"
        )


def look_up(record: Mapping[str, Any], column: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return a column's value; "a.b" also finds the key b inside the object a."""
    if column in record:
        return record[column]
    head, dot, rest = column.partition(".")
    inner = record.get(head) if dot else None
    return look_up(inner, rest) if isinstance(inner, Mapping) else None


def columns_of(rule: Rule) -> Sequence[str]:
    """Return the columns that a rule reads."""
    return [*rule.columns, *(_PLACEHOLDER.findall(rule.template) if rule.template else ())]


def _without_split(rule: Rule) -> Rule:
    return Rule(**{**rule.__dict__, "split": None})


def _number(value: object, form: Mapping[str, str]) -> float | int:
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")
    if isinstance(value, int | float):
        return value
    text = str(value).replace(form.get("thousands", " "), "").replace("\u00a0", "")
    number = Decimal(text.replace(form.get("decimal", "."), "."))
    # Asked first, as 1e999999999 written out as a whole number takes minutes and all memory.
    is_whole = abs(number) < _WHOLE_BELOW and number == number.to_integral_value()
    return int(number) if is_whole else _finite(number)


def _finite(number: Decimal) -> float:
    """Return a number as a float; raises OverflowError for one that none can hold."""
    value = float(number)
    if not math.isfinite(value):
        raise OverflowError("no float is as great")
    return value


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _date(value: object, form: str) -> object:
    if form == "iso":
        return value
    if form in {"unix", "unix_ms"}:
        seconds = float(str(value)) / (1000 if form == "unix_ms" else 1)
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    return datetime.strptime(str(value), form).isoformat()


def _guessed(text: str) -> object:
    if _PLAIN_NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return {"true": True, "false": False}.get(text.lower(), text)
