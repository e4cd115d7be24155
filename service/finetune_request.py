"""A request to fine-tune an encoder of photos on the products of an index, and its start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from mappings.errors import InvalidQuery
from mappings.finetunings import UNFINISHED, Finetuning, Finetunings
from mappings.index_lifecycle import LiveIndex
from mappings.validation_faults import first_fault, shorten

BASES = ("tower", "fresh")

_Attribute = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^-\x00-\x1f]")
]


class FinetuneRequest(BaseModel):
    """How to train. Everything may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    base: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] = Field(
        "tower",
        description="What to begin from: `tower` (the shipped one), `fresh` (random parameters), "
        "or the `encoder` of a finished fine-tuning.",
    )
    minutes: Annotated[float, Field(ge=0.1, le=600)] = Field(
        15.0, description="Time for all of it; how much is trained follows from the rate."
    )
    kind: _Attribute | None = Field(
        None, description="Attribute that says what a product is; its last category by default."
    )
    colour: _Attribute | None = Field(
        None, description="Attribute with the colour; recognised by its name by default."
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0

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


def start_finetuning(
    finetunings: Finetunings, live: LiveIndex, request: FinetuneRequest
) -> Finetuning:
    """Store what is wanted; a worker with the lane of photos does it.

    Raises InvalidQuery when one of the index is under way, when its photos have no encoder of
    ours, and for a base that is none.
    """
    if live.image_encoder is None:
        raise InvalidQuery(
            f"index {live.name!r} has no photos of an encoder of ours; reindex with one first",
            field="index",
        )
    known = finetunings.list(live.name)
    under_way = next((one for one in known if one.state in UNFINISHED), None)
    if under_way is not None:
        raise InvalidQuery(
            f"fine-tuning {under_way.id!r} of index {live.name!r} is {under_way.state}; wait for "
            "it or cancel it",
            field="index",
        )
    bases = [*BASES, *finished_encoders(known)]
    if request.base not in bases:
        raise InvalidQuery(
            f"base: should be one of {', '.join(bases)}, got {shorten(request.base)}; others by "
            "the command line",
            field="base",
        )
    return finetunings.ask_for(live.name, request.model_dump(exclude_none=True))


def finished_encoders(known: list[Finetuning]) -> list[str]:
    """Return the names of the encoders that were finished, newest first."""
    return [one.encoder for one in known if one.state == "done"]
