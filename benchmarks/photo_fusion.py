"""Whether words find products better by text and photos together than by either alone.

The queries name type, colour, brand, occasion and price, and are graded by how far a product's
attributes agree (benchmarks/fashion_judgements.py). Which weight each leg gets is chosen on other
queries than those that are measured: nested cross-validation by query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.judged_catalogues import collect_fashion, load_catalogue
from benchmarks.photos import ENCODER
from benchmarks.plan import Plan
from benchmarks.report import Part, Sheet, at_least
from benchmarks.stack import BenchStack
from service.bootstrap import build_searcher
from service.fusion.linear import LinearModel
from service.intervals import interval
from service.learning.dataset import JudgedQuery
from service.learning.starting import blend
from service.learning.validation import cross_validate
from service.search_results import LEXICAL, WORDS_FIND_PHOTOS, WORDS_FIND_TEXT

FASHION = "fashion-photos"
"""Index of the fashion catalogue with its photos."""

_STEPS = 10
TEXT, PHOTOS, BOTH = "text", "photos", "text and photos"
_LEGS: Mapping[str, tuple[str, ...]] = {
    TEXT: (LEXICAL, WORDS_FIND_TEXT),
    PHOTOS: (WORDS_FIND_PHOTOS,),
    BOTH: (LEXICAL, WORDS_FIND_TEXT, WORDS_FIND_PHOTOS),
}


@dataclass
class _LegWeights:
    """A trainer that only chooses between weights of legs."""

    name: str
    grid: Sequence[Mapping[str, float]]

    def fit(
        self,
        queries: Sequence[JudgedQuery],
        start: LinearModel,
        settings: Mapping[str, float],
        *,
        seed: int,
    ) -> LinearModel:
        """Return the blend of those weights."""
        return blend(start.scale, settings)


def measure_photo_fusion(plan: Plan, stack: BenchStack) -> Part:
    """Load fashion with its photos, and search it by text, by photos, and by both together."""
    photos = {
        "SHELFWISE_IMAGE_ENCODER": ENCODER,
        "SHELFWISE_INDEXER_IMAGE_DIRECTORY": str(plan.data / "fashion"),
    }
    plan.say("loading fashion with its photos")
    with stack.worker("fast,changes,bulk,photos", more=photos):
        load_catalogue(plan, stack, "fashion", index=FASHION, more=photos)
    plan.say("searching by text, by photos, and by both")
    collected = collect_fashion(plan, build_searcher(stack.service_settings()), FASHION)
    return compare_legs(collected.queries)


def compare_legs(queries: Sequence[JudgedQuery]) -> Part:
    """Return what text, photos, and both together are worth on queries that chose no weights.

    queries: with the features of an index whose photos an encoder of ours has seen; all three
    rank the same candidates.
    """
    useful = [query for query in queries if query.is_useful]
    found = {
        name: cross_validate(_LegWeights(name, list(_weights(legs))), useful)
        for name, legs in _LEGS.items()
    }
    both = found[BOTH].quality.plain
    rows, verdicts, numbers = [], [], {}
    for name, one in found.items():
        gain = interval(both - one.quality.plain)
        chosen = max(one.settings, key=lambda settings: one.settings[settings])
        cells = "" if name == BOTH else f"{gain[0]:+.3f} [{gain[1]:+.3f}, {gain[2]:+.3f}]"
        rows.append((name, f"{one.quality.plain.mean():.3f}", cells, chosen))
        numbers[name] = {"ndcg@10": float(one.quality.plain.mean()), "gain_of_both": gain}
        if name != BOTH:
            target = f"fashion, words: gain of text and photos over {name} alone, low end"
            verdicts.append(at_least(target, gain[1], 0.0))
    sheet = Sheet(
        "Words find fashion products, unseen queries",
        ("legs", "NDCG@10", "both together gain", "weights chosen most often"),
        rows,
        f"{len(useful)} queries of type, colour, brand, occasion and price, graded by attributes",
    )
    return Part("photo fusion", [sheet], verdicts, numbers)


def _weights(legs: Sequence[str], left: int = _STEPS) -> Iterator[dict[str, float]]:
    """Yield the weights of legs that add up to 1, each a multiple of a tenth and above 0."""
    first, rest = legs[0], legs[1:]
    if not rest:
        yield {first: left / _STEPS}
        return
    for part in range(1, left - len(rest) + 1):
        for others in _weights(rest, left - part):
            yield {first: part / _STEPS, **others}
