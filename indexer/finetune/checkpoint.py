"""Training on disk: one file that is whole at every moment, so a killed run can go on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from mappings.errors import InvalidQuery

FORMAT = 1
State = dict[str, Any]


def save_checkpoint(path: Path, state: State, *, fingerprint: str) -> None:
    """Write the state beside the old one and put it in its place in one step.

    state: tensors, numbers, text, and lists and dicts of them. fingerprint: of what the state is
    of, to be given again to `load_checkpoint`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            torch.save({"format": FORMAT, "fingerprint": fingerprint, "state": state}, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load_checkpoint(path: Path, *, fingerprint: str) -> State | None:
    """Return the state, or None when there is no checkpoint yet.

    Only tensors and plain values are read, nothing that could run code. Raises InvalidQuery when
    the file is damaged or is of other products, settings or parameters.
    """
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found, state = content["fingerprint"], dict(content["state"])
        readable = content["format"] == FORMAT
    except Exception as error:  # torch raises whatever its reader trips over
        raise InvalidQuery(
            f"resume: {path.name} is not a checkpoint that can be read: {error}", field="resume"
        ) from error
    if not readable or found != fingerprint:
        raise InvalidQuery(
            f"resume: {path.name} is of other products, options or encoders; give the same ones "
            "again, or leave --resume out to begin anew",
            field="resume",
        )
    return state
