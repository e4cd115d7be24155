"""Elasticsearch asked on behalf of one caller, in the media types that the caller speaks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from mappings.errors import InvalidQuery
from mappings.raw_cluster import JSON, RawAnswer, RawCluster
from mappings.validation_faults import shorten
from service.compat.parameters import Parameters

_VENDOR = re.compile(
    r"application/vnd\.elasticsearch\+(?P<kind>json|x-ndjson)\s*;\s*compatible-with=(?P<n>[789])\b"
)
_PLAIN = re.compile(r"\s*(application/(json|x-ndjson|\*)|\*/\*|text/)", re.IGNORECASE)
NDJSON = "application/x-ndjson"


class ElasticsearchRefused(Exception):
    """Elasticsearch answered one of our requests with an error, which the caller shall see."""

    def __init__(self, answer: RawAnswer) -> None:
        super().__init__(f"Elasticsearch answered with status {answer.status}")
        self.answer = answer


@dataclass(frozen=True)
class Media:
    """The media types of a request, as Elasticsearch takes them.

    version: the major release that a client's compatible types name, empty for plain ones.
    """

    version: str = ""

    @classmethod
    def of_headers(cls, content_type: str, accept: str) -> Media:
        """Read the headers of a request.

        Raises InvalidQuery for a body that is not JSON, which nothing here can read.
        """
        given = _VENDOR.match(content_type.strip())
        if content_type and not given and not _PLAIN.match(content_type):
            raise InvalidQuery(
                f"Content-Type: should be {JSON}, got {shorten(content_type)}",
                field="Content-Type",
            )
        wanted = _VENDOR.match(accept.strip())
        found = given or wanted
        return cls(found["n"] if found else "")

    def of(self, kind: str) -> str:
        """Return the media type of JSON or NDJSON."""
        if not self.version:
            return kind
        own = kind.replace("application/", "application/vnd.elasticsearch+")
        return f"{own}; compatible-with={self.version}"

    def of_answer(self) -> str:
        """Return the media type of an answer that we write, as Elasticsearch spells it."""
        return self.of(JSON).replace("; ", ";")


@dataclass(frozen=True)
class Exchange:
    """The cluster as one caller asks it.

    timeout_seconds: longest wait for a search of ours, None for what all requests have.
    """

    cluster: RawCluster
    media: Media
    timeout_seconds: float | None = None

    def pass_on(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        kind: str = JSON,
    ) -> RawAnswer:
        """Return what Elasticsearch answers, whatever it is. path: quoted."""
        return self.cluster.ask(
            method,
            path,
            query=query,
            body=body,
            content_type=self.media.of(kind),
            accept=self.media.of(JSON),
            timeout_seconds=self.timeout_seconds,
        )

    def search(
        self, index: str, body: Mapping[str, Any], parameters: Parameters
    ) -> dict[str, Any]:
        """Return the answer to a search.

        Raises ElasticsearchRefused for an error of Elasticsearch's, a TemporaryError when there
        is no answer.
        """
        answer = self.pass_on(
            "POST",
            f"/{quoted(index)}/_search",
            query=parameters.query(),
            body=orjson.dumps(body),
        )
        if not answer.is_good:
            raise ElasticsearchRefused(answer)
        found: dict[str, Any] = orjson.loads(answer.body)
        return found


def counting(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a search whose total is right although it wants no hits.

    Elasticsearch counts the hits of such a search without their scores where it can. A `knn` then
    counts all its neighbours, also those below its `similarity`, unless a score is asked for.
    """
    return {"min_score": 0, **body} if body.get("size") == 0 else dict(body)


def quoted(part: str) -> str:
    """Return one part of a path, such as an index or several with commas."""
    return quote(part, safe=",")
