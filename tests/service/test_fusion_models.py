"""Learned models: hand arithmetic, and the contract that every model of the registry keeps."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike

from service.calibration import Calibration
from service.fusion.gated import GatedModel
from service.fusion.lambdamart import LambdaMartModel, Tree
from service.fusion.linear import CalibratedFeatures, LinearModel
from service.fusion.projection import ProjectionModel
from service.fusion.registry import MODELS, FusionModel, read_model
from service.learning.tree_training import read_trees
from service.search_results import FeatureMatrix

Damage = Callable[[dict[str, Any]], object]
Rows = tuple[tuple[float, ...], ...]

NAN = float("nan")
NAMES = ("lexical", "text_vector", "age")
SCALE = CalibratedFeatures(
    {
        "lexical": Calibration("saturation", pivot=10.0),
        "text_vector": Calibration("linear", low=0.2, high=0.7),
        "age": Calibration("identity"),
    }
)
BASE = LinearModel(SCALE, np.array([0.6, 0.4, -0.1]))


def matrix(*rows: tuple[float, ...], query: tuple[float, ...] = (0.5, 1.0)) -> FeatureMatrix:
    values = np.array(rows, dtype=np.float64).reshape(len(rows), len(NAMES))
    names = tuple(f"p{row}" for row in range(len(rows)))
    return FeatureMatrix(names, NAMES, values, np.array(query))


def gated(
    *,
    gate: Rows = ((0.8,), (-0.5,)),
    hidden: Rows = ((1.0, -2.0),),
    bias: tuple[float, ...] = (0.3,),
) -> GatedModel:
    return GatedModel(
        base=BASE,
        legs=("words", "rest"),
        leg_of=(0, 1, 1),
        centre=np.array([0.25, 0.5]),
        spread=np.array([0.5, 0.25]),
        hidden=np.array(hidden),
        bias=np.array(bias),
        gate=np.array(gate),
        bound=0.5,
    )


def projection(
    rows: ArrayLike, bias: ArrayLike, output: ArrayLike, bound: float = 0.3
) -> ProjectionModel:
    return ProjectionModel(BASE, np.array(rows), np.array(bias), np.array(output), bound)


# lexical <= 0.5 ? (text_vector <= 0.25 ? 1 : 3) : 6; inner nodes hold the mean of what came by
TREE = Tree(
    feature=np.array([0, 1, -1, -1, -1]),
    threshold=np.array([0.5, 0.25, 0.0, 0.0, 0.0]),
    left=np.array([1, 2, -1, -1, -1]),
    right=np.array([4, 3, -1, -1, -1]),
    value=np.array([4.0, 2.0, 1.0, 3.0, 6.0]),
)
STUMP = Tree(
    feature=np.array([2, -1, -1]),
    threshold=np.array([0.0, 0.0, 0.0]),
    left=np.array([1, -1, -1]),
    right=np.array([2, -1, -1]),
    value=np.array([0.0, 0.5, -0.5]),
)
EXAMPLES: dict[str, FusionModel] = {
    "weighted_sum": BASE,
    "gated": gated(),
    "projection": projection([[1.0, -2.0, 0.5], [0.5, 3.0, 0.0]], [0.2, -0.4], [1.0, -3.0]),
    "lambdamart": LambdaMartModel(SCALE, (TREE, STUMP), BASE),
    "lambdamart without a base": LambdaMartModel(SCALE, (TREE, STUMP)),
}
CANDIDATES = matrix(
    (10.0, 0.45, 0.5), (30.0, NAN, -1.0), (NAN, 0.7, NAN), (NAN, NAN, NAN), (2.5, 0.9, 0.0)
)
every_model = pytest.mark.parametrize("model", EXAMPLES.values(), ids=EXAMPLES)


def test_every_model_of_the_registry_has_an_example() -> None:
    assert {model.fusion for model in EXAMPLES.values()} == set(MODELS)


@every_model
def test_contributions_add_up_to_the_total(model: FusionModel) -> None:
    fused = model.fuse(CANDIDATES)
    assert fused.contributions.shape == (5, 3)
    np.testing.assert_allclose(fused.contributions.sum(axis=1), fused.total, atol=1e-9)


@every_model
def test_a_model_read_back_from_json_text_scores_the_same(model: FusionModel) -> None:
    text = json.dumps({"fusion": model.fusion, "model": model.to_json()}, allow_nan=False)
    read = read_model(json.loads(text))
    assert type(read) is type(model)
    assert read.features == model.features
    np.testing.assert_array_equal(read.fuse(CANDIDATES).total, model.fuse(CANDIDATES).total)
    np.testing.assert_array_equal(
        read.weights_for(CANDIDATES.query), model.weights_for(CANDIDATES.query)
    )


@every_model
def test_the_score_of_a_candidate_does_not_depend_on_the_others(model: FusionModel) -> None:
    together = model.fuse(CANDIDATES)
    for row, values in enumerate(CANDIDATES.values):
        alone = model.fuse(matrix(tuple(values)))
        np.testing.assert_allclose(alone.total[0], together.total[row], atol=1e-12)
        np.testing.assert_allclose(alone.contributions[0], together.contributions[row], atol=1e-12)


@every_model
def test_what_is_not_known_counts_as_nothing(model: FusionModel) -> None:
    # 0 after calibration: BM25 of 0, a cosine at `low`, an age of 0
    unknown, nothing = model.fuse(matrix((NAN, NAN, NAN), (0.0, 0.2, 0.0))).total
    assert unknown == nothing


@every_model
def test_no_candidates_give_no_scores(model: FusionModel) -> None:
    fused = model.fuse(matrix())
    assert (fused.total.shape, fused.contributions.shape) == ((0,), (0, 3))


@every_model
def test_scoring_changes_no_argument(model: FusionModel) -> None:
    before = copy.deepcopy(CANDIDATES)
    model.fuse(CANDIDATES)
    np.testing.assert_array_equal(CANDIDATES.values, before.values)
    np.testing.assert_array_equal(CANDIDATES.query, before.query)


def test_features_are_calibrated_column_by_column() -> None:
    expected = [
        [
            scale.apply(column)
            for scale, column in zip(SCALE.calibrations.values(), row, strict=True)
        ]
        for row in CANDIDATES.values
    ]
    np.testing.assert_array_equal(SCALE.apply(CANDIDATES), expected)


def test_a_feature_that_nobody_computed_is_an_error() -> None:
    model = LinearModel(CalibratedFeatures({"charm": Calibration("identity")}), np.array([1.0]))
    with pytest.raises(KeyError, match="charm"):
        model.fuse(CANDIDATES)


def test_linear_by_hand() -> None:
    fused = BASE.fuse(matrix((10.0, 0.45, 0.5)))
    expected = [0.6 * 10 / (10 + 10), 0.4 * (0.45 - 0.2) / (0.7 - 0.2), -0.1 * 0.5]
    np.testing.assert_allclose(fused.contributions[0], expected)


def test_gates_by_hand() -> None:
    # the query is ((0.5 - 0.25) / 0.5, (1.0 - 0.5) / 0.25) = (0.5, 2) spreads off the centre
    hidden = np.tanh(1.0 * 0.5 - 2.0 * 2.0 + 0.3)
    words, rest = 1 + 0.5 * np.tanh(0.8 * hidden), 1 + 0.5 * np.tanh(-0.5 * hidden)
    fused = gated().fuse(matrix((10.0, 0.45, 0.5)))
    np.testing.assert_allclose(
        fused.contributions[0], [words * 0.6 * 0.5, rest * 0.4 * 0.5, rest * -0.1 * 0.5]
    )


def test_gates_of_nothing_leave_the_weighted_sum() -> None:
    model = gated(gate=((0.0,), (0.0,)))
    np.testing.assert_array_equal(
        model.fuse(CANDIDATES).contributions, BASE.fuse(CANDIDATES).contributions
    )


def test_an_odd_query_is_seen_at_three_spreads_and_no_gate_leaves_its_bound() -> None:
    model = gated(hidden=((100.0, 0.0),), gate=((50.0,), (-50.0,)))
    np.testing.assert_allclose(model.gates(np.array([1e9, 0.5])), [1.5, 0.5])
    gentle = gated(hidden=((0.1, 0.0),), bias=(0.0,))
    np.testing.assert_array_equal(
        gentle.gates(np.array([1e9, 0.5])), gentle.gates(np.array([0.25 + 3 * 0.5, 0.5]))
    )


def test_gates_of_other_query_features_are_an_error() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        gated().fuse(matrix((10.0, 0.45, 0.5), query=(0.5, 1.0, 0.0)))


def test_projection_by_hand() -> None:
    # one unit that sees the words alone: its whole share is theirs
    model = projection([[2.0, 0.0, 0.0]], [0.1], [-5.0])
    fused = model.fuse(matrix((10.0, 0.45, 0.5)))
    added = -0.3 * (np.tanh(2.0 * 0.5 + 0.1) - np.tanh(0.1))
    np.testing.assert_allclose(fused.contributions[0], [0.3 + added, 0.4 * 0.5, -0.1 * 0.5])


def test_a_projection_that_cancels_gives_each_feature_its_own_share() -> None:
    # 0.5 - 0.5 = 0 moves nothing; at the start the slope of tanh is 1
    model = projection([[1.0, -1.0, 0.0]], [0.0], [1.0])
    fused = model.fuse(matrix((10.0, 0.45, 0.0)))
    np.testing.assert_allclose(
        fused.contributions[0], [0.6 * 0.5 + 0.3 * 0.5, 0.4 * 0.5 - 0.3 * 0.5, 0.0], atol=1e-12
    )


def test_shares_stay_small_where_units_nearly_cancel() -> None:
    # Scaled by what is added over their sum, as for a mean of a few gradients, some exceed 200.
    rng = np.random.default_rng(3)
    model = projection(rng.normal(0, 40, (6, 3)), rng.normal(0, 1, 6), rng.normal(0, 1, 6))
    values = np.column_stack([rng.random((500, 2)) * [40, 0.7], rng.random(500)])
    assert np.abs(model.fuse(matrix(*values)).contributions).max() < 2.0


def test_a_projection_adds_at_most_twice_its_bound() -> None:
    model = projection([[90.0, 0.0, 0.0]], [-45.0], [7.0])
    added = model.fuse(CANDIDATES).total - BASE.fuse(CANDIDATES).total
    np.testing.assert_allclose(added.max(), 2 * 0.3, atol=1e-6)


def test_projection_equals_torch() -> None:
    rng = np.random.default_rng(11)
    model = projection(rng.normal(0, 2, (4, 3)), rng.normal(0, 1, 4), rng.normal(0, 1, 4))
    features = torch.from_numpy(SCALE.apply(CANDIDATES))
    first = torch.nn.Linear(3, 4, dtype=torch.float64)
    with torch.no_grad():
        first.weight.copy_(torch.from_numpy(model.projection))
        first.bias.copy_(torch.from_numpy(model.bias))
        output = torch.from_numpy(model.output)
        start = torch.tanh(first(torch.zeros_like(features)))
        moved = (torch.tanh(first(features)) - start) @ output / output.abs().sum()
        expected = features @ torch.from_numpy(BASE.weights) + 0.3 * moved
    np.testing.assert_allclose(model.fuse(CANDIDATES).total, expected.numpy(), atol=1e-12)


def test_trees_by_hand() -> None:
    # lexical 0.5 is not above 0.5, text_vector 0.5 is above 0.25, age 0.5 is above 0
    fused = LambdaMartModel(SCALE, (TREE, STUMP)).fuse(matrix((10.0, 0.45, 0.5)))
    root = 4.0 / 3
    expected = [root + (2.0 - 4.0), root + (3.0 - 2.0), root + (-0.5 - 0.0)]
    np.testing.assert_allclose(fused.contributions[0], expected)
    np.testing.assert_allclose(fused.total, [3.0 - 0.5])


def test_trees_add_to_the_weighted_sum_that_they_start_from() -> None:
    mended, alone = (EXAMPLES[name] for name in ("lambdamart", "lambdamart without a base"))
    np.testing.assert_allclose(
        mended.fuse(CANDIDATES).contributions,
        alone.fuse(CANDIDATES).contributions + BASE.fuse(CANDIDATES).contributions,
    )
    assert mended.weights_for(CANDIDATES.query).tolist() == [0.6, 0.4, -0.1]
    assert np.isnan(alone.weights_for(CANDIDATES.query)).all()


def test_features_of_trees_are_those_that_some_tree_asks_for_or_that_have_a_weight() -> None:
    assert LambdaMartModel(SCALE, (STUMP,)).features == ("age",)
    words = LinearModel(SCALE, np.array([1.0, 0.0, 0.0]))
    assert LambdaMartModel(SCALE, (STUMP,), words).features == ("lexical", "age")


def test_trees_equal_lightgbm_also_where_a_value_is_unknown() -> None:
    rng = np.random.default_rng(3)
    raw = np.column_stack(
        [rng.gamma(2, 8, 400), rng.uniform(0, 0.9, 400), rng.uniform(-0.5, 1, 400)]
    )
    raw[rng.random(raw.shape) < 0.2] = NAN
    candidates = matrix(*raw)
    features = SCALE.apply(candidates)
    grades = np.clip(np.round(3 * features[:, 0] * features[:, 1] + 2 * features[:, 2]), 0, 3)
    booster = lightgbm.train(
        {"objective": "lambdarank", "num_leaves": 8, "min_data_in_leaf": 5, "verbosity": -1},
        lightgbm.Dataset(features, grades, group=[40] * 10),
        30,
    )
    model = LambdaMartModel(SCALE, read_trees(booster, scale=1.0))
    assert max(len(tree.feature) for tree in model.trees) == 2 * 8 - 1
    np.testing.assert_allclose(
        model.fuse(candidates).total, booster.predict(features, raw_score=True), atol=1e-6
    )


BROKEN: dict[str, tuple[str, Damage]] = {
    "no calibrations": ("weighted_sum", lambda model: model.pop("calibrations")),
    "calibrations of nothing": ("weighted_sum", lambda model: model.update(calibrations={})),
    "kind of calibration": (
        "weighted_sum",
        lambda model: model["calibrations"]["age"].update(kind="cubic"),
    ),
    "pivot of 0": ("weighted_sum", lambda model: model["calibrations"]["lexical"].update(pivot=0)),
    "pivot a word": (
        "weighted_sum",
        lambda model: model["calibrations"]["lexical"].update(pivot=""),
    ),
    "low above high": (
        "weighted_sum",
        lambda model: model["calibrations"]["text_vector"].update(low=0.7, high=0.2),
    ),
    "field of a calibration": (
        "weighted_sum",
        lambda model: model["calibrations"]["age"].update(median=3),
    ),
    "no weight of a feature": ("weighted_sum", lambda model: model["weights"].pop("age")),
    "weight without a feature": ("weighted_sum", lambda model: model["weights"].update(charm=1)),
    "weight NaN": ("weighted_sum", lambda model: model["weights"].update(age=NAN)),
    "weight null": ("weighted_sum", lambda model: model["weights"].update(age=None)),
    "weight too large": ("weighted_sum", lambda model: model["weights"].update(age=10**400)),
    "weight a list": ("weighted_sum", lambda model: model["weights"].update(age=[1.0])),
    "no gate": ("gated", lambda model: model.pop("gate")),
    "gate NaN": ("gated", lambda model: model.update(gate=[[NAN], [0.0]])),
    "gate of one leg": ("gated", lambda model: model.update(gate=[[0.8]])),
    "hidden flat": ("gated", lambda model: model.update(hidden=[1.0, -2.0])),
    "hidden ragged": ("gated", lambda model: model.update(hidden=[[1.0], [1.0, 2.0]])),
    "centre of three": ("gated", lambda model: model.update(centre=[0.0, 0.0, 0.0])),
    "spread of 0": ("gated", lambda model: model.update(spread=[0.5, 0.0])),
    "leg that is not there": ("gated", lambda model: model.update(leg_of=[0, 1, 2])),
    "half a leg": ("gated", lambda model: model.update(leg_of=[0, 1, 0.5])),
    "legs of two features": ("gated", lambda model: model.update(leg_of=[0, 1])),
    "bound of gates": ("gated", lambda model: model.update(bound=1.0)),
    "bound NaN": ("gated", lambda model: model.update(bound=NAN)),
    "bound in words": ("gated", lambda model: model.update(bound="half")),
    "projection of two features": ("projection", lambda model: model.update(projection=[[1, 2]])),
    "projection infinite": (
        "projection",
        lambda model: model["projection"][0].__setitem__(0, float("inf")),
    ),
    "bias in a table": ("projection", lambda model: model.update(bias=[[0.2, -0.4]])),
    "no output": ("projection", lambda model: model.pop("output")),
    "output of one": ("projection", lambda model: model.update(output=[1.0])),
    "bound below 0": ("projection", lambda model: model.update(bound=-0.1)),
    "trees a number": ("lambdamart", lambda model: model.update(trees=3)),
    "tree of nothing": ("lambdamart", lambda model: model["trees"].append({})),
    "tree without nodes": (
        "lambdamart",
        lambda model: model["trees"].append({name: [] for name in model["trees"][0]}),
    ),
    "child is its parent": (
        "lambdamart",
        lambda model: model["trees"][0]["left"].__setitem__(1, 1),
    ),
    "child is the root": (
        "lambdamart",
        lambda model: model["trees"][0]["right"].__setitem__(1, 0),
    ),
    "child is not there": (
        "lambdamart",
        lambda model: model["trees"][0]["left"].__setitem__(0, 9),
    ),
    "child of two": ("lambdamart", lambda model: model["trees"][0]["left"].__setitem__(0, 3)),
    "half a child": ("lambdamart", lambda model: model["trees"][0]["left"].__setitem__(0, 1.5)),
    "feature that is not there": (
        "lambdamart",
        lambda model: model["trees"][0]["feature"].__setitem__(0, 3),
    ),
    "threshold NaN": (
        "lambdamart",
        lambda model: model["trees"][0]["threshold"].__setitem__(0, NAN),
    ),
    "values of a shorter tree": ("lambdamart", lambda model: model["trees"][0]["value"].pop()),
    "base without a weight": ("lambdamart", lambda model: model["weights"].pop("age")),
}


@pytest.mark.parametrize(("fusion", "damage"), BROKEN.values(), ids=BROKEN)
def test_a_broken_model_is_refused(fusion: str, damage: Damage) -> None:
    model = copy.deepcopy(EXAMPLES[fusion].to_json())
    damage(model)
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_model({"fusion": fusion, "model": model})


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"fusion": "soup", "model": BASE.to_json()},
        {"fusion": [], "model": {}},
        {"fusion": "weighted_sum"},
        {"fusion": "weighted_sum", "model": None},
        None,
    ],
)
def test_a_document_without_a_known_model_is_refused(document: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_model(document)
