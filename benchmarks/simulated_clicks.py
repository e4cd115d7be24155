"""Weights learned from simulated shoppers, against those learned from the judgements themselves.

Shoppers look at rank r with probability 1 / r, and click as service/clicks/simulation.py says;
the sources are named there. The pages are those of an even blend of words and meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.report import Sheet, Verdict, at_least, at_most
from service.clicks.click_grades import as_grades
from service.clicks.grades import (
    ClickJudgements,
    Worth,
    counted_judgements,
    posterior_judgements,
    propensity_judgements,
)
from service.clicks.position_bias import fit_position_bias
from service.clicks.simulation import Shoppers, simulate
from service.learning.baselines import BestFixedBlend
from service.learning.collecting import Collected
from service.learning.dataset import JudgedQuery, judged_query
from service.learning.starting import blend, fit_scale
from service.learning.validation import Trainer, cross_validate
from service.search_results import Scores

SESSIONS = 50_000
DEPTH = 20
LEAST_SHARE = 0.95
MOST_ERROR = 0.1
_SEED = 20_261_121
_CHECKED_RANKS = 10
_CLICKS_ALONE = Worth(click=1.0)


def measure_clicks(data: Collected, trainer: Trainer) -> tuple[Sheet, list[Verdict]]:
    """Return how much of the judgements' gain each reading of the same clicks reaches."""
    queries = data.queries
    judgements = {
        query.text: {
            name: int(grade)
            for name, grade in zip(query.matrix.product_ids, query.grades, strict=True)
            if not np.isnan(grade)
        }
        for query in queries
    }
    log = simulate(judgements, _pages(queries), sessions=SESSIONS, seed=_SEED, depth=DEPTH)
    bias = fit_position_bias(log).bias
    truth = Shoppers().examination(DEPTH)
    error = float(np.abs(bias.examination / truth - 1.0)[:_CHECKED_RANKS].max())
    start = cross_validate(BestFixedBlend(), queries, repeats=1).quality.goal
    best = cross_validate(trainer, queries, repeats=1).quality
    whole = float((best.goal - start).mean())
    readings = {
        "click model, posterior": posterior_judgements(log, bias, worth=_CLICKS_ALONE),
        "inverse propensities": propensity_judgements(log, bias, worth=_CLICKS_ALONE),
        "clicks counted": counted_judgements(log, worth=_CLICKS_ALONE),
    }
    rows = [_row("judgements", best.plain, best.judged, 1.0)]
    shares = {}
    for name, found in readings.items():
        taught = _taught(queries, found)
        quality = cross_validate(trainer, queries, taught=taught, repeats=1).quality
        shares[name] = float((quality.goal - start).mean()) / whole
        rows.append(_row(name, quality.plain, quality.judged, shares[name]))
    columns = ("learned from", "NDCG@10", "judged only", "share of the judgements' gain")
    note = f"{SESSIONS:,} sessions, pages of {DEPTH}; bias wrong by at most {error:.1%} at rank 10"
    verdicts = [
        at_least("clicks: share of the gain", shares["click model, posterior"], LEAST_SHARE),
        at_most("clicks: error of the bias, ranks 1 to 10", error, MOST_ERROR, ""),
    ]
    return Sheet("Learning from clicks, Icecat", columns, rows, note), verdicts


def _pages(queries: Sequence[JudgedQuery]) -> dict[str, list[str]]:
    model = blend(fit_scale(queries), {"lexical": 0.5, "text_vector": 0.5})
    pages = {}
    for query in queries:
        total = model.fuse(query.matrix).total[: query.in_window]
        order = np.argsort(-total, kind="stable")
        pages[query.text] = [query.matrix.product_ids[row] for row in order]
    return pages


def _taught(queries: Sequence[JudgedQuery], found: ClickJudgements) -> list[JudgedQuery]:
    graded = as_grades(found)
    taught = []
    for query in queries:
        grades = graded.grades.get(query.text, {})
        confidence = graded.confidence.get(query.text, {})
        seen = judged_query(query.text, query.matrix, query.in_window, grades, confidence)
        taught.append(replace(seen, all_grades=tuple(grades.values())))
    return taught


def _row(name: str, plain: Scores, judged: Scores, share: float) -> tuple[str, str, str, str]:
    return name, f"{plain.mean():.3f}", f"{judged.mean():.3f}", f"{share:.2f}"
