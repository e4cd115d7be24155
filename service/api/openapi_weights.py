"""The paths of weights and experiments in the OpenAPI document, and their answers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.api.openapi_parts import (
    INDEX,
    VERSION_NAME,
    closed_object,
    content,
    of_index,
    query,
    ref,
)
from service.weights.experiments import Kind
from service.weights.state import Action

_SHARE = {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.1}


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ExperimentBody(_Answer):
    """Two versions that are compared."""

    id: str
    kind: Kind
    versions: list[str] = Field(description="A, which all others get too, and B.")
    share: float = Field(description="Of the clients, above 0 to 1.")
    started_at: str


class ExperimentAnswer(_Answer):
    """The experiment that runs, or has just ended."""

    index: str
    experiment: ExperimentBody | None


class WeightsChangeBody(_Answer):
    """One change of what is active; null stands for the shipped weights."""

    version: str | None
    before: str | None
    action: Action
    at: str
    who: str


class WeightsStateAnswer(_Answer):
    """What ranks an index."""

    index: str
    active: str | None = Field(description="Null while the shipped weights answer.")
    shipped: str
    experiment: ExperimentBody | None
    history: list[WeightsChangeBody] = Field(description="Newest first, at most 20.")


class WeightsVersionBody(_Answer):
    """A version without its model."""

    version: str
    index: str
    created_at: str
    fusion: str
    features: list[str]
    training: dict[str, Any]
    metrics: dict[str, Any]
    note: str
    active: bool


class WeightsAnswer(WeightsStateAnswer):
    """What ranks an index, and what else could."""

    versions: list[WeightsVersionBody]


class WeightsDocumentBody(_Answer):
    """A version with its model."""

    version: str
    index: str
    created_at: str
    fusion: str
    model: dict[str, Any]
    features: list[str]
    training: dict[str, Any]
    metrics: dict[str, Any]
    note: str


class ImportedWeightsAnswer(_Answer):
    """A version that was kept."""

    version: str
    problem: str | None = Field(description="Why it cannot rank here, null when it can.")
    active: str | None


class DeletedWeightsAnswer(_Answer):
    """A version that is gone."""

    version: str
    deleted: Literal[True]


class WeightsDifferenceAnswer(_Answer):
    """Two versions side by side; null where one has nothing."""

    versions: list[str]
    fusion: list[str]
    added: list[str]
    removed: list[str]
    weights: dict[str, list[float | None]]
    metrics: dict[str, list[Any]]


class ProportionBody(_Answer):
    """A share with its 95 % interval."""

    successes: int
    trials: int
    value: float
    low: float
    high: float


class DifferenceBody(_Answer):
    """Share of B minus share of A, with its 95 % interval."""

    value: float
    low: float
    high: float
    p_value: float


class AbResultBody(_Answer):
    """By version, the clients that clicked and those that bought."""

    versions: list[str]
    clicks: dict[str, ProportionBody]
    purchases: dict[str, ProportionBody]
    click_difference: DifferenceBody
    purchase_difference: DifferenceBody


class InterleavingResultBody(_Answer):
    """Clients who preferred B (wins), A (losses), both alike, or clicked on nothing."""

    wins: int
    ties: int
    losses: int
    without_clicks: int
    preference: ProportionBody
    p_value: float


class OutlookBody(_Answer):
    """Who leads by one measure, and how many clients it takes until that is clear."""

    leader: Literal["A", "B"] | None
    p_value: float
    is_clear: bool
    clients_needed: int | None
    clients_more: int | None
    days_more: float | None


class ExperimentReportAnswer(_Answer):
    """What clients did with two versions."""

    index: str
    experiment_id: str
    kind: Kind
    versions: list[str]
    clients: int
    pages: int
    left_out: dict[str, int]
    split_p_value: float | None = Field(
        description="How likely chance divides the clients as unevenly; under 0.001 is a fault."
    )
    result: AbResultBody | InterleavingResultBody
    since: str
    until: str
    outlook: dict[str, OutlookBody]
    verdicts: list[str]


MODELS: tuple[type[BaseModel], ...] = (
    ExperimentAnswer,
    WeightsStateAnswer,
    WeightsAnswer,
    WeightsDocumentBody,
    ImportedWeightsAnswer,
    DeletedWeightsAnswer,
    WeightsDifferenceAnswer,
    ExperimentReportAnswer,
)


def weights_paths() -> dict[str, Any]:
    """Return path to operations."""
    state = ref("WeightsStateAnswer")
    base = "/v1/indexes/{index}/weights"
    return {
        base: {
            "parameters": [INDEX],
            "get": {
                "operationId": "listWeights",
                "summary": "List the versions of the ranking weights, and what is active",
                "responses": of_index(ref("WeightsAnswer"), "The newest thousand."),
            },
            "post": {
                "operationId": "importWeights",
                "summary": "Keep a weights document as a new version",
                "parameters": [
                    query("activate", {"type": "boolean", "default": False}),
                ],
                "requestBody": {"required": True, **content({"type": "object"})},
                "responses": of_index(ref("ImportedWeightsAnswer"), "It is kept.", 413, good=201),
            },
        },
        f"{base}/{{version}}": {
            "parameters": [INDEX, VERSION_NAME],
            "get": {
                "operationId": "readWeights",
                "summary": "Read a version with its model, as it can be imported",
                "responses": of_index(ref("WeightsDocumentBody"), "The version."),
            },
            "delete": {
                "operationId": "deleteWeights",
                "summary": "Forget a version for good",
                "responses": of_index(ref("DeletedWeightsAnswer"), "It is gone."),
            },
        },
        f"{base}/activate": {
            "parameters": [INDEX],
            "post": {
                "operationId": "activateWeights",
                "summary": "Let a version answer; every process follows within two seconds",
                "requestBody": {
                    "required": True,
                    **content(closed_object(version={"type": "string"})),
                },
                "responses": of_index(state, "It is active.", 413),
            },
        },
        f"{base}/rollback": {
            "parameters": [INDEX],
            "post": {
                "operationId": "rollBackWeights",
                "summary": "Go back to what was active before; an experiment ends",
                "responses": of_index(state, "What is active now."),
            },
        },
        f"{base}/deactivate": {
            "parameters": [INDEX],
            "post": {
                "operationId": "deactivateWeights",
                "summary": "Let the shipped weights answer; an experiment ends",
                "responses": of_index(state, "The shipped weights answer."),
            },
        },
        f"{base}/difference": {
            "parameters": [INDEX],
            "get": {
                "operationId": "compareWeights",
                "summary": "Say what differs between two versions",
                "parameters": [
                    {**query(name, {"type": "string", "minLength": 1}), "required": True}
                    for name in ("from", "to")
                ],
                "responses": of_index(ref("WeightsDifferenceAnswer"), "What differs."),
            },
        },
    }


def experiment_paths() -> dict[str, Any]:
    """Return path to operations."""
    one = ref("ExperimentAnswer")
    started = closed_object(
        kind={"type": "string", "enum": ["ab", "interleave"]},
        versions={
            "type": "array",
            "items": {"type": "string"},
            "minItems": 2,
            "maxItems": 2,
            "description": "A, which all others get, and B.",
        },
    )
    started["properties"]["share"] = _SHARE
    time = {"type": "string", "description": "An age such as 7d, or a time in ISO 8601."}
    return {
        "/v1/indexes/{index}/experiment": {
            "parameters": [INDEX],
            "get": {
                "operationId": "readExperiment",
                "summary": "Read the experiment that runs",
                "responses": of_index(one, "The experiment, or null."),
            },
            "post": {
                "operationId": "startExperiment",
                "summary": "Compare two versions on live traffic",
                "requestBody": {"required": True, **content(started)},
                "responses": of_index(one, "It runs.", 413, good=201),
            },
            "delete": {
                "operationId": "stopExperiment",
                "summary": "End the experiment",
                "responses": of_index(one, "What has ended."),
            },
        },
        "/v1/indexes/{index}/experiment/report": {
            "parameters": [INDEX],
            "get": {
                "operationId": "reportExperiment",
                "summary": "Say what clients did with the two versions, and how sure that is",
                "parameters": [
                    query("experiment", {"type": "string"}),
                    query("since", time),
                    query("until", time),
                ],
                "responses": of_index(ref("ExperimentReportAnswer"), "The report."),
            },
        },
    }
