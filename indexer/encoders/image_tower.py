"""Image towers of our own: the shipped one, and the folders that `shelfwise finetune` writes.

A folder holds model.onnx (prepared photos to unit vectors), config.json (`kind` "tower",
`input_size`) and spec.json (the identity). Worker and service run the same graph in ONNX
Runtime, so there is nothing to export for it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from indexer.encoders.base import ImageEncoder, LoadOptions, TextEncoder
from indexer.encoders.image_onnx import OnnxImageEncoder, available_cores
from indexer.encoders.model_folder import fingerprint
from indexer.towers import shipped
from indexer.towers.preprocessing import preprocess
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable, MappingMismatch

NAME = "tower"
KIND = "tower"
MODEL_FILE = "model.onnx"
CONFIG_FILE = "config.json"
SPEC_FILE = "spec.json"
_TRAIN_AGAIN = "run `shelfwise finetune` again, or take the folder from a backup"
_INSTALL_AGAIN = "install shelfwise again"


@dataclass(frozen=True)
class _Tower:
    """A tower on disk.

    input_size: side of its input in pixels. advice: mends a broken file. sha256: of the graph
    where it is pinned, else empty.
    """

    path: Path
    spec: EncoderSpec
    input_size: int
    advice: str
    sha256: str = ""


class TowerFamily:
    """The registry's line for image towers. See ImageEncoderFamily."""

    what = "A small image tower of our own, in the space of MiniLM; no network"
    licence = "Apache-2.0"
    needs = "nothing"

    def spec(self, name: str, *, model_directory: Path) -> EncoderSpec:
        """Return the identity, from the digest of the graph."""
        return _find(name).spec

    def load_image_encoder(self, name: str, *, options: LoadOptions) -> ImageEncoder:
        """Return the tower on all cores, a micro-batch each."""
        lanes = options.threads or available_cores()
        return _load(name, threads=1, lanes=lanes, batch_size=options.batch_size)

    def load_query_image_encoder(
        self, name: str, *, model_directory: Path, threads: int
    ) -> ImageEncoder:
        """Return the same graph, for one photo at a time."""
        return _load(name, threads=threads, lanes=1, batch_size=None)

    def load_words_encoder(
        self, name: str, *, model_directory: Path, threads: int
    ) -> TextEncoder | None:
        """Return None: a tower has no words of its own, it is in a text encoder's space."""
        return None

    def export(self, name: str, *, model_directory: Path) -> Path:
        """Write nothing, for the service runs the same graph. Returns the model directory.

        Raises EncoderUnavailable when the graph is not there.
        """
        _find(name)
        return model_directory


def write_tower_spec(folder: Path, *, dims: int, text_space: str) -> EncoderSpec:
    """Write spec.json for a folder that has its model.onnx and config.json, and return the spec.

    dims: length of its vectors. text_space: revision of the text encoder whose vectors were the
    targets of its training, "" for none.
    """
    spec = EncoderSpec(
        name=folder.resolve().name,
        revision=_revision(folder / MODEL_FILE, _input_size(folder)),
        dims=dims,
        template="",
        text_space=text_space,
    )
    (folder / SPEC_FILE).write_text(json.dumps(spec.to_meta(), indent=2) + "\n", "utf-8")
    return spec


def _find(name: str) -> _Tower:
    return _shipped() if name == NAME else _in_folder(name, Path(name).expanduser())


def _shipped() -> _Tower:
    """Return the tower in the package; its digest is pinned, so nothing is read for its identity.

    Raises EncoderUnavailable when this installation has no weights.
    """
    path = shipped.model_path()
    if not path.is_file():
        raise EncoderUnavailable(
            f"encoder {NAME!r}: there is no file {str(path)!r}; {_INSTALL_AGAIN}"
        )
    spec = EncoderSpec(
        name=NAME,
        revision=shipped.REVISION,
        dims=shipped.DIMS,
        template="",
        text_space=shipped.TEXT_SPACE,
    )
    return _Tower(path, spec, shipped.INPUT_SIZE, _INSTALL_AGAIN, shipped.SHA256)


def _load(name: str, *, threads: int, lanes: int, batch_size: int | None) -> OnnxImageEncoder:
    """Open the graph after comparing its digest where one is pinned."""
    tower = _find(name)
    if tower.sha256 and _sha256(tower.path) != tower.sha256:
        raise EncoderUnavailable(
            f"encoder {name!r}: {str(tower.path)!r} is not the file that was shipped (SHA-256 "
            f"differs); {tower.advice}"
        )
    return OnnxImageEncoder(
        tower.path,
        spec=tower.spec,
        prepare=partial(preprocess, size=tower.input_size),
        advice=tower.advice,
        threads=threads,
        lanes=lanes,
        batch_size=batch_size,
    )


def _in_folder(name: str, folder: Path) -> _Tower:
    """Return a folder's tower; its identity is made anew from its files.

    So a folder that was copied under another name, or trained again in place, is told apart.
    Raises EncoderUnavailable naming the file that is missing or broken.
    """
    try:
        kept = EncoderSpec.from_meta(_read_json(folder / SPEC_FILE), field=SPEC_FILE)
        input_size = _input_size(folder)
        revision = _revision(folder / MODEL_FILE, input_size)
    except (OSError, ValueError, KeyError, MappingMismatch) as error:
        raise EncoderUnavailable(f"encoder {name!r}: {error}; {_TRAIN_AGAIN}") from error
    spec = replace(kept, name=folder.resolve().name, revision=revision, template="")
    return _Tower(folder / MODEL_FILE, spec, input_size, _TRAIN_AGAIN)


def _input_size(folder: Path) -> int:
    size = _read_json(folder / CONFIG_FILE)["input_size"]
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 2048:
        raise ValueError(f"{CONFIG_FILE}: input_size is {size!r}, should be 1 to 2048")
    return size


def _revision(model: Path, input_size: int) -> str:
    return fingerprint({MODEL_FILE: _sha256(model), "input_size": str(input_size)})


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text("utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{str(path)!r} is not a JSON object")
    return content


FAMILY = TowerFamily()
