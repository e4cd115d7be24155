"""Weights learned from simulated shoppers, against those learned from the judgements themselves.

Shoppers look at rank r with probability 1 / r, and click as service/clicks/simulation.py says;
the sources are named there. The pages hold the first ten judged products by an even blend of words
and meaning: of a product that nobody judged it is not known who would click on it.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from service.learning.baselines import BEST_FIXED_BLEND
from service.learning.collecting import Collected
from service.learning.dataset import JudgedQuery, judged_query
from service.learning.quality import Quality
from service.learning.starting import blend, fit_scale
from service.learning.validation import Trainer, cross_validate

SESSIONS = 50_000
DEPTH = 10
LEAST_SHARE = 0.95
MOST_ERROR = 0.1
_SEEDS = range(5)
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
    pages, truth = _pages(queries), Shoppers().examination(DEPTH)
    start = cross_validate(BEST_FIXED_BLEND, queries, repeats=1).quality.goal
    best = cross_validate(trainer, queries, repeats=1).quality
    whole = float((best.goal - start).mean())
    errors: list[float] = []
    found: dict[str, list[Quality]] = {}
    for seed in _SEEDS:
        log = simulate(judgements, pages, sessions=SESSIONS, seed=seed, depth=DEPTH)
        bias = fit_position_bias(log).bias
        errors.append(float(np.abs(bias.examination / truth - 1.0).max()))
        readings = {
            "inverse propensities": propensity_judgements(log, bias, worth=_CLICKS_ALONE),
            "posterior of the click model": posterior_judgements(log, bias, worth=_CLICKS_ALONE),
            "clicks counted": counted_judgements(log, worth=_CLICKS_ALONE),
        }
        for name, clicked in readings.items():
            taught = _taught(queries, clicked)
            learned = cross_validate(trainer, queries, taught=taught, repeats=1).quality
            found.setdefault(name, []).append(learned)
    rows = [("judgements", f"{best.plain.mean():.3f}", f"{best.judged.mean():.3f}", "1")]
    shares: dict[str, list[float]] = {}
    for name, qualities in found.items():
        shares[name] = [float((one.goal - start).mean()) / whole for one in qualities]
        rows.append(
            (
                name,
                f"{np.mean([one.plain.mean() for one in qualities]):.3f}",
                f"{np.mean([one.judged.mean() for one in qualities]):.3f}",
                _spread(shares[name]),
            )
        )
    columns = ("learned from", "NDCG@10", "judged only", "share of the judgements' gain")
    note = (
        f"{SESSIONS:,} sessions, pages of {DEPTH}, mean of {len(_SEEDS)} simulations (least to "
        f"most); the bias is wrong by {max(errors):.1%} at most"
    )
    share = float(np.mean(shares["inverse propensities"]))
    verdicts = [
        at_least("clicks: share of the gain", share, LEAST_SHARE),
        at_most("clicks: error of the bias, ranks 1 to 10", max(errors), MOST_ERROR, ""),
    ]
    return Sheet("Learning from clicks, Icecat", columns, rows, note), verdicts


def _pages(queries: Sequence[JudgedQuery]) -> dict[str, list[str]]:
    model = blend(fit_scale(queries), {"lexical": 0.5, "text_vector": 0.5})
    pages = {}
    for query in queries:
        total = model.fuse(query.matrix).total
        judged = np.flatnonzero(query.judged)
        order = judged[np.argsort(-total[judged], kind="stable")]
        pages[query.text] = [query.matrix.product_ids[row] for row in order]
    return pages


def _taught(queries: Sequence[JudgedQuery], found: ClickJudgements) -> list[JudgedQuery]:
    graded = as_grades(found)
    taught = []
    for query in queries:
        grades = graded.grades.get(query.text, {})
        confidence = graded.confidence.get(query.text, {})
        taught.append(judged_query(query.text, query.matrix, query.in_window, grades, confidence))
    return taught


def _spread(shares: Sequence[float]) -> str:
    return f"{np.mean(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"
