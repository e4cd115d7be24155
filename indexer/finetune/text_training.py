"""Fine-tuning of a text encoder from judged queries to figures, in order."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from indexer.encoders.base import Embeddings
from indexer.finetune.judged_queries import CUTOFF, Grades, ranking_figures
from indexer.finetune.photo_metrics import nearest
from indexer.finetune.photo_training import Watcher
from indexer.finetune.text_model import TextModel, TextObjective
from indexer.finetune.text_pairs import (
    LOOKS_RIGHT,
    FindLookalikes,
    TextBatches,
    split_queries,
)
from indexer.finetune.trainer import Trainer
from indexer.finetune.training import TrainingResult, TrainingSettings

MOST_MEASURED = 5_000
"""Products that the figures of before and after rank, where there are more in all."""

_AFTERWARDS_SECONDS = 15.0


@dataclass(frozen=True)
class TrainedText:
    """What came out.

    before, after: figures on the held-out queries. lists_before, lists_after: held-out query to
    the ids of its first products. measured: how many products were ranked. pairs: learned from.
    """

    model: TextModel
    result: TrainingResult
    before: Mapping[str, float]
    after: Mapping[str, float]
    lists_before: Mapping[str, Sequence[str]]
    lists_after: Mapping[str, Sequence[str]]
    grades: Grades
    learned_queries: int
    pairs: int
    measured: int


def train_text(
    grades: Grades,
    texts: Mapping[str, str],
    model: TextModel,
    find: FindLookalikes,
    settings: TrainingSettings,
    *,
    folder: Path,
    deadline: float | None = None,
    resume: bool = False,
    watcher: Watcher,
    clock: Callable[[], float] = time.monotonic,
) -> TrainedText:
    """Train the model on judged queries and measure it before and after on queries held out.

    texts: product id to its text, as it is indexed. find: products by words, for hard negatives.
    folder: for the checkpoint. deadline: on the clock, for all of it. Raises InvalidQuery when
    there are too few queries, or for a checkpoint of another training.
    """
    ids = list(texts)
    known = {name: row for row, name in enumerate(ids)}
    rows_text = [texts[name] for name in ids]
    split = split_queries(grades, known, seed=settings.seed)
    watcher.stage("finding hard negatives")
    batches = TextBatches(
        split.learned, rows_text, known, find, size=settings.batch_size, seed=settings.seed
    )
    model.to(settings.device)
    final = _Ranking(split.held_out, _pool(split.held_out, known, find, MOST_MEASURED), texts)
    stopping = _Ranking(split.stopping, _pool(split.stopping, known, find, 0), texts)
    watcher.stage(f"measuring the encoder as it is on {len(final.ids):,} products")
    started = clock()
    lists_before = final.lists(model)
    rows = batches.product_rows
    vectors = model.encode([rows_text[row] for row in rows], model.product_prompt)
    before: dict[int, Embeddings] = dict(zip(rows.tolist(), vectors, strict=True))
    measuring = clock() - started
    if deadline is not None:
        left = deadline - clock() - measuring - _AFTERWARDS_SECONDS
        settings = replace(settings, seconds=max(left, 1.0))
    checkpoint = folder / "checkpoint.pt"
    if not resume:
        checkpoint.unlink(missing_ok=True)
    watcher.stage(f"training on {len(split.learned):,} queries")
    trainer = Trainer(
        model,
        TextObjective(before),
        batches,
        lambda one: ranking_figures(stopping.lists(one), split.stopping),
        settings,
        checkpoint=checkpoint,
        fingerprint=_fingerprint(split.learned, rows_text, settings),
        clock=clock,
    )
    result = trainer.run(watcher.trained)
    watcher.stage("measuring what was learned on the queries held out")
    lists_after = final.lists(model)
    return TrainedText(
        model=model,
        result=result,
        before=ranking_figures(lists_before, split.held_out),
        after=ranking_figures(lists_after, split.held_out),
        lists_before=lists_before,
        lists_after=lists_after,
        grades=split.held_out,
        learned_queries=len(split.learned),
        pairs=batches.rows_per_epoch,
        measured=len(final.ids),
    )


@dataclass(frozen=True)
class _Ranking:
    """Queries, and the products that are ranked for them."""

    grades: Grades
    ids: Sequence[str]
    texts: Mapping[str, str]

    def lists(self, model: TextModel) -> dict[str, list[str]]:
        """Return the ids of each query's first products."""
        queries = list(self.grades)
        products = model.encode([self.texts[name] for name in self.ids], model.product_prompt)
        found = nearest(model.encode(queries, model.query_prompt), products, size=CUTOFF)
        return {
            query: [self.ids[row] for row in rows]
            for query, rows in zip(queries, found, strict=True)
        }


def _pool(
    grades: Grades, known: Mapping[str, int], find: FindLookalikes, fill_to: int
) -> list[str]:
    """Return judged products, those that look right, and evenly spread others up to a number."""
    found: dict[str, None] = {}
    for query, judged in grades.items():
        _add(found, judged)
        _add(found, (name for name in find(query, LOOKS_RIGHT) if name in known))
    ids = list(known)
    missing = fill_to - len(found)
    if missing > 0:
        places = np.linspace(0, len(ids) - 1, min(missing, len(ids))).astype(int)
        _add(found, (ids[place] for place in places))
    return list(found)


def _add(found: dict[str, None], names: Iterable[str]) -> None:
    found.update(dict.fromkeys(names))


def _fingerprint(grades: Grades, texts: Sequence[str], settings: TrainingSettings) -> str:
    digest = hashlib.sha256()
    kept = {
        name: value
        for name, value in asdict(settings).items()
        if name not in ("epochs", "seconds", "precision", "device", "patience")
    }
    for part in (kept, grades, list(texts)):
        digest.update(json.dumps(part, sort_keys=True).encode())
    return digest.hexdigest()
