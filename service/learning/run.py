"""One training from grades to a stored version, for the command line and the service's jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from elasticsearch import Elasticsearch

from mappings.errors import InvalidQuery
from mappings.index_lifecycle import find_index
from service.feature_ranking import encoders_of
from service.fusion.linear import LinearModel
from service.intervals import SEED
from service.judgements.judgement_list import Judgements
from service.learning import baselines
from service.learning.baselines import BASELINES, shipped_model
from service.learning.collecting import Collected, Grades, collect
from service.learning.curve import curve_steps, learning_curve
from service.learning.training import LEAST_QUERIES, Training, learn, weights_document
from service.learning.validation import OUTER_FOLDS, Trainer, Validated, repeats_for
from service.searcher import Searcher
from service.weights.store import WeightsStore
from service.weights.switching import require_usable

Activates = Literal["auto", "always", "never"]
SEARCHING, CURVE = "searching", "learning curve"
"""Stages beside the ways of ranking, which are stages by their names."""


@dataclass(frozen=True)
class GradeSource:
    """What is learned from. confidence: of each grade, None when all count alike.

    kind: `judgements` or `clicks`, which the version keeps.
    """

    kind: Literal["judgements", "clicks"]
    grades: Grades
    confidence: Grades | None = None


@dataclass(frozen=True)
class TrainingPlan:
    """How to train.

    trainers: of several the best one is kept. activates: `auto` only when it is better than the
    best fixed blend beyond chance. is_complete: the lists name every right product. who: is kept
    where the version becomes active.
    """

    index: str
    trainers: Sequence[Trainer]
    activates: Activates = "auto"
    is_complete: bool = False
    with_curve: bool = False
    note: str = ""
    seed: int = SEED
    who: str = ""


class TrainingWatch:
    """Is told how far a training is; this one does nothing with it."""

    def begin(self, stage: str, total: int) -> None:
        """Hear that a stage of so many steps is to come; those of all ways are said at once."""

    def advance(self, stage: str) -> None:
        """Hear that a step of a stage is done."""

    def collected(self, data: Collected) -> None:
        """Hear what is learned from."""

    def validated(self, name: str, way: Validated) -> None:
        """Hear what a way of ranking is worth."""


@dataclass(frozen=True)
class Trained:
    """What came of it: the version that was stored, and whether it is active."""

    version: str
    is_active: bool
    data: Collected
    training: Training


def run_training(
    plan: TrainingPlan,
    source: GradeSource,
    *,
    client: Elasticsearch,
    searcher: Searcher,
    watch: TrainingWatch,
    track: Callable[[Iterable[str]], Iterable[str]] | None = None,
) -> Trained:
    """Search for every query, learn, store the version, and activate it as planned.

    track: wraps the queries that are searched for, instead of telling the watch.
    Raises InvalidQuery for too few queries, UnknownIndex, UnusableWeights for a version that
    cannot rank, which is not activated, and a TemporaryError.
    """
    data = collect(
        searcher,
        plan.index,
        source.grades,
        confidence=source.confidence,
        is_complete=plan.is_complete,
        track=track or (lambda queries: _told(watch, SEARCHING, list(queries))),
    )
    watch.collected(data)
    live = find_index(client, plan.index)
    training = _learned(data, plan, shipped_model(live), watch)
    store = WeightsStore(client)
    document = weights_document(
        plan.index,
        data,
        training,
        source=source.kind,
        encoders=encoders_of(live),
        note=plan.note,
    )
    version = store.save(document)
    require_usable({**document, "version": version})
    is_active = plan.activates == "always" or (plan.activates == "auto" and training.pays)
    if is_active:
        store.activate(plan.index, version, who=plan.who)
    return Trained(version, is_active, data, training)


def join_lists(lists: Mapping[str, tuple[Judgements, int]]) -> Grades:
    """Return the grades of several lists as one.

    lists: name to judgements and best grade. A pair that several lists grade gets the mean.
    Raises InvalidQuery when their scales differ, or there is no list.
    """
    scales = {name: max_grade for name, (_, max_grade) in lists.items()}
    if len(set(scales.values())) != 1:
        told = ", ".join(f"{name} 0 to {best}" for name, best in scales.items()) or "none"
        raise InvalidQuery(
            f"judgements: the lists should have one scale of grades, got {told}",
            field="judgements",
        )
    given: dict[str, dict[str, list[int]]] = {}
    for judgements, _ in lists.values():
        for query, grades in judgements.items():
            for product_id, grade in grades.items():
                given.setdefault(query, {}).setdefault(product_id, []).append(grade)
    return {
        query: {product_id: sum(found) / len(found) for product_id, found in grades.items()}
        for query, grades in given.items()
    }


def _learned(
    data: Collected, plan: TrainingPlan, shipped: LinearModel, watch: TrainingWatch
) -> Training:
    if len(data.queries) < LEAST_QUERIES:
        raise InvalidQuery(
            f"judgements: {len(data.queries)} queries have a right answer in the index; learning "
            f"takes at least {LEAST_QUERIES}, and the weights stay as they are",
            field="judgements",
        )
    trainers = list(plan.trainers)
    ways: list[Trainer] = [baselines.shipped(shipped), *BASELINES, *trainers]
    for way in ways:
        watch.begin(way.name, OUTER_FOLDS * repeats_for(data.queries))
    training = learn(
        data,
        trainers,
        shipped=shipped,
        seed=plan.seed,
        on_fold=watch.advance,
        on_way=watch.validated,
    )
    if not plan.with_curve:
        return training
    best = next((one for one in trainers if one.name == training.best), trainers[0])
    watch.begin(CURVE, curve_steps(len(data.queries)))
    points = learning_curve(
        best, data.queries, seed=plan.seed, on_point=lambda: watch.advance(CURVE)
    )
    return replace(training, curve=points)


def _told(watch: TrainingWatch, stage: str, queries: Sequence[str]) -> Iterator[str]:
    watch.begin(stage, len(queries))
    for query in queries:
        yield query
        watch.advance(stage)
