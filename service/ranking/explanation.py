"""Why a product ranks where it does, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from service.search_results import LegShare, MovedBy

_LEG_WORDS = {
    "lexical": "its words",
    "text_vector": "the meaning of its text",
    "text_to_image": "what its photo shows",
    "image_vector": "its photo",
    "image_to_text": "the meaning of its text beside the photo",
    "attributes": "its attributes",
    "product": "price, age and popularity",
}

_NEVER_MATCH = frozenset({"attributes", "product"})
"""Legs that are no search: that they say nothing is not worth a word."""


def explain_hit(
    position: int,
    score: float,
    legs: Mapping[str, LegShare],
    *,
    pinned_by: str | None = None,
    moved_by: Sequence[MovedBy] = (),
) -> str:
    """Return a sentence on a hit.

    position: place in the whole order, from 1. legs: the strongest is named first. pinned_by:
    the rule that gave it its place. moved_by: rules that moved it.
    """
    found = sorted(
        (
            (name, share)
            for name, share in legs.items()
            if share.score is not None or share.contribution
        ),
        key=lambda item: (-item[1].contribution, item[0]),
    )
    parts = [
        f"{_LEG_WORDS.get(name, name)} {_gave(share.contribution)}{_details(share)}"
        for name, share in found
    ]
    missing = [
        _LEG_WORDS.get(name, name)
        for name, share in legs.items()
        if share.score is None and not share.contribution and name not in _NEVER_MATCH
    ]
    sentence = f"Number {position} with {score:.3f}: " + (", ".join(parts) or "no leg found it")
    if missing:
        sentence += f"; {' and '.join(missing)} did not match"
    if pinned_by is not None:
        sentence += f"; rule {pinned_by} has pinned it there"
    for one in moved_by:
        way = "up" if one.strength > 0 else "down"
        sentence += f"; rule {one.rule} moved it {way} by {abs(one.strength):.0%} of the scores"
    return sentence + "."


def _gave(contribution: float) -> str:
    return f"took away {-contribution:.3f}" if contribution < 0 else f"gave {contribution:.3f}"


def _details(share: LegShare) -> str:
    if share.score is None:
        return ""
    weight = "" if math.isnan(share.weight) else f", weight {share.weight:.3g}"
    return f" (score {share.score:.3f}{_place(share.rank)}{weight})"


def _place(rank: int | None) -> str:
    return "" if rank is None else f", {rank}. of its leg"
