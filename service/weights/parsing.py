"""A weights document to the model that ranks, with what is wrong said in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.fusion.registry import MODELS, FusionModel, read_model
from service.ranking.features import FEATURES


def parse_model(document: Mapping[str, Any]) -> FusionModel:
    """Return the model of a weights document, ready to rank.

    Raises ValueError that says what is wrong: a fusion that is not known here, a ranking feature
    that this version of the service does not have, or a broken model.
    """
    fusion = document.get("fusion")
    if fusion not in MODELS:
        raise ValueError(f"fusion {fusion!r} is not known; there are {', '.join(MODELS)}")
    try:
        model = read_model(document)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{fusion} model is broken: {_words(error)}") from error
    unknown = [name for name in model.scale.names if name not in FEATURES]
    if unknown:
        raise ValueError(f"no ranking features named {', '.join(unknown)}")
    return model


def _words(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
