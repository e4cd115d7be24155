"""Measures of a run against judgements, query by query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import ir_measures
from ir_measures import AP, RR, P, R, nDCG

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.judgements.judgement_list import (
    HIGHEST_GRADE,
    MAX_GRADE,
    RELEVANT_GRADE,
    Judgements,
    answerable,
)

RankedIds = Mapping[str, Sequence[str]]
"""Query to product ids, best first."""
PerQuery = Mapping[str, Mapping[str, float]]
"""Measure to query to value, 0 to 1."""

GAINS = {grade: 2**grade - 1 for grade in range(HIGHEST_GRADE + 1)}
MAX_CUTOFF = 200
"""Deepest rank that a measure looks at: what one page of a search holds."""
_JUDGED_ONLY = "_judged_only"
_MEASURE = re.compile(r"(?P<kind>[a-z0-9]+)@(?P<cutoff>[1-9][0-9]{0,2})(?P<judged>_judged_only)?")


@dataclass(frozen=True)
class Measure:
    """A measure and the last rank it looks at.

    kind: a name of KINDS. cutoff: 1 to 200. judged_only: measures the ranked list with the
    products that nobody judged taken out.
    """

    kind: str
    cutoff: int
    judged_only: bool = False

    @property
    def name(self) -> str:
        """Return e.g. `ndcg@10`, or `ndcg@10_judged_only`."""
        return f"{self.kind}@{self.cutoff}{_JUDGED_ONLY if self.judged_only else ''}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the measure of that name; raises InvalidQuery that lists the kinds."""
        match = _MEASURE.fullmatch(text.strip().lower())
        if not match or match["kind"] not in KINDS or int(match["cutoff"]) > MAX_CUTOFF:
            raise InvalidQuery(
                f"measures: should be like ndcg@10 or ndcg@10{_JUDGED_ONLY}, one of "
                f"{', '.join(KINDS)} at 1 to {MAX_CUTOFF}, got {shorten(text)}",
                field="measures",
            )
        return cls(match["kind"], int(match["cutoff"]), match["judged"] is not None)


def expected_reciprocal_rank(
    grades: Mapping[str, int], ids: Sequence[str], cutoff: int, max_grade: int
) -> float:
    """Return ERR: the mean of 1 / rank at which a shopper stops, 0 to 1.

    She looks from the top and stops at a product of grade g with probability
    R = (2^g - 1) / 2^max_grade, so that ERR = sum over r of R_r / r * product over i < r of
    (1 - R_i). Chapelle, Metzler, Zhang and Grinspan, Expected reciprocal rank for graded
    relevance, CIKM 2009. A product without a grade stops nobody.
    """
    total, looking_on = 0.0, 1.0
    for rank, product_id in enumerate(ids[:cutoff], start=1):
        stops = (2 ** grades.get(product_id, 0) - 1) / 2**max_grade
        total += looking_on * stops / rank
        looking_on *= 1 - stops
    return total


def f1(grades: Mapping[str, int], ids: Sequence[str], cutoff: int, max_grade: int) -> float:
    """Return 2 P R / (P + R) of precision and recall at the cutoff, 0 when both are 0.

    As with precision@k, a list shorter than the cutoff is filled up with wrong products.
    max_grade: not needed; every measure of ours takes the same.
    """
    relevant = {product_id for product_id, grade in grades.items() if grade >= RELEVANT_GRADE}
    found = sum(product_id in relevant for product_id in ids[:cutoff])
    # P = found / cutoff and R = found / relevant, so the fraction becomes this.
    return 2 * found / (cutoff + len(relevant))


def coverage(grades: Mapping[str, int], ids: Sequence[str], cutoff: int, max_grade: int) -> float:
    """Return the share of the first products, up to the cutoff, that have a grade.

    0 for an empty list. max_grade: not needed; every measure of ours takes the same.
    """
    seen = ids[:cutoff]
    return sum(product_id in grades for product_id in seen) / len(seen) if seen else 0.0


# What ir-measures has, by the cutoff; it cannot compute ERR without a Perl program.
_THEIRS: Mapping[str, Callable[[int], Any]] = {
    "ndcg": lambda cutoff: nDCG(gains=GAINS) @ cutoff,
    "map": lambda cutoff: AP(rel=RELEVANT_GRADE) @ cutoff,
    "mrr": lambda cutoff: RR(rel=RELEVANT_GRADE) @ cutoff,
    "precision": lambda cutoff: P(rel=RELEVANT_GRADE) @ cutoff,
    "recall": lambda cutoff: R(rel=RELEVANT_GRADE) @ cutoff,
}
_OURS: Mapping[str, Callable[[Mapping[str, int], Sequence[str], int, int], float]] = {
    "err": expected_reciprocal_rank,
    "f1": f1,
    "coverage": coverage,
}
KINDS = (*_THEIRS, *_OURS)
DEFAULT_MEASURES = tuple(
    Measure.parse(text) for text in ("ndcg@10", "ndcg@10_judged_only", "recall@100", "mrr@10")
)


def parse_measures(text: str) -> tuple[Measure, ...]:
    """Return the measures in a list with commas, each once, in its order.

    Raises InvalidQuery that names the first that is none.
    """
    return tuple(dict.fromkeys(Measure.parse(part) for part in text.split(",")))


def judged_alone(judgements: Judgements, ranked: RankedIds) -> dict[str, list[str]]:
    """Return the ranked lists with the products that nobody judged taken out."""
    return {
        query: [product_id for product_id in ids if product_id in judgements.get(query, {})]
        for query, ids in ranked.items()
    }


def per_query(
    judgements: Judgements,
    ranked: RankedIds,
    measures: Iterable[Measure] = DEFAULT_MEASURES,
    *,
    among_judged: RankedIds | None = None,
    max_grade: int = MAX_GRADE,
) -> dict[str, dict[str, float]]:
    """Return measure to query to value, 0 to 1.

    The gain of ndcg is 2^grade - 1; grade 1 and over counts as relevant wherever products are
    right or wrong. A query without hits counts 0. One without any relevant product says nothing
    of a ranking, since every order of it scores 0, and is left out.
    among_judged: what the judged-only measures look at, when it reaches deeper than `ranked`.
    max_grade: the best grade of the scale, which ERR needs.
    """
    judgements = answerable(judgements)
    alone = judged_alone(judgements, ranked if among_judged is None else among_judged)
    wanted = tuple(measures)
    values = {measure.name: dict.fromkeys(judgements, 0.0) for measure in wanted}
    for judged_only, lists in ((False, ranked), (True, alone)):
        these = [measure for measure in wanted if measure.judged_only is judged_only]
        _fill_theirs(values, [one for one in these if one.kind in _THEIRS], judgements, lists)
        for measure in these:
            if measure.kind not in _OURS:
                continue
            calculate = _OURS[measure.kind]
            for query, grades in judgements.items():
                ids = lists.get(query, ())
                values[measure.name][query] = calculate(grades, ids, measure.cutoff, max_grade)
    return values


def ndcg_per_query(judgements: Judgements, ranked: RankedIds) -> dict[str, float]:
    """Return query to ndcg@10."""
    measure = Measure("ndcg", 10)
    return per_query(judgements, ranked, [measure])[measure.name]


def _fill_theirs(
    values: dict[str, dict[str, float]],
    measures: Sequence[Measure],
    judgements: Judgements,
    lists: RankedIds,
) -> None:
    """Write what ir-measures computes into `values`."""
    if not measures:
        return
    names = {_THEIRS[measure.kind](measure.cutoff): measure.name for measure in measures}
    qrels = {query: dict(grades) for query, grades in judgements.items()}
    run = {
        query: {product_id: float(-place) for place, product_id in enumerate(ids)}
        for query, ids in lists.items()
    }
    for metric in ir_measures.iter_calc(list(names), qrels, run):
        values[names[metric.measure]][metric.query_id] = metric.value
