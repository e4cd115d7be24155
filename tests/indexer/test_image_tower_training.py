"""The shipped tower's training: cut-outs, words, augmentation, loss and loop, in small."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from indexer.towers.augmentation import Augmentation, augment
from indexer.towers.colour_names import possible_colours
from indexer.towers.cutout import cut_out
from indexer.towers.figures import WORN, draw_figure
from indexer.towers.layout import free_directions, set_layout
from indexer.towers.objective import LossWeights, WordsObjective
from indexer.towers.pictures import CUT, PLACED, SCENE, Pictures, join, mask_boxes
from indexer.towers.shipped_training import (
    Recipe,
    Stage,
    draw_figures,
    embed,
    train,
    training_progress,
)
from indexer.towers.tower import ImageTower, TowerConfig
from indexer.towers.words import TextTargets, plural, text_targets

pytestmark = pytest.mark.models

DIMS = 24
COLOURS = {"red": (220, 20, 30), "blue": (20, 40, 200)}
KINDS = ("square", "ring")


def _picture(kind: str, colour: str, background: str = "white") -> np.ndarray:
    image = Image.new("RGB", (48, 48), background)
    draw = ImageDraw.Draw(image)
    if kind == "square":
        draw.rectangle((14, 14, 34, 34), fill=COLOURS[colour])
    else:
        draw.ellipse((8, 8, 40, 40), outline=COLOURS[colour], width=5)
    return np.asarray(image)


def _pictures(state: int = PLACED, copies: int = 6) -> Pictures:
    shown = [(kind, colour) for kind in KINDS for colour in COLOURS] * copies
    pixels = np.stack([_picture(kind, colour) for kind, colour in shown])
    masks = np.where(pixels.min(axis=3) < 200, 255, 0).astype(np.uint8)
    return Pictures(
        pixels=pixels,
        masks=masks,
        boxes=mask_boxes(masks),
        aspects=np.ones(len(shown), dtype=np.float32),
        kinds=np.array([[kind == name for name in KINDS] for kind, _ in shown]),
        colours=np.array([[colour == name for name in COLOURS] for _, colour in shown]),
        worn=np.full(len(shown), -1),
        state=np.full(len(shown), state),
    )


def _targets() -> TextTargets:
    vectors = np.random.default_rng(1).normal(size=(6, DIMS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return TextTargets(KINDS, tuple(COLOURS), vectors[:2], vectors[2:].reshape(2, 2, DIMS))


def _floor_with(product: tuple[slice, slice]) -> np.ndarray:
    rng = np.random.default_rng(0)
    photo = np.full((96, 96, 3), (150, 130, 110)) + rng.integers(0, 24, (96, 96, 3))
    photo[product] = (30, 60, 160) + rng.integers(0, 24, photo[product].shape)
    return photo.astype(np.uint8)


def test_a_product_on_a_plain_floor_is_cut_out():
    product = (slice(24, 72), slice(30, 66))
    wanted = np.zeros((96, 96), dtype=bool)
    wanted[product] = True
    found = cut_out(_floor_with(product))
    inside = found.mask > 0.5
    assert found.good
    assert (inside & wanted).sum() / (inside | wanted).sum() > 0.7


@pytest.mark.parametrize(
    "product",
    [(slice(0, 96), slice(20, 90)), (slice(0, 60), slice(0, 60))],
    ids=["a band", "a corner"],
)
def test_a_product_that_runs_out_of_the_photo_is_not_believed(product):
    assert not cut_out(_floor_with(product)).good


@pytest.mark.parametrize(
    ("word", "several"),
    [
        ("shirt", "shirts"),
        ("dress", "dresses"),
        ("jeans", "jeans"),
        ("watch", "watches"),
        ("scarf", "scarves"),
        ("saree", "sarees"),
        ("jersey", "jerseys"),
        ("body", "bodies"),
    ],
)
def test_words_have_the_plural_of_a_category(word, several):
    assert plural(word) == several


def test_targets_are_unit_vectors_of_kinds_and_of_kinds_in_colours():
    asked: list[str] = []

    def encode(texts):
        asked.extend(texts)
        rows = np.array([[len(text), text.count("red"), 1.0] for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    targets = text_targets(
        {"shirt": ("shirt", "blouse"), "apple": ("apple",)}, 1, ("red",), encode
    )
    assert targets.plain.shape == (2, 3)
    assert targets.coloured.shape == (1, 1, 3)
    assert np.linalg.norm(targets.coloured, axis=2) == pytest.approx(np.ones((1, 1)), abs=1e-6)
    assert {"red shirts", "red shirt", "red blouses", "apples"} <= set(asked)
    assert "red apples" not in asked


@pytest.mark.parametrize("colour", COLOURS)
def test_a_plain_product_may_have_its_colour_only(colour):
    pixels = np.full((1, 20, 20, 3), COLOURS[colour], dtype=np.uint8)
    table = np.array(list(COLOURS.values()), dtype=np.uint8)
    found = possible_colours(pixels, np.full((1, 20, 20), 255, dtype=np.uint8), table)
    assert found.tolist() == [[colour == name for name in COLOURS]]


def test_a_product_of_many_colours_has_none_of_them():
    many = np.random.default_rng(2).integers(0, 256, (1, 20, 20, 3), dtype=np.uint8)
    table = np.array(list(COLOURS.values()), dtype=np.uint8)
    found = possible_colours(many, np.full((1, 20, 20), 255, dtype=np.uint8), table)
    assert not found.any()


def test_the_box_of_a_mask_is_around_it():
    masks = np.zeros((2, 10, 10), dtype=np.uint8)
    masks[0, 2:5, 4:9] = 255
    assert mask_boxes(masks) == pytest.approx(np.array([[0.4, 0.2, 0.9, 0.5], [0, 0, 1, 1]]))


@pytest.mark.parametrize("worn", WORN)
def test_a_figure_is_the_same_for_a_seed_and_keeps_a_place_for_the_garment(worn):
    first, again, other = (draw_figure(worn, seed, 48) for seed in (4, 4, 5))
    assert np.array_equal(first.layer, again.layer)
    assert not np.array_equal(first.layer, other.layer)
    left, top, right, bottom = first.place
    assert left < right
    assert top < bottom
    assert first.layer[..., 3].max() == 255


@pytest.mark.parametrize("state", [CUT, SCENE, PLACED], ids=["cut", "scene", "placed"])
def test_augmented_pictures_are_inputs_of_a_tower_and_the_same_for_a_seed(state):
    pictures, figures = _pictures(state), draw_figures(2, 48)
    first, again = (
        augment(pictures, figures, 32, Augmentation(), np.random.default_rng(8)) for _ in range(2)
    )
    assert first.shape == (len(pictures), 3, 32, 32)
    assert torch.equal(first, again)
    assert first.min() >= -2
    assert first.max() <= 0


def test_a_cut_out_product_stands_on_white_where_nothing_is_varied():
    calm = Augmentation(
        worn=0, scene=0, tinted=0, turn=0, smallest=0.5, largest=0.5, stretch=1, light=0,
        contrast=0, noise=0, blurred=0, textured=0,
    )  # fmt: skip
    shown = augment(_pictures(CUT), {}, 32, calm, np.random.default_rng(1))
    assert torch.all(shown[:, :, 0, 0] > -0.01)
    reds = shown[0].amin(dim=0) < -1
    assert 0.15 < float(reds.float().mean()) < 0.35  # a square of half the side: a quarter


def test_a_worn_garment_covers_its_place_on_a_figure():
    pictures = _pictures(CUT)
    worn = Pictures(**{**vars(pictures), "worn": np.zeros(len(pictures), dtype=np.int64)})
    figures = draw_figures(3, 48)
    options = Augmentation(worn=1.0, scene=0, tinted=0, turn=0)
    plain = augment(pictures, figures, 32, options, np.random.default_rng(1))
    dressed = augment(worn, figures, 32, options, np.random.default_rng(1))
    assert (dressed < -0.2).float().mean() > (plain < -0.2).float().mean()


def test_the_loss_is_small_for_embeddings_that_are_their_words():
    targets, pictures = _targets(), _pictures(copies=2)
    objective = WordsObjective(targets, LossWeights())
    right = torch.from_numpy(targets.coloured.reshape(4, DIMS)).repeat(2, 1)
    rng = np.random.default_rng(0)
    own = objective(right, pictures, rng)
    other = objective(right.roll(1, dims=0), pictures, rng)
    assert own["colour"] < 0.1
    assert own["total"] < other["total"]


def test_a_picture_of_one_of_several_kinds_may_be_near_to_any():
    targets, pictures = _targets(), _pictures(copies=1)
    unsure = Pictures(**{**vars(pictures), "kinds": np.ones((4, 2), dtype=bool)})
    objective = WordsObjective(targets, LossWeights())
    embeddings = torch.from_numpy(targets.plain)[[0, 0, 1, 1]]
    loss = objective(embeddings, unsure, np.random.default_rng(0))["kind"]
    assert loss.item() == pytest.approx(0.0, abs=1e-5)


@pytest.fixture
def one_thread():
    """One thread: small steps on several wait longer for one another than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_training_in_two_sizes_learns_kinds_and_colours_and_is_repeatable(one_thread):
    recipe = Recipe(
        backbone="tiny",
        stages=(Stage(32, 30, 5e-3), Stage(48, 20, 3e-3)),
        batch=24,
        shares={"shapes": 1.0},
        warm_up=3,
        average=0.8,
        figures=1,
        augmentation=Augmentation(scene=0, tinted=0, stretch=1.1, turn=3),
    )
    pictures, targets = _pictures(), _targets()
    towers = []
    stages: list[int] = []
    for _ in range(2):
        with training_progress() as progress:
            towers.append(
                train(
                    recipe,
                    {"shapes": pictures},
                    targets,
                    progress=progress,
                    finished=lambda tower: stages.append(tower.config.input_size),
                )
            )
    calm = Augmentation(tinted=0, turn=0, stretch=1, light=0, contrast=0, noise=0, blurred=0)
    inputs = augment(_pictures(copies=1), {}, 48, calm, np.random.default_rng(2))
    vectors, again = (embed(tower, inputs) for tower in towers)
    assert stages == [32, 48, 32, 48]
    assert vectors == pytest.approx(again, abs=1e-5)
    phrases = targets.coloured.reshape(4, DIMS)
    assert (vectors @ phrases.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_joined_pictures_are_those_of_the_parts_in_order():
    first, second = _pictures(copies=1), _pictures(CUT, copies=1)
    both = join([first, second])
    assert len(both) == 8
    assert both.state.tolist() == [PLACED] * 4 + [CUT] * 4


def test_free_directions_are_where_texts_do_not_go():
    rng = np.random.default_rng(0)
    used = np.linalg.qr(rng.normal(size=(DIMS, 10)))[0]
    texts = (rng.normal(size=(200, 10)) @ used.T).astype(np.float32)
    free = free_directions(texts, 14)
    assert free @ free.T == pytest.approx(np.eye(14), abs=1e-5)
    assert np.abs(free @ used).max() < 1e-4


def test_the_layout_part_leaves_the_order_of_words_alone_and_knows_where_things_are():
    config = TowerConfig(
        backbone="tiny", input_size=32, dims=DIMS, layout_dims=12, layout_share=0.6, layout_size=8
    )
    torch.manual_seed(0)
    tower = ImageTower(config).eval()
    calm = Augmentation(tinted=0, turn=0, noise=0, blurred=0, stretch=1.1)
    inputs = augment(_pictures(), {}, 32, calm, np.random.default_rng(2))
    rng = np.random.default_rng(0)
    used = np.linalg.qr(rng.normal(size=(DIMS, 10)))[0]
    texts = (rng.normal(size=(50, 10)) @ used.T).astype(np.float32)
    set_layout(tower.layout, inputs, texts)
    with torch.no_grad():
        words = torch.nn.functional.normalize(tower.project(tower.features(inputs)), dim=1)
        layout = tower.layout_part(inputs).numpy()
        whole = tower(inputs).numpy()
    queries = texts[:5]
    assert whole @ queries.T == pytest.approx(0.8 * (words.numpy() @ queries.T), abs=1e-4)
    squares, rings = layout[0::4], layout[2::4]
    assert np.mean(squares @ squares.T) > np.mean(squares @ rings.T)
