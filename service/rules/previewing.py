"""A search under rules that are not in force, to see what they would do."""

from __future__ import annotations

from service.prepared_search import Given
from service.rules.curation import OFF, compile_rules
from service.rules.following import RulesInForce
from service.rules.rule import RuleSet
from service.search_request import SearchRequest
from service.search_results import SearchAnswer
from service.services import Services


def search_with_rules(
    services: Services, index: str, request: SearchRequest, rules: RuleSet | None
) -> SearchAnswer:
    """Return the answer as it would be under these rules, or under none.

    Raises what a search raises.
    """
    if rules is None:
        request = request.model_copy(update={"rules": OFF})
        return services.searcher.search(index, request)
    in_force = RulesInForce(None, rules, compile_rules(rules))
    return services.searcher.search(index, request, Given(rules=in_force))
