"""`"brand": "HP"` or `"brand": ["HP", "Logitech"]`: any of the values."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime

from service.filters.base import Clause, finite, invalid
from service.product_fields import ProductField

MAX_VALUES = 1_000
MAX_VALUE_LENGTH = 1_024
Value = str | int | float | bool


@dataclass(frozen=True)
class TermsFilter:
    """Keeps products that have one of the values."""

    field: ProductField
    values: tuple[Value, ...]

    def to_clause(self) -> Clause:
        """Return a `terms` clause."""
        return {"terms": {self.field.match: list(self.values)}}

    def describe(self) -> str:
        """Return e.g. 'brand is HP or Logitech'."""
        return f"{self.field.name} is {' or '.join(map(str, self.values))}"


class TermsType:
    """A value, or a list of values."""

    def accepts(self, value: object) -> bool:
        """Whether it is a plain value or a list."""
        return value is None or isinstance(value, str | int | float | list)

    def parse(self, field: ProductField, value: Value | Sequence[Value] | None) -> TermsFilter:
        """Return the filter of one value or of several."""
        values = value if isinstance(value, list) else [value]
        if not values:
            raise invalid(field, "should name at least one value", value)
        if len(values) > MAX_VALUES:
            raise invalid(field, f"should name at most {MAX_VALUES} values", f"{len(values)}")
        return TermsFilter(field, tuple(_check(field, item) for item in values))


def _check(field: ProductField, value: object) -> Value:
    if value is None:
        raise invalid(field, 'should be a value; for "has none" use {"exists": false}', value)
    if not isinstance(value, str | int | float):
        raise invalid(field, "should be text, a number or true or false", value)
    if isinstance(value, str):
        _check_text(field, value)
    elif not isinstance(value, bool):
        finite(field, value)
    match field.kind:
        case "number" if isinstance(value, bool) or not isinstance(value, int | float):
            raise invalid(field, "should be a number", value)
        case "date":
            return check_date(field, value)
        case "keyword" | "category" if not isinstance(value, str):
            raise invalid(field, "should be text", value)
        case "attribute":
            return attribute_text(value)
    return value


def _check_text(field: ProductField, value: str) -> None:
    if len(value) > MAX_VALUE_LENGTH or "\0" in value:
        raise invalid(
            field, f"should be at most {MAX_VALUE_LENGTH} characters, none of them null", value
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise invalid(field, "holds half of a surrogate pair, which is not text", value) from error


def attribute_text(value: Value) -> str:
    """Return the value as the index keeps it: 17.0 as '17', True as 'true'."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def check_date(field: ProductField, value: object) -> str:
    """Return an ISO 8601 date in the one form that Elasticsearch reads too.

    A day without a time stays one, so that `lte` means to its end.
    Raises InvalidFilter for anything else.
    """
    if isinstance(value, str):
        with suppress(ValueError):
            return date.fromisoformat(value).isoformat()
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(value)
            return (moment.astimezone(UTC) if moment.tzinfo else moment).isoformat()
    raise invalid(field, "should be an ISO 8601 date such as 2026-03-31", value)
