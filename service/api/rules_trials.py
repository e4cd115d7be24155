"""`/v1/indexes/{index}/rules/preview` and `/import`: rules that are looked at before they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

from flask import Blueprint, Response, g, request

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, decode_json, json_object, raw_body
from service.api.rules import flag, rules_store, state_body, warnings_of
from service.api.weights import only_fields, whoever
from service.rules.editing import merge
from service.rules.moves import moved
from service.rules.previewing import search_with_rules
from service.rules.querqy import Format, Imported, read_querqy
from service.rules.rule import RuleSet
from service.rules.store import RulesStore
from service.search_request import SearchRequest
from service.services import current_services

blueprint = Blueprint("rules_trials", __name__)

FORMATS: tuple[Format, ...] = get_args(Format)
MODES = ("merge", "replace")
IMPORT_PARAMETERS = ("format", "mode", "dry_run", "strict", "activate", "if_version", "note")


@blueprint.post("/v1/indexes/<index>/rules/preview")
@needs(Scope.ADMIN, changes=False)
def preview(index: str) -> Response:
    """Return a page under the rules in force, and under others, and what moves."""
    check_parameters(())
    body = json_object()
    only_fields(body, ("rules", "search"))
    store = rules_store(index)
    asked = SearchRequest.parse(body.get("search", {}))
    active = store.state(index).active
    in_force = store.get(index, active) if active else None
    tried = _rules_to_try(store, index, body.get("rules"))
    services = current_services()
    before = search_with_rules(services, index, asked, in_force).to_json()
    after = search_with_rules(services, index, asked, tried).to_json()
    pages = ([hit["id"] for hit in answer["hits"]] for answer in (before, after))
    return json_answer(
        {
            "active": active,
            "before": before,
            "after": after,
            **moved(*pages),
            "warnings": warnings_of(index, tried.rules if tried else ()),
        }
    )


@blueprint.post("/v1/indexes/<index>/rules/import")
@needs(Scope.ADMIN)
def import_rules(index: str) -> Response:
    """Take rules of Querqy in, all that can be taken in one new version, and report the rest."""
    check_parameters(IMPORT_PARAMETERS)
    store = rules_store(index)
    format_, text = _format_and_text()
    mode = request.args.get("mode", "merge")
    if mode not in MODES:
        raise InvalidQuery(f"mode: should be merge or replace, got {shorten(mode)}", field="mode")
    read = read_querqy(text, format_)
    left_out = [remark for remark in read.remarks if not remark.taken]
    if flag("strict", default=False) and left_out:
        first = left_out[0]
        raise InvalidQuery(
            f"line {first.line}: {first.reason}, got {shorten(first.text)}; {len(left_out)} lines "
            "cannot be taken, so nothing was",
            field="text",
        )
    state, version = store.state(index), None
    if not flag("dry_run", default=False):
        state, version = _keep(store, index, read, replaces=mode == "replace")
    g.audit = {"version": version, "rules": len(read.rules.rules)}
    return json_answer(
        {
            **state_body(state),
            "version": version,
            "taken": {"rules": len(read.rules.rules), "synonyms": len(read.rules.synonyms)},
            "left_out": len(left_out),
            "remarks": [asdict(remark) for remark in read.remarks],
            "imported": read.rules.to_json(),
            "warnings": warnings_of(index, read.rules.rules),
        }
    )


def _keep(store: RulesStore, index: str, read: Imported, *, replaces: bool) -> tuple[Any, Any]:
    """Return the state and the version that was made, None when nothing was to be taken."""

    def change(known: RuleSet) -> RuleSet:
        return read.rules if replaces else merge(known, read.rules)

    state = store.state(index)
    if not (read.rules.rules or read.rules.synonyms):
        return state, None
    note, who = request.args.get("note", "import"), whoever()
    if flag("activate", default=True):
        if_version = request.args.get("if_version")
        state = store.edit(index, change, if_version=if_version, note=note, who=who)
        return state, state.active
    known = store.get_set(index, state.active)
    return state, store.save(index, change(known), note=note, who=who)


def _rules_to_try(store: RulesStore, index: str, given: object) -> RuleSet | None:
    if given is None:
        return None
    return store.get(index, given) if isinstance(given, str) else RuleSet.parse(given)


def _format_and_text() -> tuple[Format, str]:
    raw = raw_body()
    body: Mapping[str, Any] = {}
    if request.mimetype == "application/json":
        body = decode_json(raw)
        if not isinstance(body, dict):
            raise InvalidQuery(
                f"the body should be a JSON object, got {shorten(body)}", field="body"
            )
        only_fields(body, ("format", "text"))
        text = body.get("text")
    else:
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise InvalidQuery(f"the body is no UTF-8: {error}", field="body") from error
    given = body.get("format", request.args.get("format", FORMATS[0]))
    for known in FORMATS:
        if given == known:
            break
    else:
        raise InvalidQuery(
            f"format: should be {' or '.join(FORMATS)}, got {shorten(given)}", field="format"
        )
    if not isinstance(text, str) or not text.strip():
        raise InvalidQuery(f"text: should be rules, got {shorten(text)}", field="text")
    return known, text
