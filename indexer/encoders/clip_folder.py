"""A CLIP-like model as files on disk: where they are, and what identifies them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from indexer.encoders.clip_open_clip import CONFIG_FILE, read_open_clip
from indexer.encoders.model_family import fetch_snapshot, is_path
from indexer.encoders.model_folder import ModelFolder, file_digests, fingerprint
from mappings.errors import EncoderUnavailable

_PREPARATIONS = ("preprocessor_config.json", "processor_config.json", CONFIG_FILE)
"""What is done to a photo is part of what its vector is."""

_REMOTE_CODE = "auto_map"


def locate_clip(name: str) -> ModelFolder:
    """Return the folder of a model given by path or hub name, downloading it when need be.

    Raises EncoderUnavailable when there is no such model, it is no model of photos, or the hub
    cannot be reached.
    """
    here = identify_clip(name)
    if here is not None:
        return here
    if is_path(name):
        raise EncoderUnavailable(f"encoder {name!r}: there is no such folder")
    return read_clip_folder(name, fetch_snapshot(name, local_files_only=False))


def identify_clip(name: str) -> ModelFolder | None:
    """Return the model's identity when its files are on this machine, else None."""
    path = Path(name).expanduser()
    if path.is_dir():
        return read_clip_folder(path.resolve().name, path)
    if is_path(name):
        return None
    try:
        path = fetch_snapshot(name, local_files_only=True)
    except EncoderUnavailable:
        return None
    return read_clip_folder(name, path)


def read_clip_folder(name: str, path: Path) -> ModelFolder:
    """Identify the model in a folder; reads every file of it once (about 1 GB a second).

    Raises EncoderUnavailable when it needs code from the hub, or is no model of photos.
    """
    open_clip = read_open_clip(path)
    if open_clip is not None:
        transformer, dims = path, open_clip.dims
    else:
        transformer = transformer_folder(path)
        config = _read_json(name, transformer / "config.json")
        if _REMOTE_CODE in config:
            raise EncoderUnavailable(
                f"encoder {name!r} needs Python code that is part of the download (config.json: "
                f"{_REMOTE_CODE}), which is not run; take a model that transformers knows itself"
            )
        dims = _dims(name, path, config)
    digests = file_digests(path)
    for file in _PREPARATIONS:
        for folder in {path, transformer}:
            if (folder / file).is_file():
                relative = (folder / file).relative_to(path).as_posix()
                digests[relative] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    return ModelFolder(name=name, path=path, revision=fingerprint(digests), dims=dims)


def transformer_folder(path: Path) -> Path:
    """Return the folder of the model that transformers loads, inside one of sentence-transformers.

    Its first module; the folder itself when modules.json is not there.
    """
    modules = path / "modules.json"
    if not modules.is_file():
        return path
    return path / str(json.loads(modules.read_text("utf-8"))[0]["path"])


def _dims(name: str, path: Path, config: Mapping[str, Any]) -> int:
    """Return the length of the vectors: of the last Dense module, else the common space's."""
    vision = config.get("vision_config")
    if not isinstance(vision, dict):
        raise EncoderUnavailable(
            f"encoder {name!r}: {str(path)!r} holds no model of photos and words (its config.json "
            "has no vision_config)"
        )
    for folder in sorted(path.glob("*_Dense"), reverse=True):
        out = _read_json(name, folder / "config.json").get("out_features")
        if out:
            return int(out)
    text = config.get("text_config") or {}
    dims = (
        config.get("projection_dim")
        or text.get("projection_size")
        or vision.get("hidden_size")
        or _HIDDEN_SIZES.get(str(config.get("model_type")))
    )
    if not dims:
        raise EncoderUnavailable(
            f"encoder {name!r}: config.json in {str(path)!r} does not tell the length of its "
            "vectors (projection_dim)"
        )
    return int(dims)


_HIDDEN_SIZES = {"siglip": 768, "siglip2": 768, "clip": 512}
"""transformers' defaults, which its config.json leaves out."""


def _read_json(name: str, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderUnavailable(f"encoder {name!r}: {error}") from error
    if not isinstance(content, dict):
        raise EncoderUnavailable(f"encoder {name!r}: {str(path)!r} is not a JSON object")
    return content
