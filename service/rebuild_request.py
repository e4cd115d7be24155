"""A request to rebuild an index, and its start."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from elasticsearch import Elasticsearch
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from indexer.encoders.image_registry import IMAGE_ENCODERS
from indexer.encoders.next_encoders import NO_PHOTOS, next_encoders
from indexer.encoders.registry import ENCODERS
from mappings.errors import InvalidQuery
from mappings.finetunings import Finetunings
from mappings.index_lifecycle import LiveIndex
from mappings.index_versions import Rebuild, start_next
from mappings.validation_faults import first_fault, shorten
from service.finetune_request import finished_encoders
from service.settings import ServiceSettings

MAX_JUDGEMENTS = 20_000


class Judgement(BaseModel):
    """How well a product answers a query: 0 not at all, 3 exactly."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    query: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    product_id: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    grade: Annotated[int, Field(ge=0, le=3)]


class RebuildRequest(BaseModel):
    """What the next version should be like. Everything may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    encoder: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="Text encoder: a registered one, or that of the service's settings."
    )
    template: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] | None = Field(
        None, description="How a product becomes the encoded text."
    )
    image_encoder: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None,
        description="Encoder of photos: a registered one, one that was fine-tuned for the "
        "index, that of the service's settings, or `none`.",
    )
    photos: Literal["wait", "later"] = Field(
        "wait", description="Whether the swap waits until every photo was tried."
    )
    quantization: Literal["int8_hnsw", "bbq_hnsw", "hnsw"] = Field(
        "int8_hnsw", description="How vectors are kept for the search."
    )
    shards: Annotated[int, Field(ge=1, le=1024)] | None = None
    replicas: Annotated[int, Field(ge=0, le=16)] | None = None
    judgements: Annotated[list[Judgement], Field(max_length=MAX_JUDGEMENTS)] | None = Field(
        None, description="The swap is refused when NDCG@10 on these falls by more than max_drop."
    )
    max_drop: Annotated[float, Field(ge=0, le=1)] = 0.02

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


def start_rebuild(
    client: Elasticsearch, live: LiveIndex, request: RebuildRequest, settings: ServiceSettings
) -> LiveIndex:
    """Create the next version; the workers drive the rebuild from then on.

    Raises InvalidQuery when one is under way or the encoder may not be chosen from outside.
    """
    allowed = {*ENCODERS, settings.text_encoder}
    if request.encoder is not None and request.encoder not in allowed:
        raise InvalidQuery(
            f"encoder: should be one of {', '.join(sorted(allowed))}, got "
            f"{shorten(request.encoder)}; others by the command line",
            field="encoder",
        )
    made = finished_encoders(Finetunings(client).list(live.name))
    allowed_images = {*IMAGE_ENCODERS, *made, settings.image_encoder, NO_PHOTOS} - {""}
    if request.image_encoder is not None and request.image_encoder not in allowed_images:
        raise InvalidQuery(
            f"image_encoder: should be one of {', '.join(sorted(allowed_images))}, got "
            f"{shorten(request.image_encoder)}; others by the command line",
            field="image_encoder",
        )
    options: dict[str, Any] = {} if request.photos == "wait" else {"photos": request.photos}
    if request.judgements:
        options |= {"judgements": _as_csv(request.judgements), "max_drop": request.max_drop}
    return start_next(
        client,
        live.name,
        next_encoders(
            live,
            request.encoder,
            request.template,
            image=request.image_encoder,
            model_directory=Path(settings.model_directory),
        ),
        Rebuild(live.index, options=options),
        shards=request.shards,
        replicas=request.replicas,
        quantization=request.quantization,
    )


def _as_csv(judgements: list[Judgement]) -> str:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["query", "product_id", "grade"])
    rows.writerows([one.query, one.product_id, one.grade] for one in judgements)
    return text.getvalue()
