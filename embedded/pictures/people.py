"""The people who wear clothes in a shop's photos, drawn behind what they wear."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, Rgb, shade
from embedded.pictures.outlines import mirrored
from embedded.pictures.pen import Pen

_SKINS: tuple[Rgb, ...] = ((240, 205, 180), (222, 178, 146), (190, 140, 106), (140, 96, 70))
_HAIRS: tuple[Rgb, ...] = ((34, 26, 24), (66, 44, 32), (120, 84, 52), (26, 24, 28))
_OTHER_CLOTHES = ("navy blue", "black", "white", "grey", "blue", "beige", "charcoal")


def skin(pen: Pen) -> Rgb:
    """Return a colour of skin."""
    return pen.one_of(_SKINS)


def upper_body(pen: Pen, colour: Rgb) -> None:
    """Draw head, neck, bare arms and hands of somebody whose top fills the usual place."""
    hair = pen.one_of(_HAIRS)
    if pen.chance(0.5):
        pen.fill(
            mirrored([(50, -22, 1), (64, -22, 1), (64, 0), (66, 16, 1), (50, 18, 1)]),
            hair,
            edge=False,
        )
    pen.fill(mirrored([(50, 2), (56, 2), (56, 12), (66, 15), (50, 30)]), colour, edge=False)
    pen.oval(50, -6, 8.6, 11, colour, surface="round", edge=False)
    pen.fill(
        mirrored([(50, -19), (60, -19, 1), (59.5, -7), (56, -13, 1), (50, -13)]), hair, edge=False
    )
    for side in (-1, 1):
        pen.fill(
            [
                (50 + side * 19, 16),
                (50 + side * 31, 20, 1),
                (50 + side * 33, 46),
                (50 + side * 35, 74, 1),
                (50 + side * 33, 84),
                (50 + side * 28, 84),
                (50 + side * 27, 60, 1),
                (50 + side * 23, 46),
            ],
            colour,
            surface="round",
            edge=False,
        )


def lower_body(pen: Pen, *, hips: float, wide: float = 20.0) -> None:
    """Draw trousers that are not for sale below a top, cut off below the knee."""
    colour = COLOURS[pen.one_of(_OTHER_CLOTHES)]
    for side in (-1, 1):
        pen.fill(
            [
                (50, hips - 6),
                (50 + side * wide, hips - 6),
                (50 + side * (wide + 2), hips + 20, 1),
                (50 + side * (wide - 2), hips + 70),
                (50 + side * 3, hips + 70),
                (50, hips + 14),
            ],
            colour,
            surface="round",
        )


def legs(pen: Pen, colour: Rgb, *, top: float, bottom: float, apart: float = 9.0) -> None:
    """Draw bare legs and feet."""
    for side in (-1, 1):
        x = 50 + side * apart
        pen.fill(
            [
                (x - 7, top),
                (x + 7, top),
                (x + 7, (top + bottom) / 2, 1),
                (x + 3.4, bottom),
                (x + 4 + side * 2, bottom + 5, 1),
                (x - 4 + side * 2, bottom + 5, 1),
                (x - 3.4, bottom),
                (x - 7, (top + bottom) / 2, 1),
            ],
            colour,
            surface="round",
            edge=False,
        )


def plain_top(pen: Pen, colour: Rgb, *, waist: float) -> None:
    """Draw a close plain top above trousers or a skirt, with arms and head."""
    upper_with = [
        (50, waist - 44),
        (57, waist - 46),
        (67, waist - 42),
        (66, waist - 20, 1),
        (65, waist + 4),
    ]
    with pen.moved(down=waist - 62):
        upper_body(pen, colour)
    other = COLOURS[pen.one_of(_OTHER_CLOTHES)]
    pen.fill(mirrored([*upper_with, (50, waist + 4)]), shade(other, 1.0))
