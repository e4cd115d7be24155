"""What the rules in force make of one search, before anything is searched."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from mappings.errors import UnknownRules
from service.cursor import Cursor
from service.filters.compiler import compile_filter
from service.query_vectors import Embedding, QueryVectors
from service.retrieval.lexical import all_words_clause
from service.retrieval.moves import Move
from service.retrieval.vectors import Clause
from service.rules.following import RulesInForce, RulesSource
from service.rules.matching import RuleMatcher, filtered_categories
from service.rules.phrases import rule_key
from service.rules.replacing import replace_words
from service.rules.rule import MAX_PINS, Rule, RuleSet, Selection
from service.rules.synonyms import Expansion, FoundSynonym, SynonymTable
from service.search_request import SearchRequest

OFF = "off"
"""`rules` of a request that wants none."""

OF_THE_ORDER = ("pin", "boost", "bury")
"""Parts of a rule that say where products stand."""

MAX_NAMED = 5
"""Rules that a warning names."""

MAX_MOVING = 200
"""Conditions by which one search moves products."""

MAX_HIDING = 500
"""Conditions by which it hides them, or is held to some. Elasticsearch refuses a query of too many
clauses, 1,024 where it has least memory, and no rule may make a search fail."""


@dataclass(frozen=True)
class CompiledRules:
    """A rule set, made ready once for all searches."""

    matcher: RuleMatcher
    synonyms: SynonymTable


def compile_rules(rules: RuleSet) -> CompiledRules:
    """Return the rules as searches ask them."""
    return CompiledRules(RuleMatcher(rules.rules), SynonymTable(rules.synonyms))


_NONE = RulesInForce(None, RuleSet(), compile_rules(RuleSet()))


def rules_of(
    source: RulesSource[CompiledRules], index: str, request: SearchRequest
) -> RulesInForce[CompiledRules]:
    """Return the rules that a request is answered by; raises UnknownRules for a version."""
    if request.rules == OFF:
        return _NONE
    if request.rules is None:
        return source.get(index)
    try:
        return source.get_version(index, request.rules)
    except UnknownRules as error:
        raise UnknownRules(error.message, field="rules") from error


@dataclass(frozen=True)
class AppliedRule:
    """A rule that holds. what: the parts of it that were applied, e.g. `pin`."""

    id: str
    what: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"id": self.id, "what": list(self.what)}


@dataclass(frozen=True)
class Curation:
    """What rules and synonyms do to one search.

    is_known: whether there is a rule set at all. version: of the rules, None for a draft.
    pins: product to the rule that pins it, in the order of their places. filters: what hidden
    products do not fulfil. moves: up and down. expansion: None where no synonym holds.
    synonyms: all that are in force, None without any.
    """

    is_known: bool = False
    version: str | None = None
    applied: tuple[AppliedRule, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[Clause, ...] = ()
    moves: tuple[Move, ...] = ()
    expansion: Expansion | None = None
    synonyms: SynonymTable | None = None
    warnings: tuple[str, ...] = ()

    @property
    def found_synonyms(self) -> tuple[FoundSynonym, ...]:
        """Return the synonyms that took part."""
        return self.expansion.found if self.expansion else ()

    def expand(self, text: str) -> Expansion | None:
        """Return what synonyms make of one text, None where none holds."""
        return self.synonyms.expand({text: 1.0}) if self.synonyms else None

    def query(
        self,
        terms: Mapping[str, float],
        brought: Mapping[str, Embedding],
        photo: Embedding | None = None,
    ) -> QueryVectors:
        """Return what a query is made of, with its synonyms."""
        if self.expansion is None:
            return QueryVectors(terms, brought, photo)
        own = self.expansion
        return QueryVectors(terms, brought, photo, synonyms=own.groups, beside=own.replaced)

    def place(self, start: Cursor, sort: Sequence[Any], *, is_browsing: bool) -> Cursor:
        """Return where a page begins, by its number alone when the order has got other values.

        So that a reader who browses goes on when a rule begins to move products, or ends.
        """
        if is_browsing and start.after and len(start.after) != len(sort):
            return replace(start, after=())
        return start

    def key(self) -> str:
        """Return what tells this from what other rules do to the same search; empty for nothing.

        By content and not by version: a version that changes nothing here leaves pages as they
        are, and one that does is seen on the next query.
        """
        if not (self.applied or self.expansion):
            return ""
        parts = [
            [one.to_json() for one in self.applied],
            list(self.pins),
            self.filters,
            [[one.strength, one.products] for one in self.moves],
            [one.to_json() for one in self.found_synonyms],
            self.expansion.others if self.expansion else {},
        ]
        return hashlib.blake2b(orjson.dumps(parts), digest_size=9).hexdigest()

    def to_json(self) -> dict[str, Any] | None:
        """Return the JSON object of the answer, None where there are no rules."""
        if not self.is_known:
            return None
        return {
            "version": self.version,
            "applied": [one.to_json() for one in self.applied],
            "synonyms": [one.to_json() for one in self.found_synonyms],
        }


NO_CURATION = Curation()


@dataclass(frozen=True)
class Curator:
    """Applies the rules in force to one request.

    filters_alone: whether rules only hide, as in an order by fields, and among products that are
    like another one. by_id_alone: whether products can be told by their ids alone.
    """

    rules: RulesInForce[CompiledRules]
    request: SearchRequest
    now: datetime
    filters_alone: bool = False
    by_id_alone: bool = False

    def replaced(self) -> SearchRequest:
        """Return the request with the words that rules replace."""
        if not self.request.terms or not self.rules.rules.rules:
            return self.request
        replacing = [rule for rule in self._sent if rule.replace]
        if not replacing:
            return self.request
        q = self.request.q
        if isinstance(q, str):
            return self.request.model_copy(update={"q": replace_words(q, replacing)})
        terms = {replace_words(text, replacing): weight for text, weight in q.items()}
        return self.request.model_copy(update={"q": terms})

    def knows(self, text: str) -> Callable[[str], bool] | None:
        """Return what says of a word of a query that a synonym knows it, None for no word."""
        return self.rules.prepared.synonyms.knows(text)

    def curate(self, searched: SearchRequest) -> Curation:
        """Return what rules and synonyms do.

        searched: the request as it is searched for: replaced, and corrected.
        """
        if not self.rules.rules.rules and not self.rules.rules.synonyms:
            is_known = self.rules.version is not None
            return Curation(is_known, self.rules.version) if is_known else NO_CURATION
        # What rules did to the words is told only of a rule that waited for them as sent.
        replacing = {rule.id for rule in self._sent if rule.replace}
        sent, became = _texts(self.request), _texts(searched)
        rules = self._sent if became == sent else self._matching([*sent, *became])
        return _applied(
            list(map(_by_id, rules)) if self.by_id_alone else rules,
            replacing,
            self.rules,
            expansion=self.rules.prepared.synonyms.expand(searched.terms),
            filters_alone=self.filters_alone,
        )

    @cached_property
    def _sent(self) -> list[Rule]:
        """The rules that hold for the words as they were sent."""
        return self._matching(_texts(self.request))

    def _matching(self, texts: Sequence[str]) -> list[Rule]:
        categories = filtered_categories(self.request.filter)
        return self.rules.prepared.matcher.matching(texts, categories, self.now)


def product_clause(selection: Selection) -> Clause:
    """Return what finds the products of a selection."""
    parts: list[Clause] = []
    if selection.ids:
        parts.append({"ids": {"values": list(selection.ids)}})
    parts += compile_filter(selection.filter)
    if selection.words:
        parts.append(all_words_clause(selection.words))
    return parts[0] if len(parts) == 1 else {"bool": {"filter": parts}}


def hiding_clauses(rules: Iterable[Rule]) -> list[Clause]:
    """Return filters that keep to what rules leave: one for all that hide, one for each `only`.

    Of what one rule's `only` names, any is left.
    """
    hidden: list[Clause] = []
    held: list[Clause] = []
    for rule in rules:
        hidden += map(product_clause, rule.hide)
        if rule.only:
            left = [product_clause(one) for one in rule.only]
            held.append({"bool": {"should": left, "minimum_should_match": 1}})
    return [*([{"bool": {"must_not": hidden}}] if hidden else []), *held]


def kept_by_all(
    source: RulesSource[CompiledRules], now: Callable[[], datetime]
) -> Callable[[str], list[Clause]]:
    """Return what gives the filters of the rules that hold for every search of an index."""

    def kept(index: str) -> list[Clause]:
        in_force = source.get(index)
        if not in_force.rules.rules:
            return []
        held = in_force.prepared.matcher.matching((), (), now())
        return list(_applied(held, set(), in_force, expansion=None, filters_alone=True).filters)

    return kept


def _applied(
    rules: Sequence[Rule],
    replacing: set[str],
    in_force: RulesInForce[CompiledRules],
    *,
    expansion: Expansion | None,
    filters_alone: bool,
) -> Curation:
    hiding, no_room = _fitting(
        [rule for rule in rules if rule.hide or rule.only],
        lambda rule: sum(map(_conditions, hiding_clauses([rule]))),
        MAX_HIDING,
    )
    ordering = [rule for rule in rules if rule.pin or rule.boost or rule.bury]
    left_out = [rule.id for rule in ordering] if filters_alone else []
    pinning, no_pins = _fitting(
        [] if filters_alone else ordering, lambda rule: len(rule.pin), MAX_PINS
    )
    ordering, no_moves = _fitting(
        pinning,
        lambda rule: sum(_conditions(move.products) for move in _moves(rule)),
        MAX_MOVING,
    )
    pins: dict[str, str] = {}
    for rule in ordering:
        for product_id in rule.pin:
            pins.setdefault(product_id, rule.id)
    parts = {
        "replace": replacing,
        **dict.fromkeys(("hide", "only"), {rule.id for rule in hiding}),
        **dict.fromkeys(OF_THE_ORDER, {rule.id for rule in ordering}),
    }
    applied = [
        AppliedRule(rule.id, what)
        for rule in rules
        if (what := tuple(p for p, ids in parts.items() if rule.id in ids and getattr(rule, p)))
    ]
    warnings = []
    if expansion and expansion.is_cut:
        warnings.append("rules: the query has more synonyms than are searched for at once")
    if too_many := [*no_room, *no_pins, *no_moves]:
        warnings.append(
            "rules: too much holds at once, which leaves out all or some of "
            f"{', '.join(too_many[:MAX_NAMED])}"
        )
    if left_out:
        warnings.append(
            "rules: pin, boost and bury are left out of an order by fields, and of products like "
            f"another one ({', '.join(left_out[:MAX_NAMED])})"
        )
    return Curation(
        is_known=True,
        version=in_force.version,
        applied=tuple(applied),
        pins=pins,
        filters=tuple(hiding_clauses(hiding)),
        moves=tuple(move for rule in ordering for move in _moves(rule)),
        expansion=expansion,
        synonyms=in_force.prepared.synonyms,
        warnings=tuple(warnings),
    )


def _fitting(
    rules: Iterable[Rule], cost: Callable[[Rule], int], most: int
) -> tuple[list[Rule], list[str]]:
    """Return the rules that together cost no more than that, and the ids of the others."""
    kept: list[Rule] = []
    left: list[str] = []
    room = most
    for rule in rules:
        if (more := cost(rule)) > room:
            left.append(rule.id)
        else:
            room -= more
            kept.append(rule)
    return kept, left


def _conditions(clause: object) -> int:
    """Return how many clauses Elasticsearch counts: of words one for each in each field."""
    if isinstance(clause, list):
        return sum(map(_conditions, clause))
    if not isinstance(clause, Mapping):
        return 0
    if words := clause.get("combined_fields"):
        return len(words["fields"]) * max(1, len(rule_key(words["query"])))
    inner = sum(map(_conditions, clause.get("bool", {}).values()))
    return inner or 1


def _by_id(rule: Rule) -> Rule:
    """Return what a rule says of products that it names. To leave others takes all it says."""

    def is_by_id(one: Selection) -> bool:
        return bool(one.ids) and not one.filter and one.words is None

    return rule.model_copy(
        update={
            "hide": tuple(filter(is_by_id, rule.hide)),
            "only": rule.only if all(map(is_by_id, rule.only)) else (),
            "boost": tuple(one for one in rule.boost if is_by_id(one.products)),
            "bury": tuple(one for one in rule.bury if is_by_id(one.products)),
        }
    )


def _moves(rule: Rule) -> list[Move]:
    up = [Move(rule.id, one.strength, product_clause(one.products)) for one in rule.boost]
    down = [Move(rule.id, -one.strength, product_clause(one.products)) for one in rule.bury]
    return up + down


def _texts(request: SearchRequest) -> list[str]:
    return [text for text, weight in request.terms.items() if weight > 0]
