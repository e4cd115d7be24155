"""What the figures of photo search say on vectors whose neighbours are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from indexer.finetune.photo_metrics import (
    LabelPair,
    label_pairs,
    nearest,
    own_photo_recall,
    photo_precision,
    words_precision,
)

X, Y = np.float32([1, 0]), np.float32([0, 1])
BETWEEN = np.float32([0.8, 0.6])


def test_nearest_photos_come_best_first_and_equal_ones_by_row():
    found = nearest(np.stack([X]), np.stack([Y, BETWEEN, X, X]), size=3)
    assert found.tolist() == [[2, 3, 1]]


def test_a_photo_is_no_neighbour_of_itself():
    found = nearest(np.stack([X, X, Y]), np.stack([X, X, Y]), size=10, without_self=True)
    assert found.tolist() == [[1, 2], [0, 2], [0, 1]]


def test_many_rows_are_ranked_as_one_sort_ranks_them():
    vectors = np.random.default_rng(0).normal(size=(1_300, 8)).astype(np.float32)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    expected = np.argsort(-cosines, axis=1, kind="stable")[:, :10]
    assert np.array_equal(nearest(vectors, vectors, without_self=True), expected)


def test_photo_precision_is_the_share_of_neighbours_with_the_label():
    photos = np.stack([X, X, BETWEEN, Y])
    assert photo_precision(photos, ["a", "a", "b", "b"], size=1) == 3 / 4


def test_a_photo_without_a_label_does_not_ask_and_is_a_wrong_answer():
    photos = np.stack([X, X, Y, Y])
    assert photo_precision(photos, ["a", "", "b", "b"], size=1) == 2 / 3


def test_pairs_need_both_labels_and_enough_products():
    colours = ["red", "red", "blue", "", "red"]
    kinds = ["Hat", "Hat", "Hat", "Hat", ""]
    assert label_pairs(colours, kinds, min_products=2) == [LabelPair("red", "Hat")]
    assert LabelPair("Navy Blue", "Hat").phrase == "navy blue hat"


def test_words_precision_tells_kind_from_colour():
    pairs = [LabelPair("red", "hat"), LabelPair("blue", "bag")]
    figures = words_precision(
        pairs,
        np.stack([X, Y]),
        np.stack([X, BETWEEN, Y]),
        ["red", "blue", "blue"],
        ["hat", "hat", "hat"],
        size=2,
    )
    # The nearest of X are 0 and 1, those of Y are 2 and 1.
    assert (figures.pairs, figures.kind, figures.colour) == (2, 2 / 4, 3 / 4)
    assert figures.both == 1 / 4


def test_own_photo_counts_when_any_of_the_products_photos_is_near():
    texts = np.stack([X, Y])
    photos = np.stack([X, Y, X])
    assert own_photo_recall(texts, photos[:2], size=1) == 1.0
    assert own_photo_recall(texts, photos, owners=[1, 1, 0], size=1) == 1 / 2
    assert own_photo_recall(texts, photos, owners=[1, 1, 0], size=2) == 1.0


@pytest.mark.parametrize("labels", [[], ["a"]], ids=["no photo", "one photo"])
def test_a_figure_that_nothing_was_asked_for_is_nan(labels):
    photos = np.zeros((len(labels), 2), dtype=np.float32)
    assert math.isnan(photo_precision(photos, labels))
    assert math.isnan(words_precision([], np.zeros((0, 2), np.float32), photos, [], []).kind)


def test_vectors_that_do_not_compare_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 2\) and \(1, 3\)"):
        nearest(np.zeros((1, 2), np.float32), np.zeros((1, 3), np.float32))
