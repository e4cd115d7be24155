"""Why a product ranks where it does, in words."""

from __future__ import annotations

from collections.abc import Mapping

from service.search_results import LegShare

_LEG_WORDS = {
    "lexical": "its words",
    "text_vector": "the meaning of its text",
    "image_vector": "its photo",
}


def explain_hit(position: int, score: float, legs: Mapping[str, LegShare]) -> str:
    """Return a sentence on a hit.

    position: place in the whole order, from 1. legs: the strongest is named first.
    """
    found = sorted(
        ((name, share) for name, share in legs.items() if share.score is not None),
        key=lambda item: (-item[1].contribution, item[0]),
    )
    parts = [
        f"{_LEG_WORDS.get(name, name)} gave {share.contribution:.3f} "
        f"(score {share.score:.3f}{_place(share.rank)}, weight {share.weight:g})"
        for name, share in found
    ]
    missing = [_LEG_WORDS.get(name, name) for name, share in legs.items() if share.score is None]
    sentence = f"Number {position} with {score:.3f}: " + (", ".join(parts) or "no leg found it")
    if missing:
        sentence += f"; {' and '.join(missing)} did not match"
    return sentence + "."


def _place(rank: int | None) -> str:
    return "" if rank is None else f", {rank}. of its leg"
