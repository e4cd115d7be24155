"""Judgements, as measuring sees them; `service.judgements` has all of it."""

from __future__ import annotations

from service.judgements.files import read_judgements
from service.judgements.judgement_list import (
    MAX_GRADE,
    RELEVANT_GRADE,
    Judgements,
    answerable,
)

__all__ = ["MAX_GRADE", "RELEVANT_GRADE", "Judgements", "answerable", "read_judgements"]
