"""A folder with a torchvision backbone and its projection: what config.json says, and identity."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from indexer.encoders.image_preparation import LARGEST_SIDE, PhotoPreparation
from indexer.encoders.model_folder import fingerprint
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

KIND = "torchvision"
CONFIG_FILE = "config.json"
PARAMETERS_FILE = "model.safetensors"
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_MOST_DIMS = 4096


@dataclass(frozen=True)
class TorchvisionConfig:
    """What config.json says beside `kind`.

    backbone: torchvision's name of the classifier. dims: length of a vector. text_space: revision
    of the text encoder that the projection leads to, "" for none. input_size: side in pixels.
    Raises ValueError naming the field that is out of its range.
    """

    backbone: str
    dims: int
    text_space: str
    input_size: int

    def __post_init__(self) -> None:
        for field, most in (("dims", _MOST_DIMS), ("input_size", LARGEST_SIDE)):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise ValueError(f"{field} is {value!r}, should be 1 to {most}")

    def to_json(self) -> dict[str, Any]:
        """Return the content of config.json."""
        return {"kind": KIND, **asdict(self)}


def preparation(input_size: int) -> PhotoPreparation:
    """Return how photos are prepared: the whole photo, for products fill it to the edges."""
    return PhotoPreparation(
        width=input_size,
        height=input_size,
        shortest_edge=0,
        resample=int(Image.Resampling.BICUBIC),
        scale=1 / 255,
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
    )


def read_torchvision(name: str) -> tuple[Path, TorchvisionConfig, EncoderSpec]:
    """Return a folder, its configuration and its identity, from the digests of its files.

    Raises EncoderUnavailable naming the file that is missing or broken.
    """
    folder = Path(name).expanduser()
    try:
        values = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
        config = TorchvisionConfig(
            **{field: values[field] for field in TorchvisionConfig.__dataclass_fields__}
        )
        with (folder / PARAMETERS_FILE).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except KeyError as error:
        raise EncoderUnavailable(f"encoder {name!r}: {CONFIG_FILE} has no {error}") from error
    except (OSError, ValueError, TypeError) as error:
        raise EncoderUnavailable(f"encoder {name!r}: {error}") from error
    canonical = json.dumps(config.to_json(), sort_keys=True)
    spec = EncoderSpec(
        name=folder.resolve().name,
        revision=fingerprint({PARAMETERS_FILE: digest, CONFIG_FILE: canonical}),
        dims=config.dims,
        template="",
        text_space=config.text_space,
    )
    return folder, config, spec
