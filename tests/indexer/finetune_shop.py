"""A tiny shop of drawn squares, circles and bars in few colours, and a tiny tower to train."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from indexer.encoders.image_tower import write_tower_spec
from indexer.encoders.registry import text_encoder_spec
from indexer.towers.export import export_onnx
from indexer.towers.tower import ImageTower, TowerConfig, save_tower

COLOURS = {"red": (200, 30, 30), "green": (30, 160, 60), "blue": (40, 60, 200)}
KINDS = ("circles", "squares", "bars")
TEXT_ENCODER = "hashing"
SIDE = 32


def draw(kind: str, colour: str, generator: np.random.Generator) -> Image.Image:
    """Return a photo of 40 x 40 pixels: the thing on white, somewhere near the middle."""
    image = Image.new("RGB", (40, 40), (255, 255, 255))
    left, top = (int(value) for value in generator.integers(4, 12, 2))
    size = int(generator.integers(18, 24))
    paint = ImageDraw.Draw(image)
    fill = tuple(
        int(np.clip(part + generator.integers(-15, 16), 0, 255)) for part in COLOURS[colour]
    )
    if kind == "circles":
        paint.ellipse((left, top, left + size, top + size), fill=fill)
    elif kind == "squares":
        paint.rectangle((left, top, left + size, top + size), fill=fill)
    else:
        paint.rectangle((left, top + size // 2 - 3, left + size, top + size // 2 + 3), fill=fill)
    return image


def write_shop(folder: Path, *, products: int, variants: int = 2, seed: int = 0) -> Path:
    """Write products.jsonl and its photos; return the file.

    variants: products that share a parent id, each with a photo of its own.
    """
    generator = np.random.default_rng(seed)
    (folder / "photos").mkdir(parents=True)
    lines = []
    for number in range(products):
        kind = KINDS[number % len(KINDS)]
        colour = list(COLOURS)[int(generator.integers(len(COLOURS)))]
        name = f"photos/{number}.png"
        draw(kind, colour, generator).save(folder / name)
        product = {
            "id": f"p{number}",
            "title": f"Brand{number % 4} {colour} {kind} no{number}",
            "brand": f"Brand{number % 4}",
            "categories": [f"Shapes > {kind}"],
            "attributes": {"colour": colour},
            "images": [name],
            "parent_id": f"g{number // variants}",
        }
        lines.append(json.dumps(product))
    file = folder / "products.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return file


def write_tower(folder: Path, *, seed: int = 0) -> Path:
    """Write a tiny tower with random parameters as an encoder's folder; return the folder."""
    spec = text_encoder_spec(TEXT_ENCODER, template="{title}", model_directory=folder)
    torch.manual_seed(seed)
    tower = ImageTower(
        TowerConfig(backbone="tiny", input_size=SIDE, dims=spec.dims, grid=2)
    ).eval()
    save_tower(tower, folder)
    config = json.loads((folder / "config.json").read_text()) | {"kind": "tower"}
    (folder / "config.json").write_text(json.dumps(config))
    export_onnx(tower, folder / "model.onnx")
    write_tower_spec(folder, dims=spec.dims, text_space=spec.revision)
    return folder
