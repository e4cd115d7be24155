"""Reads the vocabulary of an index: two counts over its products, one over its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from mappings.errors import ShelfwiseError
from mappings.index_lifecycle import LiveIndex
from service.events.event_index import PATTERN
from service.events.pseudonyms import mask_query
from service.suggestions.folding import fold
from service.suggestions.vocabulary import Term, Vocabulary, WordList

MOST_VALUES = 5_000
"""Brands, and category paths, that are kept: the most frequent."""

MOST_QUERIES = 2_000
LEAST_PEOPLE = 5
"""Distinct clients who must have asked a query before others are shown it: what fewer typed may
say who they are. Elasticsearch counts so few exactly."""

QUERY_DAYS = 90
MAX_QUERY_CHARACTERS = 80

_LIVING: Mapping[str, Any] = {"bool": {"must_not": [{"exists": {"field": "deleted_at"}}]}}


def read_vocabulary(client: Elasticsearch, live: LiveIndex) -> Vocabulary:
    """Return the vocabulary; a part that cannot be read is empty, and named in `problems`."""
    problems: list[str] = []
    brands = categories = queries = WordList()
    try:
        brands, categories = _values(client, live.index)
    except ShelfwiseError as error:
        problems.append(f"brands and categories: {error.message}")
    try:
        queries = _queries(client, live.name)
    except ShelfwiseError as error:
        problems.append(f"queries: {error.message}")
    return Vocabulary(live.index, brands, categories, queries, problems)


def _values(client: Elasticsearch, index: str) -> tuple[WordList, WordList]:
    with cluster_errors(index=index):
        answer = client.search(
            index=index,
            size=0,
            query=_LIVING,
            aggregations={
                "brands": {"terms": {"field": "brand", "size": MOST_VALUES}},
                "categories": {"terms": {"field": "category_paths", "size": MOST_VALUES}},
            },
        )
    found = answer.body["aggregations"]
    return (_list(found["brands"]["buckets"]), _list(found["categories"]["buckets"]))


def _list(buckets: Iterable[Mapping[str, Any]]) -> WordList:
    return WordList.of(Term(one["key"], one["doc_count"]) for one in buckets)


def _queries(client: Elasticsearch, name: str) -> WordList:
    with cluster_errors(index=PATTERN):
        answer = client.search(
            index=PATTERN,
            allow_no_indices=True,
            size=0,
            query={
                "bool": {
                    "filter": [
                        {"term": {"index": name}},
                        {"term": {"action_name": "search"}},
                        {"range": {"timestamp": {"gte": f"now-{QUERY_DAYS}d"}}},
                    ]
                }
            },
            aggregations={
                "queries": {
                    "terms": {
                        "field": "user_query",
                        "size": MOST_QUERIES,
                        "min_doc_count": LEAST_PEOPLE,
                    },
                    "aggs": {"people": {"cardinality": {"field": "client_id"}}},
                }
            },
        )
    buckets = answer.body.get("aggregations", {}).get("queries", {}).get("buckets", [])
    return WordList.of(shared_queries((one["key"], one["people"]["value"]) for one in buckets))


def shared_queries(counted: Iterable[tuple[str, int]]) -> list[Term]:
    """Return the queries that enough people asked and that hold nothing personal.

    counted: query to distinct clients. Of spellings that differ in case alone the most frequent
    stands for all; each has enough people by itself, so that nobody is counted twice.
    """
    best: dict[str, Term] = {}
    for text, people in counted:
        text = " ".join(text.split())
        is_short = 0 < len(text) <= MAX_QUERY_CHARACTERS
        # A mask says that something was left out; a shop may also store queries as typed.
        is_open = mask_query(text) == text and "[email]" not in text and "[number]" not in text
        if people < LEAST_PEOPLE or not is_short or not is_open:
            continue
        key = fold(text)
        if key and (key not in best or best[key].count < people):
            best[key] = Term(text, people)
    return list(best.values())
