"""The paths of rules and synonyms in the OpenAPI document, and their answers."""

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
from service.api.rules_trials import FORMATS, MODES
from service.rules.rule import RuleSet
from service.versions.state import Action

_FLAG = {"type": "boolean"}
_IF_VERSION = {
    "name": "if_version",
    "in": "query",
    "description": "The version that the change is made to, `none` for none; a 409 if another "
    "is in force by now.",
    "schema": {"type": "string"},
}
_NOTE = {"name": "note", "in": "query", "schema": {"type": "string", "maxLength": 500}}


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RulesChangeBody(_Answer):
    """One change of what is in force; null stands for no rules."""

    version: str | None
    before: str | None
    action: Action
    at: str
    who: str


class RulesStateAnswer(_Answer):
    """Which rules are in force."""

    index: str
    active: str | None
    history: list[RulesChangeBody] = Field(description="Newest first, at most 20.")


class RulesVersionBody(_Answer):
    """A version without its rules."""

    version: str
    index: str
    created_at: str
    rules_count: int
    synonyms_count: int
    note: str
    who: str
    active: bool


class RulesAnswer(RulesStateAnswer):
    """The rules in force, and what versions there are."""

    rules: RuleSet
    versions: list[RulesVersionBody]


class RulesDocumentBody(_Answer):
    """A version with its rules."""

    version: str
    index: str
    created_at: str
    rules_count: int
    synonyms_count: int
    note: str
    who: str
    rules: RuleSet


class RulesChangedAnswer(RulesStateAnswer):
    """What a change has made. warnings: what is odd, though it is kept."""

    version: str | None = Field(description="The version that was made, activated or gone to.")
    warnings: list[str]


class DeletedRulesAnswer(_Answer):
    """A version that is gone."""

    version: str
    deleted: Literal[True]


class MovedProductBody(_Answer):
    """A product that stands elsewhere; places count from 1."""

    id: str
    from_: int = Field(alias="from")
    to: int


class RulesPreviewAnswer(_Answer):
    """A page under the rules in force and under those that are tried."""

    active: str | None
    before: dict[str, Any] = Field(description="A `SearchAnswer`.")
    after: dict[str, Any] = Field(description="A `SearchAnswer`.")
    moved: list[MovedProductBody]
    hidden: list[str] = Field(description="On the first page alone.")
    added: list[str] = Field(description="On the second page alone.")
    warnings: list[str]


class ImportRemarkBody(_Answer):
    """What is to be said of a line. taken: whether it was, though otherwise than it stands."""

    line: int
    text: str
    reason: str
    taken: bool


class TakenRulesBody(_Answer):
    """How many rules and synonyms the text has become."""

    rules: int
    synonyms: int


class RulesImportAnswer(RulesStateAnswer):
    """What has become of a text; version: null when nothing was kept."""

    version: str | None
    taken: TakenRulesBody
    left_out: int
    remarks: list[ImportRemarkBody]
    imported: RuleSet
    warnings: list[str]


MODELS: tuple[type[BaseModel], ...] = (
    RulesAnswer,
    RulesDocumentBody,
    RulesChangedAnswer,
    DeletedRulesAnswer,
    RulesPreviewAnswer,
    RulesImportAnswer,
)


def rules_paths() -> dict[str, Any]:
    """Return path to operations."""
    base = "/v1/indexes/{index}/rules"
    changed = ref("RulesChangedAnswer")
    version = closed_object(version={"type": ["string", "null"]})
    return {
        base: {
            "parameters": [INDEX],
            "get": {
                "operationId": "readRules",
                "summary": "Read the rules in force, and list the versions",
                "responses": of_index(ref("RulesAnswer"), "The rules."),
            },
            "put": {
                "operationId": "replaceRules",
                "summary": "Let a whole set of rules hold from the next search on",
                "parameters": [query("activate", {**_FLAG, "default": True}), _IF_VERSION, _NOTE],
                "requestBody": {"required": True, **content(ref("RuleSet"))},
                "responses": of_index(changed, "They are kept.", 409, 413),
            },
        },
        f"{base}/versions/{{version}}": {
            "parameters": [INDEX, VERSION_NAME],
            "get": {
                "operationId": "readRulesVersion",
                "summary": "Read the rules of one version",
                "responses": of_index(ref("RulesDocumentBody"), "The version."),
            },
            "delete": {
                "operationId": "deleteRulesVersion",
                "summary": "Forget a version for good",
                "responses": of_index(ref("DeletedRulesAnswer"), "It is gone."),
            },
        },
        f"{base}/activate": {
            "parameters": [INDEX],
            "post": {
                "operationId": "activateRules",
                "summary": "Let a version hold from the next search on; null lets none",
                "requestBody": {"required": True, **content(version)},
                "responses": of_index(changed, "It holds.", 413),
            },
        },
        f"{base}/rollback": {
            "parameters": [INDEX],
            "post": {
                "operationId": "rollBackRules",
                "summary": "Go back to the rules that held before",
                "responses": of_index(changed, "What holds now."),
            },
        },
        f"{base}/preview": {"parameters": [INDEX], "post": _preview()},
        f"{base}/import": {"parameters": [INDEX], "post": _import()},
        f"{base}/{{rule_id}}": _one("rule", "Rule", "Rule"),
        "/v1/indexes/{index}/synonyms/{synonym_id}": _one("synonym", "Synonym", "Synonym"),
    }


def _one(word: str, name: str, model: str) -> dict[str, Any]:
    """Return the operations on one rule or synonym, which make a version of the whole set."""
    one_id = {
        "name": f"{word}_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"},
    }
    changed = ref("RulesChangedAnswer")
    return {
        "parameters": [INDEX, one_id],
        "get": {
            "operationId": f"read{name}",
            "summary": f"Read a {word} that is in force",
            "responses": of_index(ref(model), f"The {word}."),
        },
        "put": {
            "operationId": f"put{name}",
            "summary": f"Add or replace a {word}",
            "parameters": [_IF_VERSION, _NOTE],
            "requestBody": {"required": True, **content(ref(model))},
            "responses": of_index(changed, "It holds.", 409, 413),
        },
        "delete": {
            "operationId": f"delete{name}",
            "summary": f"Take a {word} out",
            "parameters": [_IF_VERSION, _NOTE],
            "responses": of_index(changed, "It holds no more.", 409),
        },
    }


def _preview() -> dict[str, Any]:
    body = closed_object(
        rules={
            "description": "A set, the name of a version, or null for no rules.",
            "anyOf": [ref("RuleSet"), {"type": "string"}, {"type": "null"}],
        },
        search=ref("SearchRequest"),
    )
    return {
        "operationId": "previewRules",
        "summary": "Search under the rules in force and under others, and say what moves",
        "requestBody": {"required": True, **content(body)},
        "responses": of_index(ref("RulesPreviewAnswer"), "Both pages.", 413),
    }


def _import() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    formats = {"type": "string", "enum": list(FORMATS), "default": FORMATS[0]}
    body = {
        "type": "object",
        "properties": {"format": formats, "text": text},
        "required": ["text"],
        "additionalProperties": False,
    }
    return {
        "operationId": "importRules",
        "summary": "Take rules in Querqy's format in, and report what cannot be taken",
        "parameters": [
            query("format", formats),
            query("mode", {"type": "string", "enum": list(MODES), "default": MODES[0]}),
            query("dry_run", {**_FLAG, "default": False}),
            query("strict", {**_FLAG, "default": False}),
            query("activate", {**_FLAG, "default": True}),
            _IF_VERSION,
            _NOTE,
        ],
        "requestBody": {
            "required": True,
            "content": {"text/plain": {"schema": text}, **content(body)["content"]},
        },
        "responses": of_index(ref("RulesImportAnswer"), "What has become of it.", 409, 413),
    }
