"""The page's own files: a style sheet, small scripts, an icon. Nothing comes from elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
NAMES = (
    "camera.js",
    "crop.js",
    "events.js",
    "icon.svg",
    "photo.js",
    "requests.js",
    "shop.css",
    "shop.js",
    "slider.js",
    "suggest.js",
)


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    data: bytes
    mimetype: str
    tag: str


@cache
def find_asset(name: str) -> Asset | None:
    """Return a file by its name, None for any that is not ours."""
    if name not in NAMES:
        return None
    data = files("service.pages").joinpath("static", name).read_bytes()
    ending = name.rpartition(".")[2]
    return Asset(data, _TYPES[ending], hashlib.sha256(data).hexdigest()[:16])
