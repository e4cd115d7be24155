"""The tower itself: shapes, input, what is saved, what is exported."""

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from indexer.towers.export import INPUT, OUTPUT, SMALLEST_COSINE, export_onnx
from indexer.towers.preprocessing import preprocess
from indexer.towers.tower import (
    ImageTower,
    TowerConfig,
    load_tower,
    save_tower,
    with_colours,
)

pytestmark = pytest.mark.models

TINY = TowerConfig(backbone="tiny", input_size=32, dims=24, grid=2, grid_width=4)
TINY_WITH_LAYOUT = TowerConfig(
    backbone="tiny", input_size=32, dims=24, layout_dims=6, layout_share=0.5, layout_size=8
)
TINY_WITH_COLOURS = TowerConfig(
    backbone="tiny", input_size=32, dims=24, grid=2, grid_width=4, colour_width=8
)


def _tower(config: TowerConfig) -> ImageTower:
    torch.manual_seed(3)
    return ImageTower(config).eval()


def _pictures(count: int = 3, size: int = 32) -> torch.Tensor:
    noise = np.random.default_rng(5).integers(0, 256, (count, 40, 30, 3), dtype=np.uint8)
    return torch.from_numpy(preprocess([Image.fromarray(one) for one in noise], size))


@pytest.mark.parametrize(
    "size", [(1, 1), (5000, 10), (10, 5000), (96, 96), (640, 480)], ids=lambda size: str(size)
)
def test_a_picture_of_any_size_becomes_a_square(size):
    inputs = preprocess([Image.new("RGB", size, "red")], 96)
    assert inputs.shape == (1, 3, 96, 96)
    assert inputs.dtype == np.float32
    assert inputs[0].min(axis=(1, 2)) == pytest.approx([0.0, -2.0, -2.0])  # red: 255, 0, 0


def test_no_pictures_give_an_empty_input():
    assert preprocess([], 64).shape == (0, 3, 64, 64)


def test_what_a_picture_does_not_fill_is_white_which_is_zero():
    inputs = preprocess([Image.new("RGB", (100, 50), "black")], 32)[0]
    assert np.all(inputs[:, :8] == 0.0)
    assert np.all(inputs[:, 24:] == 0.0)
    assert np.all(inputs[:, 8:24] == -2.0)


@pytest.mark.parametrize(
    "config", [TINY, TINY_WITH_LAYOUT, TINY_WITH_COLOURS], ids=["grid", "layout", "colours"]
)
def test_a_saved_tower_gives_the_same_embeddings(config, tmp_path):
    tower = _tower(config)
    save_tower(tower, tmp_path / "tower")
    again = load_tower(tmp_path / "tower")
    assert again.config == config
    assert torch.equal(tower(_pictures()), again(_pictures()))


@pytest.mark.parametrize(
    "config", [TINY, TINY_WITH_LAYOUT, TINY_WITH_COLOURS], ids=["grid", "layout", "colours"]
)
def test_onnx_equals_torch(config, tmp_path):
    tower = _tower(config)
    path = tmp_path / "tower.onnx"
    assert export_onnx(tower, path) >= SMALLEST_COSINE
    assert [file.name for file in tmp_path.iterdir()] == ["tower.onnx"]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pictures = _pictures(5)
    given = session.run([OUTPUT], {INPUT: pictures.numpy()})[0]
    with torch.no_grad():
        wanted = torch.nn.functional.normalize(tower(pictures), dim=1).numpy()
    assert given == pytest.approx(wanted, abs=1e-5)


def test_halved_parameters_halve_the_file_and_keep_the_vectors(tmp_path):
    tower = _tower(TowerConfig(backbone="tiny", input_size=32, dims=384, grid=4, grid_width=32))
    export_onnx(tower, tmp_path / "whole.onnx")
    assert export_onnx(tower, tmp_path / "half.onnx", half=True) >= SMALLEST_COSINE
    sizes = [(tmp_path / f"{name}.onnx").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.6 * sizes[1]


def test_the_embedding_is_the_projection_of_the_features():
    tower = _tower(TINY)
    features = tower.features(_pictures())
    assert features.shape == (3, tower.feature_width)
    assert torch.equal(tower.project(features), tower(_pictures()))


def test_the_layout_part_has_its_share_of_the_length():
    tower = _tower(TINY_WITH_LAYOUT)
    embeddings = tower(_pictures())
    part = tower.layout_part(_pictures())
    assert torch.linalg.norm(part, dim=1).tolist() == pytest.approx([1.0] * 3, abs=1e-5)
    words = embeddings - 0.5 * part
    assert torch.linalg.norm(words, dim=1).tolist() == pytest.approx([0.75**0.5] * 3, abs=1e-5)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"input_size": 0}, "input_size"),
        ({"dims": 2.5}, "dims"),
        ({"colour_width": -1}, "colour_width"),
        ({"layout_dims": 4}, "layout_share"),
        ({"layout_dims": 400, "layout_share": 0.2}, "layout_dims"),
        ({"layout_dims": 4, "layout_share": 0.2, "layout_size": 7}, "layout_size"),
        ({"layout_dims": 40, "layout_share": 0.2, "layout_size": 2}, "layout_size"),
    ],
    ids=lambda value: str(value),
)
def test_a_field_out_of_range_is_named(fields, named):
    with pytest.raises(ValueError, match=named):
        TowerConfig(**fields)


def test_an_unknown_backbone_names_the_known_ones():
    with pytest.raises(ValueError, match="mobilenet_v3_small"):
        ImageTower(TowerConfig(backbone="resnet9000"))


def test_configuration_that_is_not_an_object_is_refused():
    with pytest.raises(ValueError, match="JSON object"):
        TowerConfig.from_json("[1]")


@pytest.mark.parametrize("config", [TINY, TINY_WITH_LAYOUT], ids=["grid", "layout"])
def test_a_tower_that_is_given_colours_has_the_same_embeddings_until_it_learns(config):
    tower = _tower(config)
    wider = with_colours(tower, 8)
    assert wider.feature_width == tower.feature_width + 8
    assert not wider.training
    assert wider(_pictures()).detach().numpy() == pytest.approx(
        tower(_pictures()).detach().numpy(), abs=1e-6
    )
    features = wider.features(_pictures())
    features.sum().backward()
    assert wider.colours.hidden.weight.grad.abs().sum() > 0
