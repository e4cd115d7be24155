"""The image tower that comes with the package: where it is, and what it is.

Trained by `python -m indexer.towers.train_shipped`; docs/image-tower.md says on what and how well
it does. Nothing is imported here that the service does not have.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from indexer.encoders.minilm import REVISION as MINILM_REVISION

MODEL_FILE = "tower.onnx"
CHECKPOINT_FOLDER = "tower"
"""Folder beside it of `save_tower`'s files, from which a shop's own training starts."""

SHA256 = "915560ff519b033fa4df9a994553e9c9d7b0342b696cf11d6d1870ee6032667b"
"""Digest of the ONNX file."""

REVISION = "c6d1bfdbec245e8ec0f0bb7e39a1ca780848b8bf8e96b3fcbc0320923dd1eb67"
"""What indexes keep of it. A file that gives the same vectors, bit for bit, keeps its revision:
the present one is the file of this digest without what the exporter had noted in it."""

INPUT_SIZE = 96
"""Side of a picture in pixels, as `indexer.towers.preprocessing.preprocess` makes it."""

DIMS = 384
TEXT_SPACE = MINILM_REVISION
"""The text encoder whose vectors of words may be compared with the vectors of photos."""


def model_path() -> Path:
    """Return the ONNX file; its input is `pictures`, its output `unit_embedding`."""
    return Path(str(resources.files("indexer.towers") / "weights" / MODEL_FILE))


def checkpoint_path() -> Path:
    """Return the folder for `indexer.towers.tower.load_tower`."""
    return Path(str(resources.files("indexer.towers") / "weights" / CHECKPOINT_FOLDER))
