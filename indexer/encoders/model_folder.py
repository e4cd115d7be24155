"""A sentence-transformers model as files on disk: where they are, and what identifies them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

REVISION_DIGITS = 16
"""Hex digits of a revision: 64 bits tell any number of real models apart."""

_VOCABULARIES = ("vocab.*", "merges.*", "*.model", "*token*.json")
_CONFIGS = ("modules.json", "config.json", "sentence_*_config.json")
_READABLE_WEIGHTS = ("*.safetensors", "*.safetensors.index.json")
_PICKLED_WEIGHTS = ("*.bin", "*.bin.index.json")
_MEANINGFUL_KEYS = ("prompts", "default_prompt_name")
"""Of config_sentence_transformers.json; the rest is versions, which change nothing."""


@dataclass(frozen=True)
class ModelFolder:
    """A model's folder.

    name: as in EncoderSpec. path: where it is. revision: fingerprint of its files.
    dims: length of its vectors.
    """

    name: str
    path: Path
    revision: str
    dims: int

    def spec(self, template: str) -> EncoderSpec:
        """Return the encoder identity under a template."""
        return EncoderSpec(
            name=self.name, revision=self.revision, dims=self.dims, template=template
        )


def read_model_folder(name: str, path: Path) -> ModelFolder:
    """Identify the model in a folder; reads every file of it once (about 1 GB a second).

    Raises EncoderUnavailable when the folder holds no sentence-transformers text model.
    """
    if not path.is_dir():
        raise EncoderUnavailable(f"encoder {name!r}: there is no folder {str(path)!r}")
    revision = fingerprint(file_digests(path))
    return ModelFolder(name=name, path=path, revision=revision, dims=_dims(name, path))


def file_digests(path: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that decides what a vector is, by relative path."""
    digests: dict[str, str] = {}
    for module in _module_folders(path):
        weights = _matching(module, _READABLE_WEIGHTS) or _matching(module, _PICKLED_WEIGHTS)
        for file in weights | _matching(module, _VOCABULARIES + _CONFIGS):
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            digests[file.relative_to(path).as_posix()] = digest
    settings = _read_json(path / "config_sentence_transformers.json")
    meaningful = {key: settings[key] for key in _MEANINGFUL_KEYS if settings.get(key)}
    if meaningful:
        canonical = json.dumps(meaningful, sort_keys=True).encode()
        digests["config_sentence_transformers.json"] = hashlib.sha256(canonical).hexdigest()
    return digests


def fingerprint(digests: Mapping[str, str]) -> str:
    """Return a short hex digest of files' digests, the same in any order."""
    lines = "\n".join(f"{path} {digests[path]}" for path in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()[:REVISION_DIGITS]


def _module_folders(path: Path) -> list[Path]:
    """Return the folders that modules.json names; a plain transformer is one module."""
    modules = json.loads((path / "modules.json").read_text()) if _has_modules(path) else []
    return list(dict.fromkeys([path, *(path / module["path"] for module in modules)]))


def _has_modules(path: Path) -> bool:
    return (path / "modules.json").is_file()


def _matching(folder: Path, patterns: tuple[str, ...]) -> set[Path]:
    return {file for pattern in patterns for file in folder.glob(pattern) if file.is_file()}


def _read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return content


def _dims(name: str, path: Path) -> int:
    """Return the length of the vectors, read from the last module that sets it."""
    for folder in reversed(_module_folders(path)):
        config = _read_json(folder / "config.json")
        width = config.get("word_embedding_dimension") or config.get("embedding_dimension")
        if width:  # a Pooling; several modes are laid side by side
            return int(width) * _pooling_modes(config)
        dims = config.get("out_features") or config.get("hidden_size") or config.get("dim")
        if dims:  # a Dense, or a transformer without a Pooling of its own
            return int(dims)
    raise EncoderUnavailable(
        f"encoder {name!r}: no sentence-transformers text model in {str(path)!r} "
        "(no config.json that tells the length of its vectors)"
    )


def _pooling_modes(config: Mapping[str, Any]) -> int:
    named = config.get("pooling_mode")
    if named is not None:
        return 1 if isinstance(named, str) else len(named)
    return sum(key.startswith("pooling_mode_") and bool(config[key]) for key in config) or 1
