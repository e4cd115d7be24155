"""The side-by-side page: its views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from flask import Response, request
from flask.typing import ResponseReturnValue

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import json_object
from service.api.judgements import require_lists, visible_lists
from service.judgements.judgement_list import MAX_GRADE
from service.judgements.store import JudgementStore, StoredList
from service.rules.store import RulesStore
from service.search_results import LEXICAL, WORDS_FIND_PHOTOS, WORDS_FIND_TEXT
from service.services import Services, current_services
from service.studio.compare.bars import LEGS
from service.studio.compare.configurations import (
    NAMED,
    Configuration,
    version_choice,
)
from service.studio.compare.judged import Values, effect_of, measure_part
from service.studio.compare.sides import Question, ask_both
from service.studio.frame import StudioPage, page_blueprint, piece
from service.weights.store import WeightsStore

PAGE = StudioPage(
    name="compare",
    title="Side by side",
    lead="One query under two configurations: what moves, and why.",
    order=10,
    package="service.studio.compare",
    scripts=("compare.js",),
    styles=("compare.css",),
)
blueprint = page_blueprint(PAGE)

_DEFAULTS = {"a": "keyword", "b": "active"}
_NO_LIST = "none"
_VERSIONS = 50
"""Versions to choose from, the newest ones."""
_EQUAL = 0.5
"""Where the sliders of weights of one's own stand at first."""


@blueprint.get("/setup")
@needs(Scope.ADMIN)
def setup(index: str) -> ResponseReturnValue:
    """Show the form as the address has it; a side that it says wrongly is at its default."""
    services = current_services()
    live = services.indexes.get(index)
    legs = [LEXICAL, WORDS_FIND_TEXT, *([WORDS_FIND_PHOTOS] if live.image_encoder else [])]
    store = WeightsStore(services.client)
    active = store.state(index).active
    choices = [
        *((choice, label) for choice, (label, _) in NAMED.items()),
        *(
            (
                version_choice(version["version"]),
                f"Version {version['version']}" + (", active" * (version["version"] == active)),
            )
            for version in store.list(index)[:_VERSIONS]
        ),
    ]
    rules = RulesStore(services.client).list(index)[:_VERSIONS]
    # Lists are of the whole cluster: a key for some indexes is told nothing of them.
    lists = visible_lists()
    return piece(
        "studio/compare/setup.html",
        words=request.args.get("q", ""),
        filter=request.args.get("filter", ""),
        sides=[_shown_side(side, legs) for side in ("a", "b")],
        choices=choices,
        lists=lists,
        list_name=_list_name(index, lists),
        no_list=_NO_LIST,
        rules=[one["version"] for one in rules],
    )


@blueprint.get("/sides")
@needs(Scope.ADMIN)
def sides(index: str) -> ResponseReturnValue:
    """Show both answers to a query. Raises what a search raises."""
    services = current_services()
    question = _question()
    if not question.words:
        raise InvalidQuery("q: should have words, got none", field="q")
    grades, max_grade, list_name = _grades(services, index, question.words)
    a, b = ask_both(services.searcher, index, question, _configurations(), grades)
    return piece(
        "studio/compare/sides.html",
        name=index,
        words=question.words,
        sides=(a, b),
        has_grades=bool(list_name),
        judged=len(grades),
        max_grade=max_grade,
        list_name=list_name,
        legs=LEGS,
    )


@blueprint.get("/judged")
@needs(Scope.ADMIN)
def judged(index: str) -> Response:
    """Measure some judged queries under both configurations, in JSON.

    `next` is where the next request should begin, null when all are measured.
    """
    services = current_services()
    name, start = request.args.get("list", ""), request.args.get("from", "0")
    if not start.isascii() or not start.isdigit() or len(start) > 6:
        raise InvalidQuery(f"from: should be a whole number, got {shorten(start)}", field="from")
    require_lists(index)
    content = JudgementStore(services.client).read(name)
    part = measure_part(
        services.searcher,
        index,
        content.judgements,
        _configurations(),
        _question().filter,
        int(start),
    )
    return json_answer(asdict(part))


@blueprint.post("/effect")
@needs(Scope.ADMIN, changes=False)
def effect(index: str) -> ResponseReturnValue:
    """Show what B does to the judged queries, from values of `judged` that the page kept."""
    return piece(
        "studio/compare/effect.html",
        index=index,
        effect=effect_of(Values.parse(json_object())),
        configurations=_configurations(),
        list_name=request.args.get("list", ""),
    )


def _question() -> Question:
    return Question.parse(request.args.get("q", ""), request.args.get("filter", ""))


def _configurations() -> Sequence[Configuration]:
    return tuple(
        Configuration.parse(
            request.args.get(side, "") or default,
            rules=request.args.get(f"{side}_rules", ""),
            field=side,
        )
        for side, default in _DEFAULTS.items()
    )


def _shown_side(side: str, legs: Sequence[str]) -> Mapping[str, object]:
    default = _DEFAULTS[side]
    rules = request.args.get(f"{side}_rules", "")
    try:
        chosen = Configuration.parse(request.args.get(side, "") or default, rules=rules)
    except InvalidQuery:
        chosen = Configuration(default)
    return {
        "name": side,
        "letter": side.upper(),
        "choice": chosen.choice,
        "rules": chosen.rules,
        "sliders": [(leg, LEGS[leg][0], chosen.weights.get(leg, _start(chosen))) for leg in legs],
    }


def _start(chosen: Configuration) -> float:
    return 0.0 if chosen.weights else _EQUAL


def _list_name(index: str, lists: Sequence[StoredList]) -> str:
    """Return the list that the address names, else the one that is most likely meant."""
    names = [one.name for one in lists]
    asked = request.args.get("list", "")
    if asked in (*names, _NO_LIST):
        return asked
    if index in names:
        return index
    return names[0] if len(names) == 1 else _NO_LIST


def _grades(services: Services, index: str, words: str) -> tuple[Mapping[str, int], int, str]:
    """Return the grades of the query in the list that the address names, its best grade, its name.

    Raises InvalidQuery for a list that is not there, Forbidden for who may see no lists.
    """
    name = request.args.get("list", "")
    if name in ("", _NO_LIST):
        return {}, MAX_GRADE, ""
    require_lists(index)
    content = JudgementStore(services.client).read(name)
    return content.judgements.get(words, {}), content.max_grade, name
