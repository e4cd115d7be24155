"""The body of a search request, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from mappings.errors import InvalidQuery
from mappings.product import Text, Vector
from mappings.validation_faults import first_fault
from service.photo_request import PhotoRequest

MAX_QUERY_LENGTH = 1_000
MAX_TERMS = 16
MAX_WINDOW = 1_000
MAX_DEPTH = 10_000
"""Deepest product that `offset` reaches: Elasticsearch's index.max_result_window."""

LegName = Literal["lexical", "text_vector", "text_to_image", "image_vector", "image_to_text"]

DEFAULT_WEIGHTS = "default"
"""Name of the weights that are shipped."""


def _check_text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("holds half of a surrogate pair, which is not text") from error
    return value


QueryText = Annotated[
    str,
    StringConstraints(strict=True, max_length=MAX_QUERY_LENGTH),
    AfterValidator(_check_text),
]
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Weight = Annotated[Finite, Field(ge=0, le=1_000)]
TermWeight = Annotated[Finite, Field(ge=-100, le=100)]
Boundary = Annotated[Finite, Field(ge=-1e15, le=1e15)]
FieldName = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Count = Annotated[int, Field(strict=True)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RangeFacet(_Part):
    """Counts between boundaries: [25, 50] gives below 25, 25 to below 50, and 50 and over."""

    ranges: Annotated[tuple[Boundary, ...], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if any(low >= high for low, high in zip(self.ranges, self.ranges[1:], strict=False)):
            raise ValueError("boundaries should grow from one to the next")
        return self


TermsFacet = Annotated[Count, Field(ge=1, le=1_000)]


class SearchRequest(_Part):
    """One search. Everything may be left out; an empty request browses the whole index."""

    q: (
        QueryText
        | Annotated[dict[QueryText, TermWeight], Field(min_length=1, max_length=MAX_TERMS)]
    ) = Field("", description="Words, or several phrases with weights, negative ones to avoid.")
    vectors: dict[Literal["text_vector", "image_vector"], Vector] = Field(
        {}, description="The query's own embeddings, instead of encoding words or photo."
    )
    image: PhotoRequest | None = Field(
        None, description="A photo to find products by, alone or together with words."
    )
    filter: dict[str, Any] = Field(
        {}, description="What every hit must fulfil; see the table of filters."
    )
    facets: Annotated[dict[FieldName, TermsFacet | RangeFacet], Field(max_length=50)] = Field(
        {}, description="Field to number of values, or to {'ranges': [...]}."
    )
    sort: Annotated[
        tuple[Annotated[dict[FieldName, Literal["asc", "desc"]], Field(min_length=1)], ...],
        Field(max_length=8),
    ] = Field((), description="Fields to sort by instead of by relevance.")
    limit: Annotated[Count, Field(ge=0, le=200)] = Field(24, description="Hits on a page.")
    offset: Annotated[Count, Field(ge=0, le=MAX_DEPTH)] = Field(
        0, description="Hits to leave out from the start; offset + limit is at most 10,000."
    )
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=2_000)] | None = Field(
        None, description="The `cursor` of the page before, for the next one."
    )
    collapse: Literal["parent_id"] | None = Field(
        None, description="Show one variant of each product."
    )
    fusion: Literal[
        "auto", "weighted_sum", "reciprocal_rank", "gated", "projection", "lambdamart"
    ] = Field(
        "auto",
        description="How the scores become one: `auto` by the active weights version, without one "
        "by `weighted_sum`.",
    )
    weights_version: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = (
        Field(None, description="A stored version of the weights; `default` for the shipped ones.")
    )
    understand: Literal["soft", "filter", "off"] = Field(
        "soft",
        description="What is done with brands, categories, prices and the like in the words: they "
        "count for the ranking, filter the products, or are left alone.",
    )
    weights: Literal["auto"] | Annotated[dict[LegName, Weight], Field(min_length=1)] = Field(
        "auto", description="Weight of each leg; one that is not named weighs nothing."
    )
    rank_constant: Annotated[Count, Field(ge=1, le=10_000)] = Field(
        60, description="Constant of reciprocal rank fusion."
    )
    rank_window_size: Annotated[Count, Field(ge=1, le=MAX_WINDOW)] = Field(
        200, description="Best candidates that get exact scores on every leg."
    )
    num_candidates: Annotated[Count, Field(ge=1, le=10_000)] = Field(
        200,
        description="Products that each vector leg looks at in each shard; the nearest 100 of "
        "them become candidates.",
    )
    mode: Literal["precise", "fast"] = Field(
        "precise", description="`fast` ranks by the first pass alone."
    )
    rules: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None,
        description="A stored version of the rules and synonyms instead of the active one, or "
        "`off` for none.",
    )
    fields: Annotated[tuple[FieldName, ...], Field(min_length=1, max_length=50)] | None = Field(
        None, description="Product fields to return; all when left out."
    )
    explain: Annotated[bool, Field(strict=True)] = Field(
        False, description="Say in words why each hit ranks where it does."
    )
    client_id: Annotated[Text, StringConstraints(max_length=256)] | None = Field(
        None,
        repr=False,
        description="Who searches, as in the events; decides which arm of an experiment answers. "
        "Neither logged nor stored. Send it with every page.",
    )

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Return the request that a decoded JSON object describes.

        Raises InvalidQuery, whose `field` and message name what is wrong and its value.
        """
        if not isinstance(raw, Mapping):
            raise InvalidQuery(
                f"the body should be a JSON object, not {type(raw).__name__}", field="body"
            )
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise _invalid(error, raw) from error

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.offset + self.limit > MAX_DEPTH:
            raise ValueError(
                f"offset + limit should be at most {MAX_DEPTH}, use cursor to go deeper"
            )
        if self.cursor and self.offset:
            raise ValueError("offset and cursor exclude each other")
        if isinstance(self.q, dict) and not any(weight > 0 for weight in self.terms.values()):
            raise ValueError("q needs at least one term with a weight above 0")
        if self.image is not None and "image_vector" in self.vectors:
            raise ValueError("image and vectors.image_vector exclude each other")
        if isinstance(self.weights, dict) and not any(self.weights.values()):
            raise ValueError("weights needs at least one leg above 0")
        return self

    @property
    def terms(self) -> dict[str, float]:
        """Return phrase to weight, blank phrases left out; empty for no words at all."""
        terms = self.q if isinstance(self.q, dict) else {self.q: 1.0}
        return {text.strip(): weight for text, weight in terms.items() if text.strip() and weight}


def _invalid(error: ValidationError, raw: Mapping[str, Any]) -> InvalidQuery:
    fault = first_fault(error, raw)
    if not fault.path:  # a rule over several fields names them itself
        field = fault.reason.split(" ", 1)[0]
        known = field in SearchRequest.model_fields
        return InvalidQuery(fault.reason, field=field if known else "body")
    return InvalidQuery(fault.describe("body"), field=fault.path)
