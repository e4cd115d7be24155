"""What `shelfwise finetune` was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FinetuneOptions:
    """The options of the command, with the same names and None where nothing was said."""

    out: Path
    catalogue: Path | None = None
    map_name: str | None = None
    index: str | None = None
    base: str | None = None
    photos_folder: Path | None = None
    kind: str | None = None
    colour: str | None = None
    judgements: Path | None = None
    minutes: float = 15.0
    epochs: int | None = None
    batch_size: int | None = None
    accumulate: int = 1
    learning_rate: float | None = None
    device: str = "auto"
    seed: int = 0
    resume: bool = False
    overwrite: bool = False
