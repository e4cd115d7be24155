"""The two sides: one query asked twice, and what the page shows of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.evaluation.means import ndcg
from service.pages.asking import CARD_FIELDS
from service.pages.cards import Card, card_of
from service.search_request import SearchRequest
from service.search_results import FeatureShare, Hit, LegShare, MovedBy, SearchAnswer
from service.searcher import Searcher
from service.studio.compare.bars import LEGS, Bar, Scale, bar, given
from service.studio.compare.configurations import Configuration
from service.studio.compare.moved import Moved, mark

SHOWN = 20
"""Hits of a side that are shown."""
DEPTH = 50
"""Hits that are asked for, so that most products that moved are found on the other side."""
_FEATURES = 6
"""Ranking features of a hit that are shown, those that gave or took most."""


@dataclass(frozen=True)
class Question:
    """What both sides are asked. filter: as in a search request."""

    words: str
    filter: Mapping[str, Any]

    @classmethod
    def parse(cls, words: str, filter_text: str) -> Question:
        """Return the question of an address; raises InvalidQuery for a filter that is none."""
        filter_text = filter_text.strip()
        if not filter_text:
            return cls(words.strip(), {})
        try:
            found = orjson.loads(filter_text)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise InvalidQuery(
                f'filter: should be a JSON object such as {{"brand": ["HP"]}}, '
                f"got {shorten(filter_text)}",
                field="filter",
            )
        return cls(words.strip(), found)

    def request(self, configuration: Configuration, **more: Any) -> SearchRequest:  # noqa: ANN401
        """Return the search that asks it. Raises InvalidQuery for what no request may say."""
        body = {"q": self.words, "filter": dict(self.filter), **more, **configuration.options()}
        return SearchRequest.parse(body)


@dataclass(frozen=True)
class HitView:
    """A hit as it is shown.

    grade: None where nobody judged. gained: by ranking feature. pinned_by, moved_by: of rules.
    """

    card: Card
    score: float | None
    moved: Moved
    bar: Bar
    legs: tuple[tuple[str, LegShare], ...]
    explanation: str
    gained: tuple[tuple[str, FeatureShare], ...]
    grade: int | None
    pinned_by: str | None
    moved_by: Sequence[MovedBy]


@dataclass(frozen=True)
class SideView:
    """A side as it is shown. ndcg: None where it cannot be said."""

    letter: str
    configuration: Configuration
    answer: SearchAnswer
    hits: tuple[HitView, ...]
    ndcg: float | None


def ask_both(
    searcher: Searcher,
    index: str,
    question: Question,
    configurations: Sequence[Configuration],
    grades: Mapping[str, int],
) -> tuple[SideView, SideView]:
    """Return both sides. Raises what a search raises."""
    a, b = (
        searcher.search(
            index,
            question.request(configuration, limit=DEPTH, explain=True, fields=list(CARD_FIELDS)),
        )
        for configuration in configurations
    )
    return (
        _side("A", index, configurations[0], a, b, grades),
        _side("B", index, configurations[1], b, a, grades),
    )


def _side(
    letter: str,
    index: str,
    configuration: Configuration,
    answer: SearchAnswer,
    other: SearchAnswer,
    grades: Mapping[str, int],
) -> SideView:
    ids = [hit.id for hit in answer.hits]
    moved = mark(
        ids,
        [hit.id for hit in other.hits],
        is_after=letter == "B",
        other_name="A" if letter == "B" else "B",
        is_whole=len(other.hits) >= other.total.value,
    )
    shown = answer.hits[:SHOWN]
    scale = Scale.of(given(hit.legs) for hit in shown)
    return SideView(
        letter=letter,
        configuration=configuration,
        answer=answer,
        hits=tuple(
            _hit(index, hit, place, moved[hit.id], scale, grades.get(hit.id))
            for place, hit in enumerate(shown, start=1)
        ),
        ndcg=ndcg(grades, ids),
    )


def _hit(
    index: str, hit: Hit, place: int, moved: Moved, scale: Scale, grade: int | None
) -> HitView:
    contributions = given(hit.legs)
    gained = sorted(
        ((name, one) for name, one in hit.features.items() if one.contribution),
        key=lambda item: (-abs(item[1].contribution), item[0]),
    )
    return HitView(
        card=card_of(index, hit, place),
        score=hit.score,
        moved=moved,
        bar=bar(contributions, scale),
        legs=tuple((LEGS.get(leg, (leg, ""))[0], hit.legs[leg]) for leg in contributions),
        explanation=hit.explanation or "",
        gained=tuple(gained[:_FEATURES]),
        grade=grade,
        pinned_by=hit.pinned_by,
        moved_by=hit.moved_by,
    )
