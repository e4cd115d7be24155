"""The image tower: a small convolutional network from a picture to the text encoder's space.

    config = TowerConfig(backbone="mobilenet_v3_small", input_size=96, dims=384)
    tower = ImageTower(config)
    features = tower.features(pictures)  # [n, tower.feature_width]: for heads beside the embedding
    embeddings = tower.project(features)  # the same as tower(pictures): [n, dims]
    save_tower(tower, folder); tower = load_tower(folder)
    export_onnx(tower, path)  # from `indexer.towers.export`

`pictures` are `torch.from_numpy(preprocess(images, config.input_size))`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from indexer.towers.backbones import build_backbone
from indexer.towers.colours import ColourPart
from indexer.towers.layout import LayoutPart

CONFIG_FILE = "config.json"
PARAMETERS_FILE = "model.safetensors"


@dataclass(frozen=True)
class TowerConfig:
    """What decides a tower's shape; with the parameters it is the tower.

    backbone: a name in `indexer.towers.backbones.BACKBONES`.
    input_size: side of the input in pixels, a multiple of the backbone's stride times `grid`.
    dims: length of an embedding; 384 in MiniLM's space.
    grid: the feature map is averaged over grid x grid fields, which are kept apart: catalogue
        photos are aligned, so where something is says what it is. 1 averages over all.
    grid_width: channels of a field, to which a learned linear map brings the feature map. Beside
        the fields the average over the whole picture is kept in full. Unused when grid is 1.
    layout_dims: directions of the embedding, orthogonal to (most of) what texts use, that hold a
        picture's layout for photo-to-photo search; 0 for none. See `indexer.towers.layout`.
    layout_share: length of that part; the part that texts share has sqrt(1 - share²). 0 to < 1.
    layout_size: fields a side of the layout; twice that must divide input_size.
    colour_width: learned features of a histogram of colours, beside those of the backbone; 0 for
        none. See `indexer.towers.colours`.
    """

    backbone: str = "mobilenet_v3_small"
    input_size: int = 96
    dims: int = 384
    grid: int = 1
    grid_width: int = 64
    layout_dims: int = 0
    layout_share: float = 0.0
    layout_size: int = 8
    colour_width: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError naming the field that is out of its range."""
        for field in ("input_size", "dims", "grid", "grid_width", "layout_size"):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"{field} of a tower must be a whole number from 1, not {value!r}"
                )
        if isinstance(self.colour_width, bool) or not self.colour_width >= 0:
            raise ValueError(f"colour_width must be 0 or more, not {self.colour_width!r}")
        if not 0 <= self.layout_dims < self.dims:
            raise ValueError(f"layout_dims must be 0 to {self.dims - 1}, not {self.layout_dims!r}")
        if not 0 <= self.layout_share < 1 or (self.layout_share > 0) != (self.layout_dims > 0):
            raise ValueError(
                f"layout_share must be above 0 and below 1 where layout_dims is above 0, else 0, "
                f"not {self.layout_share!r}"
            )
        if self.layout_dims and self.input_size % (2 * self.layout_size):
            raise ValueError(f"twice layout_size {self.layout_size} must divide {self.input_size}")
        if self.layout_dims > 8 * self.layout_size**2:
            raise ValueError(
                f"layout_size {self.layout_size} is too small for {self.layout_dims} layout_dims"
            )

    def to_json(self) -> str:
        """Return the fields as a JSON object."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> TowerConfig:
        """Read what `to_json` wrote; keys that are not a tower's are left alone.

        Raises ValueError when it is not a JSON object or a value is out of range.
        """
        read: Any = json.loads(text)
        if not isinstance(read, dict):
            raise ValueError(f"a tower's configuration must be a JSON object, not {text[:60]!r}")
        return cls(**{key: read[key] for key in cls.__dataclass_fields__ if key in read})


class ImageTower(nn.Module):  # type: ignore[misc]
    """Backbone, pooling and a linear projection; its parameters begin at random.

    `backbone`, `grid_map` and `colours` are the trunk (for a lower learning rate or for freezing),
    and `projection` is the head.
    """

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        built = build_backbone(config.backbone)
        side, rest = divmod(config.input_size, built.stride)
        if rest or side % config.grid:
            step = built.stride * config.grid
            raise ValueError(
                f"input_size {config.input_size} must be a multiple of {step} for backbone "
                f"{config.backbone!r} and grid {config.grid}"
            )
        self.config = config
        self.backbone = built.layers
        self.field_side = side // config.grid
        self.feature_width = built.width
        self.grid_map: nn.Module | None = None
        if config.grid > 1:
            self.grid_map = nn.Conv2d(built.width, config.grid_width, 1)
            self.feature_width += config.grid_width * config.grid**2
        self.colours: nn.Module | None = None
        if config.colour_width:
            self.colours = ColourPart(config.input_size, config.colour_width)
            self.feature_width += config.colour_width
        self.feature_norm = nn.BatchNorm1d(self.feature_width)
        self.projection = nn.Linear(self.feature_width, config.dims)
        if config.layout_dims:
            self.layout = LayoutPart(config.layout_size, config.layout_dims, config.dims)

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the pooled features [n, feature_width] of pictures [n, 3, size, size]."""
        maps = self.backbone(pictures)  # [n, width, side, side]
        pooled = maps.mean(dim=(2, 3))
        if self.grid_map is not None:
            fields = nn.functional.avg_pool2d(self.grid_map(maps), self.field_side)
            pooled = torch.cat([pooled, fields.flatten(1)], dim=1)
        if self.colours is not None:
            pooled = torch.cat([pooled, self.colours(pictures)], dim=1)
        return self.feature_norm(pooled)

    def project(self, features: torch.Tensor) -> torch.Tensor:
        """Return the words' part of the embeddings [n, dims], of any length, of features."""
        return self.projection(features)

    def layout_part(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the layout part of the embeddings [n, dims], of length 1; needs layout_dims."""
        part: torch.Tensor = self.layout(pictures)
        return part

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the embeddings float32 [n, dims] of pictures [n, 3, size, size].

        Their length is any (1 with a layout part); who compares them by cosine need not care.
        """
        return self.embed(self.features(pictures), pictures)

    def embed(self, features: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        """Return `forward`'s embeddings for pictures whose features are known already."""
        words = self.project(features)
        share = self.config.layout_share
        if not share:
            return words
        words = nn.functional.normalize(words, dim=1) * (1 - share**2) ** 0.5
        return words + share * self.layout_part(pictures)


def with_colours(tower: ImageTower, width: int) -> ImageTower:
    """Return a tower that can learn from colours too, and until then gives the same embeddings.

    Its other parameters are copies; the new features come last and have no weight yet.
    """
    wider = ImageTower(replace(tower.config, colour_width=width))
    state = wider.state_dict()
    for name, value in tower.state_dict().items():
        if state[name].shape == value.shape:
            state[name].copy_(value)
        else:  # of the feature norm and the projection, whose last axis is that of the features
            state[name].zero_() if name == "projection.weight" else None
            state[name][..., : value.shape[-1]].copy_(value)
    wider.load_state_dict(state)
    wider.train(tower.training)
    return wider


def save_tower(tower: ImageTower, folder: Path, *, half: bool = False) -> None:
    """Write config.json and model.safetensors into the folder, which is made if need be.

    config.json keeps what else it already says, so that others may add keys of their own.
    half: write parameters of 16 bits, which `load_tower` makes 32 again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CONFIG_FILE
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps(known | asdict(tower.config), indent=2) + "\n", "utf-8")
    state = {name: value.detach().cpu().contiguous() for name, value in tower.state_dict().items()}
    if half:
        state = {
            name: value.half() if value.is_floating_point() else value
            for name, value in state.items()
        }
    save_file(state, folder / PARAMETERS_FILE)


def load_tower(folder: Path) -> ImageTower:
    """Return the tower of a folder that `save_tower` wrote, on the CPU, in evaluation mode.

    Raises FileNotFoundError when a file is missing and ValueError or RuntimeError when the
    parameters are not those of the configuration.
    """
    config = TowerConfig.from_json((folder / CONFIG_FILE).read_text("utf-8"))
    tower = ImageTower(config)
    tower.load_state_dict(load_file(folder / PARAMETERS_FILE))
    tower.eval()
    return tower
