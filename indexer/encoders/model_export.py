"""Exported query encoders on disk: folders, the encoder.json in them, and which one is current.

    <model_directory>/<name>/<revision>-f<format>/model.onnx, tokenizer.json, encoder.json
    <model_directory>/<name>/current          the name of the folder that was written last

A folder is complete from the moment it has its name; an old revision stays until it is
deleted, so that a service on the old index keeps working while a new model is rolled out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

FORMAT = 1
"""Raised when the exporter changes, so that old exports are made anew."""

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
DESCRIPTION_FILE = "encoder.json"
_CURRENT_FILE = "current"


@dataclass(frozen=True)
class ExportedEncoder:
    """What encoder.json says.

    name, revision, dims, similarity: as in EncoderSpec.
    max_tokens: longest input, special tokens counted. inputs: names of the graph's inputs.
    prompt: put before every query. pad_token_id, padding_side: how a batch is filled up.
    pooling, normalise: what the graph does, for the reader. agreement: smallest cosine
    with torch on the export's probe texts. pad_to: tokens that every text is filled up to; 0 for
    those of the longest text of a batch.
    """

    name: str
    revision: str
    dims: int
    similarity: str
    max_tokens: int
    inputs: tuple[str, ...]
    prompt: str
    pad_token_id: int
    padding_side: str
    pooling: str
    normalise: bool
    agreement: float
    format: int = FORMAT
    pad_to: int = 0

    def spec(self, template: str) -> EncoderSpec:
        """Return the encoder identity under a template."""
        return EncoderSpec(
            name=self.name,
            revision=self.revision,
            dims=self.dims,
            similarity=self.similarity,
            template=template,
        )


def find_export(model_directory: Path, name: str, *, revision: str | None) -> Path:
    """Return the folder of a revision, or of the last written one when that is None.

    Raises EncoderUnavailable, which names the command to run, when it is not there.
    """
    exports = model_directory / _folder_name(name)
    current = exports / _CURRENT_FILE
    if revision is not None:
        wanted = f"{revision}-f{FORMAT}"
    else:
        wanted = current.read_text().strip() if current.is_file() else ""
    if not wanted or not (exports / wanted).is_dir():
        which = f"revision {revision} of " if revision else ""
        raise EncoderUnavailable(
            f"the query encoder of {which}{name!r} is not exported in {str(model_directory)!r}; "
            f"run `shelfwise encoder export {name}` where the model is installed"
        )
    return exports / wanted


def read_export(folder: Path) -> ExportedEncoder:
    """Read encoder.json; raises EncoderUnavailable when it is not readable."""
    try:
        values = json.loads((folder / DESCRIPTION_FILE).read_text())
        return ExportedEncoder(**values | {"inputs": tuple(values["inputs"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderUnavailable(
            f"{str(folder / DESCRIPTION_FILE)!r} is not readable: {error}; delete the folder "
            "and run `shelfwise encoder export`"
        ) from error


def write_description(folder: Path, exported: ExportedEncoder) -> None:
    """Write encoder.json."""
    (folder / DESCRIPTION_FILE).write_text(json.dumps(asdict(exported), indent=2) + "\n")


@contextmanager
def unfinished_export(model_directory: Path, name: str) -> Iterator[Path]:
    """Give a temporary folder beside the exports, removed at the end if it is still there."""
    exports = model_directory / _folder_name(name)
    exports.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=exports))
    folder.chmod(0o755)  # mkdtemp's 0700 would hide the export from a service of another user
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish_export(folder: Path, *, revision: str) -> Path:
    """Give a finished folder its name in one step, make it current, and return it.

    When another process was faster with the same revision, its folder is kept.
    """
    final = folder.parent / f"{revision}-f{FORMAT}"
    try:
        folder.rename(final)
    except OSError:
        if not final.is_dir():
            raise
    make_current(final)
    return final


def make_current(folder: Path) -> None:
    """Make a finished export the one that is found when no revision is asked for."""
    pointer = folder.parent / f".{_CURRENT_FILE}-{os.getpid()}"
    pointer.write_text(folder.name + "\n")
    pointer.replace(folder.parent / _CURRENT_FILE)


def _folder_name(name: str) -> str:
    """Return one safe folder name for a registry name, hub name or path."""
    return re.sub(r"[^A-Za-z0-9._]+", "--", name).strip("-.")
