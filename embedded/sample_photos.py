"""Photos of the sample catalogue: which there are, and how they come onto the disk."""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from embedded.pictures.colours import COLOURS
from embedded.pictures.render import SCENE, STUDIO, render

_DRAWING = 1
"""Part of every address: count up when the drawings change, so that they are encoded anew."""

_PIXELS = 256
_QUALITY = 88
_MOST = 3
_BACKGROUNDS = ("white", STUDIO, SCENE)
_COLOURS_DRAWN: Mapping[str, str] = {
    "brass": "gold",
    "camel": "tan",
    "graphite": "charcoal",
    "indigo": "navy blue",
    "moss": "olive",
    "multicolour": "multi",
    "natural": "tan",
    "navy": "navy blue",
    "oak": "tan",
    "oatmeal": "beige",
    "sand": "beige",
    "terracotta": "rust",
    "walnut": "coffee brown",
}
"""A colour that the catalogue names to the one that it is drawn in, where these differ."""
_WITHOUT_COLOUR = ("red", "blue", "green", "yellow", "teal", "purple", "orange")

_PART = 24
_FEW = 4 * _PART
"""So many are drawn sooner than another process has started."""
_MOST_PROCESSES = 8
_SAY_EVERY_SECONDS = 2.0


@dataclass(frozen=True)
class SamplePhoto:
    """One photo of a product. file: its path below the folder of photos; others as in `render`."""

    file: str
    kind: str
    colour: str
    seed: int
    background: str
    pattern: str | None
    view: int

    @property
    def address(self) -> str:
        """How a product names it."""
        return f"file:{self.file}"


def photos_of(
    model: int, *, kind: str, pattern: str | None, colour: str | None
) -> list[SamplePhoto]:
    """Return the one to three photos of a model, the plainest first.

    model: the number of the model, which decides all that its attributes leave open.
    """
    draw = random.Random(f"photos/{model}")  # noqa: S311
    count = 1 + int(draw.random() * _MOST)
    if colour is None:
        drawn = _WITHOUT_COLOUR[int(draw.random() * len(_WITHOUT_COLOUR))]
    else:
        drawn = colour if colour in COLOURS else _COLOURS_DRAWN[colour]
    return [
        SamplePhoto(
            file=f"drawn-{_DRAWING}/{model}-{view + 1}.jpg",
            kind=kind,
            colour=drawn,
            seed=model,
            background=_BACKGROUNDS[view],
            pattern=pattern,
            view=view,
        )
        for view in range(count)
    ]


def write_photos(
    photos: Sequence[SamplePhoto], directory: Path, *, say: Callable[[str], None] = lambda _: None
) -> int:
    """Draw those photos that are not in the directory yet, and return how many these were.

    say: told every two seconds how far it is.
    """
    missing = [photo for photo in photos if not (directory / photo.file).is_file()]
    for folder in {(directory / photo.file).parent for photo in missing}:
        folder.mkdir(parents=True, exist_ok=True)
    said, done = time.monotonic(), 0
    for count in _drawn(missing, directory):
        done += count
        if time.monotonic() - said >= _SAY_EVERY_SECONDS:
            said = time.monotonic()
            say(f"{done:,} of {len(missing):,} photos of the sample are drawn")
    return len(missing)


def _drawn(photos: Sequence[SamplePhoto], directory: Path) -> Iterator[int]:
    """Draw the photos, and yield the number of each part when it is done."""
    parts = [photos[start : start + _PART] for start in range(0, len(photos), _PART)]
    processes = min(_MOST_PROCESSES, os.cpu_count() or 1)
    if len(photos) <= _FEW or processes == 1:
        for part in parts:
            yield _draw_part(part, directory)
        return
    # Spawned: a fork would take along whatever threads and sockets there are.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_end_with_parent)
    try:
        for future in as_completed([pool.submit(_draw_part, part, directory) for part in parts]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _draw_part(photos: Sequence[SamplePhoto], directory: Path) -> int:
    for photo in photos:
        picture = render(
            photo.kind,
            photo.colour,
            photo.seed,
            _PIXELS,
            background=photo.background,
            pattern=photo.pattern,
            view=photo.view,
        )
        path = directory / photo.file
        unfinished = path.with_suffix(".part")
        picture.save(unfinished, "JPEG", quality=_QUALITY)
        unfinished.replace(path)
    return len(photos)


def _end_with_parent() -> None:
    """Leave when the parent dies, even by SIGKILL: else we would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
