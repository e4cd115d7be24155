"""What is worn above the waist: shirts, knitwear, jackets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from embedded.pictures import people
from embedded.pictures.colours import COLOURS, Rgb, brightness, shade
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import Outline, mirrored
from embedded.pictures.pen import Paint, Pen

KINDS = KindTable()

_LIVING = 0.4
"""Share of clothes that are photographed on somebody."""


@dataclass(frozen=True)
class Cut:
    """How a top is cut. Lengths count as the drawing area does.

    sleeve: none, strap, cap, short, half or long; neck: crew, v, scoop, high or open;
    hem: where it ends; waist and width: half the widths there and at the hem.
    """

    sleeve: str = "short"
    neck: str = "crew"
    hem: float = 92.0
    waist: float = 22.0
    width: float = 23.0
    shoulder: float = 21.0
    depth: float = 0.0


_NECK_DEPTH = {"crew": 7.0, "v": 20.0, "scoop": 17.0, "high": 3.0, "open": 24.0}
_SLEEVES: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    # End of the sleeve outside and inside, relative to the shoulder; how much it bends.
    "cap": ((8, 13), (1, 19), 2),
    "short": ((20, 22), (10, 30), 3),
    "half": ((22, 36), (11, 40), 3),
    "long": ((19, 70), (8.5, 71), 5),
}


def neckline(cut: Cut) -> Outline:
    """Return the right half of the opening for the neck, from the shoulder to the middle."""
    depth = 9 + (cut.depth or _NECK_DEPTH[cut.neck])
    if cut.neck in ("v", "open"):
        return [(50, depth), (58.5, 9)]
    if cut.neck == "scoop":
        return [(50, depth), (60, depth, 1), (61, 9)]
    return [(50, depth), (56.5, depth, 1), (58.5, 9)]


def body_outline(cut: Cut) -> Outline:
    """Return the whole outline of the body without its sleeves."""
    armpit = 36.0
    edge = 50 + cut.shoulder
    if cut.sleeve == "strap":
        upper: Outline = [(50, 30), (57, 30, 1), (60, 10), (64, 10), (64, 30, 1), (70, armpit)]
    else:
        upper = [*neckline(cut), (edge - 2, 13), (edge, 16), (edge - 2.5, 28, 1), (edge, armpit)]
    lower: Outline = [
        (50 + cut.waist, 62, 1),
        (50 + cut.width, cut.hem - 1),
        (50 + cut.width * 0.5, cut.hem + 1.5, 1),
        (50, cut.hem + 1.5),
    ]
    return mirrored([*upper, *lower])


def torso(pen: Pen, cut: Cut, *, paint: Paint | None = None, inside: Rgb | None = None) -> None:
    """Draw sleeves, then the body with the inside of its collar."""
    lining = inside or pen.tone(0.62 if brightness(pen.main) > 70 else 1.25)
    if cut.neck != "high":
        pen.fill(
            mirrored([(50, 6.5), (57, 7), (60, 10), (57, 16, 1), (50, 16)]), lining, surface="flat"
        )
    if cut.sleeve in _SLEEVES:
        outer, inner, bend = _SLEEVES[cut.sleeve]
        wide = pen.between(0.9, 1.15)
        for side in (-1, 1):
            x = 50 + side * cut.shoulder
            pen.fill(
                [
                    (x - side * 3, 12.5),
                    (x + side * (outer[0] * 0.5 + bend), 14 + outer[1] * 0.25, 1),
                    (x + side * outer[0] * wide, 13 + outer[1]),
                    (x + side * inner[0], 13 + inner[1]),
                    (x + side * 2, 40, 1),
                    (x - side * 4, 34),
                ],
                paint,
            )
            if cut.sleeve != "cap":
                hem = 0.93
                pen.line(
                    [
                        (x + side * outer[0] * wide * hem, 13 + outer[1] * hem),
                        (x + side * inner[0] * hem, 13 + inner[1] * hem),
                    ]
                )
    pen.fill(body_outline(cut), paint)


@contextmanager
def perhaps_worn(pen: Pen, *, hem: float = 92.0, share: float = _LIVING) -> Iterator[None]:
    """Draw the top smaller on somebody, or as large as it goes without."""
    if not pen.chance(share):
        yield
        return
    scale = pen.between(0.72, 0.86)
    with pen.moved(scale=scale, down=pen.between(2, 9)):
        people.upper_body(pen, people.skin(pen))
        people.lower_body(pen, hips=hem)
        yield


def rib(pen: Pen, cut: Cut, *, colour: Rgb | None = None) -> None:
    """Draw the band of a neckline."""
    half = neckline(cut)
    ring = [*half[::-1], *[(100 - p[0], *p[1:]) for p in half[1:]]]
    pen.line(ring, colour or pen.trim, 1.8)


def buttons(
    pen: Pen, top: float, bottom: float, *, x: float = 50.0, colour: Rgb | None = None
) -> None:
    """Draw a row of buttons."""
    count = 4 + int(pen.between(0, 4))
    paint = colour or pen.one_of([pen.contrast, pen.trim, pen.tone(0.7)])
    for step in range(count):
        y = top + (bottom - top) * step / (count - 1)
        pen.oval(x, y, 0.9, 0.9, paint, surface="flat", edge=False)


def placket(pen: Pen, top: float, bottom: float) -> None:
    """Draw the strip on which a shirt is buttoned."""
    pen.line([(48.2, top), (48.2, bottom)])
    pen.line([(51.8, top), (51.8, bottom)])
    buttons(pen, top + 4, bottom - 5)


def collar(
    pen: Pen, *, spread: float = 9.0, paint: Paint | None = None, drop: float = 19.0
) -> None:
    """Draw the two leaves of a shirt's collar."""
    pen.fill(mirrored([(50, 5.5), (58, 5), (59, 9), (50, 9)]), paint, surface="flat")
    for side in (-1, 1):
        pen.fill(
            [
                (50 + side * 8.6, 5.5),
                (50 + side * 11.5, 10),
                (50 + side * spread, drop + 2),
                (50 + side * 1.2, drop - 4.5),
                (50 + side * 4, 10),
            ],
            paint,
            surface="flat",
        )


def zip_line(pen: Pen, top: float, bottom: float, *, width: float = 1.5) -> None:
    """Draw a zip in the middle."""
    metal = pen.one_of([COLOURS["silver"], pen.trim, (50, 50, 54)])
    pen.line([(50, top), (50, bottom)], metal, width)
    pen.line([(50, top), (50, bottom)], shade(metal, 0.6), 0.4)
    pen.box(49.2, top + 1, 50.8, top + 5, shade(metal, 0.7), edge=False)


def logo(pen: Pen) -> None:
    """Draw a print on the chest: marks, letters or a picture."""
    paint = pen.one_of([pen.contrast, pen.accents[0], pen.accents[1]])
    way = int(pen.between(0, 4))
    wide = pen.between(7, 15)
    y = pen.between(33, 42)
    if way == 0:
        letters = int(pen.between(3, 7))
        for place in range(letters):
            x = 50 - wide + 2 * wide * place / letters
            pen.box(
                x, y, x + wide * 1.3 / letters, y + wide * 0.5, paint, surface="flat", edge=False
            )
    elif way == 1:
        pen.oval(50, y + 6, wide * 0.8, wide * 0.8, paint, surface="flat", edge=False)
        pen.oval(50, y + 6, wide * 0.5, wide * 0.5, pen.accents[2], surface="flat", edge=False)
    elif way == 2:
        for row in range(4):
            half = wide * pen.between(0.5, 1)
            pen.box(
                50 - half,
                y + row * 4,
                50 + half,
                y + row * 4 + 2.2,
                paint,
                surface="flat",
                edge=False,
            )
    else:
        pen.fill(
            [
                (50 + wide * pen.between(-1, 1), y + 6 + wide * pen.between(-1, 1))
                for _ in range(7)
            ],
            paint,
            surface="flat",
            edge=False,
        )


def _knit(pen: Pen, cut: Cut) -> None:
    rib(pen, cut)
    pen.line([(50 - cut.width, cut.hem - 6), (50, cut.hem - 4), (50 + cut.width, cut.hem - 6)])
    for step in range(-7, 8):
        x = 50 + step * cut.width / 8
        pen.line([(x, cut.hem - 5), (x, cut.hem)], width=0.5)


@KINDS.kind("t-shirt", "tshirt", "tee", "t shirt", patterned=0.25)
def _t_shirt(pen: Pen) -> None:
    cut = Cut(
        neck=pen.one_of(["crew", "crew", "v"]),
        depth=pen.between(5, 9) if pen.chance(0.7) else 0.0,
        waist=pen.between(19, 24),
        width=pen.between(20, 24),
        hem=pen.between(84, 94),
    )
    with perhaps_worn(pen, hem=cut.hem):
        torso(pen, cut)
        rib(pen, cut, colour=pen.one_of([pen.trim, pen.trim, pen.contrast]))
        if pen.chance(0.55):
            logo(pen)


@KINDS.kind("shirt", "formal shirt", "dress shirt", patterned=0.35)
def _shirt(pen: Pen) -> None:
    cut = Cut(
        sleeve=pen.one_of(["long", "long", "long", "half"]), neck="crew", waist=pen.between(19, 23)
    )
    with perhaps_worn(pen):
        torso(pen, cut)
        placket(pen, 17, cut.hem)
        collar(pen, spread=pen.between(8, 11))
        if pen.chance(0.6):
            pen.line([(57, 34), (67, 34), (67, 44), (62, 46), (57, 44), (57, 34)])


@KINDS.kind("casual shirt", "checked shirt", "button-down shirt", patterned=0.8)
def _casual_shirt(pen: Pen) -> None:
    cut = Cut(sleeve=pen.one_of(["long", "half", "short"]), waist=pen.between(20, 24))
    with perhaps_worn(pen):
        torso(pen, cut)
        placket(pen, 17, cut.hem)
        collar(pen, spread=pen.between(8, 12), drop=pen.between(17, 21))
        for x in (33, 57) if pen.chance(0.5) else (57,):
            pen.line(
                [(x, 34), (x + 10, 34), (x + 10, 45), (x + 5, 47), (x, 45), (x, 34)], width=0.8
            )


@KINDS.kind("polo", "polo shirt", "polo t-shirt", patterned=0.25)
def _polo(pen: Pen) -> None:
    cut = Cut(waist=pen.between(19, 23), hem=pen.between(86, 93))
    with perhaps_worn(pen, hem=cut.hem):
        torso(pen, cut)
        pen.box(48, 14, 52, 34, pen.tone(0.9), surface="flat")
        buttons(pen, 18, 31)
        collar(pen, drop=18, paint=pen.one_of([pen.cloth, pen.contrast, pen.trim]))
        if pen.chance(0.6):
            pen.oval(62, 34, 1.8, 1.8, pen.contrast, surface="flat", edge=False)


@KINDS.kind("top", "blouse", "women's top", patterned=0.5)
def _top(pen: Pen) -> None:
    cut = Cut(
        sleeve=pen.one_of(["none", "cap", "short", "half", "strap"]),
        neck=pen.one_of(["scoop", "v", "crew", "scoop"]),
        waist=pen.between(13, 18),
        width=pen.between(18, 27),
        shoulder=pen.between(16, 19),
        hem=pen.between(78, 92),
    )
    with perhaps_worn(pen, hem=cut.hem, share=0.6):
        torso(pen, cut)
        if cut.sleeve != "strap":
            rib(pen, cut)
        if pen.chance(0.35):
            pen.line([(50 - cut.waist - 2, 52), (50, 54), (50 + cut.waist + 2, 52)], width=1.2)
        if pen.chance(0.3):
            for step in range(6):
                pen.oval(
                    44 + step * 2.4,
                    29 + abs(2.5 - step) * -1.2,
                    0.9,
                    0.9,
                    pen.contrast,
                    edge=False,
                )


@KINDS.kind("tank top", "vest top", "camisole", "sleeveless top", patterned=0.3)
def _tank_top(pen: Pen) -> None:
    cut = Cut(
        sleeve="strap",
        waist=pen.between(15, 20),
        width=pen.between(18, 22),
        hem=pen.between(80, 92),
    )
    with perhaps_worn(pen, hem=cut.hem, share=0.5):
        torso(pen, cut)
        if pen.chance(0.4):
            logo(pen)


@KINDS.kind("vest", "men's vest", "undershirt")
def _vest(pen: Pen) -> None:
    cut = Cut(sleeve="strap", waist=20, width=pen.between(20, 22), hem=92)
    with perhaps_worn(pen, share=0.5):
        torso(pen, cut)
        for side in (-1, 1):
            pen.line([(50 + side * 20, 37), (50 + side * 14, 31), (50 + side * 13, 11)], width=1.0)


@KINDS.kind("sweater", "pullover", "jumper", "knitted sweater", patterned=0.35)
def _sweater(pen: Pen) -> None:
    cut = Cut(
        sleeve="long",
        neck=pen.one_of(["crew", "v", "high"]),
        depth=pen.between(6, 15),
        width=pen.between(21, 23),
        waist=24,
        hem=pen.between(82, 90),
    )
    with perhaps_worn(pen, hem=cut.hem):
        torso(pen, cut)
        if cut.neck == "high":
            pen.box(41, 1, 59, 12, pen.cloth, corner=2)
        _knit(pen, cut)
        for step in range(9):
            x = 32 + step * 4.5
            pen.stitches([(x, 40), (x, cut.hem - 8)], pen.tone(0.88), 0.5)


@KINDS.kind("cardigan", "knitted jacket", patterned=0.2)
def _cardigan(pen: Pen) -> None:
    cut = Cut(
        sleeve="long", neck="v", depth=pen.between(24, 38), hem=pen.between(82, 92), waist=24
    )
    with perhaps_worn(pen, hem=cut.hem):
        inner = pen.one_of([COLOURS["white"], COLOURS["grey"], pen.tone(0.5)])
        pen.fill(mirrored([(50, 9), (58, 9), (58, 50), (50, 50)]), inner)
        torso(pen, cut)
        rib(pen, cut)
        pen.line([(50, cut.depth + 9), (50, cut.hem)], width=1.4)
        buttons(pen, cut.depth + 14, cut.hem - 4, colour=(96, 66, 40))
        for side in (-1, 1):
            x = 50 + side * 12
            pen.line([(x - 6, 68), (x + 6, 68), (x + 6, 82), (x - 6, 82), (x - 6, 68)], width=0.8)


@KINDS.kind("sweatshirt", "crew neck sweatshirt", patterned=0.2)
def _sweatshirt(pen: Pen) -> None:
    cut = Cut(sleeve="long", waist=25, width=22, hem=pen.between(80, 88))
    with perhaps_worn(pen, hem=cut.hem):
        torso(pen, cut)
        _knit(pen, cut)
        if pen.chance(0.65):
            logo(pen)


@KINDS.kind("hoodie", "hooded sweatshirt", "hooded jumper", patterned=0.1)
def _hoodie(pen: Pen) -> None:
    cut = Cut(sleeve="long", waist=25, width=22, hem=pen.between(82, 89), depth=10)
    with perhaps_worn(pen, hem=cut.hem):
        pen.fill(
            mirrored([(50, -3), (64, -3, 1), (66, 14, 1), (62, 20), (50, 24)]), pen.tone(0.85)
        )
        torso(pen, cut)
        pen.fill(
            mirrored([(50, 2), (58, 3, 1), (59, 11, 1), (50, 20)]), pen.tone(0.5), surface="flat"
        )
        for side in (-1, 1):
            pen.line([(50 + side * 4, 18), (50 + side * 5, 36)], pen.contrast, 0.9)
        pen.fill(
            mirrored([(50, 60), (60, 60), (67, 74), (67, 79), (50, 79)]), pen.cloth, surface="flat"
        )
        if pen.chance(0.5):
            zip_line(pen, 20, cut.hem)
        elif pen.chance(0.5):
            logo(pen)
        _knit(pen, cut)
