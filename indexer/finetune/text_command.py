"""`shelfwise finetune --what text`: reads, trains, writes and says what to do next."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import torch
from elasticsearch import Elasticsearch
from rich.console import Console

from indexer.documents import product_text
from indexer.encoders.minilm import minilm_folder
from indexer.encoders.model_family import locate_model
from indexer.encoders.precision import choose_device
from indexer.encoders.registry import ENCODERS
from indexer.finetune.bm25 import Bm25
from indexer.finetune.catalogue import read_catalogue, read_index
from indexer.finetune.judged_queries import read_grades
from indexer.finetune.options import FinetuneOptions
from indexer.finetune.outcome import print_outcome
from indexer.finetune.output import finish_output, prepare_output
from indexer.finetune.report import curves, figures_table
from indexer.finetune.text_model import LARGE, TextModel
from indexer.finetune.text_pairs import FindLookalikes
from indexer.finetune.text_training import TrainedText, train_text
from indexer.finetune.training import TrainingSettings
from indexer.finetune.watching import TrainingWatcher
from indexer.settings import IndexerSettings
from mappings import cluster
from mappings.cluster import cluster_errors
from mappings.encoder_spec import EncoderSpec
from mappings.errors import InvalidQuery
from mappings.index_names import read_alias
from mappings.reports.page import html_page, section, table

FULL_RATE, LOW_RANK_RATE = 2e-5, 5e-4
"""Peak learning rates: of all parameters, and of low-rank maps beside frozen ones."""

_BATCH, _EPOCHS, _AVERAGE, _DECAY = 16, 10, 0.98, 0.01
_SHOWN_QUERIES, _SHOWN_PRODUCTS = 8, 5
_FIELDS = ("title^3", "brand", "description")


def run_text(settings: IndexerSettings, options: FinetuneOptions) -> EncoderSpec:
    """Fine-tune, write the folder, print the table; return the new encoder's identity.

    Raises InvalidQuery naming what is missing, EncoderUnavailable, TemporaryError.
    """
    started = time.monotonic()
    console = Console()
    device = choose_device(options.device, has_cuda=torch.cuda.is_available)
    if options.judgements is None:
        raise InvalidQuery("judgements: text is learned from graded queries", field="judgements")
    grades = read_grades(options.judgements)
    work = prepare_output(options.out, resume=options.resume, overwrite=options.overwrite)
    with ExitStack() as stack:
        watcher = stack.enter_context(TrainingWatcher(console))
        watcher.stage("reading products")
        client = stack.enter_context(cluster.connect(settings)) if options.index else None
        products = _products(options, client)
        texts = {str(one["id"]): product_text(one, settings.text_template) for one in products}
        titles = {str(one["id"]): str(one.get("title") or "") for one in products}
        model = _open_model(options.base or settings.text_encoder, options.seed)
        trained = train_text(
            grades,
            texts,
            model,
            lookalikes(texts, client, options.index),
            _training_settings(options, model, device),
            folder=work,
            deadline=started + 60 * options.minutes,
            resume=options.resume,
            watcher=watcher,
        )
        watcher.stage("writing the encoder")
        facts = _facts(trained, options.base or settings.text_encoder, started)
        spec = finish_output(
            options.out,
            model.save,
            metrics=_metrics(trained, facts),
            page=lambda spec: text_page(spec.name, trained, titles, facts),
        )
    print_outcome(console, trained.before, trained.after, options.out)
    console.print(
        "Serve it by a gated rebuild:\n  shelfwise reindex "
        f"--index {options.index or 'NAME'} --encoder {options.out} "
        f"--judgements {options.judgements}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return spec


def lookalikes(
    texts: Mapping[str, str], client: Elasticsearch | None, index: str | None
) -> FindLookalikes:
    """Return what finds products by their words: Elasticsearch's BM25, or ours without one."""
    if client is not None and index is not None:
        return lambda query, size: _find_in_index(client, index, query, size)
    ids, bm25 = list(texts), Bm25(list(texts.values()))
    return lambda query, size: [ids[row] for row in bm25.first(query, size)]


def text_page(
    name: str, trained: TrainedText, titles: Mapping[str, str], facts: Mapping[str, str]
) -> str:
    """Return the report. titles: product id to what is shown of it."""
    rows = []
    for query in list(trained.grades)[:_SHOWN_QUERIES]:
        grades = trained.grades[query]
        for when, lists in (("before", trained.lists_before), ("after", trained.lists_after)):
            shown = "; ".join(
                f"{titles.get(one, one)} [{grades.get(one, '-')}]"
                for one in lists[query][:_SHOWN_PRODUCTS]
            )
            rows.append([query, when, shown])
    note = (
        f"Measured on {len(trained.grades):,} queries that nothing was learned from, over "
        f"{trained.measured:,} products; what nobody judged counts as wrong."
    )
    parts = [
        section("Before and after", figures_table(trained.before, trained.after), note=note),
        *curves(trained.result.history),
        section(
            "First products",
            table(("query", "", "first products [grade]"), rows),
            note="A dash stands for a product that nobody judged.",
        ),
        section("How it was trained", table(("what", "value"), list(facts.items()))),
    ]
    return html_page(f"Fine-tuning: {name}", parts)


def _products(
    options: FinetuneOptions, client: Elasticsearch | None
) -> Sequence[Mapping[str, Any]]:
    if options.catalogue is not None:
        return read_catalogue(options.catalogue, options.map_name)
    if client is None or options.index is None:
        raise InvalidQuery("catalogue: name a file or an index", field="catalogue")
    return read_index(client, options.index)


def _find_in_index(client: Elasticsearch, index: str, query: str, size: int) -> list[str]:
    with cluster_errors(index=index):
        answer = client.search(
            index=read_alias(index),
            query={"multi_match": {"query": query, "fields": list(_FIELDS)}},
            size=size,
            source=False,
            track_total_hits=False,
        )
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def _open_model(name: str, seed: int) -> TextModel:
    """Return the model to train; raises InvalidQuery for an encoder without parameters."""
    if name == "minilm":
        return TextModel(minilm_folder(), seed=seed)
    if name in ENCODERS:
        raise InvalidQuery(
            f"base: {name!r} has nothing to train; take minilm or another model", field="base"
        )
    return TextModel(locate_model(name), seed=seed)


def _training_settings(
    options: FinetuneOptions, model: TextModel, device: str
) -> TrainingSettings:
    rate = LOW_RANK_RATE if model.is_large else FULL_RATE
    return TrainingSettings(
        epochs=options.epochs or _EPOCHS,
        batch_size=options.batch_size or _BATCH,
        accumulate=options.accumulate,
        learning_rate=options.learning_rate or rate,
        weight_decay=_DECAY,
        average=_AVERAGE,
        precision="bfloat16" if device.startswith("cuda") else "float32",
        device=device,
        seed=options.seed,
    )


def _facts(trained: TrainedText, base: str, started: float) -> dict[str, str]:
    result = trained.result
    how = f"low-rank maps (over {LARGE:,} parameters)" if trained.model.is_large else "all"
    return {
        "base": base,
        "queries": f"{trained.learned_queries:,} learned from, {len(trained.grades):,} held out",
        "pairs": f"{trained.pairs:,}",
        "parameters trained": how,
        "epochs": f"{result.epochs:.1f}, the best after {result.best_epoch:.1f}",
        "stopped early": "yes" if result.stopped_early else "no",
        "training rate": f"{result.rows_per_second:,.1f} pairs a second",
        "time": f"{time.monotonic() - started:,.0f} s, of which training {result.seconds:,.0f} s",
    }


def _metrics(trained: TrainedText, facts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "before": dict(trained.before),
        "after": dict(trained.after),
        "facts": dict(facts),
        "history": asdict(trained.result.history),
    }
