"""The photos of a catalogue, fetched, decoded and shrunk once, in one file that is mapped."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.finetune.shop_products import ShopProduct
from indexer.images.decoding import decode
from indexer.images.fetcher import ImageFetcher
from mappings.errors import ImageRefused, ImageUnavailable, InvalidQuery

MOST_PHOTOS = 4
"""Of one product; further ones show details rather than the product."""

_PIXELS_FILE, _ROWS_FILE = "photos.npy", "photos.json"
_AT_ONCE = 8
_WINDOW = 256
_SHOWN_PROBLEMS = 5


@dataclass(frozen=True)
class Photos:
    """Photos that could be read.

    pixels: uint8 [photos, size, size, 3], mapped from a file. products: int64 [photos], the row
    of each photo's product, growing. problems: what was wrong with the others, and how often.
    """

    pixels: NDArray[np.uint8]
    products: NDArray[np.int64]
    problems: tuple[tuple[str, int], ...]


def read_photos(
    products: Sequence[ShopProduct],
    fetcher: ImageFetcher,
    folder: Path,
    *,
    size: int,
    prepare: Callable[[Image.Image], NDArray[np.uint8]],
    max_pixels: int,
    show: Callable[[int, int], None] = lambda done, of: None,
) -> Photos:
    """Read up to MOST_PHOTOS photos of each product; a file of the same photos is used again.

    size: side of the square that `prepare` brings a photo into, uint8 [size, size, 3], as the
    encoder will do it. folder: where the file is kept. show: told how many photos of how many
    are done. A photo that cannot be had is left out and counted. Raises InvalidQuery when not
    one could be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = _key(products, size)
    kept = _kept(folder, key)
    if kept is not None:
        return kept
    addresses = [
        (row, address)
        for row, product in enumerate(products)
        for address in product.photos[:MOST_PHOTOS]
    ]
    unfinished = folder / f".{_PIXELS_FILE}"
    pixels = np.lib.format.open_memmap(
        unfinished, mode="w+", dtype=np.uint8, shape=(len(addresses), size, size, 3)
    )
    rows: list[int] = []
    problems: Counter[str] = Counter()
    done = 0
    for (row, _), found in _read_all(addresses, fetcher, prepare, max_pixels):
        done += 1
        show(done, len(addresses))
        if isinstance(found, str):
            problems[found] += 1
        else:
            pixels[len(rows)] = found
            rows.append(row)
    if not rows:
        worst = "; ".join(f"{count} x {what}" for what, count in problems.most_common(3))
        raise InvalidQuery(
            f"catalogue: none of its {len(addresses)} photos could be read: {worst}",
            field="images",
        )
    pixels.flush()
    unfinished.replace(folder / _PIXELS_FILE)
    common = problems.most_common(_SHOWN_PROBLEMS)
    text = json.dumps({"key": key, "products": rows, "problems": common})
    (folder / _ROWS_FILE).write_text(text, encoding="utf-8")
    return Photos(pixels[: len(rows)], np.asarray(rows, dtype=np.int64), tuple(common))


def photo_url(address: str) -> str:
    """Return an address as the fetcher takes it; a path without a scheme is a local file."""
    return address if len(urlsplit(address).scheme) > 1 else f"file:{quote(address)}"


def _kept(folder: Path, key: str) -> Photos | None:
    """Return what is in the folder when it is of the same photos."""
    try:
        content = json.loads((folder / _ROWS_FILE).read_text(encoding="utf-8"))
        if content["key"] != key:
            return None
        pixels = np.load(folder / _PIXELS_FILE, mmap_mode="r")
        rows = np.asarray(content["products"], dtype=np.int64)
        return Photos(pixels[: len(rows)], rows, tuple(map(tuple, content["problems"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read_all(
    addresses: Sequence[tuple[int, str]],
    fetcher: ImageFetcher,
    prepare: Callable[[Image.Image], NDArray[np.uint8]],
    max_pixels: int,
) -> Iterator[tuple[tuple[int, str], NDArray[np.uint8] | str]]:
    """Yield each address with its pixels or what was wrong with it, in order."""

    def read(place: tuple[int, str]) -> NDArray[np.uint8] | str:
        try:
            data = fetcher.fetch(photo_url(place[1])).data
            return prepare(decode(data, max_pixels=max_pixels))
        except ImageRefused as error:
            return error.reason
        except ImageUnavailable:
            return "unavailable"

    waiting = iter(addresses)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="photos") as pool:
        # In windows, so that the pixels of a large catalogue never wait in memory.
        while window := list(islice(waiting, _WINDOW)):
            yield from zip(window, pool.map(read, window), strict=True)


def _key(products: Sequence[ShopProduct], size: int) -> str:
    digest = hashlib.sha256(str(size).encode())
    for product in products:
        digest.update(json.dumps([product.id, product.photos[:MOST_PHOTOS]]).encode())
    return digest.hexdigest()
