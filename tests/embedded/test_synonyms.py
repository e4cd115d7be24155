"""Synonyms: inline and from a file, in both formats, and reloaded while the index is searched."""

from pathlib import Path
from typing import Any

import pytest

from tests.embedded.conftest import Node

pytestmark = pytest.mark.cluster

WORDNET = [
    "s(100000001,1,'abstain',v,1,0).",
    "s(100000001,2,'refrain',v,1,0).",
    "s(100000001,3,'desist',v,1,0).",
]


def tokens(node: Node, index: str, text: str, analyzer: str = "mine") -> list[tuple[str, int]]:
    """Give each token with its position, sorted: synonyms of one place have no order."""
    answer = node.must("POST", f"/{index}/_analyze", {"analyzer": analyzer, "text": text})
    return sorted((token["token"], token["position"]) for token in answer["tokens"])


def analysis(synonyms: dict[str, Any], *before: str) -> dict[str, Any]:
    return {
        "filter": {"syn": synonyms},
        "analyzer": {"mine": {"tokenizer": "whitespace", "filter": ["lowercase", *before, "syn"]}},
    }


# id, settings beside the type, text, tokens with positions.
RULES: list[tuple[str, dict[str, Any], str, list[tuple[str, int]]]] = [
    ("equivalent", {"synonyms": ["laptop, notebook"]}, "red laptop",
     [("laptop", 1), ("notebook", 1), ("red", 0)]),
    ("explicit", {"synonyms": ["i-pod => ipod"]}, "i-pod", [("ipod", 0)]),
    ("not expanded", {"synonyms": ["laptop, notebook"], "expand": False}, "notebook",
     [("laptop", 0)]),
    ("wordnet", {"synonyms": WORDNET, "format": "wordnet"}, "refrain",
     [("abstain", 0), ("desist", 0), ("refrain", 0)]),
    ("several words", {"synonyms": ["tv => television set"]}, "tv",
     [("set", 1), ("television", 0)]),
    ("comment and blank line", {"synonyms": ["# none", "", "tv => television"]}, "tv",
     [("television", 0)]),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["synonym", "synonym_graph"])
@pytest.mark.parametrize(
    ("settings", "text", "expected"), [pytest.param(*case[1:], id=case[0]) for case in RULES]
)
def test_rules_apply(index, embedded_node, kind, settings, text, expected):
    name = index(analysis({"type": kind, **settings}))

    assert tokens(embedded_node, name, text) == expected


def test_graph_keeps_the_length_of_several_words(index, embedded_node):
    name = index(analysis({"type": "synonym_graph", "synonyms": ["dns, domain name system"]}))

    answer = embedded_node.must(
        "POST", f"/{name}/_analyze", {"analyzer": "mine", "text": "dns is fragile"}
    )

    # As drawn on the reference's page "Token graphs": dns spans the three words beside it.
    lengths = {t["token"]: t.get("positionLength", 1) for t in answer["tokens"]}
    assert lengths == {"dns": 3, "domain": 1, "name": 1, "system": 1, "is": 1, "fragile": 1}


def test_rules_are_read_by_the_filters_before(index, embedded_node):
    name = index(analysis({"type": "synonym", "synonyms": ["Laptops, Notebooks"]}, "stemmer"))

    assert tokens(embedded_node, name, "laptop") == [("laptop", 0), ("notebook", 0)]


def test_two_synonym_filters_may_follow_each_other(index, embedded_node):
    settings = {
        "filter": {
            "first": {"type": "synonym", "synonyms": ["a, b"]},
            "second": {"type": "synonym", "synonyms": ["b, c"]},
        },
        "analyzer": {"mine": {"tokenizer": "whitespace", "filter": ["first", "second"]}},
    }
    name = index(settings)

    assert tokens(embedded_node, name, "a") == [("a", 0), ("b", 0), ("c", 0)]


def test_unreadable_rule_is_refused_unless_lenient(index, embedded_node):
    # "the" is removed by the filter before, so that the rule has an empty side.
    rules = {"type": "synonym", "synonyms": ["the => foo", "tv => television"]}

    status, answer = embedded_node.request(
        "PUT", "/analysis-strict", {"settings": {"analysis": analysis(rules, "stop")}}
    )
    name = index(analysis({**rules, "lenient": True}, "stop"))

    assert status == 400
    assert "failed to build synonyms" in str(answer)
    assert tokens(embedded_node, name, "tv") == [("television", 0)]


@pytest.mark.parametrize("before", ["word_delimiter_graph", "edge_ngram", "ngram", "shingle"])
def test_filters_that_multiply_tokens_cannot_read_rules(embedded_node, before):
    settings = analysis({"type": "synonym", "synonyms": ["tv => television"]}, before)

    status, answer = embedded_node.request(
        "PUT", "/analysis-refused", {"settings": {"analysis": settings}}
    )

    assert status == 400
    assert "cannot be used to parse synonyms" in str(answer)


@pytest.mark.parametrize("kind", ["synonym", "synonym_graph"])
def test_updateable_synonyms_are_reloaded_from_their_file(index, embedded_node, kind):
    file = _synonyms_file(embedded_node, f"{kind}.txt", "tv => television\n")
    updateable = {"type": kind, "synonyms_path": file.name, "updateable": True}
    mappings = {
        "properties": {
            "title": {"type": "text", "analyzer": "standard", "search_analyzer": "mine"}
        }
    }
    name = index(analysis(updateable), mappings)
    embedded_node.must("PUT", f"/{name}/_doc/1?refresh=true", {"title": "big screen"})

    def found(text: str) -> int:
        body = {"query": {"match": {"title": text}}}
        return embedded_node.must("POST", f"/{name}/_search", body)["hits"]["total"]["value"]

    assert found("monitor") == 0
    file.write_text("monitor => screen\n", encoding="utf-8")
    assert found("monitor") == 0
    reloaded = embedded_node.must("POST", f"/{name}/_reload_search_analyzers")
    assert found("monitor") == 1
    assert reloaded["reload_details"][0]["reloaded_analyzers"] == ["mine"]


def test_updateable_synonyms_are_refused_at_index_time(embedded_node):
    file = _synonyms_file(embedded_node, "index-time.txt", "tv => television\n")
    updateable = {"type": "synonym", "synonyms_path": file.name, "updateable": True}
    body = {
        "settings": {"analysis": analysis(updateable)},
        "mappings": {"properties": {"title": {"type": "text", "analyzer": "mine"}}},
    }

    status, answer = embedded_node.request("PUT", "/analysis-refused", body)

    assert status == 400
    assert "are not allowed to run in" in str(answer)


def test_reload_keeps_searching_when_a_rule_is_broken(index, embedded_node):
    file = _synonyms_file(embedded_node, "broken.txt", "tv => screen\n")
    updateable = {"type": "synonym_graph", "synonyms_path": file.name, "updateable": True}
    name = index(analysis(updateable, "stop"))
    file.write_text("the => screen\nset => screen\n", encoding="utf-8")

    embedded_node.must("POST", f"/{name}/_reload_search_analyzers")

    assert tokens(embedded_node, name, "set") == [("screen", 0)]


def _synonyms_file(node: Node, name: str, text: str) -> Path:
    """Write a rule file where a node looks for it: in its configuration folder."""
    file = node.server.config_directories[0] / name
    file.write_text(text, encoding="utf-8")
    return file
