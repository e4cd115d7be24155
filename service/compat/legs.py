"""The legs of a hybrid body: the shop's own query, and vectors of its words or of a photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.compat.decision import Hybrid
from service.compat.options import ShelfwiseOptions
from service.compat.synonyms import variants
from service.compat.targets import Target
from service.compat.words import Clause
from service.fusion.registry import FUSIONS, leg_fusion
from service.query_legs import QueryLegs
from service.retrieval.candidates import NEIGHBOURS, Legs
from service.retrieval.moves import move_clauses
from service.retrieval.vectors import VectorLeg, leg_clause
from service.rules.curation import NO_CURATION, Curation
from service.search_results import LEXICAL, LegScores, Scores

_INNER = ("nested", "has_child", "has_parent")


@dataclass(frozen=True)
class CompatLegs:
    """The legs of one body.

    made: as for a search of our own, with the paths of the target. query: the shop's own, which
    is the lexical leg; None without one. filters: what every leg is under, those of rules first.
    curation: what rules do. others: the shop's query in the words of synonyms, by their weights.
    """

    made: QueryLegs
    query: Clause | None
    filters: Sequence[Clause]
    curation: Curation = NO_CURATION
    others: Sequence[tuple[Clause, float]] = ()

    @property
    def legs(self) -> Legs:
        """Return the legs with their boosts."""
        return self.made.legs

    @property
    def has_lexical(self) -> bool:
        """Whether the shop's own query is one of them, which a weight of 0 takes away."""
        return self.query is not None and LEXICAL in self.made.weights

    def for_scores(self) -> Clause:
        """Return the candidates as a query whose hits tell the score of every leg."""
        clause = self._query(self._lexical(named=True), self.legs.boosts, self.legs.derived())
        moves = self.curation.moves
        if not moves:
            return clause
        return {"bool": {"must": [clause], "should": move_clauses(moves)}}

    def of_pins(self) -> Clause:
        """Return the pinned products that are there, under the filters, scored by the words."""
        lexical = self._lexical(named=True)
        return {
            "bool": {
                "filter": [*self.filters, self._pins()],
                "should": [lexical] if lexical is not None else [],
            }
        }

    def for_answer(self) -> Clause:
        """Return the candidates as a query whose scores and names are handed on.

        The shop's own score counts as it is and neighbours add to it. Of our names none is there.
        """
        unit = self.legs.boosts[LEXICAL] if self.has_lexical else max(self.legs.boosts.values())
        boosts = {name: boost / unit for name, boost in self.legs.boosts.items()}
        return self._query(self._lexical(named=False), boosts, None, named=False)

    def fuse(self, scores: LegScores, options: ShelfwiseOptions) -> Scores:
        """Return the fused scores, float64 [n]."""
        return FUSIONS[leg_fusion(options.fusion)](
            scores,
            weights=self.made.weights,
            calibrations=self.made.calibrations,
            rank_constant=options.rank_constant,
        ).total

    def _lexical(self, *, named: bool) -> Clause | None:
        if not self.has_lexical or self.query is None:
            return None
        if not named:
            return self._with_others(self.query)
        own = self._with_others(_for_scores(self.query))
        return {"bool": {"must": [own], "boost": self.legs.boosts[LEXICAL], "_name": LEXICAL}}

    def _with_others(self, own: Clause) -> Clause:
        others = [
            {"bool": {"must": [_for_scores(query)], "boost": weight}}
            for query, weight in self.others
        ]
        return {"dis_max": {"queries": [own, *others]}} if others else own

    def _pins(self) -> Clause:
        # What stands for a deleted product keeps its id.
        return {
            "bool": {
                "filter": [{"ids": {"values": list(self.curation.pins)}}],
                "must_not": [{"exists": {"field": "deleted_at"}}],
            }
        }

    def _query(
        self,
        lexical: Clause | None,
        boosts: Mapping[str, float],
        derived: str | None,
        *,
        named: bool = True,
    ) -> Clause:
        should: list[Clause] = [lexical] if lexical is not None else []
        should += [
            leg_clause(
                name,
                leg,
                size=min(NEIGHBOURS, self.legs.num_candidates),
                num_candidates=self.legs.num_candidates,
                filters=self.filters,
                boost=boosts[name],
                floor=self.legs.floors.get(name),
                is_named=named and name != derived,
            )
            for name, leg in self.legs.vectors.items()
        ]
        if self.curation.pins:  # found and counted, whatever the words say of them
            should.append({"constant_score": {"filter": self._pins(), "boost": 0}})
        return {
            "bool": {"filter": list(self.filters), "should": should, "minimum_should_match": 1}
        }


def at_target(made: QueryLegs, hybrid: Hybrid, target: Target, curation: Curation) -> CompatLegs:
    """Return the legs with the target's own paths of vectors, under rules."""
    vectors = {
        name: VectorLeg(
            f"{target.prefix}{leg.field}",
            leg.vectors,
            f"{target.prefix}{leg.path}" if leg.path else "",
        )
        for name, leg in made.legs.vectors.items()
    }
    legs = replace(made.legs, vectors=vectors)
    # The shop's own query names what its filters name: twice would be once too often.
    filters = [*curation.filters, *(_for_scores(clause) for clause in hybrid.filters)]
    others = variants(hybrid.query, curation.expand) if curation.expansion and hybrid.query else []
    return CompatLegs(replace(made, legs=legs), hybrid.query, filters, curation, others)


def _for_scores(query: Any) -> Any:  # noqa: ANN401 - a part of a decoded body
    """Return a query without its names and inner hits, which only cost where scores are read."""
    if isinstance(query, list):
        return [_for_scores(part) for part in query]
    if not isinstance(query, dict):
        return query
    return {
        name: _without_inner_hits(part) if name in _INNER else _for_scores(part)
        for name, part in query.items()
        if name != "_name"
    }


def _without_inner_hits(body: Any) -> Any:  # noqa: ANN401 - a part of a decoded body
    if not isinstance(body, dict):
        return _for_scores(body)
    return _for_scores({name: part for name, part in body.items() if name != "inner_hits"})
