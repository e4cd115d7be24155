"""Makes what follows the rules in force, for a service and for measurements."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from elasticsearch import Elasticsearch

from service.rules.following import ActiveRules
from service.rules.rule import RuleSet
from service.rules.signal import RulesSignal, connect_signal
from service.rules.store import RulesStore
from service.settings import ServiceSettings

T = TypeVar("T")

TIMEOUT_SECONDS = 2.0
"""How long a search waits for the cluster to give new rules; then the known ones hold."""


def build_rules(
    settings: ServiceSettings, client: Elasticsearch, prepare: Callable[[RuleSet], T]
) -> ActiveRules[T]:
    """Return the rules in force, as `prepare` makes them; nothing is sent yet."""
    store = RulesStore(client.options(request_timeout=TIMEOUT_SECONDS))
    signal = RulesSignal(connect_signal(settings.redis_url.get_secret_value()))
    return ActiveRules(store, prepare, signal)
