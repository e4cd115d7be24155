"""From a judgement list to training data, by the searches that the service itself would make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mappings.errors import InvalidQuery
from service.learning.dataset import JudgedQuery, judged_query
from service.search_request import SearchRequest
from service.searcher import Searcher

Grades = Mapping[str, Mapping[str, float]]
"""Query to product id to grade, or to confidence."""


@dataclass(frozen=True)
class Collected:
    """Training data.

    useless: queries of which no order is better than another. refused: query to why it cannot
    be searched for. missing: judged pairs whose product is not in the index.
    """

    queries: Sequence[JudgedQuery]
    useless: Sequence[str]
    refused: Mapping[str, str]
    missing: int

    @property
    def pairs(self) -> int:
        """Return the number of grades that training sees."""
        return sum(int(query.judged.sum()) for query in self.queries)


def collect(
    searcher: Searcher,
    index: str,
    grades: Grades,
    *,
    confidence: Grades | None = None,
    is_complete: bool = False,
    track: Callable[[Iterable[str]], Iterable[str]] = lambda queries: queries,
) -> Collected:
    """Search for every query, and return the features of what is found or judged.

    confidence: of each grade; 1 where it is left out. is_complete: the list names every right
    product, so that what a search finds beside them is wrong, and what it does not find is not
    needed. track: wraps the queries, to show progress.
    """
    queries: list[JudgedQuery] = []
    useless: list[str] = []
    refused: dict[str, str] = {}
    missing = 0
    for text in track(list(grades)):
        try:
            request = SearchRequest.parse({"q": text})
            wanted = [] if is_complete else list(grades[text])
            matrix, in_window = searcher.score_features(index, request, wanted)
        except InvalidQuery as error:
            refused[text] = error.message
            continue
        sure = (confidence or {}).get(text)
        query = judged_query(text, matrix, in_window, grades[text], sure, is_complete=is_complete)
        missing += 0 if is_complete else len(grades[text]) - int(query.judged.sum())
        if query.is_useful:
            queries.append(query)
        else:
            useless.append(text)
    return Collected(queries, useless, refused, missing)
