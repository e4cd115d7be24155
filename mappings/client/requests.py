"""What can be said in a search, as keyword arguments with types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict


class Photo(TypedDict, total=False):
    """A photo of a query: `url` or `base64`. crop: x0, y0, x1, y1 as shares, 0 to 1."""

    url: str
    base64: str
    crop: Sequence[float]
    weight: float


class SearchOptions(TypedDict, total=False):
    """The fields of a search's body; the service's page /docs has the whole description."""

    vectors: Mapping[str, Sequence[float]]
    image: Photo
    filter: Mapping[str, Any]
    facets: Mapping[str, int | Mapping[str, Sequence[float]]]
    sort: Sequence[Mapping[str, Literal["asc", "desc"]]]
    limit: int
    offset: int
    cursor: str
    collapse: Literal["parent_id"]
    fusion: str
    weights_version: str
    understand: Literal["soft", "filter", "off"]
    weights: Literal["auto"] | Mapping[str, float]
    rank_constant: int
    rank_window_size: int
    num_candidates: int
    mode: Literal["precise", "fast"]
    fields: Sequence[str]
    explain: bool
    rules: str
    client_id: str


class SimilarOptions(TypedDict, total=False):
    """What can be said in a request for similar products. by: text, photo or both."""

    by: str
    filter: Mapping[str, Any]
    facets: Mapping[str, int | Mapping[str, Sequence[float]]]
    limit: int
    offset: int
    cursor: str
    collapse: Literal["parent_id"]
    fields: Sequence[str]
    mode: Literal["precise", "fast"]
    explain: bool
