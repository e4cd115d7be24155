"""The paths of trainings in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from service.api.openapi_parts import INDEX, content, of_index, ref
from service.training_jobs.records import State
from service.training_jobs.request import TrainRequest

_ID = {"name": "training_id", "in": "path", "required": True, "schema": {"type": "string"}}


class TrainingStage(BaseModel):
    """A stage: searching for the queries, a way of ranking, or the learning curve."""

    model_config = ConfigDict(extra="forbid")

    name: str
    done: int
    total: int


class TrainingAnswer(BaseModel):
    """A training."""

    model_config = ConfigDict(extra="forbid")

    id: str
    index: str
    created_at: str
    state: State
    seen_at: str = Field(description="When its process last said how far it is.")
    who: str
    options: dict[str, Any]
    progress: list[TrainingStage]
    share: float = Field(description="Of the steps known so far, 0 to 1.")
    said: list[str] = Field(description="The newest lines of its log, and why it failed.")
    version: str | None = Field(description="The version of the weights that was stored.")
    is_active: bool
    figures: dict[str, Any] = Field(
        description="Measures by way of ranking so far; at the end with 95 % intervals against "
        "the best fixed blend, gains by query and weights."
    )


MODELS: tuple[type[BaseModel], ...] = (TrainRequest, TrainingAnswer)


def training_paths() -> dict[str, Any]:
    """Return path to operations."""
    one = ref("TrainingAnswer")
    several = {
        "type": "object",
        "properties": {"trainings": {"type": "array", "items": one}},
        "required": ["trainings"],
        "additionalProperties": False,
    }
    return {
        "/v1/indexes/{index}/train": {
            "parameters": [INDEX],
            "post": {
                "operationId": "startTraining",
                "summary": "Learn ranking weights from judgement lists or clicks",
                "requestBody": {"required": True, **content(ref("TrainRequest"))},
                "responses": of_index(one, "It has begun.", 409, 413, good=202),
            },
            "get": {
                "operationId": "listTrainings",
                "summary": "List the trainings of the index, newest first, without figures",
                "responses": of_index(several, "The newest 50."),
            },
        },
        "/v1/indexes/{index}/train/{training_id}": {
            "parameters": [INDEX, _ID],
            "get": {
                "operationId": "readTraining",
                "summary": "Follow a training, and read what came of it",
                "responses": of_index(one, "How far it is."),
            },
            "delete": {
                "operationId": "cancelTraining",
                "summary": "Stop a training; a finished one stays",
                "responses": of_index(one, "What it is now."),
            },
        },
    }
