"""`shelfwise finetune` for photos: reads, trains, writes and says what to do next."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from indexer.encoders.lanes import usual_threads
from indexer.encoders.precision import choose_device
from indexer.encoders.registry import load_text_encoder
from indexer.finetune.bases import SHIPPED, Base, open_base
from indexer.finetune.catalogue import read_catalogue, read_index
from indexer.finetune.options import FinetuneOptions
from indexer.finetune.outcome import print_outcome
from indexer.finetune.output import finish_output, prepare_output
from indexer.finetune.photo_files import Photos, read_photos
from indexer.finetune.photo_training import TrainedPhotos, train_photos
from indexer.finetune.report import photo_page
from indexer.finetune.shop_products import ShopProduct, find_labels, shop_product, usable
from indexer.finetune.training import TrainingSettings
from indexer.finetune.watching import TrainingWatcher
from indexer.images.fetcher import ImageFetcher
from indexer.settings import IndexerSettings
from mappings import cluster
from mappings.encoder_spec import EncoderSpec
from mappings.errors import InvalidQuery

FRESH_RATE, TRAINED_RATE = 2e-3, 1e-3
"""Peak learning rates: from random parameters, and from trained ones that know something."""


def run_photos(settings: IndexerSettings, options: FinetuneOptions) -> EncoderSpec:
    """Fine-tune, write the folder, print the table; return the new encoder's identity.

    Raises InvalidQuery naming what the catalogue lacks, EncoderUnavailable, TemporaryError.
    """
    started = time.monotonic()
    deadline = started + 60 * options.minutes
    console = Console()
    device = choose_device(options.device, has_cuda=torch.cuda.is_available)
    work = prepare_output(options.out, resume=options.resume, overwrite=options.overwrite)
    with TrainingWatcher(console) as watcher:
        watcher.stage("reading products")
        products = shop_products(settings, options)
        base = open_base(
            options.base or SHIPPED,
            load_words=lambda: load_text_encoder(
                settings.text_encoder, template=settings.text_template, device=device
            ),
            seed=options.seed,
        )
        # The words' encoder has split the cores among its own threads; training is one thread.
        torch.set_num_threads(usual_threads())
        watcher.stage(f"reading the photos of {len(products):,} products")
        photos = _read_photos(settings, options, products, base, work, watcher)
        products, photos = with_photos(products, photos)
        trained = train_photos(
            products,
            photos,
            base,
            training_settings(options, base, device),
            folder=work,
            deadline=deadline,
            resume=options.resume,
            watcher=watcher,
        )
        watcher.stage("writing the encoder")
        facts = _facts(products, photos, base, trained, time.monotonic() - started)
        spec = finish_output(
            options.out,
            lambda folder: base.save(trained.model, folder),
            metrics=_metrics(trained, facts),
            page=lambda spec: photo_page(spec.name, trained, photos.pixels, facts),
        )
    print_outcome(console, trained.before, trained.after, options.out)
    if photos.problems:
        said = ", ".join(f"{count} {what}" for what, count in photos.problems)
        console.print(f"photos that could not be used: {said}", markup=False)
    console.print(
        "Serve it by a gated rebuild:\n  shelfwise reindex "
        f"--index {options.index or 'NAME'} --image-encoder {options.out}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return spec


def shop_products(settings: IndexerSettings, options: FinetuneOptions) -> list[ShopProduct]:
    """Return the products that have a title and a photo.

    Raises InvalidQuery that says what is missing.
    """
    if options.catalogue is not None:
        fields = read_catalogue(options.catalogue, options.map_name)
        where = options.catalogue.name
    else:
        with cluster.connect(settings) as client:
            fields = read_index(client, str(options.index))
        where = f"index {options.index!r}"
    names = find_labels(fields, kind=options.kind, colour=options.colour)
    everything = [shop_product(one, names) for one in fields]
    for what, field in (("title", "title"), ("photos", "images")):
        if not any(getattr(product, what) for product in everything):
            raise InvalidQuery(
                f"{where}: none of its {len(everything):,} products has {field}, "
                "which fine-tuning learns from",
                field=field,
            )
    found = usable(everything)
    if not found:
        raise InvalidQuery(
            f"{where}: no product has both a title and images, which fine-tuning learns from",
            field="images",
        )
    return found


def with_photos(
    products: Sequence[ShopProduct], photos: Photos
) -> tuple[list[ShopProduct], Photos]:
    """Return the products of which a photo could be read, and the photos with their new rows."""
    kept = sorted(set(photos.products.tolist()))
    place = {row: number for number, row in enumerate(kept)}
    rows = np.asarray([place[row] for row in photos.products.tolist()], dtype=np.int64)
    return [products[row] for row in kept], replace(photos, products=rows)


def training_settings(options: FinetuneOptions, base: Base, device: str) -> TrainingSettings:
    """Return how to train, by the options and by what suits the base."""
    plain = TrainingSettings()
    return TrainingSettings(
        epochs=options.epochs or plain.epochs,
        batch_size=options.batch_size or plain.batch_size,
        accumulate=options.accumulate,
        learning_rate=options.learning_rate or (FRESH_RATE if base.is_fresh else TRAINED_RATE),
        precision="auto",
        device=device,
        seed=options.seed,
    )


def _read_photos(
    settings: IndexerSettings,
    options: FinetuneOptions,
    products: Sequence[ShopProduct],
    base: Base,
    work: Path,
    watcher: TrainingWatcher,
) -> Photos:
    folder = options.photos_folder or (options.catalogue.parent if options.catalogue else None)
    if folder is not None:
        settings = settings.model_copy(update={"indexer_image_directory": str(folder.resolve())})
    fetcher = ImageFetcher.from_settings(settings)
    try:
        return read_photos(
            products,
            fetcher,
            work,
            size=base.model.input_size,
            prepare=base.prepare,
            max_pixels=settings.indexer_image_max_pixels,
            show=watcher.counted,
        )
    finally:
        fetcher.close()


def _facts(
    products: Sequence[ShopProduct],
    photos: Photos,
    base: Base,
    trained: TrainedPhotos,
    seconds: float,
) -> dict[str, str]:
    result, asked = trained.result, trained.asked
    return {
        "base": base.name,
        "products": f"{len(products):,}, {trained.products_learned:,} of them learned from",
        "photos": f"{len(photos.products):,}, {trained.photos_learned:,} of them learned from",
        "epochs": f"{result.epochs:.1f}, the best after {result.best_epoch:.1f}",
        "stopped early": "yes" if result.stopped_early else "no",
        "training rate": f"{result.rows_per_second:,.0f} photos a second",
        "number format": trained.precision,
        "time": f"{seconds:,.0f} s, of which training {result.seconds:,.0f} s",
        "phrases asked for": f"{len(asked.pairs)}, of {asked.least} photos or more",
    }


def _metrics(trained: TrainedPhotos, facts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "before": dict(trained.before),
        "after": dict(trained.after),
        "facts": dict(facts),
        "history": asdict(trained.result.history),
    }
