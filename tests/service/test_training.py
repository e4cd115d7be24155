"""Trainers on queries whose truth is known, and the contract that every trainer keeps."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence

import lightgbm
import numpy as np
import pytest
import torch

from mappings.errors import InvalidQuery
from service.fusion.gated import GatedModel
from service.fusion.linear import LinearModel
from service.fusion.registry import MODELS, FusionModel, read_model
from service.learning.dataset import JudgedQuery, judged_query
from service.learning.early_stopping import Adam
from service.learning.near_candidates import near_candidates
from service.learning.quality import quality
from service.learning.registry import TRAINERS, load_trainer
from service.learning.starting import best_blend, fit_scale
from service.learning.tree_training import read_trees
from service.ranking.features import FEATURES
from service.search_results import FeatureMatrix, Scores

Features = dict[str, Scores]
Truth = Callable[[Features, Scores], Scores]

NAN = float("nan")
NAMES = ("lexical", "text_vector", "image_vector", "words_in_title", "category_match", "age")
CANDIDATES = 40
QUERY_FEATURES = 3
every_trainer = pytest.mark.parametrize("name", TRAINERS)


def words_count(z: Features, query: Scores) -> Scores:
    """The start knows neither of the last two."""
    return 0.2 * z["lexical"] + 0.3 * z["text_vector"] + 0.4 * z["words_in_title"] - 0.1 * z["age"]


def query_decides(z: Features, query: Scores) -> Scores:
    """Long queries are about meaning, short ones about words."""
    meaning = 0.8 if query[0] > 0.5 else 0.2
    return meaning * z["text_vector"] + (1.0 - meaning) * z["lexical"]


def either_will_do(z: Features, query: Scores) -> Scores:
    """The better of the two counts, which no sum of them says."""
    return np.maximum(z["words_in_title"], z["text_vector"])


def world(
    truth: Truth, *, count: int, seed: int, candidates: int = CANDIDATES
) -> list[JudgedQuery]:
    """Queries of random candidates: by the truth the best three have grade 3, the next five 1."""
    rng = np.random.default_rng(seed)
    queries = []
    for number in range(count):
        query = rng.random(QUERY_FEATURES)
        shares = rng.random((candidates, len(NAMES)))
        z = dict(zip(NAMES, shares.T, strict=True))
        order = np.argsort(-(truth(z, query) + rng.normal(0, 0.02, candidates)))
        grades = np.zeros(candidates)
        grades[order[:3]], grades[order[3:8]] = 3.0, 1.0
        judged = (rng.random(candidates) < 0.6) | (grades == 3.0)
        values = shares.copy()
        values[:, 0] = 12.0 * shares[:, 0] / (1.05 - shares[:, 0])  # BM25
        values[:, 1] = 0.1 + 0.7 * shares[:, 1]  # cosine
        values[:, 2] = NAN
        ids = tuple(f"p{row:03}" for row in range(candidates))
        queries.append(
            judged_query(
                f"query {number}",
                FeatureMatrix(ids, NAMES, values, query),
                candidates - 5,
                {ids[row]: float(grades[row]) for row in np.flatnonzero(judged)},
            )
        )
    return queries


def settings_of(name: str, **changed: float) -> dict[str, float]:
    return {**load_trainer(name).grid[0], **changed}


def learn(
    name: str, queries: Sequence[JudgedQuery], *, seed: int = 1, **changed: float
) -> tuple[LinearModel, FusionModel]:
    start = best_blend(queries, fit_scale(queries))
    return start, load_trainer(name).fit(queries, start, settings_of(name, **changed), seed=seed)


def worth(model: FusionModel, queries: Sequence[JudgedQuery]) -> float:
    return float(quality(model, queries).goal.mean())


@every_trainer
def test_learns_a_sum_that_the_start_does_not_know(name: str) -> None:
    start, model = learn(name, world(words_count, count=40, seed=1))
    held_out = world(words_count, count=60, seed=2)
    assert worth(model, held_out) > worth(start, held_out) + 0.1


def test_gates_learn_weights_that_depend_on_the_query() -> None:
    learned, held_out = (world(query_decides, count=80, seed=seed) for seed in (3, 4))
    linear, gated = (learn(name, learned)[1] for name in ("weighted_sum", "gated"))
    assert worth(gated, held_out) > worth(linear, held_out) + 0.02
    assert isinstance(gated, GatedModel)
    place = gated.legs.index("text_vector")
    short, long = (gated.gates(np.array([words, 0.5, 0.5]))[place] for words in (0.1, 0.9))
    assert long > short + 0.2


@pytest.mark.parametrize("name", ["projection", "lambdamart"])
def test_learns_what_no_sum_of_features_says(name: str) -> None:
    learned, held_out = (world(either_will_do, count=80, seed=seed) for seed in (5, 6))
    linear, model = (learn(trainer, learned)[1] for trainer in ("weighted_sum", name))
    assert worth(model, held_out) > worth(linear, held_out) + 0.02


@every_trainer
def test_the_same_seed_learns_the_same_model(name: str) -> None:
    queries = world(either_will_do, count=24, seed=7)
    texts = [json.dumps(learn(name, queries, seed=9)[1].to_json()) for _ in range(2)]
    assert texts[0] == texts[1]


@every_trainer
def test_a_learned_model_is_of_its_name_and_can_be_kept(name: str) -> None:
    queries = world(either_will_do, count=24, seed=8)
    model = learn(name, queries)[1]
    assert model.fusion == name == load_trainer(name).name
    text = json.dumps({"fusion": name, "model": model.to_json()}, allow_nan=False)
    matrix = queries[0].matrix
    np.testing.assert_array_equal(
        read_model(json.loads(text)).fuse(matrix).total, model.fuse(matrix).total
    )


def test_every_learned_fusion_has_a_trainer_with_a_small_grid() -> None:
    assert set(TRAINERS) == set(MODELS)
    # Each setting is fitted 5 x 4 x 2 times in nested cross-validation.
    assert all(1 <= len(load_trainer(name).grid) <= 9 for name in TRAINERS)


@pytest.mark.parametrize("name", ["gated", "projection", "lambdamart"])
def test_with_too_few_queries_to_hold_any_out_it_is_the_weighted_sum(name: str) -> None:
    queries = world(words_count, count=3, seed=10)
    start = best_blend(queries, fit_scale(queries))
    settings = settings_of(name)
    linear = load_trainer("weighted_sum").fit(
        queries, start, {**settings, "sharpness": 10.0}, seed=1
    )
    model = load_trainer(name).fit(queries, start, settings, seed=1)
    for query in queries:
        np.testing.assert_allclose(
            model.fuse(query.matrix).total, linear.fuse(query.matrix).total, atol=1e-12
        )


@every_trainer
def test_queries_without_a_right_answer_teach_nothing(name: str) -> None:
    queries = world(words_count, count=12, seed=11)
    nothing = [
        judged_query(query.text, query.matrix, query.in_window, {"p000": 0.0})
        for query in world(either_will_do, count=5, seed=12)
    ]
    start = best_blend(queries, fit_scale(queries))
    models = [
        load_trainer(name).fit(some, start, settings_of(name), seed=1).to_json()
        for some in (queries, [*queries, *nothing])
    ]
    assert models[0] == models[1]


@pytest.mark.parametrize("share", [0.37, 0.02])
@every_trainer
def test_grades_from_clicks_may_be_fractions(name: str, share: float) -> None:
    queries = [
        judged_query(
            query.text,
            query.matrix,
            query.in_window,
            {
                product: share * float(grade)
                for product, grade in zip(query.matrix.product_ids, query.grades, strict=True)
                if not np.isnan(grade)
            },
            dict.fromkeys(query.matrix.product_ids, 0.2),
        )
        for query in world(words_count, count=40, seed=13)
    ]
    start, model = learn(name, queries)
    held_out = world(words_count, count=60, seed=2)
    assert worth(model, held_out) > worth(start, held_out) + 0.1


def test_no_gate_leaves_its_bound_and_trees_never_punish_relevance() -> None:
    queries = world(query_decides, count=24, seed=14)
    gated = learn("gated", queries)[1]
    assert isinstance(gated, GatedModel)
    gates = np.array([gated.gates(query.matrix.query) for query in queries])
    assert ((gates >= 0.5) & (gates <= 1.5)).all()
    trees = learn("lambdamart", queries, least=5)[1]
    matrix = queries[0].matrix
    before = trees.fuse(matrix).total
    for column, name in enumerate(NAMES):
        raised = matrix.values.copy()
        raised[:, column] = np.nan_to_num(raised[:, column]) + 0.3
        after = trees.fuse(FeatureMatrix(matrix.product_ids, NAMES, raised, matrix.query)).total
        if not FEATURES[name].may_be_negative:
            assert (after >= before - 1e-9).all()


@pytest.mark.parametrize("name", ["gated", "projection"])
def test_training_leaves_the_threads_of_others_alone(name: str) -> None:
    before = torch.get_num_threads()
    learn(name, world(words_count, count=8, seed=15))
    assert torch.get_num_threads() == before


def test_all_judged_candidates_teach_and_the_best_hundred_of_the_others() -> None:
    judged = np.arange(300) % 3 == 0
    scores = np.where(judged, 0.0, np.arange(300) / 300.0)
    rows = near_candidates(judged, scores)
    unjudged = [row for row in range(300) if row % 3]
    assert rows.tolist() == sorted([*range(0, 300, 3), *unjudged[-100:]])


def test_adam_takes_the_steps_of_torchs_own() -> None:
    ours, theirs = (torch.tensor([3.0, -2.0, 0.5], requires_grad=True) for _ in range(2))
    adam, reference = Adam({"x": ours}, 0.05), torch.optim.Adam([theirs], lr=0.05)
    steepness = torch.tensor([1.0, 10.0, 0.1])
    for _ in range(20):
        adam.step((steepness * ours**2).sum())
        reference.zero_grad()
        (steepness * theirs**2).sum().backward()
        reference.step()
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_trees_that_a_model_cannot_hold_are_refused() -> None:
    rng = np.random.default_rng(16)
    features = rng.random((200, 2))
    label = (features[:, 0] > 0.7).astype(float)
    features[rng.random(200) < 0.3, 0] = NAN
    booster = lightgbm.train(
        {"objective": "lambdarank", "min_data_in_leaf": 5, "verbosity": -1},
        lightgbm.Dataset(features, label, group=[20] * 10),
        3,
    )
    with pytest.raises(ValueError, match="missing values"):
        read_trees(booster, scale=1.0)


def test_a_booster_that_finds_no_split_gives_trees_of_one_leaf() -> None:
    booster = lightgbm.train(
        {"objective": "lambdarank", "min_data_in_leaf": 500, "verbosity": -1},
        lightgbm.Dataset(np.random.default_rng(0).random((40, 2)), np.eye(40)[0], group=[20, 20]),
        2,
    )
    assert [tree.value.tolist() for tree in read_trees(booster, scale=1.0)] in ([], [[0.0]])


def test_a_fusion_that_nothing_learns_is_named_with_those_that_are_learned() -> None:
    with pytest.raises(InvalidQuery, match="'soup'.*weighted_sum, gated") as refused:
        load_trainer("soup")
    assert refused.value.field == "fusion"


def test_the_registry_imports_nothing_heavy_until_it_is_asked() -> None:
    done = run("import service.learning.registry", "print(*sys.modules)")
    loaded = {name.partition(".")[0] for name in done.split()}
    assert "service" in loaded
    assert not loaded & {"torch", "lightgbm", "scipy", "sklearn"}


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("weighted_sum", "scipy"),
        ("gated", "torch"),
        ("projection", "torch"),
        ("lambdamart", "lightgbm"),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(name: str, package: str) -> None:
    done = run(
        f"sys.modules[{package!r}] = None",
        "from mappings.errors import ConfigurationError",
        "from service.learning.registry import load_trainer",
        f"try: load_trainer({name!r})",
        "except ConfigurationError as error: print(error)",
    )
    assert f"training {name!r} needs {package}; run pip install 'shelfwise[train]'" in done


def run(*lines: str) -> str:
    script = "\n".join(["import sys", *lines])
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    ).stdout
