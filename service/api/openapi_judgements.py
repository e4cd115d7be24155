"""The paths of judgement lists in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from service.api.openapi_parts import INDEX, content, of_index, query, ref
from service.judgements.export import EXPORT_FORMATS
from service.judgements.files import FORMATS
from service.judgements.judgement_list import HIGHEST_GRADE
from service.judgements.rows import CONTRADICTIONS
from service.judging.list_body import GradeBody, ListBody
from service.judging.queue_request import QueueRequest

_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"},
}
_PATH = "/v1/indexes/{index}/judgements"


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class JudgementListBody(_Answer):
    """What is known of a list."""

    name: str
    imported_at: str
    source: str = Field(description="Name of the file that it came from.")
    max_grade: int
    judgements: int
    queries: int


class JudgementListsAnswer(_Answer):
    """The lists by name."""

    lists: list[JudgementListBody]


class JudgementListAnswer(JudgementListBody):
    """A list with all that is in it."""

    grades: dict[str, dict[str, int]] = Field(description="Query to product id to grade.")


class SavedListAnswer(JudgementListBody):
    """A list that was stored. remarks: what should be known before it is measured with."""

    remarks: list[str]


class GradeAnswer(_Answer):
    """A grade that was given."""

    query: str
    product_id: str
    grade: int | None
    previous: int | None = Field(description="The grade that the pair had, null for none.")


class PairBody(_Answer):
    """A pair without a grade."""

    query: str
    product_id: str
    stake: float = Field(description="How much of NDCG@10 over all searches hangs on its grade.")
    ranks: dict[str, int | None] = Field(description="Rank from 1 by ranking.")
    product: dict[str, Any]


class QueryProgressBody(_Answer):
    """How far a query is."""

    query: str
    judged: int
    open: int


class QueueAnswer(_Answer):
    """What to judge next; the pairs of a query follow each other."""

    pairs: list[PairBody]
    queries: int = Field(description="How many queries there are.")
    looked_at: int = Field(description="How many of them were searched for in the time there is.")
    open: int = Field(description="Pairs without a grade.")
    progress: list[QueryProgressBody]
    refused: dict[str, str] = Field(description="Query to why it cannot be searched for.")


MODELS: tuple[type[BaseModel], ...] = (
    ListBody,
    GradeBody,
    QueueRequest,
    JudgementListBody,
    JudgementListsAnswer,
    JudgementListAnswer,
    SavedListAnswer,
    GradeAnswer,
    QueueAnswer,
)


def judgements_paths() -> dict[str, Any]:
    """Return path to operations."""
    text = {"schema": {"type": "string"}}
    files = {"text/csv": text, "application/x-ndjson": text, "text/plain": text}
    whole = of_index(ref("JudgementListAnswer"), "The list, or a file of it.")
    whole["200"]["content"] |= files
    return {
        _PATH: {
            "parameters": [INDEX],
            "get": {
                "operationId": "listJudgements",
                "summary": "List the judgement lists of the cluster",
                "responses": of_index(ref("JudgementListsAnswer"), "The lists."),
            },
        },
        f"{_PATH}/{{name}}": {
            "parameters": [INDEX, _NAME],
            "get": {
                "operationId": "readJudgements",
                "summary": "Read a judgement list, or export it as a file",
                "parameters": [_parameter("format", ["json", *EXPORT_FORMATS])],
                "responses": whole,
            },
            "put": {
                "operationId": "saveJudgements",
                "summary": "Store, replace or extend a judgement list, whole or not at all",
                "parameters": [
                    _parameter("mode", ["create", "replace", "merge"]),
                    _parameter("format", ["json", *FORMATS]),
                    _parameter("contradictions", list(CONTRADICTIONS)),
                    {
                        "name": "max_grade",
                        "in": "query",
                        "description": "Of a file; JSON says it in the body.",
                        "schema": {"type": "integer", "minimum": 1, "maximum": HIGHEST_GRADE},
                    },
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        **content(ref("ListBody"))["content"],
                        "text/plain": {
                            "schema": {
                                "type": "string",
                                "description": "A file, as `format` says.",
                            }
                        },
                    },
                },
                "responses": of_index(ref("SavedListAnswer"), "It is stored.", 413),
            },
            "patch": {
                "operationId": "gradePair",
                "summary": "Give one pair a grade, or take it away",
                "requestBody": {"required": True, **content(ref("GradeBody"))},
                "responses": of_index(ref("GradeAnswer"), "It is stored.", 409, 413),
            },
            "delete": {
                "operationId": "deleteJudgements",
                "summary": "Delete a judgement list for good",
                "responses": of_index(ref("JudgementListBody"), "What it was."),
            },
        },
        f"{_PATH}/{{name}}/queue": {
            "parameters": [INDEX, _NAME],
            "post": {
                "operationId": "queueJudgements",
                "summary": "Find the pairs whose grades would tell most",
                "requestBody": {"required": False, **content(ref("QueueRequest"))},
                "responses": of_index(ref("QueueAnswer"), "The pairs.", 413),
            },
        },
    }


def _parameter(name: str, values: list[str]) -> dict[str, Any]:
    return query(name, {"type": "string", "enum": values, "default": values[0]})
