"""What a model is told of the query itself, by which it may weigh the legs otherwise."""

from __future__ import annotations

import numpy as np

from service.search_results import LegScores, Scores, UnderstoodQuery

QUERY_FEATURES = {
    "words": "number of words, 1 for eight and more",
    "rarity": "mean rarity of the words, 0 to 1",
    "rarest": "greatest rarity of a word, 0 to 1",
    "brand": "1 when a brand is named",
    "category": "1 when a category is named",
    "attributes": "other attributes named, 1 for three and more",
    "measurement": "1 when a number with a unit is given",
    "number": "1 when a word looks like a model number",
    "price": "1 when a price is asked for",
    "found_by_words": "share of the candidates that the lexical leg found",
    "best_bm25": "best score of the lexical leg, s / (s + 12)",
    "best_cosine": "best cosine of the text, 0 to 1",
    "agreement": "share of the first ten of one leg among the first ten of the other",
}
"""Names and meanings, in the order of the vector."""

_PIVOT = 12.0
_TOP = 10


def compute_query_features(
    scores: LegScores, by_rank: Scores, understood: UnderstoodQuery
) -> Scores:
    """Return float64 [q], each from 0 to 1.

    by_rank: float64 [n, 2], reciprocal ranks of the lexical and the text vector leg, 0 where
    a leg does not find a candidate.
    """
    rarity = understood.rarity or (0.0,)
    fields = [match.field for match in understood.matches]
    found = by_rank[:, 0] > 0
    lexical, cosine = (_best(scores, name) for name in ("lexical", "text_vector"))
    return np.array(
        [
            min(len(understood.words), 8) / 8,
            sum(rarity) / len(rarity),
            max(rarity),
            float("brand" in fields),
            float("categories" in fields),
            min(sum(field.startswith("attributes.") for field in fields), 3) / 3,
            float(bool(understood.measurements)),
            float(bool(understood.numbers)),
            float(understood.least_price is not None or understood.most_price is not None),
            float(found.mean()) if len(found) else 0.0,
            lexical / (lexical + _PIVOT),
            max(0.0, cosine),
            _overlap(by_rank),
        ]
    )


def _best(scores: LegScores, leg: str) -> float:
    if leg not in scores.legs:
        return 0.0
    column = scores.scores[:, scores.legs.index(leg)]
    known = column[~np.isnan(column)]
    return float(known.max()) if len(known) else 0.0


def _overlap(by_rank: Scores) -> float:
    first, second = (
        {int(row) for row in np.argsort(-column, kind="stable")[:_TOP] if column[row] > 0}
        for column in by_rank.T
    )
    return len(first & second) / _TOP
