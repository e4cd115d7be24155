"""Which weights and features text, photos and both are given, and what is held out."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.photo_fusion import BOTH, FIXED, PHOTOS, TEXT, compare_legs, leg_weights, only_legs
from benchmarks.tuned_photos import TARGETS, figures_part, held_out
from indexer.finetune.shop_products import ShopProduct
from indexer.finetune.split import split_products
from service.learning.dataset import JudgedQuery
from service.ranking.features import FEATURES, NAMES
from service.search_results import LEXICAL, WORDS_FIND_PHOTOS, WORDS_FIND_TEXT, FeatureMatrix

LEGS = (LEXICAL, WORDS_FIND_TEXT, WORDS_FIND_PHOTOS)
_QUERY_FEATURES = 16
_CANDIDATES, _QUERIES = 12, 16


def _queries(count: int) -> list[JudgedQuery]:
    """Right products are found a little by words, and a little by photos, with other errors."""
    draw = np.random.default_rng(11)
    queries = []
    for number in range(count):
        grades = draw.integers(0, 4, _CANDIDATES).astype(float)
        values = np.full((_CANDIDATES, len(NAMES)), np.nan)
        for leg, size in ((LEXICAL, 4.0), (WORDS_FIND_TEXT, 0.1), (WORDS_FIND_PHOTOS, 0.1)):
            errors = draw.normal(size=_CANDIDATES)
            if leg == WORDS_FIND_TEXT:
                errors = values[:, NAMES.index(LEXICAL)] / 4.0 - 3.0 - grades  # as the words err
            values[:, NAMES.index(leg)] = size * (3.0 + grades + errors)
        ids = tuple(f"{number}-{row:02}" for row in range(_CANDIDATES))
        matrix = FeatureMatrix(ids, NAMES, values, draw.normal(size=_QUERY_FEATURES))
        queries.append(
            JudgedQuery(
                f"query {number}", matrix, grades, np.ones(_CANDIDATES), _CANDIDATES, tuple(grades)
            )
        )
    return queries


def test_weights_of_both_contain_those_of_text_alone_and_add_up_to_one():
    of_text, of_both = list(leg_weights((LEXICAL, WORDS_FIND_TEXT))), list(leg_weights(LEGS))
    assert all(one in of_both for one in of_text)
    assert [sum(one.values()) for one in of_both] == pytest.approx([1.0] * len(of_both))
    assert any(0 < one[WORDS_FIND_PHOTOS] < 0.1 for one in of_both)


def test_a_leg_brings_its_own_features_and_no_others():
    (query,) = _queries(1)
    found = only_legs(query, (WORDS_FIND_PHOTOS,)).matrix
    assert found.names == (WORDS_FIND_PHOTOS, f"rank_{WORDS_FIND_PHOTOS}")
    assert np.array_equal(found.values[:, 0], query.matrix.values[:, NAMES.index(found.names[0])])
    legs = {FEATURES[name].leg for name in only_legs(query, LEGS).matrix.names}
    assert legs == set(LEGS)


def test_both_beat_either_where_each_errs_otherwise():
    part = compare_legs(_queries(_QUERIES), encoder="noise", fusions=[FIXED])
    for alone in (TEXT, PHOTOS):
        assert part.data[f"{FIXED}: {alone}"]["gain_of_both"][1] > 0, alone
    assert part.data[f"{FIXED}: {BOTH}"]["gain_of_both"] == (0.0, 0.0, 0.0)
    assert [verdict.ok for verdict in part.verdicts] == [True, True]


def test_photos_that_say_nothing_gain_nothing():
    queries = _queries(_QUERIES)
    column = NAMES.index(WORDS_FIND_PHOTOS)
    draw = np.random.default_rng(12)
    for query in queries:
        query.matrix.values[:, column] = draw.normal(size=_CANDIDATES)
    part = compare_legs(queries, encoder="noise", fusions=[FIXED])
    assert part.data[f"{FIXED}: {TEXT}"]["gain_of_both"][1] <= 0
    assert [verdict.ok for verdict in part.verdicts] == [False, True]


def test_what_is_held_out_is_what_fine_tuning_holds_out():
    products = [{"id": number} for number in range(10_000, 10_200)]
    learned = [
        ShopProduct(id=str(one["id"]), group=str(one["id"]), title="a", photos=("a.jpg",))
        for one in products
    ]
    split = split_products(learned, seed=0)
    assert [one["id"] for one in held_out(products)] == [
        int(learned[row].id) for row in split.held_out
    ]


def test_a_figure_below_its_target_is_missed():
    after = dict(TARGETS)
    name = next(iter(after))
    after[name] -= 0.01
    facts = {"time": "1 s", "epochs": "2.0", "training rate": "3 photos a second"}
    part = figures_part({"before": after, "after": after, "facts": facts})
    assert [verdict.ok for verdict in part.verdicts] == [False, True, True, True]
