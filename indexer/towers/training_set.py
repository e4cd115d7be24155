"""The pictures that the shipped tower learns from, from the files of three sources.

People's photos of clothes (`clothing`), shelf photos of groceries (`grocery`), and rendered
pictures (`python -m embedded.pictures.dataset`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from indexer.towers.colour_names import possible_colours
from indexer.towers.cutout import cut_out
from indexer.towers.figures import BOTTOM, FULL, TOP, WORN
from indexer.towers.pictures import CUT, PLACED, SCENE, Pictures, mask_boxes
from indexer.towers.words import CLOTHING_KINDS, EXTRA_WORDS

_WORN_BY_CLASS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("Blazer", "Blouse", "Hoodie", "Longsleeve", "Outwear", "Polo", "Shirt", "T-Shirt"),
            *("Top", "Undershirt"),
        ),
        TOP,
    ),
    "Dress": FULL,
    **dict.fromkeys(("Pants", "Shorts", "Skirt"), BOTTOM),
}


@dataclass(frozen=True)
class Rendered:
    """What `embedded.pictures.dataset` wrote. words: kind to its words. rgb: uint8 [C, 3]."""

    pixels: NDArray[np.uint8]
    kind: NDArray[np.int64]
    colour: NDArray[np.int64]
    words: Mapping[str, Sequence[str]]
    colours: Sequence[str]
    rgb: NDArray[np.uint8]


@dataclass(frozen=True)
class Vocabulary:
    """words: kind to its words; the first `coloured` kinds come in colours. rgb: uint8 [C, 3]."""

    words: Mapping[str, Sequence[str]]
    coloured: int
    colours: Sequence[str]
    rgb: NDArray[np.uint8]

    def flags(self, named: Iterable[Sequence[str]]) -> NDArray[np.bool_]:
        """Return which kinds each row names, bool [rows, K]; unknown names are left out."""
        place = {kind: number for number, kind in enumerate(self.words)}
        rows = [[place[kind] for kind in kinds if kind in place] for kinds in named]
        flags = np.zeros((len(rows), len(place)), dtype=bool)
        for row, places in enumerate(rows):
            flags[row, places] = True
        return flags


def read_rendered(path: Path) -> Rendered:
    """Read an .npz file of rendered pictures."""
    with np.load(path) as file:
        return Rendered(
            pixels=file["pixels"],
            kind=file["kind"],
            colour=file["colour"],
            words=json.loads(str(file["words"])),
            colours=[str(name) for name in file["colours"]],
            rgb=file["rgb"],
        )


def make_vocabulary(rendered: Rendered, grocery: Path) -> Vocabulary:
    """Return all kinds: the rendered ones, those of people's photos, then the groceries."""
    words = {kind: list(names) for kind, names in rendered.words.items()}
    for kinds in CLOTHING_KINDS.values():
        words.setdefault(kinds[0], [kinds[0]])
    for kind, names in EXTRA_WORDS.items():
        if kind in words:
            words[kind] = list(dict.fromkeys([*words[kind], *names]))
    coloured = len(words)
    for name in sorted(_grocery_names(grocery).values()):
        words.setdefault(name, [name])
    return Vocabulary(words, coloured, rendered.colours, rendered.rgb)


def rendered_pictures(rendered: Rendered, vocabulary: Vocabulary) -> Pictures:
    """Return the rendered pictures, of which kind and colour are known."""
    kinds = list(rendered.words)
    colours = np.zeros((len(rendered.pixels), len(rendered.colours)), dtype=bool)
    colours[np.arange(len(colours)), rendered.colour] = True
    return _uncut(
        rendered.pixels, vocabulary.flags([kinds[kind]] for kind in rendered.kind), colours, PLACED
    )


def clothing_pictures(
    folder: Path, side: int, vocabulary: Vocabulary
) -> tuple[Pictures, NDArray[np.str_]]:
    """Return people's photos, cut out where that works, and the class of each."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    labels = np.array([row["label"] for row in rows])
    pixels, aspects = _read_images([folder / row["image"] for row in rows], side, "clothing")
    found = [cut_out(picture) for picture in track(pixels, "cutting out", transient=True)]
    good = np.array([cutout.good for cutout in found])
    masks = np.stack([(cutout.mask * 255).round().astype(np.uint8) for cutout in found])
    masks[~good] = 255
    colours = possible_colours(pixels, masks, vocabulary.rgb)
    colours[~good] = False
    worn = [_WORN_BY_CLASS.get(str(label)) for label in labels]
    pictures = Pictures(
        pixels=pixels,
        masks=masks,
        boxes=mask_boxes(masks),
        aspects=aspects,
        kinds=vocabulary.flags(CLOTHING_KINDS[str(label)] for label in labels),
        colours=colours,
        worn=np.array([-1 if place is None else WORN.index(place) for place in worn]),
        state=np.where(good, CUT, SCENE),
    )
    return pictures, labels


def grocery_pictures(folder: Path, side: int, vocabulary: Vocabulary) -> tuple[Pictures, Pictures]:
    """Return the shelf photos, and the one picture of each product alone."""
    names = _grocery_names(folder)
    with (folder / "photos.csv").open(newline="", encoding="utf-8") as file:
        photos = [(row["image"], row["class_id"]) for row in csv.DictReader(file)]
    with (folder / "classes.csv").open(newline="", encoding="utf-8") as file:
        alone = [(row["iconic_image"], row["class_id"]) for row in csv.DictReader(file)]
    parts = []
    for listed, state in ((photos, SCENE), (alone, PLACED)):
        pixels, _ = _read_images([folder / image for image, _ in listed], side, "grocery")
        kinds = vocabulary.flags([names[number]] for _, number in listed)
        colours = np.zeros((len(pixels), len(vocabulary.colours)), dtype=bool)
        parts.append(_uncut(pixels, kinds, colours, state))
    return parts[0], parts[1]


def _grocery_names(folder: Path) -> dict[str, str]:
    with (folder / "classes.csv").open(newline="", encoding="utf-8") as file:
        return {
            row["class_id"]: row["name"].replace("-", " ").lower() for row in csv.DictReader(file)
        }


def _uncut(
    pixels: NDArray[np.uint8], kinds: NDArray[np.bool_], colours: NDArray[np.bool_], state: int
) -> Pictures:
    masks = np.broadcast_to(np.uint8(255), pixels.shape[:3])
    whole = np.tile(np.array([0, 0, 1, 1], dtype=np.float32), (len(pixels), 1))
    ones = np.ones(len(pixels), dtype=np.float32)
    nobody = np.full(len(pixels), -1)
    return Pictures(
        pixels, masks, whole, ones, kinds, colours, nobody, np.full(len(pixels), state)
    )


def _read_images(
    paths: Sequence[Path], side: int, what: str
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the images squeezed into squares, uint8 [n, side, side, 3], and width / height."""
    pixels = np.empty((len(paths), side, side, 3), dtype=np.uint8)
    aspects = np.empty(len(paths), dtype=np.float32)
    for row, path in enumerate(track(paths, f"reading {what}", transient=True)):
        with Image.open(path) as image:
            aspects[row] = image.width / image.height
            squeezed = image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
        pixels[row] = np.asarray(squeezed)
    return pixels, aspects
