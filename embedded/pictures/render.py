"""A picture of a product of a kind, in a colour, the same for a seed on every machine."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypedDict

from PIL import Image, ImageColor, ImageDraw, ImageFilter

from embedded.errors import EmbeddedStackError
from embedded.pictures import (
    accessories,
    appliances,
    bags,
    beauty,
    bottoms,
    computing,
    dresses,
    electronics,
    home,
    jackets,
    kitchenware,
    office,
    outdoor,
    shoes,
    sports,
    tools,
    tops,
    toys,
    underwear,
    watches,
)
from embedded.pictures.colours import COLOURS, MANY_COLOURS, Rgb, several, varied
from embedded.pictures.kind_table import Kind
from embedded.pictures.patterns import PATTERNS, PLAIN, patchwork, texture
from embedded.pictures.pen import Paint, Pen

_TABLES = (
    tops.KINDS,
    jackets.KINDS,
    dresses.KINDS,
    bottoms.KINDS,
    underwear.KINDS,
    shoes.KINDS,
    bags.KINDS,
    accessories.KINDS,
    watches.KINDS,
    beauty.KINDS,
    computing.KINDS,
    electronics.KINDS,
    appliances.KINDS,
    kitchenware.KINDS,
    outdoor.KINDS,
    sports.KINDS,
    toys.KINDS,
    office.KINDS,
    home.KINDS,
    tools.KINDS,
)
_ALL: Mapping[str, Kind] = {name: kind for table in _TABLES for name, kind in table.items()}
KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: kind.words for name, kind in _ALL.items()}
)
"""Name of a kind to what people call it, the usual word first."""

STUDIO, SCENE = "studio", "scene"
_SMALLEST, _LARGEST = 16, 1_024
_FINER = 2
"""Drawn this many times larger, then made smaller: smooth edges."""
_USUAL_PATTERNS = ("stripes", "checks", "heather", "dots", "flowers", "pinstripes")


class PictureUnknown(EmbeddedStackError):
    """A picture of something that nobody has drawn was asked for."""


def render(
    kind: str,
    colour: str,
    seed: int,
    size: int = 224,
    *,
    background: str = "white",
    pattern: str | None = None,
    view: int = 0,
) -> Image.Image:
    """Return a picture (RGB, size by size) of one product.

    kind: of KINDS; colour: of COLOURS; seed: proportions, angle, place and detail vary with it;
    size: pixels, 16 to 1,024; background: a colour that Pillow knows (`white`, `#f4f1ec`),
    `studio` (soft grey light) or `scene` (blurred things behind); pattern: of PATTERNS, `plain`,
    or None for one that suits the kind; view: another place and angle of the same thing.
    Raises PictureUnknown for a value that is none of these.
    """
    drawn = _checked(kind, colour, size, background, pattern)
    # The words, too, so that the mouse of a seed does not stand like the shoe of that seed.
    draw = random.Random(f"{kind}/{colour}/{seed}")  # noqa: S311
    pixels = size * _FINER
    image = _background(random.Random(f"{background}/{seed}"), background, pixels)  # noqa: S311
    main = varied(draw, COLOURS[colour])
    chosen = _pattern_for(draw, drawn) if pattern is None else pattern
    accents = several(draw, 5)
    cloth: Paint = main
    if colour == MANY_COLOURS:
        main, cloth = accents[0], patchwork(draw, accents, pixels)
    elif chosen != PLAIN:
        cloth = texture(draw, chosen, main, pixels)
    pen = Pen(draw, image, main=main, cloth=cloth, accents=accents)
    with pen.moved(**_placement(random.Random(f"{kind}/{seed}/{view}"), drawn)):  # noqa: S311
        drawn.drawing(pen)
    return image.reduce(_FINER)


class _Placement(TypedDict):
    across: float
    down: float
    scale: float
    stretch: float
    turn: float
    flip: bool


def _placement(draw: random.Random, kind: Kind) -> _Placement:
    def between(low: float, high: float) -> float:
        return low + draw.random() * (high - low)

    return {
        "across": between(-3, 3),
        "down": between(-3, 3),
        "scale": between(0.82, 1.0),
        "stretch": between(0.93, 1.07),
        "turn": between(-kind.tilt, kind.tilt),
        "flip": draw.random() < kind.flip,
    }


def _checked(kind: str, colour: str, size: int, background: str, pattern: str | None) -> Kind:
    if kind not in _ALL:
        raise PictureUnknown(f"There is no drawing of the kind {kind!r}.", _known(_ALL))
    if colour not in COLOURS:
        raise PictureUnknown(f"There is no colour {colour!r}.", _known(COLOURS))
    if not _SMALLEST <= size <= _LARGEST:
        raise PictureUnknown(
            f"A picture cannot be {size} pixels wide.", f"Ask for {_SMALLEST} to {_LARGEST}."
        )
    if pattern is not None and pattern != PLAIN and pattern not in PATTERNS:
        raise PictureUnknown(f"There is no pattern {pattern!r}.", _known([PLAIN, *PATTERNS]))
    if background not in (STUDIO, SCENE):
        try:
            ImageColor.getrgb(background)
        except ValueError as error:
            raise PictureUnknown(
                f"There is no background {background!r}.", "Name a colour, `studio` or `scene`."
            ) from error
    return _ALL[kind]


def _known(names: Iterable[str]) -> str:
    return f"Known: {', '.join(sorted(names))}."


def _pattern_for(draw: random.Random, kind: Kind) -> str:
    mark, pattern = draw.random(), draw.random()
    if mark >= kind.patterned:
        return PLAIN
    return _USUAL_PATTERNS[int(pattern * len(_USUAL_PATTERNS))]


def _background(draw: random.Random, name: str, pixels: int) -> Image.Image:
    if name == STUDIO:
        top, bottom = 236 + int(draw.random() * 16), 196 + int(draw.random() * 40)
        light = Image.linear_gradient("L").resize((pixels, pixels))
        ends = [Image.new("RGB", (pixels, pixels), (level,) * 3) for level in (bottom, top)]
        return Image.composite(ends[0], ends[1], light)
    if name == SCENE:
        return _scene(draw, pixels)
    return Image.new("RGB", (pixels, pixels), ImageColor.getrgb(name)[:3])


def _scene(draw: random.Random, pixels: int) -> Image.Image:
    """Return a blurred room: a wall, a floor or table, and things of any colour."""
    # Small, because a blur of few pixels looks the same and costs little.
    small = 64
    image = Image.new("RGB", (small, small), _muted(draw))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, small * (0.5 + 0.4 * draw.random()), small, small), _muted(draw))
    for _ in range(int(draw.random() * 7)):
        x, y = draw.random() * small, draw.random() * small
        wide, high = (small * (0.08 + 0.3 * draw.random()) for _ in range(2))
        shape = pen.rectangle if draw.random() < 0.6 else pen.ellipse
        shape((x - wide, y - high, x + wide, y + high), _muted(draw))
    blurred = image.filter(ImageFilter.BoxBlur(1 + int(draw.random() * 3)))
    return blurred.resize((pixels, pixels), Image.Resampling.BILINEAR)


def _muted(draw: random.Random) -> Rgb:
    base = list(COLOURS.values())[int(draw.random() * len(COLOURS))]
    return varied(draw, (base[0] // 2 + 90, base[1] // 2 + 88, base[2] // 2 + 84), by=40)
