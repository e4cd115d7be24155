"""A weights document to the ranking that it is, with what is wrong said in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.feature_ranking import LearnedRanking, read_ranking
from service.fusion.registry import MODELS
from service.ranking.features import FEATURES
from service.ranking.query_features import QUERY_FEATURES


def parse_ranking(document: Mapping[str, Any]) -> LearnedRanking:
    """Return the ranking in a weights document, ready to rank; one without a version has none.

    Raises ValueError that says what is wrong: a fusion that is not known here, a ranking feature
    that this release of the service does not have, or a broken model.
    """
    fusion = document.get("fusion")
    if not isinstance(fusion, str) or fusion not in MODELS:
        raise ValueError(f"fusion {fusion!r} is not known; there are {', '.join(MODELS)}")
    try:
        ranking = read_ranking({"version": "", **document})
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{fusion} model is broken: {_words(error)}") from error
    # Found here and not in a search: a newer release may have named the features.
    unknown = [name for name in ranking.model.scale.names if name not in FEATURES]
    if unknown:
        raise ValueError(f"there are no ranking features named {', '.join(unknown)}")
    try:
        ranking.model.weights_for(np.zeros(len(QUERY_FEATURES)))
    except ValueError as error:
        raise ValueError(f"{fusion} model is of other features of queries: {error}") from error
    return ranking


def _words(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
