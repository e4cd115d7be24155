"""What shoppers did with the results of each search, joined by its `query_id`.

An event of a click need not repeat the query, so the events of one search are brought together.
Of more searches than fit into one answer of Elasticsearch a part is taken in the order of their
ids, which are random: a sample, and it is said to be one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from service.events.event_index import PATTERN
from service.insight.search_log import query_key
from service.insight.time_range import TimeRange

MOST_ROWS = 30_000
"""Rows of one look: a search has one for each kind of its events. Half of what Elasticsearch
allows by default."""

_ACTIONS = ("impression", "click", "add_to_cart", "purchase")


@dataclass(frozen=True)
class Outcome:
    """Searches whose results were shown, and of those the ones that led to a click or purchase."""

    shown: int = 0
    clicked: int = 0
    purchased: int = 0

    def plus(self, *, clicked: bool, purchased: bool) -> Outcome:
        """Return it with one search more."""
        return Outcome(
            self.shown + 1, self.clicked + int(clicked), self.purchased + int(purchased)
        )


@dataclass(frozen=True)
class Outcomes:
    """By query, and of all together. is_sample: more searches were there than were looked at."""

    by_query: Mapping[str, Outcome] = field(default_factory=dict)
    total: Outcome = field(default_factory=Outcome)
    is_sample: bool = False


def read_outcomes(
    client: Elasticsearch, index: str, span: TimeRange, *, most_rows: int = MOST_ROWS
) -> Outcomes:
    """Return what became of the searches of an index whose events are in a span of time.

    Raises a TemporaryError without the cluster.
    """
    with cluster_errors(index=PATTERN):
        answer = client.search(
            index=PATTERN,
            allow_no_indices=True,
            size=0,
            query={
                "bool": {
                    "filter": [
                        {"term": {"index": index}},
                        {"terms": {"action_name": list(_ACTIONS)}},
                        span.clause("timestamp"),
                    ]
                }
            },
            aggregations={
                "rows": {
                    "composite": {
                        "size": most_rows,
                        "sources": [
                            {"id": {"terms": {"field": "query_id"}}},
                            {"action": {"terms": {"field": "action_name"}}},
                            {"query": {"terms": {"field": "user_query", "missing_bucket": True}}},
                        ],
                    }
                }
            },
        )
    buckets = answer.body.get("aggregations", {}).get("rows", {}).get("buckets", [])
    rows = [one["key"] for one in buckets]
    is_sample = len(rows) >= most_rows
    if is_sample:  # the last search may have been cut in two
        last = rows[-1]["id"]
        rows = [row for row in rows if row["id"] != last]
    return join(rows, is_sample=is_sample)


def join(rows: Iterable[Mapping[str, Any]], *, is_sample: bool = False) -> Outcomes:
    """Return the outcomes of rows of `id`, `action` and `query` (or None), in the order of ids.

    A search counts that was shown with a query; a click of one that was never shown does not.
    """
    by_query: dict[str, Outcome] = {}
    total = Outcome()
    for _, group in groupby(rows, key=lambda row: row["id"]):
        of_search = list(group)
        actions = {row["action"] for row in of_search}
        if "impression" not in actions:
            continue
        queries = [row["query"] for row in of_search if row["action"] == "impression"]
        clicked = bool(actions & {"click", "add_to_cart", "purchase"})
        purchased = "purchase" in actions
        total = total.plus(clicked=clicked, purchased=purchased)
        # One search has one query; of several that a shop sends the first stands for it.
        key = query_key(min((text for text in queries if text), default=""))
        if key:
            before = by_query.get(key, Outcome())
            by_query[key] = before.plus(clicked=clicked, purchased=purchased)
    return Outcomes(by_query, total, is_sample)
