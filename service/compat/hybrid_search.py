"""A body made hybrid: the same parts in the envelope, of what any leg finds.

precise:     candidates with the score of every leg, aggregations, suggestions, total
             -> exact scores of the vector legs -> fuse -> what the body tells of a page's hits
one request: the body with the candidates in the place of its query
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from service.compat.decision import OF_THE_FIRST_PASS, Hybrid
from service.compat.exchange import Exchange, counting
from service.compat.fetching import Hit, RankedHit, fetch_hits, with_highlight_query
from service.compat.hiding import brings_ours, hiding, show_as, without_own_fields
from service.compat.legs import CompatLegs
from service.compat.options import ShelfwiseOptions
from service.compat.parameters import Parameters
from service.compat.targets import Target
from service.retrieval.candidates import BY_SCORE, UNREAD, read_leg_scores
from service.retrieval.exact_scores import filled, missing_clauses
from service.retrieval.moves import read_marks, shifts
from service.search_results import LEXICAL, LegScores

DEFAULT_SIZE = 10
"""Elasticsearch's own number of hits."""

_AGGREGATIONS = ("aggs", "aggregations")


@dataclass(frozen=True)
class HybridSearch:
    """One body on its way. body: with the URL parameters merged in."""

    exchange: Exchange
    target: Target
    body: Mapping[str, Any]
    parameters: Parameters
    hybrid: Hybrid
    legs: CompatLegs
    options: ShelfwiseOptions

    def answer(self) -> dict[str, Any]:
        """Return the envelope.

        Raises ElasticsearchRefused for an error of Elasticsearch's, a TemporaryError when it
        cannot answer.
        """
        began = time.perf_counter()
        answer = self._in_one_request() if self.hybrid.one_request else self._precise()
        if self.target.hides and brings_ours(self.body):
            without_own_fields(answer)
        if self.target.shown_as is not None:
            show_as(answer, self.target.shown_as)
        answer["took"] = round((time.perf_counter() - began) * 1e3)
        return answer

    def count(self) -> dict[str, Any]:
        """Return the envelope of `_count`: what a search of the same query has as its total."""
        kept = {"min_score", "terminate_after", "runtime_mappings"}
        body = {name: part for name, part in self.body.items() if name in kept}
        body |= {"query": self.legs.for_answer(), "size": 0, "track_total_hits": True}
        found = self._ask(counting(body), self.parameters.of_whole_answer())
        early = {"terminated_early": True} if found.get("terminated_early") else {}
        return {
            "count": found["hits"]["total"]["value"],
            **early,
            "_shards": found["_shards"],
        }

    def _in_one_request(self) -> dict[str, Any]:
        body = with_highlight_query(self.body, self.hybrid.query)
        body["query"] = self.legs.for_answer()
        body.pop("post_filter", None)
        if self.target.hides:
            body = hiding(body)
        beside = self._splits_aggregations()
        if beside:
            body = {name: part for name, part in body.items() if name not in _AGGREGATIONS}
        found = self._ask(counting(body), self.parameters.of_whole_answer())
        if beside:
            found["aggregations"] = self._aggregations_without_post_filter()
        return found

    def _precise(self) -> dict[str, Any]:
        start, size = self._place()
        pins = self._pins()
        on_top = pins[start : start + size]
        start, size = max(0, start - len(pins)), size - len(on_top)
        window = self.options.rank_window_size
        begins = start < window
        reach = max(window, start + size) if begins else size
        pinned_ids = [self._id(hit) for hit, _ in pins]
        first = self._first_pass(start=0 if begins else start, size=reach, without=pinned_ids)
        hits: list[Hit] = first["hits"]["hits"]
        if begins:
            ranked = self._ranked(hits[:window])
            page = ranked[start : start + size]
            room = size - len(page)
            # Behind the window the order of the first pass goes on.
            behind = hits[max(window, start) : max(window, start) + room] if room else []
            best = ranked[0][1] if ranked else None
        else:
            page, behind, best = [], hits, None
        page = on_top + page + self._scored(behind)
        first["hits"]["hits"] = self._told(page)
        scores = [score for _, score in page]
        first["hits"]["max_score"] = best if best is not None else max(scores, default=None)
        return first

    def _place(self) -> tuple[int, int]:
        def number(name: str, default: int) -> int:
            value = self.body.get(name)
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            return int(value) if whole and value is not None else default

        return number("from", 0), number("size", DEFAULT_SIZE)

    def _pins(self) -> list[tuple[Hit, float]]:
        """Return the pinned products that are there with their scores, in their order."""
        pins = list(self.legs.curation.pins)
        if not pins:
            return []
        body = {"query": self.legs.of_pins(), "size": len(pins), "track_total_hits": False}
        named = {**self.parameters.of_fetch().given, "include_named_queries_score": "true"}
        found = self._ask({**body, **self._ids_only()}, Parameters(named))
        hits = {self._id(hit): hit for hit in found["hits"]["hits"]}
        in_order = [hits[product_id] for product_id in pins if product_id in hits]
        return self._scored(in_order, all_named=True)

    def _first_pass(self, *, start: int, size: int, without: Sequence[str]) -> dict[str, Any]:
        """Return candidates. without: ids of those that are counted and are no hits."""
        body = {
            name: part
            for name, part in self.body.items()
            if name in OF_THE_FIRST_PASS and name != "post_filter"
        }
        beside = self._splits_aggregations()
        if beside:
            body = {name: part for name, part in body.items() if name not in _AGGREGATIONS}
        if self.target.hides:
            body = hiding(body)
        body |= {"query": self.legs.for_scores(), "size": size, "from": start, **self._ids_only()}
        if without:
            body["post_filter"] = {"bool": {"must_not": [{"ids": {"values": list(without)}}]}}
        named = {**self.parameters.of_first_pass().given, "include_named_queries_score": "true"}
        found = self._ask(body, Parameters(named))
        if without:
            found["hits"] |= _counted(found["hits"].get("total"), len(without))
        if beside:
            found["aggregations"] = self._aggregations_without_post_filter()
        return found

    def _ids_only(self) -> dict[str, Any]:
        # An index of ours has the id in a column, which is faster to read than `_id`.
        if self.target.is_ours:
            return {"sort": list(BY_SCORE), "track_scores": True, **UNREAD}
        return {"_source": False}

    def _splits_aggregations(self) -> bool:
        """Whether aggregations count what the post_filter leaves out, which every leg obeys."""
        has_any = any(self.body.get(name) for name in _AGGREGATIONS)
        return has_any and isinstance(self.body.get("post_filter"), dict)

    def _aggregations_without_post_filter(self) -> Any:  # noqa: ANN401 - a part of an answer
        body = {
            name: part
            for name, part in self.body.items()
            if name in (*_AGGREGATIONS, "runtime_mappings", "timeout", "min_score")
        }
        # The post_filter is the last of the filters.
        legs = replace(self.legs, filters=self.legs.filters[:-1])
        body |= {"query": legs.for_answer(), "size": 0, "track_total_hits": False}
        if self.target.hides:
            body = hiding(body)
        given = self.parameters.of_whole_answer().given
        plain = {k: v for k, v in given.items() if k != "rest_total_hits_as_int"}
        return self._ask(counting(body), Parameters(plain)).get("aggregations")

    def _ranked(self, hits: Sequence[Hit]) -> list[tuple[Hit, float]]:
        """Return hits with their fused scores, as rules move them, best first, ties by id."""
        scored = self._scored(hits)
        moves = self.legs.curation.moves
        if moves and scored:
            own = [score for _, score in scored]
            added = shifts(read_marks(hits, moves), moves, max(own) - min(own))
            scored = [
                (hit, score + float(more))
                for (hit, score), more in zip(scored, added, strict=True)
            ]
        return sorted(scored, key=lambda pair: (-pair[1], self._id(pair[0])))

    def _scored(self, hits: Sequence[Hit], *, all_named: bool = False) -> list[tuple[Hit, float]]:
        """Return hits with their fused scores. all_named: no leg was asked without its name."""
        if not hits:
            return []
        unnamed = None if all_named else self.legs.legs.derived()
        scores = self._complete(self._leg_scores(hits, unnamed))
        fused = self.legs.fuse(scores, self.options)
        return [(hit, float(score)) for hit, score in zip(hits, fused, strict=True)]

    def _leg_scores(self, hits: Sequence[Hit], derived: str | None) -> LegScores:
        keyed = [{**hit, "sort": [self._key(hit)]} for hit in hits]
        return read_leg_scores(keyed, self.legs.legs, derived=derived)

    def _complete(self, scores: LegScores) -> LegScores:
        """Fill in the scores of vector legs that did not find a candidate."""
        legs = self.legs.legs
        keys = scores.product_ids
        by_id = replace(scores, product_ids=tuple(key.partition("\n")[2] for key in keys))
        incomplete = [
            name
            for column, name in enumerate(scores.legs)
            if name != LEXICAL and np.isnan(scores.scores[:, column]).any()
        ]
        derived = legs.derived(incomplete)
        should, asked = missing_clauses(legs, by_id, unnamed=derived)
        if not should:
            return scores
        indexes = {key.partition("\n")[0] for key in keys}
        body = {
            "query": {"bool": {"should": should, "minimum_should_match": 1}},
            "size": len(asked) * len(indexes),
            "track_total_hits": False,
            **self._ids_only(),
        }
        named = {**self.parameters.of_fetch().given, "include_named_queries_score": "true"}
        known = set(keys)
        hits = [
            hit
            for hit in self._ask(body, Parameters(named))["hits"]["hits"]
            if self._key(hit) in known
        ]
        return filled(scores, self._leg_scores(hits, derived)) if hits else scores

    def _told(self, page: Sequence[tuple[Hit, float]]) -> list[Hit]:
        """Return the hits of a page with all that the body wants to know of each."""
        return fetch_hits(
            self.exchange,
            self.target.live.index,
            hiding(self.body) if self.target.hides else self.body,
            [RankedHit(hit["_index"], self._id(hit), score) for hit, score in page],
            query=self.hybrid.query,
            parameters=self.parameters.with_preference(self._preference()),
        )

    def _id(self, hit: Hit) -> str:
        return str(hit["sort"][-1] if self.target.is_ours else hit["_id"])

    def _key(self, hit: Hit) -> str:
        return f"{hit['_index']}\n{self._id(hit)}"

    def _ask(self, body: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
        return self.exchange.search(
            self.target.live.index, body, parameters.with_preference(self._preference())
        )

    def _preference(self) -> str:
        # Pages of one search ask the same copies of the shards, so that they agree.
        text = orjson.dumps([self.target.live.index, self.hybrid.words, self.hybrid.filters])
        return f"sw{hashlib.sha256(text).hexdigest()[:16]}"


def _counted(total: Any, more: int) -> dict[str, Any]:  # noqa: ANN401 - a part of an answer
    """Return an answer's total, an object, a number or none, with more hits."""
    if isinstance(total, dict):
        exact = total["relation"] == "eq"
        return {"total": {**total, "value": total["value"] + more * exact}}
    return {"total": total + more} if isinstance(total, int) else {}
