"""How well an encoder of photos finds products, beside what needs no encoder at all.

    python -m benchmarks.photo_quality --encoder tower

Asked on real catalogue photos that no shipped weights were trained on: photos that are like a
photo, photos that words mean, and the own photo of a title. Catalogue photos are aligned, so even
a thumbnail finds the right type two times in three; that, not chance, is what has to be beaten.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import orjson
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from benchmarks.plan import ROOT, Plan
from benchmarks.report import Part, Sheet, Verdict, at_least, show
from indexer.encoders.base import Embeddings, ImageEncoder, TextEncoder, unit_rows
from indexer.encoders.image_registry import load_image_encoder
from indexer.encoders.minilm import REVISION as MINILM
from indexer.encoders.registry import load_text_encoder
from indexer.finetune.photo_metrics import (
    label_pairs,
    own_photo_recall,
    photo_precision,
    words_precision,
)

LEAST_PHOTO_TYPE, LEAST_WORDS_TYPE = 0.70, 0.40
_BATCH = 256
_BINS = 6
_THUMBNAIL = 16
_SEED = 7
_DIMS = 384

TRAINED_TYPES = (
    *("Blazers", "Caps", "Casual Shoes", "Dresses", "Formal Shoes", "Innerwear Vests", "Jackets"),
    *("Shirts", "Shorts", "Skirts", "Sports Shoes", "Sweatshirts", "Tops", "Trousers", "Tshirts"),
)
"""Types of the catalogue that a class of the people's photos names (Outwear: jackets)."""


@dataclass(frozen=True)
class PhotoCatalogue:
    """Products with a photo each. types, colours: "" where there is none."""

    images: Sequence[Path]
    titles: Sequence[str]
    types: Sequence[str]
    colours: Sequence[str]


def read_photo_catalogue(folder: Path) -> PhotoCatalogue:
    """Read products.jsonl.gz of a folder; the photos are read by those who need them."""
    with gzip.open(folder / "products.jsonl.gz", "rb") as lines:
        products: list[dict[str, Any]] = [orjson.loads(line) for line in lines]
    return PhotoCatalogue(
        images=[folder / product["image"] for product in products],
        titles=[product["title"] for product in products],
        types=[product.get("article_type") or "" for product in products],
        colours=[product.get("base_colour") or "" for product in products],
    )


def photo_figures(
    catalogue: PhotoCatalogue, photos: Embeddings, texts: TextEncoder | None
) -> dict[str, float]:
    """Return the figures of one encoder's vectors, float32 [products, dims].

    texts: encoder of words into the same space; without one only photos are asked with.
    """
    figures = {
        "photo_type": photo_precision(photos, catalogue.types),
        "photo_colour": photo_precision(photos, catalogue.colours),
    }
    if texts is None:
        return figures
    pairs = label_pairs(catalogue.colours, catalogue.types)
    for name, asked in (
        ("words", pairs),
        ("trained_words", [pair for pair in pairs if pair.kind in TRAINED_TYPES]),
    ):
        found = words_precision(
            asked,
            texts.encode([pair.phrase for pair in asked]),
            photos,
            catalogue.colours,
            catalogue.types,
        )
        figures |= {
            f"{name}_pairs": float(found.pairs),
            f"{name}_type": found.kind,
            f"{name}_colour": found.colour,
        }
    figures["title_own_photo"] = own_photo_recall(texts.encode(catalogue.titles), photos)
    return figures


def simple_baselines(catalogue: PhotoCatalogue) -> dict[str, Embeddings]:
    """Return vectors that need no encoder: chance, a colour histogram, a grey thumbnail."""
    histograms = np.zeros((len(catalogue.images), _BINS**3), dtype=np.float32)
    thumbnails = np.zeros((len(catalogue.images), _THUMBNAIL**2), dtype=np.float32)
    for row, path in enumerate(catalogue.images):
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        histograms[row] = _histogram(np.asarray(image.resize((64, 64))))
        small = image.convert("L").resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
        thumbnails[row] = np.asarray(small, dtype=np.float32).ravel() / 255
    thumbnails -= thumbnails.mean(axis=1, keepdims=True)
    chance = np.random.default_rng(_SEED).normal(size=(len(catalogue.images), _DIMS))
    return {
        "random": unit_rows(chance),
        "colour histogram": unit_rows(np.sqrt(histograms)),
        "16 x 16 grey thumbnail": unit_rows(thumbnails),
    }


def encode_photos(encoder: ImageEncoder, paths: Sequence[Path]) -> tuple[Embeddings, float]:
    """Return the photos' vectors and the photos a second, decoding included."""
    started = time.perf_counter()
    vectors = [np.zeros((0, encoder.spec.dims), dtype=np.float32)]
    for start in range(0, len(paths), _BATCH):
        images = [Image.open(path).convert("RGB") for path in paths[start : start + _BATCH]]
        vectors.append(encoder.encode_images(images))
    return np.concatenate(vectors), len(paths) / (time.perf_counter() - started)


def measure_photo_quality(plan: Plan) -> Part:
    """Measure the shipped tower on a real catalogue's photos; left out without the data."""
    folder = plan.data / "fashion"
    if not (folder / "products.jsonl.gz").is_file():
        target = "photos: type of similar photos"
        return Part("photo_quality", (), [Verdict(target, "", f"no data in {folder}", None)])
    plan.say("photos: finding products by photo and by words, without training on any")
    return photo_quality_part(folder)


def photo_quality_part(folder: Path, encoder_name: str = "tower", *, threads: int = 2) -> Part:
    """Measure an encoder of the image registry on a folder's photos; tables and numbers."""
    catalogue = read_photo_catalogue(folder)
    encoder = load_image_encoder(encoder_name, threads=threads)
    texts = None
    if encoder.spec.text_space == MINILM:
        texts = load_text_encoder("minilm", template="{title}", threads=threads)
    vectors, rate = encode_photos(encoder, catalogue.images)
    measured = {
        name: photo_figures(catalogue, baseline, None)
        for name, baseline in simple_baselines(catalogue).items()
    }
    measured["random"] |= _chance_of_words(catalogue)
    best = max(figures["photo_type"] for figures in measured.values())
    figures = photo_figures(catalogue, vectors, texts)
    measured[encoder_name] = figures
    return Part(
        "photo_quality",
        [_sheet(measured, rate, len(catalogue.images))],
        _verdicts(figures, best),
        {"photos_per_second": rate, "encoder": encoder.spec.to_meta(), "figures": measured},
    )


def _histogram(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the shares of the colours, float32 [bins³]."""
    bins = (pixels.reshape(-1, 3).astype(np.int64) * _BINS // 256) @ np.array([_BINS**2, _BINS, 1])
    counted = np.bincount(bins, minlength=_BINS**3).astype(np.float32)
    return counted / np.float32(len(bins))


def _chance_of_words(catalogue: PhotoCatalogue) -> dict[str, float]:
    """Return what words would find if they found any photo: the share of what they ask for."""
    types, colours = np.asarray(catalogue.types), np.asarray(catalogue.colours)
    pairs = label_pairs(catalogue.colours, catalogue.types)
    trained = [pair for pair in pairs if pair.kind in TRAINED_TYPES]
    shares: dict[str, float] = {}
    for name, asked in (("words", pairs), ("trained_words", trained)):
        shares[f"{name}_type"] = float(np.mean([np.mean(types == pair.kind) for pair in asked]))
        shares[f"{name}_colour"] = float(
            np.mean([np.mean(colours == pair.colour) for pair in asked])
        )
    return shares


_COLUMNS = {
    "photo_type": "photo: type",
    "photo_colour": "photo: colour",
    "words_type": "words: type",
    "words_colour": "words: colour",
    "trained_words_type": "trained words: type",
    "trained_words_colour": "trained words: colour",
    "title_own_photo": "title: own photo",
}


def _sheet(measured: Mapping[str, Mapping[str, float]], rate: float, photos: int) -> Sheet:
    rows = [
        [name, *(f"{figures[key]:.2f}" if key in figures else "" for key in _COLUMNS)]
        for name, figures in measured.items()
    ]
    return Sheet(
        f"Photos: precision@10 over {photos:,} photos that no shipped weights were trained on",
        ["vectors", *_COLUMNS.values()],
        rows,
        f"{rate:,.0f} photos/s with decoding; title: recall@10 of the product's own photo",
    )


def _verdicts(figures: Mapping[str, float], best_baseline: float) -> list[Verdict]:
    verdicts = [
        at_least("photos: type of similar photos", figures["photo_type"], LEAST_PHOTO_TYPE),
        at_least(
            "photos: the same, against no encoder", figures["photo_type"], round(best_baseline, 3)
        ),
    ]
    if "trained_words_type" in figures:
        words = figures["trained_words_type"]
        verdicts.append(at_least("photos: type of what words find", words, LEAST_WORDS_TYPE))
    return verdicts


@click.command()
@click.option("--encoder", default="tower", show_default=True, help="Name or folder.")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=ROOT.parent / "shared" / "data" / "fashion",
    help="Folder with products.jsonl.gz and images.",
)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
def main(encoder: str, data: Path, threads: int) -> None:
    """Measure an encoder of photos on a catalogue and print the table."""
    show([photo_quality_part(data, encoder, threads=threads)], Console(width=150))


if __name__ == "__main__":
    main()
