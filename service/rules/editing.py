"""Changes of one rule or synonym of a set; each returns another set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from pydantic import ValidationError

from mappings.errors import InvalidQuery, UnknownRules
from mappings.validation_faults import first_fault
from service.rules.rule import Rule, RuleSet, Selection, Synonym

T = TypeVar("T", bound=Rule | Synonym)


def put_rule(known: RuleSet, rule: Rule) -> RuleSet:
    """Return the set with a rule in the place of the one of its id, or as the last one.

    Raises InvalidQuery when a synonym has that id, or when there are too many rules.
    """
    return _set(_put(known.rules, rule), known.synonyms)


def put_synonym(known: RuleSet, synonym: Synonym) -> RuleSet:
    """Return the set with a synonym in the place of the one of its id, or as the last one.

    Raises InvalidQuery when a rule has that id, or when there are too many synonyms.
    """
    return _set(known.rules, _put(known.synonyms, synonym))


def drop_rule(known: RuleSet, rule_id: str) -> RuleSet:
    """Return the set without a rule; raises UnknownRules when it is not there."""
    kept = tuple(rule for rule in known.rules if rule.id != rule_id)
    _require_fewer("rule", rule_id, len(kept) < len(known.rules))
    return known.model_copy(update={"rules": kept})


def drop_synonym(known: RuleSet, synonym_id: str) -> RuleSet:
    """Return the set without a synonym; raises UnknownRules when it is not there."""
    kept = tuple(one for one in known.synonyms if one.id != synonym_id)
    _require_fewer("synonym", synonym_id, len(kept) < len(known.synonyms))
    return known.model_copy(update={"synonyms": kept})


def merge(known: RuleSet, added: RuleSet) -> RuleSet:
    """Return both sets; of one id what is added holds, in the place of the known one.

    Raises InvalidQuery when there are too many.
    """
    rules = {rule.id: rule for rule in added.rules}
    synonyms = {synonym.id: synonym for synonym in added.synonyms}
    # A rule may have become a synonym, and the other way round: an id is there once.
    kept_rules = [one for one in known.rules if one.id not in synonyms]
    kept_synonyms = [one for one in known.synonyms if one.id not in rules]
    return _set(
        [rules.pop(one.id, one) for one in kept_rules] + list(rules.values()),
        [synonyms.pop(one.id, one) for one in kept_synonyms] + list(synonyms.values()),
    )


def named_products(rules: Iterable[Rule]) -> Iterator[str]:
    """Yield the ids of products that rules name; some more than once."""
    for rule in rules:
        yield from rule.pin
        for selection in _selections(rule):
            yield from selection.ids


def _selections(rule: Rule) -> Iterator[Selection]:
    yield from rule.hide
    yield from rule.only
    for boost in (*rule.boost, *rule.bury):
        yield boost.products


def _put(known: Iterable[T], one: T) -> list[T]:
    listed = list(known)
    changed = [one if other.id == one.id else other for other in listed]
    return changed if any(other.id == one.id for other in listed) else [*changed, one]


def _set(rules: Iterable[Rule], synonyms: Iterable[Synonym]) -> RuleSet:
    raw = {"rules": list(rules), "synonyms": list(synonyms)}
    try:
        return RuleSet.model_validate(raw)
    except ValidationError as error:
        fault = first_fault(error, raw)
        raise InvalidQuery(fault.describe("rules"), field=fault.path or "rules") from error


def _require_fewer(what: str, name: str, is_fewer: bool) -> None:
    if not is_fewer:
        raise UnknownRules(f"there is no {what} {name[:100]!r} in the active rules", field="id")
