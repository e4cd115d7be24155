"""Toys and games."""

from __future__ import annotations

from embedded.pictures.colours import Rgb, mixed, shade
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored, oval
from embedded.pictures.pen import Pen

KINDS = KindTable()

_DARK: Rgb = (44, 44, 48)
_WOOD: Rgb = (216, 176, 122)
_PAPER: Rgb = (248, 246, 240)


def _hues(pen: Pen) -> list[Rgb]:
    """Return the asked colour in several shades, with others between."""
    return [
        pen.main,
        pen.tone(0.8),
        pen.tone(1.25),
        pen.accents[1],
        pen.accents[2],
        pen.accents[3],
    ]


def _cube(pen: Pen, x: float, y: float, side: float, paint: Rgb) -> None:
    deep = side * 0.3
    pen.box(x, y, x + side, y + side, paint, surface="flat")
    pen.fill(
        [(x, y), (x + deep, y - deep), (x + side + deep, y - deep), (x + side, y)],
        shade(paint, 1.25),
        surface="flat",
    )
    pen.fill(
        [
            (x + side, y),
            (x + side + deep, y - deep),
            (x + side + deep, y + side - deep),
            (x + side, y + side),
        ],
        shade(paint, 0.75),
        surface="flat",
    )


@KINDS.kind("wooden blocks", "building blocks", "toy blocks", tilt=3)
def _wooden_blocks(pen: Pen) -> None:
    pen.ground(10, 94, 88)
    hues = _hues(pen)
    for row, (count, left) in enumerate(((3, 12), (2, 24), (1, 38))):
        for column in range(count):
            _cube(
                pen,
                left + column * 25 + pen.between(-2, 2),
                66 - row * 23,
                22,
                pen.one_of(hues[:4]),
            )
    pen.fill([(38, 20), (49, 2), (60, 20)], hues[0], surface="side")
    pen.oval(88, 82, 7, 7, hues[3])


@KINDS.kind("marble run", "ball track", tilt=2)
def _marble_run(pen: Pen) -> None:
    for post in (18, 50, 82):
        pen.box(
            post - 3,
            8 if post != 50 else 30,
            post + 3,
            94,
            mixed(_WOOD, pen.main, 0.5),
            surface="round",
        )
    for step, (left, right) in enumerate(
        (((14, 14), (80, 26)), ((86, 34), (20, 46)), ((14, 54), (80, 66)), ((86, 74), (24, 88)))
    ):
        pen.fill(band([left, right], 5.5), _hues(pen)[step % 3], surface="down")
        share = pen.between(0.2, 0.8)
        x, y = (a + (b - a) * share for a, b in zip(left, right, strict=True))
        pen.oval(x, y - 4.4, 3.4, 3.4, pen.accents[step % 4])


@KINDS.kind("magnetic tiles", "magnet tiles", tilt=3)
def _magnetic_tiles(pen: Pen) -> None:
    hues = _hues(pen)
    for row in range(2):
        for column in range(3):
            x, y = 20 + column * 20, 70 - row * 20
            pen.box(x, y, x + 20, y + 20, pen.one_of(hues), surface="screen")
            pen.box(x + 3, y + 3, x + 17, y + 17, shade(pen.one_of(hues), 1.35), surface="screen")
    for column in range(3):
        x = 20 + column * 20
        paint = pen.one_of(hues)
        pen.fill([(x, 50), (x + 10, 28), (x + 20, 50)], paint, surface="screen")
        pen.fill([(x + 5, 47.5), (x + 10, 35), (x + 15, 47.5)], shade(paint, 1.35), surface="flat")


def _game_box(pen: Pen, *, left: float = 10, top: float = 18, right: float = 84) -> None:
    pen.fill(
        [(right, top), (right + 8, top + 6), (right + 8, 84), (right, 80)],
        pen.tone(0.6),
        surface="flat",
    )
    pen.box(left, top, right, 80, pen.cloth, surface="side")
    pen.box(
        left + 8, top + 5, right - 8, top + 16, pen.contrast, corner=3, surface="flat", edge=False
    )
    for step in range(6):
        pen.box(
            left + 13 + step * 8,
            top + 8,
            left + 18 + step * 8,
            top + 13,
            pen.tone(0.8),
            surface="flat",
            edge=False,
        )


@KINDS.kind("board game", "family game", "game", tilt=5)
def _board_game(pen: Pen) -> None:
    _game_box(pen)
    for step in range(14):
        left, top = 18 + step % 7 * 8.6, 42 if step < 7 else 66
        pen.box(left, top, left + 7.4, top + 7.4, pen.accents[step % 5], surface="flat")
    _cube(pen, 70, 76, 11, _PAPER)
    for x, y in ((73.0, 79.0), (78.0, 84.0), (75.5, 81.5)):
        pen.oval(x, y, 1, 1, _DARK, surface="flat", edge=False)
    for x, paint in ((14.0, pen.accents[0]), (26.0, pen.accents[1])):
        pen.fill(
            mirrored([(x, 72), (x + 3, 76, 1), (x + 6, 94), (x, 95)], axis=x),
            paint,
            surface="round",
        )
        pen.oval(x, 71, 4, 4, paint)


@KINDS.kind("jigsaw puzzle", "puzzle", tilt=5)
def _puzzle(pen: Pen) -> None:
    step = 17.0
    for row in range(5):
        for column in range(5):
            if (row, column) in ((4, 4), (0, 4)) or pen.chance(0.06):
                continue
            x, y = 8 + column * step, 8 + row * step
            paint = mixed(pen.main, pen.accents[(row + column) % 5], 0.35)
            pen.box(x, y, x + step, y + step, paint, surface="flat")
            pen.oval(x + step, y + step / 2, 3, 3, paint, surface="flat")
            pen.oval(x + step / 2, y + step, 3, 3, paint, surface="flat")
    with pen.moved(turn=20):
        pen.box(78, 70, 92, 84, pen.main, surface="flat")
        pen.oval(78, 77, 3, 3, pen.main, surface="flat")


@KINDS.kind("card game", "playing cards", "cards", tilt=8)
def _card_game(pen: Pen) -> None:
    for step in range(5):
        with pen.moved(turn=-34 + step * 17, down=6):
            pen.box(34, 6, 66, 62, _PAPER, corner=4, surface="flat")
            paint = pen.main if step != 2 else pen.accents[0]
            pen.box(38, 10, 62, 58, paint, corner=2, surface="flat")
            pen.oval(50, 34, 7, 7, shade(paint, 1.5), surface="flat", edge=False)


def _face(pen: Pen, x: float, y: float, *, eyes: float = 7.0) -> None:
    for side in (-1, 1):
        pen.oval(x + side * eyes, y, 1.9, 2.2, (26, 22, 22), surface="ball", edge=False)


@KINDS.kind("teddy bear", "soft bear", "stuffed bear", "plush toy", tilt=5)
def _teddy_bear(pen: Pen) -> None:
    inner = pen.tone(1.35)
    for side in (-1, 1):
        pen.oval(50 + side * 18, 10, 8, 8)
        pen.oval(50 + side * 18, 10, 4.4, 4.4, inner, surface="flat")
        pen.oval(50 + side * 27, 56, 9, 16, turn=side * -35)
        pen.oval(50 + side * 20, 88, 13, 10)
    pen.oval(50, 66, 24, 26)
    pen.oval(50, 68, 14, 17, inner)
    for side in (-1, 1):
        pen.oval(50 + side * 22, 89, 7, 6, inner, surface="flat")
    pen.oval(50, 27, 23, 20)
    pen.oval(50, 34, 10, 8, inner)
    pen.oval(50, 31, 3.4, 2.4, _DARK)
    _face(pen, 50, 23, eyes=9)
    if pen.chance(0.5):
        pen.fill([(50, 48), (38, 43), (38, 54)], pen.accents[0])
        pen.fill([(50, 48), (62, 43), (62, 54)], pen.accents[0])


@KINDS.kind("rag doll", "doll", "cloth doll", tilt=4, patterned=0.2)
def _rag_doll(pen: Pen) -> None:
    skin: Rgb = pen.one_of([(244, 214, 188), (206, 158, 120), (138, 96, 70)])
    hair: Rgb = pen.one_of([(120, 60, 30), (200, 120, 50), (60, 40, 34), (180, 50, 40)])
    for side in (-1, 1):
        pen.fill(band([(50 + side * 8, 70), (50 + side * 11, 92)], 8), skin, surface="round")
        pen.oval(50 + side * 12, 93, 7, 4.6, pen.tone(0.6))
        pen.fill(band([(50 + side * 12, 46), (50 + side * 32, 64)], 8), pen.cloth, surface="round")
        pen.oval(50 + side * 33, 65, 4.6, 4.6, skin)
        for step in range(4):
            pen.oval(50 + side * 21, 24 + step * 7, 5, 5, hair)
    pen.fill(mirrored([(50, 40), (60, 40), (76, 78), (62, 82, 1), (50, 82)]))
    pen.oval(50, 24, 19, 18, skin)
    pen.fill(
        mirrored([(50, 4), (72, 4, 1), (69, 24), (62, 13, 1), (50, 14)]), hair, surface="round"
    )
    _face(pen, 50, 24)
    pen.line([(44, 32), (50, 36, 1), (56, 32)], (190, 60, 60), 1.2)


@KINDS.kind("plush elephant", "toy elephant", "stuffed animal", tilt=4)
def _plush_elephant(pen: Pen) -> None:
    for side in (-1, 1):
        pen.oval(50 + side * 18, 86, 11, 11)
        pen.oval(50 + side * 30, 36, 19, 22)
        pen.oval(50 + side * 30, 37, 12, 15, mixed(pen.main, (250, 190, 200), 0.6), surface="flat")
    pen.oval(50, 72, 26, 22)
    pen.oval(50, 36, 23, 23)
    pen.fill(
        band([(50, 40), (48, 66, 1), (58, 74), (66, 74, 1), (66, 66)], 12, end_width=7),
        surface="round",
    )
    _face(pen, 50, 32, eyes=10)


@KINDS.kind("balance bike", "kids bike", "running bike", flip=0.4, tilt=2)
def _balance_bike(pen: Pen) -> None:
    pen.ground(6, 94, 92)
    for x in (22, 78):
        pen.line(oval(x, 74, 17, 17), _DARK, 4)
        pen.line(oval(x, 74, 14, 14), (190, 192, 196), 1)
        for turn in range(4):
            pen.line(
                oval(x, 74, 14, 14, start=turn * 45, end=turn * 45 + 0.1)[:1] + [(x, 74)],
                (190, 192, 196),
                0.7,
            )
        pen.oval(x, 74, 3, 3, pen.main)
    pen.fill(band([(22, 74), (34, 30)], 4.5), surface="round")
    pen.fill(band([(31, 42), (50, 66, 1), (78, 74)], 6), surface="round")
    pen.fill(band([(62, 66), (64, 48)], 4), surface="round")
    pen.fill([(54, 48), (56, 42, 1), (74, 42), (78, 46, 1), (74, 49)], _DARK, surface="round")
    pen.line([(34, 30), (36, 22), (26, 20)], _DARK, 3)
    pen.line([(26, 20), (20, 21)], pen.accents[0], 4)


@KINDS.kind("kite", "flying kite", tilt=20)
def _kite(pen: Pen) -> None:
    hues = [pen.main, pen.tone(1.3), pen.tone(0.75), pen.main]
    corners = [(54, 4), (84, 32), (54, 74), (24, 32)]
    for place in range(4):
        pen.fill([corners[place], corners[(place + 1) % 4], (54, 32)], hues[place], surface="flat")
    pen.line([(54, 74), (40, 84, 1), (52, 90), (66, 96, 1), (30, 98)], _DARK, 0.8)
    for x, y in ((47, 82), (50, 89), (44, 96)):
        pen.fill([(x, y), (x - 5, y - 3), (x - 5, y + 3)], pen.accents[0], surface="flat")
        pen.fill([(x, y), (x + 5, y - 3), (x + 5, y + 3)], pen.accents[0], surface="flat")


@KINDS.kind("sand toys", "sand toy set", "bucket and spade", "beach toys", tilt=3)
def _sand_toys(pen: Pen) -> None:
    pen.ground(12, 92, 92)
    pen.line([(16, 40), (18, 4, 1), (62, 4, 1), (64, 40)], pen.contrast, 2.4)
    pen.fill(mirrored([(40, 38), (66, 38), (60, 90), (40, 92)], axis=40), surface="gloss")
    pen.oval(40, 38, 26, 6, pen.tone(0.7), surface="down")
    pen.fill(band([(82, 10), (82, 60)], 5), pen.accents[0], surface="round")
    pen.fill(
        mirrored([(82, 58), (91, 58), (92, 84, 1), (82, 94)], axis=82),
        pen.accents[0],
        surface="round",
    )
    pen.box(76, 6, 88, 12, pen.accents[0], corner=3)
