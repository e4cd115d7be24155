"""The one place where a search body goes to Elasticsearch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from mappings.cluster import cluster_errors
from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten


def ask(
    client: Elasticsearch, index: str, body: Mapping[str, Any], *, preference: str
) -> dict[str, Any]:
    """Return Elasticsearch's answer to a search body, with named scores.

    Raises InvalidQuery when Elasticsearch finds a value of the request unusable, a
    TemporaryError when the cluster cannot answer.
    """
    with cluster_errors(index=index):
        try:
            answer = client.perform_request(
                "POST",
                f"/{index}/_search",
                params={"include_named_queries_score": "true", "preference": preference},
                headers={"accept": "application/json", "content-type": "application/json"},
                body=body,
            )
        except BadRequestError as error:
            raise InvalidQuery(
                f"Elasticsearch cannot run the search: {_reason(error)}", field="body"
            ) from error
    body_of_answer: dict[str, Any] = answer.body
    return body_of_answer


def _reason(error: BadRequestError) -> str:
    # A parser's reason goes on with the whole body that we sent.
    found = error.body.get("error") if isinstance(error.body, Mapping) else None
    causes = found.get("root_cause") if isinstance(found, Mapping) else None
    reason = str(causes[0].get("reason") if causes else error.message)
    return shorten(reason.splitlines()[0] if reason else "", 200)
