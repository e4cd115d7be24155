"""The shapes of the answers, for the OpenAPI document; tests hold real answers against them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorDetail(_Answer):
    """What went wrong, and where in the request."""

    code: str
    message: str
    field: str | None
    request_id: str


class ErrorAnswer(_Answer):
    """The body of every answer with status 400 and over."""

    error: ErrorDetail


class RejectBody(_Answer):
    """A product that cannot be used."""

    position: int | None
    id: str | None
    field: str | None
    reason: str


class AcceptedAnswer(_Answer):
    """Changes are queued."""

    task_id: str
    accepted: int
    rejected: list[RejectBody]


class ProductAnswer(_Answer):
    """A product as it was sent."""

    id: str
    product: dict[str, Any]


class RebuildAnswer(_Answer):
    """How far a rebuild is; `report` holds what verification and gate have seen."""

    index: str
    source: str
    target: str
    step: Literal["copying", "verifying", "ready", "failed", "done", "dropped"]
    task_id: str | None
    total: int
    failed: str | None
    report: dict[str, Any]


class FinetuningAnswer(_Answer):
    """A fine-tuning; `reindex` is the body of the rebuild that serves what it made."""

    id: str
    index: str
    created_at: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    seen_at: str | None = Field(description="When its worker last said how far it is.")
    options: dict[str, Any]
    encoder: str = Field(description="Name of the encoder, the folder that it is written to.")
    said: str = Field(description="The newest line of its progress, or why it failed.")
    before: dict[str, float | None] = Field(description="Figures on products held out.")
    after: dict[str, float | None]
    reindex: dict[str, str] | None


class TaskReject(_Answer):
    """A product that was not indexed."""

    product_id: str | None
    field: str | None
    reason: str
    position: int | None


class TaskAnswer(_Answer):
    """A task's progress; the counts of outcomes add up to `done`."""

    id: str
    index: str
    state: Literal["queued", "running", "done", "cancelled"]
    total: int
    done: int
    indexed: int
    unchanged: int
    deleted: int
    stale: int
    missing: int
    rejected: int
    cancelled: int
    created_at: str
    finished_at: str | None
    rate: float | None = Field(
        description="Products a second, from the beginning to now or to the end."
    )
    seconds_left: float | None = Field(description="An estimate; null while there is none.")
    rejects: list[TaskReject]


class ChangeBody(_Answer):
    """A change as it came. arrival: its place in the order of arrival."""

    operation: str
    id: str
    fields: dict[str, Any] = {}
    version: int | None = None
    arrival: int = 0


class DeadLetterBody(_Answer):
    """A change that no worker could apply."""

    id: str
    index: str
    change: ChangeBody
    reason: str
    field: str | None
    attempts: int
    task_id: str
    at: str


class DeadLettersAnswer(_Answer):
    """Dead letters, newest first; total: how many there are on all pages."""

    total: int
    dead_letters: list[DeadLetterBody]


class WebhookAnswer(_Answer):
    """What became of a webhook; `reason` when there was nothing to do."""

    task_id: str | None
    accepted: int
    reason: str | None


class EventsAnswer(_Answer):
    """Events are stored; accepted: how many, with those that were there already."""

    accepted: int


class KeyBody(_Answer):
    """An API key, without its secret."""

    id: str
    state: Literal["active", "expired", "revoked"]
    name: str
    scopes: list[str]
    indexes: list[str]
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None


class KeysAnswer(_Answer):
    """API keys, newest first."""

    keys: list[KeyBody]


class NewKeyAnswer(KeyBody):
    """A key that was just made; `key` is its only copy."""

    key: str


class HealthAnswer(_Answer):
    """`ok`, or what is amiss with each part; `degraded` answers searches all the same."""

    status: Literal["ok", "degraded", "unavailable", "stopping"]
    checks: dict[str, str] = {}


class LegBody(_Answer):
    """What one leg says of a hit."""

    score: float | None
    rank: int | None
    weight: float | None = Field(
        description="null where a model has no weights, as trees have none"
    )
    contribution: float


class FeatureBody(_Answer):
    """What one ranking feature gave to a hit; value as measured, null when it is not known."""

    value: float | None
    contribution: float


class PhotoBody(_Answer):
    """The photo that decided: of a product's photos the nearest."""

    position: int = Field(description="Its place among the product's images, from 0.")
    address: str | None = Field(description="A `data:` address is cut short.")
    score: float = Field(description="Cosine, -1 to 1.")
    leg: str


class MoveBody(_Answer):
    """A rule that moves a hit."""

    rule: str
    strength: float = Field(description="-1 to 1, below 0 down.")


class AppliedRuleBody(_Answer):
    """A rule that holds, and what of it was applied."""

    id: str
    what: list[Literal["replace", "hide", "only", "pin", "boost", "bury"]]


class FoundSynonymBody(_Answer):
    """A synonym of words of the query, and what was searched for besides."""

    id: str
    text: str
    others: list[str]


class RulesInForceBody(_Answer):
    """The rules and synonyms that took part."""

    version: str | None
    applied: list[AppliedRuleBody]
    synonyms: list[FoundSynonymBody]


class HitBody(_Answer):
    """A ranked product."""

    id: str
    score: float | None
    product: dict[str, Any]
    pinned: bool | None = Field(None, description="Whether a rule gave it its place.")
    moved_by: list[MoveBody] = []
    photo: PhotoBody | None = None
    legs: dict[str, LegBody] = {}
    explanation: str | None = None
    features: dict[str, FeatureBody] = {}
    team: str | None = Field(
        None, description="In a list interleaved by an experiment, the version that picked it."
    )


class TotalBody(_Answer):
    """How many products match."""

    value: int
    relation: Literal["eq", "gte"]


class SearchAnswerBody(_Answer):
    """The answer to a search."""

    query_id: str
    total: TotalBody
    cursor: str | None
    hits: list[HitBody]
    facets: dict[str, list[dict[str, Any]]]
    understood: dict[str, Any]
    rules: RulesInForceBody | None = Field(
        None, description="Which rules took part; absent where there are none."
    )
    warnings: list[str]
    weights_version: str = Field(
        description="What ranked: a stored version, the shipped one such as `default-2`, "
        "`request` for weights of the request, or `A+B` for a list interleaved of two versions."
    )
    took: dict[str, float]


class SuggestedValue(_Answer):
    """A brand, or the path of a category, and how many products have it."""

    value: str
    count: int


class SuggestedProduct(_Answer):
    """A product whose title begins so; what it has not is left out."""

    id: str
    title: str
    photo: str | None = Field(None, description="Address of its first photo.")
    price: float | None = None
    currency: str | None = None


class SuggestAnswer(_Answer):
    """What may be meant, the likeliest first. A part that cannot be had is empty."""

    queries: list[str] = Field(description="What at least 5 people asked in the last 90 days.")
    brands: list[SuggestedValue]
    categories: list[SuggestedValue]
    products: list[SuggestedProduct]
    warnings: list[str]


MODELS: tuple[type[BaseModel], ...] = (
    ErrorAnswer,
    AcceptedAnswer,
    ProductAnswer,
    RebuildAnswer,
    FinetuningAnswer,
    TaskAnswer,
    DeadLettersAnswer,
    EventsAnswer,
    WebhookAnswer,
    KeysAnswer,
    NewKeyAnswer,
    HealthAnswer,
    SearchAnswerBody,
    SuggestAnswer,
)
