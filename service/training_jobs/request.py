"""A request to learn ranking weights, checked before a process is started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from mappings.errors import InvalidQuery
from mappings.validation_faults import first_fault
from service.intervals import SEED
from service.judgements.store import JudgementStore

_ListName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Fusion = Literal["weighted_sum", "gated", "projection", "lambdamart"]


class TrainRequest(BaseModel):
    """What to learn from, and what. Either lists or clicks."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    judgements: list[_ListName] = Field(
        [], max_length=20, description="Names of stored lists; a pair in several gets the mean."
    )
    clicks: bool = Field(False, description="Learn from what shoppers did instead.")
    days: Annotated[int, Field(ge=1, le=365)] = Field(90, description="How far back clicks go.")
    fusions: list[Fusion] = Field(
        list(get_args(Fusion)),
        min_length=1,
        max_length=len(get_args(Fusion)),
        description="Kinds of model; of several the best one is kept.",
    )
    activate: Literal["auto", "always", "never"] = Field(
        "never",
        description="auto: when it is better than the best fixed blend beyond chance.",
    )
    complete: bool = Field(
        False, description="The lists name every right product: all others are wrong."
    )
    curve: bool = Field(False, description="Also measure how many judged queries it takes.")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = SEED
    note: Annotated[str, StringConstraints(max_length=500)] = ""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Return the request that a decoded JSON object describes.

        Raises InvalidQuery, whose `field` and message name what is wrong and its value.
        """
        try:
            wanted = cls.model_validate(raw)
        except ValidationError as error:
            fault = first_fault(error, raw)
            raise InvalidQuery(fault.describe("body"), field=fault.path or "body") from error
        if wanted.clicks == bool(wanted.judgements):
            raise InvalidQuery(
                "judgements: name lists, or say clicks, and not both", field="judgements"
            )
        return wanted

    def require_lists(self, store: JudgementStore) -> None:
        """Raise InvalidQuery for a list that is not there."""
        for name in self.judgements:
            store.show(name)
