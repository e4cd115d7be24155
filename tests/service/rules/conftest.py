"""Searches of the shop under rules that are not stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from service.rules.previewing import search_with_rules
from service.rules.rule import RuleSet
from service.rules.store import RulesStore
from service.search_request import SearchRequest
from tests.service.conftest import services_of

Curated = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def curated(app: Flask, shop: str) -> Curated:
    """Search the shop under rules, given as JSON, and return the answer."""

    def ask(
        rules: list[dict[str, Any]] | None = None,
        synonyms: list[dict[str, Any]] | None = None,
        index: str = shop,
        **body: object,
    ) -> dict[str, Any]:
        parsed = RuleSet.parse({"rules": rules or [], "synonyms": synonyms or []})
        request = SearchRequest.parse(body)
        return search_with_rules(services_of(app), index, request, parsed).to_json()

    return ask


def forget_rules(store: RulesStore, index: str) -> None:
    """Leave an index that other tests use without any rules."""
    store.deactivate(index)
    for one in store.list(index):
        store.delete(index, one["version"])
