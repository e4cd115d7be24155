"""A training in a real Chromium, from the form to its report."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import expect

from service.judgements.judgement_list import JudgementList
from service.judgements.store import JudgementStore
from service.weights.store import WeightsStore
from tests.browser.catalogue import PRODUCTS
from tests.browser.studio import Studio
from tests.browser.test_looks import faults

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

WORDS = [
    word
    for word, _ in Counter(
        word for one in PRODUCTS for word in set(one["title"].lower().split()) if word.isalpha()
    ).most_common(14)
]


@pytest.fixture
def graded(cluster: Elasticsearch, catalogue: str) -> Iterator[str]:
    """Name of a list with ten queries; the versions that a test learns go with it."""
    name, store = f"graded-{secrets.token_hex(4)}", JudgementStore(cluster)
    grades = {
        word: {
            one["id"]: (3 if one["price"] < 40 else 1) if word in one["title"].lower() else 0
            for one in PRODUCTS
        }
        for word in WORDS
    }
    store.save(name, JudgementList(grades))
    yield name
    store.delete(name)
    weights = WeightsStore(cluster)
    for one in weights.list(catalogue):
        weights.delete(catalogue, one["version"])


def test_a_training_is_started_and_says_what_it_is_worth(studio: Studio, graded):
    page = studio.open("training").page
    page.check(f"input[name=list][value={graded}]")
    page.click("#train button[type=submit]")
    expect(page.locator("#job section")).to_have_attribute("data-state", "running")
    expect(page.locator("#job-cancel")).to_be_visible()
    expect(page.locator("#job section")).not_to_have_attribute(
        "data-state", "running", timeout=120_000
    )
    expect(page.locator("#job-title")).to_contain_text("what it is worth")
    assert page.locator("#job .chart svg").count() >= 2
    ways = page.locator("#job table tbody th").all_inner_texts()
    assert any(way.startswith("weighted sum") for way in ways)
    expect(page.locator("#jobs tbody tr").first).to_contain_text(graded)
    expect(page.locator("#job-cancel")).to_be_hidden()
    assert faults(page) == []
    page.reload()  # the address holds which one is shown
    expect(page.locator("#job-title")).to_contain_text("what it is worth")
    page.click("#job-compare")
    page.wait_for_url("**/compare?**")
