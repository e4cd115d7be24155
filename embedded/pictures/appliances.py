"""Machines of the kitchen."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, Rgb
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored
from embedded.pictures.pen import Pen

KINDS = KindTable()

_DARK: Rgb = (42, 42, 46)
_STEEL: Rgb = (186, 190, 196)
_COFFEE: Rgb = (62, 38, 24)
_GLASS: Rgb = (214, 224, 230)


@KINDS.kind("espresso machine", "coffee machine", "espresso maker", tilt=2)
def _espresso_machine(pen: Pen) -> None:
    pen.ground(16, 86, 93)
    pen.box(18, 12, 82, 40, pen.cloth, corner=4, surface="gloss")
    pen.box(24, 40, 76, 80, pen.tone(0.55), surface="side")
    pen.box(14, 80, 86, 93, pen.cloth, corner=3, surface="gloss")
    pen.line([(20, 83), (80, 83)], _STEEL, 2)
    pen.box(40, 40, 60, 48, _STEEL, surface="metal")
    pen.fill(band([(50, 50), (24, 54)], 5), _DARK, surface="round")
    for x in (46, 54):
        pen.line([(x, 48), (x, 56)], _STEEL, 1.6)
    pen.fill(mirrored([(50, 64), (59, 64), (56, 79), (50, 79)]), (246, 244, 240), surface="round")
    pen.oval(70, 26, 7, 7, (240, 240, 236), surface="metal")
    for x in (30, 40, 50):
        pen.oval(x, 26, 2.6, 2.6, _STEEL, surface="metal")
    pen.line([(72, 42), (84, 52, 1), (80, 74)], _STEEL, 2)


@KINDS.kind("coffee maker", "filter coffee maker", "coffee pot", tilt=2)
def _coffee_maker(pen: Pen) -> None:
    pen.ground(20, 82, 94)
    pen.box(58, 20, 80, 90, pen.cloth, corner=3, surface="round")
    pen.box(20, 10, 80, 30, pen.cloth, corner=5, surface="down")
    pen.box(18, 86, 82, 94, pen.tone(0.75), corner=3)
    pen.fill([(26, 30), (54, 30), (48, 46), (32, 46)], pen.tone(0.6), surface="round")
    pen.fill(
        mirrored([(40, 50), (52, 50), (60, 72, 1), (54, 85), (40, 85)], axis=40),
        _GLASS,
        surface="gloss",
    )
    pen.fill(mirrored([(40, 66), (56, 66), (54, 84), (40, 84)], axis=40), _COFFEE, surface="round")
    pen.line([(24, 56), (12, 60, 1), (25, 80)], _DARK, 3)
    pen.oval(70, 76, 2.6, 2.6, (220, 60, 50))


@KINDS.kind("kettle", "electric kettle", "water boiler", flip=0.3, tilt=3)
def _kettle(pen: Pen) -> None:
    pen.ground(20, 72, 94)
    pen.fill(
        band([(66, 24), (96, 24, 1), (90, 54), (84, 72, 1), (70, 78)], 6.5), _DARK, surface="round"
    )
    pen.box(20, 88, 74, 94, _DARK, corner=3)
    pen.fill([(30, 20), (66, 20), (74, 60, 1), (73, 88), (21, 88), (20, 60, 1)], surface="gloss")
    pen.fill([(30, 20), (14, 26), (27, 40)], pen.tone(0.85), surface="round")
    pen.fill([(30, 20), (48, 12, 1), (66, 20)], _DARK, surface="round")
    pen.oval(48, 13, 3.4, 2.6, _STEEL)
    if pen.chance(0.5):
        pen.box(54, 44, 58, 78, _GLASS, corner=2, surface="flat")


@KINDS.kind("coffee grinder", "burr grinder", "coffee mill", tilt=2)
def _coffee_grinder(pen: Pen) -> None:
    pen.ground(30, 70, 95)
    pen.fill(mirrored([(50, 12), (70, 12), (62, 38), (50, 38)]), _GLASS, surface="gloss")
    pen.fill(
        mirrored([(50, 24), (66, 24), (62, 37), (50, 37)]), _COFFEE, surface="flat", edge=False
    )
    pen.box(29, 7, 71, 13, _DARK, corner=2)
    pen.fill(mirrored([(50, 38), (66, 38), (70, 92), (66, 95), (50, 95)]), surface="gloss")
    pen.box(36, 66, 64, 90, (70, 64, 60), corner=2, surface="gloss")
    pen.oval(50, 53, 7, 7, _STEEL, surface="metal")


@KINDS.kind("hand blender", "stick blender", "immersion blender", tilt=20)
def _hand_blender(pen: Pen) -> None:
    pen.fill(mirrored([(50, 4), (60, 4, 1), (61, 20), (58, 50), (50, 52)]), surface="gloss")
    pen.oval(50, 22, 3.4, 5, pen.contrast, surface="flat")
    pen.box(46.5, 50, 53.5, 78, _STEEL, surface="metal")
    pen.fill(
        mirrored([(50, 76), (54, 76), (62, 90, 1), (61, 96), (50, 96)]), _STEEL, surface="metal"
    )


@KINDS.kind("air fryer", "fryer", "hot air fryer", tilt=2)
def _air_fryer(pen: Pen) -> None:
    pen.ground(18, 82, 95)
    pen.fill(mirrored([(50, 8), (74, 8, 1), (80, 40), (84, 94, 1), (50, 95)]), surface="gloss")
    pen.fill(mirrored([(50, 50), (79, 50), (80, 84, 1), (50, 88)]), pen.tone(0.8), surface="round")
    pen.box(41, 56, 59, 82, _DARK, corner=5, surface="round")
    pen.oval(50, 30, 13, 13, _DARK, surface="gloss")
    pen.box(43, 27, 57, 33, (90, 220, 210), surface="flat", edge=False)


@KINDS.kind("toaster", "bread toaster", tilt=3)
def _toaster(pen: Pen) -> None:
    pen.ground(10, 88, 86)
    for x in (28, 52):
        if pen.chance(0.6):
            pen.box(x, 20, x + 20, 44, (206, 150, 84), corner=5)
    pen.fill([(12, 40), (16, 30, 1), (84, 30, 1), (88, 40), (91, 84), (9, 84)], surface="gloss")
    pen.fill([(22, 33), (78, 33), (80, 38), (20, 38)], _DARK, surface="flat")
    pen.box(9, 82, 91, 87, _DARK, corner=2)
    pen.box(84, 46, 95, 52, _DARK, corner=2)
    pen.oval(76, 70, 5, 5, _STEEL, surface="metal")


@KINDS.kind("stand mixer", "food mixer", "kitchen machine", flip=0.3, tilt=2)
def _stand_mixer(pen: Pen) -> None:
    pen.ground(10, 92, 93)
    pen.fill([(10, 86, 1), (20, 84), (88, 84), (94, 92, 1), (88, 94), (14, 94)], surface="down")
    pen.fill([(66, 36), (86, 34), (90, 86), (64, 86)], surface="round")
    pen.fill(
        [
            (8, 30),
            (10, 10, 1),
            (50, 12),
            (96, 10, 1),
            (94, 34),
            (84, 46, 1),
            (50, 42),
            (14, 46, 1),
        ],
        surface="gloss",
    )
    pen.oval(10, 28, 5, 7, _STEEL, surface="metal")
    pen.line([(34, 44), (34, 58)], _STEEL, 3)
    pen.fill(
        [(12, 54), (58, 54), (56, 82, 1), (44, 84), (26, 84), (14, 82, 1)], _STEEL, surface="metal"
    )
    pen.oval(64, 28, 3, 3, _STEEL)


@KINDS.kind("kitchen scale", "food scale", "digital scale", tilt=4)
def _kitchen_scale(pen: Pen) -> None:
    pen.ground(12, 88, 82)
    pen.fill([(18, 40), (82, 40), (92, 80), (8, 80)], surface="gloss")
    pen.fill([(8, 80), (92, 80), (91, 86), (9, 86)], pen.tone(0.6), surface="flat")
    pen.oval(50, 54, 30, 12, pen.tone(0.85), surface="metal")
    pen.box(38, 70, 62, 78, (176, 200, 176), corner=1, surface="flat")
    for x in (44, 50, 56):
        pen.box(x - 1.6, 72, x + 1.6, 76, _DARK, surface="flat", edge=False)
    pen.oval(26, 75, 2.4, 1.8, COLOURS["silver"])
    pen.oval(74, 75, 2.4, 1.8, COLOURS["silver"])
