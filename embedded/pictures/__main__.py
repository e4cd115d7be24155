"""A sheet of pictures for people: `python -m embedded.pictures --out sheet.png`."""

from __future__ import annotations

from pathlib import Path

import click
from PIL import Image, ImageDraw

from embedded.pictures.colours import COLOURS
from embedded.pictures.render import KINDS, render

_CELL_MARGIN = 14
"""Pixels for a kind's name."""


def sheet(
    kinds: list[str],
    *,
    size: int = 96,
    columns: int = 14,
    seed: int = 0,
    colour: str | None = None,
    background: str = "white",
) -> Image.Image:
    """Return one picture of every kind, each in the next colour unless one is given."""
    rows = -(-len(kinds) // columns)
    cell = size + _CELL_MARGIN
    image = Image.new("RGB", (columns * size, rows * cell), "white")
    pen = ImageDraw.Draw(image)
    colours = list(COLOURS)
    for place, kind in enumerate(kinds):
        x, y = place % columns * size, place // columns * cell
        chosen = colour or colours[(place * 7 + seed) % len(colours)]
        image.paste(render(kind, chosen, seed, size, background=background), (x, y))
        pen.text((x + 2, y + size + 1), kind, fill="black")
    return image


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--kind", "kinds", multiple=True, help="Only this kind (repeatable).")
@click.option("--colour", type=click.Choice(list(COLOURS)), help="All in this colour.")
@click.option("--seed", default=0, show_default=True)
@click.option("--size", default=96, show_default=True, help="Pixels of a picture.")
@click.option("--columns", default=14, show_default=True)
@click.option("--repeat", default=1, show_default=True, help="Pictures of each kind.")
@click.option("--background", default="white", show_default=True)
def main(
    out: Path,
    kinds: tuple[str, ...],
    colour: str | None,
    seed: int,
    size: int,
    columns: int,
    repeat: int,
    background: str,
) -> None:
    """Draw every kind of product on one sheet."""
    chosen = [kind for kind in kinds or KINDS]
    parts = [
        sheet(
            chosen,
            size=size,
            columns=columns,
            seed=seed + step,
            colour=colour,
            background=background,
        )
        for step in range(repeat)
    ]
    whole = Image.new("RGB", (parts[0].width, sum(part.height for part in parts)))
    for step, part in enumerate(parts):
        whole.paste(part, (0, step * part.height))
    whole.save(out)
    click.echo(f"{len(chosen)} kinds on {out}")


if __name__ == "__main__":
    main()
