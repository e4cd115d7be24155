"""What is asked of a queue of pairs, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from mappings.errors import InvalidQuery
from mappings.validation_faults import first_fault
from service.judging.rankings import RANKINGS
from service.search_request import QueryText

MOST_QUERIES = 500
MOST_PAIRS = 200

Source = Literal["list", "events"]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=220)]


class QueueRequest(BaseModel):
    """Which pairs to find. Everything may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    queries: list[QueryText] = Field(
        [], max_length=MOST_QUERIES, description="Queries to judge for, beside the sources'."
    )
    sources: list[Source] = Field(
        ["list", "events"],
        max_length=2,
        description="Where queries come from: those of the list, those asked most by the events.",
    )
    rankings: list[_Name] = Field(
        ["keyword", "active"],
        min_length=1,
        max_length=5,
        description=f"Rankings whose first ten are judged: {', '.join(RANKINGS)}, or a weights "
        "version.",
    )
    days: Annotated[int, Field(ge=1, le=365)] = Field(90, description="How far back events go.")
    limit: Annotated[int, Field(ge=1, le=MOST_PAIRS)] = 50
    judge: _Name | None = Field(
        None,
        description="Who judges, any word: the pairs are theirs for ten minutes, and other judges "
        "get others.",
    )

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Return the request that a decoded JSON object describes.

        Raises InvalidQuery, whose `field` and message name what is wrong and its value.
        """
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            fault = first_fault(error, raw)
            raise InvalidQuery(fault.describe("body"), field=fault.path or "body") from error
