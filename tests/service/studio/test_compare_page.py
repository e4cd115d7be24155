"""The side-by-side page's pieces over HTTP, on a real index."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from werkzeug.test import TestResponse

from service.evaluation.means import ndcg
from service.judgements.judgement_list import JudgementList
from service.judgements.store import JudgementStore
from service.rules.rule import RuleSet
from service.rules.store import RulesStore
from service.weights.store import WeightsStore
from tests.service.test_experiments_search import document

pytestmark = pytest.mark.cluster

WORDS = "wireless mouse"
NASTY = "<img src=x onerror=alert(1)> \"a\" & 'b' {{ 7 * 7 }} \u202e\U0001f9e6"


@pytest.fixture(scope="module")
def judged(cluster: Elasticsearch, search, shop: str) -> Iterator[str]:
    """Name of a stored list of three queries."""
    found = [hit["id"] for hit in search(q=WORDS, limit=6)["hits"]]
    grades = {product_id: place % 4 for place, product_id in enumerate(found)}
    name = f"compare-{secrets.token_hex(4)}"
    store = JudgementStore(cluster)
    store.save(name, JudgementList({WORDS: grades, NASTY: {found[0]: 2}, "none": {found[1]: 0}}))
    yield name
    store.delete(name)


@pytest.fixture
def get(client, shop):
    def ask(part: str, status: int = 200, **query: str) -> TestResponse:
        response: TestResponse = client.get(f"/studio/{shop}/compare/{part}", query_string=query)
        assert response.status_code == status, response.text
        return response

    return ask


def ids(html: str, letter: str) -> list[str]:
    side = html.split(f'id="side-{letter}"')[1].split("</section>")[0]
    return [unescape(one) for one in re.findall(r'data-id="([^"]*)"', side)]


def test_both_sides_are_what_the_api_answers(get, search, judged, cluster):
    html = get("sides", q=WORDS, a="keyword", b="reciprocal_rank", list=judged).text
    expected: dict[str, dict[str, Any]] = {
        "A": {"weights": {"lexical": 1.0}},
        "B": {"fusion": "reciprocal_rank"},
    }
    grades = JudgementStore(cluster).read(judged).judgements[WORDS]
    for letter, options in expected.items():
        answer = search(q=WORDS, limit=20, **options)
        assert ids(html, letter) == [hit["id"] for hit in answer["hits"]]
        side = html.split(f'id="side-{letter}"')[1].split("</header>")[0]
        value = ndcg(grades, ids(html, letter))
        assert f"NDCG@10 <strong>{value:.3f}</strong>" in side
        assert f"<strong>{answer['total']['value']:,}</strong> products" in side
    assert html.count('role="img" aria-label="What each leg gave: ') == html.count("data-id=")
    assert html.count("data-id=") == 40 and len(html.encode()) < 75_000, len(html.encode())


def test_words_of_anybody_stay_text(get):
    for part in ("setup", "sides"):
        html = get(part, q=NASTY, a="own:lexical=1", filter='{"brand": ["<b>"]}').text
        assert "<img src=x" not in html and "<b>" not in html and "49" not in html
    assert "&lt;img src=x" in get("setup", q=NASTY).text


def test_the_form_offers_versions_lists_and_the_legs_of_the_index(get, cluster, shop, judged):
    store = WeightsStore(cluster)
    version = store.save(document(shop, {"lexical": 1.0}))
    try:
        html = get("setup", b=f"version:{version}", a="nonsense", list=judged).text
        assert f'<option value="version:{version}" selected' in html
        assert html.count('<option value="keyword" selected') == 1  # what is wrong is the default
        assert f'<option value="{judged}" selected' in html
        assert 'data-leg="text_vector"' in html and "text_to_image" not in html  # no photos here
        sides = get("sides", q=WORDS, a="keyword", b=f"version:{version}").text
        assert f"weights {version}" in sides and f"Version {version}" in sides
    finally:
        store.delete(shop, version)


@pytest.mark.parametrize(
    ("part", "query", "status", "field"),
    [
        ("sides", {"q": " "}, 400, "q"),
        ("sides", {"q": "x", "a": "nonsense"}, 400, "a"),
        ("sides", {"q": "x", "b": "version:nothing-1"}, 404, "version"),
        ("sides", {"q": "x", "b": "own:lexical=0"}, 400, "weights"),
        ("sides", {"q": "x", "filter": "{"}, 400, "filter"),
        ("sides", {"q": "x", "list": "nothing"}, 400, "judgements"),
        ("judged", {"list": "nothing"}, 400, "judgements"),
        ("judged", {"list": "nothing", "from": "-1"}, 400, "from"),
    ],
)
def test_what_is_wrong_is_named(get, part, query, status, field):
    error = get(part, status, **query).json["error"]
    assert error["field"] == field, error


def test_judged_queries_are_measured_in_parts_and_summed_up(client, get, shop, judged):
    part = get("judged", list=judged, a="keyword", b="active").json
    assert part["queries"] == part["of"] == 2  # the third has no right product
    values = {"a": dict(part["a"]), "b": dict(part["b"])}
    while part["next"] is not None:
        part = get("judged", list=judged, **{"from": str(part["next"])}).json
        values["a"] |= part["a"]
        values["b"] |= part["b"]
    assert set(values["a"]) == {WORDS, NASTY}
    path = f"/studio/{shop}/compare/effect"
    shown = client.post(path, json=values, query_string={"list": judged, "b": "active"})
    assert shown.status_code == 200 and shown.mimetype == "text/html"
    assert "<img src=x" not in shown.text
    mean = sum(values["b"].values()) / 2
    assert f'<p class="figure">{mean:.3f}</p><p class="what">NDCG@10 of B' in shown.text
    assert client.post(path, json={"a": {}}).status_code == 400
    assert client.post(path, data="x").status_code == 400


def test_a_version_of_rules_is_held_against_none(get, search, cluster, shop):
    last = [hit["id"] for hit in search(q=WORDS, limit=10)["hits"]][-1]
    rule = {"id": "first", "pin": [last], "when": {"queries": [WORDS]}}
    store = RulesStore(cluster)
    version = store.save(shop, RuleSet.parse({"rules": [rule]}))
    try:
        html = get("sides", q=WORDS, a="active", b="active", a_rules="off", b_rules=version).text
        assert ids(html, "B")[0] == last != ids(html, "A")[0]
        assert "pinned by <bdi>first</bdi>" in html
        assert f"rules {version}" in html and "without rules" in html
        assert f'<option value="{version}" selected' in get("setup", b_rules=version).text
    finally:
        store.delete(shop, version)
