"""The page of rules: its views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.access.scopes import Scope, needs
from service.api.bodies import json_object
from service.api.rules import rules_store
from service.pages.cards import card_of
from service.rules.editing import put_rule, put_synonym
from service.rules.previewing import search_with_rules
from service.rules.rule import Rule, RuleSet, Synonym, parse_part
from service.rules.store import RulesStore
from service.search_request import SearchRequest
from service.search_results import SearchAnswer
from service.services import current_services
from service.studio.compare.moved import mark
from service.studio.frame import StudioPage, page_blueprint, piece
from service.studio.rules.words import describe_rule, describe_synonym, is_meant

PAGE = StudioPage(
    name="rules",
    title="Rules",
    lead="What people say about the search, on top of what was learned.",
    order=20,
    package="service.studio.rules",
    scripts=("rules.js",),
    styles=("rules.css",),
)
blueprint = page_blueprint(PAGE)

MAX_SHOWN = 100
"""Rules, and synonyms, that are listed at once; the search finds the others."""

PREVIEWED = 12
"""Products of a preview."""


@blueprint.get("/list")
@needs(Scope.ADMIN)
def show_list(index: str) -> ResponseReturnValue:
    """Show the rules and synonyms in force that have the words asked for."""
    store = rules_store(index)
    state = store.state(index)
    rules = store.get_set(index, state.active)
    asked = request.args.get("q", "")
    shown = [describe_rule(rule) for rule in rules.rules if is_meant(rule, asked)]
    synonyms = [describe_synonym(one) for one in rules.synonyms if is_meant(one, asked)]
    return piece(
        "studio/rules/list.html",
        state=state,
        asked=asked,
        total=(len(rules.rules), len(rules.synonyms)),
        found=(len(shown), len(synonyms)),
        rules=shown[:MAX_SHOWN],
        synonyms=synonyms[:MAX_SHOWN],
    )


@blueprint.get("/versions")
@needs(Scope.ADMIN)
def show_versions(index: str) -> ResponseReturnValue:
    """Show the versions, newest first, and what was in force."""
    store = rules_store(index)
    state = store.state(index)
    before = state.before_active()
    return piece(
        "studio/rules/versions.html",
        state=state,
        versions=[one for one in store.list(index) if one["version"] not in state.deleting],
        can_go_back=bool(before),
        goes_back_to=before[0] if before else None,
    )


@blueprint.post("/preview")
@needs(Scope.ADMIN, changes=False)
def show_preview(index: str) -> ResponseReturnValue:
    """Show a query under the rules in force, and under others. Raises what a search raises."""
    body = json_object()
    store = rules_store(index)
    in_force = store.get_set(index, store.state(index).active)
    tried, name = _tried(store, index, body, in_force)
    asked = SearchRequest.parse({"q": body.get("q", ""), "limit": PREVIEWED, "explain": True})
    services = current_services()
    before = search_with_rules(services, index, asked, in_force)
    after = search_with_rules(services, index, asked, tried)
    return piece(
        "studio/rules/preview.html",
        words=body.get("q", ""),
        name=index,
        sides=(
            ("Now", before, _hits(index, before, after, is_after=False)),
            (name, after, _hits(index, after, before, is_after=True)),
        ),
    )


def _tried(
    store: RulesStore, index: str, body: Mapping[str, Any], in_force: RuleSet
) -> tuple[RuleSet | None, str]:
    """Return the rules to be tried, None for none, and what they are called."""
    if "rule" in body:
        rule = parse_part(Rule, body["rule"])
        return put_rule(in_force, rule), f"With {rule.id}"
    if "synonym" in body:
        synonym = parse_part(Synonym, body["synonym"])
        return put_synonym(in_force, synonym), f"With {synonym.id}"
    if "rules" in body:
        return RuleSet.parse(body["rules"]), "With these rules"
    version = body.get("version")
    if version is None:
        return None, "Without rules"
    if not isinstance(version, str):
        raise InvalidQuery(f"version: should be text, got {shorten(version)}", field="version")
    return store.get(index, version), version


def _hits(
    index: str, answer: SearchAnswer, other: SearchAnswer, *, is_after: bool
) -> list[dict[str, Any]]:
    other_ids = [hit.id for hit in other.hits]
    marks = mark(
        [hit.id for hit in answer.hits],
        other_ids,
        is_after=is_after,
        other_name="now" if is_after else "then",
        is_whole=other.total.value <= len(other_ids),
    )
    return [
        {"hit": hit, "card": card_of(index, hit, place), "moved": marks[hit.id]}
        for place, hit in enumerate(answer.hits, start=1)
    ]
