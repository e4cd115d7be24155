"""Many rendered pictures in one file, with what they show: for training encoders of photos.

python -m embedded.pictures.dataset --out rendered.npz --each 150
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from embedded.pictures import (
    accessories,
    bags,
    beauty,
    bottoms,
    dresses,
    jackets,
    shoes,
    tops,
    underwear,
    watches,
)
from embedded.pictures.colours import COLOURS
from embedded.pictures.render import KINDS, SCENE, STUDIO, render

_USUAL = (
    *("black", "white", "blue", "navy blue", "grey", "red", "brown", "green", "pink"),
    *("purple", "yellow", "beige", "multi"),
)
"""Colours that half of the pictures have, as half of what shops sell does."""
_BACKGROUNDS = (*["white"] * 16, STUDIO, STUDIO, SCENE, SCENE)
_FASHION = frozenset().union(
    *(tops.KINDS, jackets.KINDS, dresses.KINDS, bottoms.KINDS, underwear.KINDS, shoes.KINDS),
    *(bags.KINDS, accessories.KINDS, watches.KINDS, beauty.KINDS),
)
_OTHERS = 3
"""Kinds of clothes differ least and get this many times the pictures of the others."""
_PART = 50


@dataclass(frozen=True)
class _Order:
    kind: str
    colour: str
    seed: int
    size: int
    background: str


def write_dataset(path: Path, *, each: int, size: int, seed: int, processes: int) -> int:
    """Write pictures of every kind to an .npz file and return how many there are.

    each: pictures of a kind of clothes, shoes, bags or jewellery; of others a third.

    pixels: uint8 [n, size, size, 3]; kind, colour: int64 [n], places in `kinds` and `colours`;
    words: JSON, kind to its words; rgb: uint8 [colours, 3]. The same arguments give the same
    pictures, whatever the processes.
    """
    orders = _orders(each, size, seed)
    parts = [orders[start : start + _PART] for start in range(0, len(orders), _PART)]
    with ProcessPoolExecutor(processes) as pool:
        drawn = list(track(pool.map(_draw, parts), "drawing", total=len(parts)))
    kinds, colours = list(KINDS), list(COLOURS)
    np.savez(
        path,
        pixels=np.concatenate(drawn),
        kind=np.array([kinds.index(order.kind) for order in orders]),
        colour=np.array([colours.index(order.colour) for order in orders]),
        kinds=np.array(kinds),
        colours=np.array(colours),
        words=np.array(json.dumps({kind: list(words) for kind, words in KINDS.items()})),
        rgb=np.array(list(COLOURS.values()), dtype=np.uint8),
    )
    return len(orders)


def _orders(each: int, size: int, seed: int) -> list[_Order]:
    rng = np.random.default_rng(seed)
    colours = list(COLOURS)
    orders = []
    for kind in KINDS:
        for number in range(each if kind in _FASHION else -(-each // _OTHERS)):
            among: Sequence[str] = _USUAL if rng.random() < 0.5 else colours
            colour = among[int(rng.integers(len(among)))]
            background = _BACKGROUNDS[int(rng.integers(len(_BACKGROUNDS)))]
            orders.append(_Order(kind, colour, seed * 1_000_003 + number, size, background))
    return orders


def _draw(orders: Sequence[_Order]) -> NDArray[np.uint8]:
    pictures = [
        render(order.kind, order.colour, order.seed, order.size, background=order.background)
        for order in orders
    ]
    return np.stack([np.asarray(picture) for picture in pictures])


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option(
    "--each",
    type=click.IntRange(1),
    default=300,
    help="Pictures of a kind of clothes, three times those of other kinds  [300]",
)
@click.option("--size", type=click.IntRange(16, 1_024), default=112, help="Pixels  [112]")
@click.option("--seed", type=click.IntRange(0), default=0)
@click.option("--processes", type=click.IntRange(1), default=2, help="At once  [2]")
def main(out: Path, each: int, size: int, seed: int, processes: int) -> None:
    """Draw pictures of every kind in many colours into one file."""
    count = write_dataset(out, each=each, size=size, seed=seed, processes=processes)
    click.echo(f"{count} pictures of {len(KINDS)} kinds in {out}")


if __name__ == "__main__":
    main()
