"""Rules and synonyms as a person writes them, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from mappings.errors import InvalidQuery, RequestError
from mappings.validation_faults import first_fault, shorten
from service.filters.compiler import compile_filter

MAX_RULES = 5_000
MAX_SYNONYMS = 20_000
MAX_PINS = 50
MAX_SELECTIONS = 20


def _check_text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("holds half of a surrogate pair, which is not text") from error
    return value


def _check_filter(value: dict[str, Any]) -> dict[str, Any]:
    try:
        compile_filter(value)
    except RequestError as error:
        raise ValueError(error.message) from error
    return value


RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_check_text),
]
ProductId = Annotated[
    str, StringConstraints(min_length=1, max_length=512), AfterValidator(_check_text)
]
OtherWords = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200),
    AfterValidator(_check_text),
]
Filter = Annotated[dict[str, Any], AfterValidator(_check_filter)]
Strength = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Part = TypeVar("Part", bound=_Part)


def parse_part(model: type[Part], raw: object) -> Part:
    """Return a rule, a synonym or a set of them that a decoded JSON object describes.

    Raises InvalidQuery, whose `field` and message name what is wrong and its value.
    """
    if not isinstance(raw, Mapping):
        raise InvalidQuery(f"body: should be a JSON object, got {shorten(raw)}", field="body")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        fault = first_fault(error, raw)
        raise InvalidQuery(fault.describe("body"), field=fault.path or "body") from error


class When(_Part):
    """When a rule holds: every condition that is given must.

    queries: words that are searched for, folded (case, accents, blanks) and compared as `match`
    says: the whole query, its beginning, or the words next to each other anywhere in it.
    None of them: any query, browsing included. categories: one of them is filtered by, exactly
    or above. starts, ends: from when to when, `ends` left out itself.
    """

    queries: Annotated[tuple[Words, ...], Field(max_length=200)] = ()
    match: Literal["exact", "start", "contains"] = "exact"
    categories: Annotated[tuple[Words, ...], Field(max_length=200)] = ()
    starts: AwareDatetime | None = None
    ends: AwareDatetime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.starts and self.ends and self.starts >= self.ends:
            raise ValueError("starts should be before ends")
        return self

    def holds_at(self, now: datetime) -> bool:
        """Return whether a moment is within the dates."""
        return (not self.starts or self.starts <= now) and (not self.ends or now < self.ends)


class Selection(_Part):
    """Some products: by id, by a filter as searches have it, or by words of their text.

    Those that fulfil all of what is given.
    """

    ids: Annotated[tuple[ProductId, ...], Field(max_length=1_000)] = ()
    filter: Filter = {}
    words: Words | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.ids or self.filter or self.words):
            raise ValueError("ids, filter or words should say which products are meant")
        return self


class Boost(_Part):
    """Products that move up or down.

    strength: 0 to 1; a share of the distance between the best and the worst score of the ranked
    window. 1 brings the worst product up to the best, or the other way round.
    """

    products: Selection
    strength: Strength = 0.3


class Rule(_Part):
    """One rule. pin: products on the first places, in this order. hide: as if they were not there.

    only: products that are left, all others are as if they were not there. boost, bury: move up
    and down. replace: words of the query to others, before anything is searched; to "" leaves
    them out.
    """

    id: RuleId
    note: Annotated[str, StringConstraints(max_length=500), AfterValidator(_check_text)] = ""
    enabled: bool = True
    when: When = When()
    pin: Annotated[tuple[ProductId, ...], Field(max_length=MAX_PINS)] = ()
    hide: Annotated[tuple[Selection, ...], Field(max_length=MAX_SELECTIONS)] = ()
    only: Annotated[tuple[Selection, ...], Field(max_length=MAX_SELECTIONS)] = ()
    boost: Annotated[tuple[Boost, ...], Field(max_length=MAX_SELECTIONS)] = ()
    bury: Annotated[tuple[Boost, ...], Field(max_length=MAX_SELECTIONS)] = ()
    replace: Annotated[dict[Words, OtherWords], Field(max_length=20)] = {}

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.pin or self.hide or self.only or self.boost or self.bury or self.replace):
            raise ValueError("pin, hide, only, boost, bury or replace should say what it does")
        if len(set(self.pin)) < len(self.pin):
            raise ValueError("pin names a product twice")
        return self


class Synonym(_Part):
    """Words that mean the same.

    words: each stands for every other, and `to` is empty (expanding); or, with `to`, each of
    `words` finds `to` as well, but not the other way round (one-way). weight: how much a match
    of another word counts beside one of the query's own, 0 to 1.
    """

    id: RuleId
    words: Annotated[tuple[Words, ...], Field(min_length=1, max_length=50)]
    to: Annotated[tuple[Words, ...], Field(max_length=50)] = ()
    weight: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    enabled: bool = True

    @model_validator(mode="after")
    def _relates_two(self) -> Self:
        if not self.to and len(self.words) < 2:
            raise ValueError("words should be two or more, or `to` name what they find")
        return self


class RuleSet(_Part):
    """All rules and synonyms of an index; stored as one version. Earlier rules come first."""

    rules: Annotated[tuple[Rule, ...], Field(max_length=MAX_RULES)] = ()
    synonyms: Annotated[tuple[Synonym, ...], Field(max_length=MAX_SYNONYMS)] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen: set[str] = set()
        for name in [rule.id for rule in self.rules] + [one.id for one in self.synonyms]:
            if name in seen:
                raise ValueError(f"id {name!r} is there twice")
            seen.add(name)
        return self

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Return the rule set that a decoded JSON object describes.

        Raises InvalidQuery, whose `field` and message name what is wrong and its value.
        """
        return parse_part(cls, raw)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `parse` reads."""
        return self.model_dump(mode="json", exclude_defaults=True)
