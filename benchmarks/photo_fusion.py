"""Whether words find products better by text and photos together than by either alone.

The queries name type, colour, brand, occasion and price, and are graded by how far a product's
attributes agree (benchmarks/fashion_judgements.py). Every figure is of queries that neither chose
nor learned anything: cross-validation by query, the same folds for all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.judged_catalogues import collect_fashion, load_catalogue
from benchmarks.photos import ENCODER
from benchmarks.plan import Plan
from benchmarks.report import Part, Sheet, Verdict
from benchmarks.stack import BenchStack
from service.bootstrap import build_searcher
from service.intervals import SEED, interval
from service.learning.dataset import JudgedQuery
from service.learning.quality import Quality, quality
from service.learning.registry import load_trainer
from service.learning.starting import blend, fit_scale
from service.learning.validation import OUTER_FOLDS, Validated, cross_validate, describe
from service.ranking.features import FEATURES
from service.search_results import LEXICAL, WORDS_FIND_PHOTOS, WORDS_FIND_TEXT, FeatureMatrix

FASHION = "fashion-photos"
"""Index of the fashion catalogue with its photos."""

_REPEATS = 4
"""Draws of the folds in which fixed weights are chosen; each costs next to nothing."""

_TEXT_STEPS = 10
_PHOTO_WEIGHTS = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7)
TEXT, PHOTOS, BOTH = "text", "photos", "text and photos"
_LEGS: Mapping[str, tuple[str, ...]] = {
    TEXT: (LEXICAL, WORDS_FIND_TEXT),
    PHOTOS: (WORDS_FIND_PHOTOS,),
    BOTH: (LEXICAL, WORDS_FIND_TEXT, WORDS_FIND_PHOTOS),
}
FIXED = "fixed weights"
LEARNED = ("weighted_sum", "gated")
"""Fusions that learn how much every feature of the legs counts: for all queries, by query."""


def measure_photo_fusion(plan: Plan, stack: BenchStack) -> Part:
    """Load fashion with its photos, and search it by text, by photos, and by both together."""
    photos = photo_settings(plan, ENCODER)
    plan.say("loading fashion with its photos")
    with stack.worker("fast,changes,bulk,photos", more=photos):
        load_catalogue(plan, stack, "fashion", index=FASHION, more=photos)
    plan.say("searching by text, by photos, and by both")
    collected = collect_fashion(plan, build_searcher(stack.service_settings()), FASHION)
    return compare_legs(collected.queries, encoder="the shipped tower")


def photo_settings(plan: Plan, encoder: str) -> dict[str, str]:
    """Return the settings of a worker that indexes fashion's photos. encoder: name or folder."""
    return {
        "SHELFWISE_IMAGE_ENCODER": encoder,
        "SHELFWISE_INDEXER_IMAGE_DIRECTORY": str(plan.data / "fashion"),
    }


def compare_legs(
    queries: Sequence[JudgedQuery], *, encoder: str, fusions: Sequence[str] = (FIXED, *LEARNED)
) -> Part:
    """Return what text, photos, and both together are worth on queries that taught nothing.

    queries: with the features of an index whose photos the encoder has seen; all three rank the
    same candidates. With fixed weights those of both include each alone, for a weight may be 0.
    """
    useful = [query for query in queries if query.is_useful]
    rows, verdicts = [], []
    numbers: dict[str, Any] = {}
    for fusion in fusions:
        found = {name: _validate(fusion, legs, useful) for name, legs in _LEGS.items()}
        both = found[BOTH].quality.plain
        for name, one in found.items():
            gain = interval(both - one.quality.plain)
            chosen = max(one.settings, key=lambda settings: one.settings[settings])
            rows.append(
                (
                    f"{fusion}: {name}",
                    f"{one.quality.plain.mean():.3f}",
                    "" if name == BOTH else _shown(gain),
                    chosen if fusion == FIXED else "",
                )
            )
            numbers[f"{fusion}: {name}"] = {
                "ndcg@10": float(one.quality.plain.mean()),
                "gain_of_both": gain,
                "settings": dict(one.settings),
            }
            if name != BOTH:
                target = f"{encoder}, {fusion}: text and photos over {name} alone, NDCG@10"
                verdicts.append(Verdict(target, "above 0", _shown(gain), gain[1] > 0))
    sheet = Sheet(
        f"Words find fashion products, unseen queries; photos by {encoder}",
        ("fusion: legs", "NDCG@10", "both together gain", "weights chosen most often"),
        rows,
        f"{len(useful)} queries of type, colour, brand, occasion and price, graded by attributes",
    )
    return Part(f"photo fusion, {encoder}", [sheet], verdicts, numbers)


def only_legs(query: JudgedQuery, legs: Sequence[str]) -> JudgedQuery:
    """Return the query with the features that count with some legs, and no others."""
    names = query.matrix.names
    kept = [column for column, name in enumerate(names) if FEATURES[name].leg in legs]
    return replace(
        query,
        matrix=FeatureMatrix(
            query.matrix.product_ids,
            tuple(names[column] for column in kept),
            query.matrix.values[:, kept],
            query.matrix.query,
        ),
    )


def leg_weights(legs: Sequence[str]) -> Iterator[dict[str, float]]:
    """Yield the weights that fixed fusion chooses between; they add up to 1.

    What is not the photos' is divided between the words and the meaning of the text by tenths.
    """
    if WORDS_FIND_TEXT not in legs:
        yield {WORDS_FIND_PHOTOS: 1.0}
        return
    for photos in _PHOTO_WEIGHTS if WORDS_FIND_PHOTOS in legs else (0.0,):
        for step in range(_TEXT_STEPS + 1):
            words = step / _TEXT_STEPS
            yield {
                LEXICAL: (1.0 - photos) * words,
                WORDS_FIND_TEXT: (1.0 - photos) * (1.0 - words),
                WORDS_FIND_PHOTOS: photos,
            }


def _validate(fusion: str, legs: Sequence[str], queries: Sequence[JudgedQuery]) -> Validated:
    kept = [only_legs(query, legs) for query in queries]
    if fusion != FIXED:
        return cross_validate(load_trainer(fusion), kept)
    return _choose_weights(kept, list(leg_weights(legs)))


def _choose_weights(
    queries: Sequence[JudgedQuery], grid: Sequence[Mapping[str, float]]
) -> Validated:
    """Return what weights are worth on a fold when the other folds choose them.

    The scales of the legs are found without a look at any grade, so one for all is fair, and the
    worth of every weight for every query has to be computed only once.
    """
    scale = fit_scale(queries)
    found = [quality(blend(scale, weights), queries) for weights in grid]
    goal = np.stack([one.goal for one in found])  # [weights, queries]
    plain, judged = np.zeros(len(queries)), np.zeros(len(queries))
    chosen: Counter[str] = Counter()
    for repeat in range(_REPEATS):
        order = np.random.default_rng(SEED + repeat).permutation(len(queries))
        for fold in range(OUTER_FOLDS):
            held_out = order[fold::OUTER_FOLDS]
            learned = np.delete(goal, held_out, axis=1)
            best = int(learned.mean(axis=1).argmax())
            plain[held_out] += found[best].plain[held_out] / _REPEATS
            judged[held_out] += found[best].judged[held_out] / _REPEATS
            chosen[describe(grid[best])] += 1
    return Validated(Quality(plain, judged), chosen)


def _shown(gain: tuple[float, float, float]) -> str:
    return f"{gain[0]:+.3f} [{gain[1]:+.3f}, {gain[2]:+.3f}]"
