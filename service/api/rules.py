"""`/v1/indexes/{index}/rules` and `/synonyms`: rules of an index, their versions and changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, g, request

from mappings.errors import InvalidQuery, UnknownRules
from mappings.validation_faults import shorten
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_body, json_object
from service.api.weights import only_fields, whoever
from service.rules.editing import (
    drop_rule,
    drop_synonym,
    named_products,
    put_rule,
    put_synonym,
)
from service.rules.named_products import missing_products
from service.rules.rule import Rule, RuleSet, Synonym, parse_part
from service.rules.store import RulesStore
from service.services import current_services
from service.versions.state import VersionState

blueprint = Blueprint("rules", __name__)

MAX_NAMED = 20
"""Products that a warning names."""

CHANGE_PARAMETERS = ("if_version", "note")


@blueprint.get("/v1/indexes/<index>/rules")
@needs(Scope.ADMIN)
def read_rules(index: str) -> Response:
    """Return the rules in force, and the newest thousand versions."""
    check_parameters(())
    store = rules_store(index)
    state = store.state(index)
    versions = [
        {**one, "active": one["version"] == state.active}
        for one in store.list(index)
        if one["version"] not in state.deleting
    ]
    rules = store.get_set(index, state.active)
    return json_answer({**state_body(state), "rules": rules.to_json(), "versions": versions})


@blueprint.put("/v1/indexes/<index>/rules")
@needs(Scope.ADMIN)
def replace_rules(index: str) -> Response:
    """Keep a whole set as a new version, which holds at once, or with `activate=false` later."""
    check_parameters(("activate", *CHANGE_PARAMETERS))
    store, rules = rules_store(index), RuleSet.parse(json_body())
    warnings = warnings_of(index, rules.rules)
    if flag("activate", default=True):
        state = store.replace(
            index, rules, if_version=request.args.get("if_version"), note=_note(), who=whoever()
        )
        return _changed(state, state.active, warnings)
    version = store.save(index, rules, note=_note(), who=whoever())
    return _changed(store.state(index), version, warnings)


@blueprint.get("/v1/indexes/<index>/rules/versions/<version>")
@needs(Scope.ADMIN)
def read_version(index: str, version: str) -> Response:
    """Return the rules of one version."""
    check_parameters(())
    document = rules_store(index).document(index, version)
    return json_answer({**document, "rules": RuleSet.parse(document["rules"]).to_json()})


@blueprint.delete("/v1/indexes/<index>/rules/versions/<version>")
@needs(Scope.ADMIN)
def delete_version(index: str, version: str) -> Response:
    """Forget a version for good; the one in force is kept."""
    check_parameters(())
    g.audit = {"version": version[:200]}
    rules_store(index).delete(index, version)
    return json_answer({"version": version, "deleted": True})


@blueprint.post("/v1/indexes/<index>/rules/activate")
@needs(Scope.ADMIN)
def activate(index: str) -> Response:
    """Let a version hold from the next search on; null lets none."""
    check_parameters(())
    body = json_object()
    only_fields(body, ("version",))
    version = body.get("version", 0)
    if version is not None and not isinstance(version, str):
        raise InvalidQuery(
            f"version: should be text, or null for none, got {shorten(body.get('version'))}",
            field="version",
        )
    store = rules_store(index)
    if version is None:
        state = store.deactivate(index, who=whoever())
    else:
        state = store.activate(index, version, who=whoever())
    return _changed(state, state.active)


@blueprint.post("/v1/indexes/<index>/rules/rollback")
@needs(Scope.ADMIN)
def rollback(index: str) -> Response:
    """Go back to the rules that held before."""
    check_parameters(())
    state = rules_store(index).rollback(index, who=whoever())
    return _changed(state, state.active)


@blueprint.get("/v1/indexes/<index>/rules/<rule_id>")
@needs(Scope.ADMIN)
def read_rule(index: str, rule_id: str) -> Response:
    """Return one rule that is in force."""
    check_parameters(())
    return json_answer(_find("rule", rule_id, _active(index).rules))


@blueprint.put("/v1/indexes/<index>/rules/<rule_id>")
@needs(Scope.ADMIN)
def replace_rule(index: str, rule_id: str) -> Response:
    """Add a rule as the last one, or replace the one of that id."""
    rule = parse_part(Rule, _with_id(rule_id))
    return _edit(index, lambda known: put_rule(known, rule), rule_id, (rule,))


@blueprint.delete("/v1/indexes/<index>/rules/<rule_id>")
@needs(Scope.ADMIN)
def delete_rule(index: str, rule_id: str) -> Response:
    """Take a rule out."""
    return _edit(index, lambda known: drop_rule(known, rule_id), rule_id)


@blueprint.get("/v1/indexes/<index>/synonyms/<synonym_id>")
@needs(Scope.ADMIN)
def read_synonym(index: str, synonym_id: str) -> Response:
    """Return one synonym that is in force."""
    check_parameters(())
    return json_answer(_find("synonym", synonym_id, _active(index).synonyms))


@blueprint.put("/v1/indexes/<index>/synonyms/<synonym_id>")
@needs(Scope.ADMIN)
def replace_synonym(index: str, synonym_id: str) -> Response:
    """Add a synonym, or replace the one of that id."""
    synonym = parse_part(Synonym, _with_id(synonym_id))
    return _edit(index, lambda known: put_synonym(known, synonym), synonym_id)


@blueprint.delete("/v1/indexes/<index>/synonyms/<synonym_id>")
@needs(Scope.ADMIN)
def delete_synonym(index: str, synonym_id: str) -> Response:
    """Take a synonym out."""
    return _edit(index, lambda known: drop_synonym(known, synonym_id), synonym_id)


def rules_store(index: str) -> RulesStore:
    """Return the store for an index that is there, ours or attached; raises UnknownIndex."""
    services = current_services()
    services.elasticsearch_api.targets.get(index)
    return RulesStore(services.client, on_change=services.rules.changed)


def warnings_of(index: str, rules: Iterable[Rule]) -> list[str]:
    """Return what is odd about rules though they can be kept: products that are not there."""
    services = current_services()
    live = services.elasticsearch_api.targets.get(index)
    missing = missing_products(services.client, live.index, named_products(rules))
    if not missing:
        return []
    named = ", ".join(repr(one) for one in missing[:MAX_NAMED])
    more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
    return [f"not in the index: {named}{more}"]


def state_body(state: VersionState) -> dict[str, Any]:
    """Return what is in force, newest change first."""
    return {
        "index": state.index,
        "active": state.active,
        "history": [asdict(change) for change in reversed(state.history)],
    }


def flag(name: str, *, default: bool) -> bool:
    """Return a parameter that is true or false; raises InvalidQuery for any other."""
    value = request.args.get(name, "true" if default else "false")
    if value not in ("true", "false"):
        raise InvalidQuery(f"{name}: should be true or false, got {shorten(value)}", field=name)
    return value == "true"


def _edit(
    index: str,
    change: Callable[[RuleSet], RuleSet],
    name: str,
    rules: Iterable[Rule] = (),
) -> Response:
    check_parameters(CHANGE_PARAMETERS)
    store, warnings = rules_store(index), warnings_of(index, rules)
    if_version = request.args.get("if_version")
    state = store.edit(index, change, if_version=if_version, note=_note(), who=whoever())
    response = _changed(state, state.active, warnings)
    g.audit = {"version": state.active, "id": name[:100]}
    return response


def _changed(state: VersionState, version: str | None, warnings: Iterable[str] = ()) -> Response:
    g.audit = {"version": version}
    return json_answer({**state_body(state), "version": version, "warnings": list(warnings)})


def _active(index: str) -> RuleSet:
    store = rules_store(index)
    return store.get_set(index, store.state(index).active)


def _find(what: str, name: str, among: Iterable[Rule | Synonym]) -> dict[str, Any]:
    for one in among:
        if one.id == name:
            return one.model_dump(mode="json", exclude_defaults=True)
    raise UnknownRules(f"there is no {what} {name[:100]!r} in the active rules", field="id")


def _with_id(name: str) -> Mapping[str, Any]:
    body = json_object()
    if body.get("id", name) != name:
        raise InvalidQuery(
            f"id: is {shorten(body['id'])} in the body and {name[:100]!r} in the address",
            field="id",
        )
    return {**body, "id": name}


def _note() -> str:
    return request.args.get("note", "")
