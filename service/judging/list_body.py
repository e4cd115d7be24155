"""Bodies that bring judgements: a whole list, and one grade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from mappings.errors import InvalidQuery
from mappings.product import MAX_ID_BYTES
from mappings.validation_faults import first_fault
from service.judgements.files import row_of
from service.judgements.judgement_list import HIGHEST_GRADE, MAX_GRADE, JudgementList
from service.judgements.rows import Contradictions, Row, collect
from service.search_request import MAX_QUERY_LENGTH

_SOURCE = "body"
_Grade = Annotated[int, Field(ge=0, le=HIGHEST_GRADE)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Return what a decoded JSON object describes.

        Raises InvalidQuery, whose `field` and message name what is wrong and its value.
        """
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            fault = first_fault(error, raw)
            raise InvalidQuery(fault.describe("body"), field=fault.path or "body") from error


class JudgementBody(_Body):
    """One row of a list."""

    query: Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUERY_LENGTH)]
    product_id: Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_BYTES)]
    grade: _Grade


class ListBody(_Body):
    """A whole list; without a row it is an empty one, to be graded pair by pair."""

    judgements: list[JudgementBody] = []
    max_grade: Annotated[int, Field(ge=1, le=HIGHEST_GRADE)] = Field(
        MAX_GRADE, description="Best grade of the scale."
    )

    def content(self, *, contradictions: Contradictions = "refuse") -> JudgementList:
        """Return the list.

        Raises InvalidQuery that names the first row that is not sound, as for a file.
        """
        if not self.judgements:
            return JudgementList({}, max_grade=self.max_grade, source=_SOURCE)
        rows = [
            row_of(row.model_dump(), f"judgements[{place}]")
            for place, row in enumerate(self.judgements)
        ]
        return collect(
            rows, source=_SOURCE, max_grade=self.max_grade, contradictions=contradictions
        )


class GradeBody(_Body):
    """One grade."""

    query: Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUERY_LENGTH)]
    product_id: Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_BYTES)]
    grade: _Grade | None = Field(description="null takes the grade away.")
    seen: _Grade | None = Field(
        None,
        description="The grade that the judge believes the pair to have, null for none: another "
        "one is a conflict. Left out, the new grade counts in any case.",
    )

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Return the grade, with blanks around query and product id taken away as in a file.

        Raises InvalidQuery that names what is wrong.
        """
        body = super().parse(raw)
        row = Row(body.query, body.product_id, str(body.grade or 0), _SOURCE)
        content = collect([row], source=_SOURCE, max_grade=HIGHEST_GRADE)
        ((query, grades),) = content.judgements.items()
        return body.model_copy(update={"query": query, "product_id": next(iter(grades))})
