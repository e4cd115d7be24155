"""The pages' own files: style sheets, small scripts, an icon. Nothing comes from elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """A file as it is sent. tag: changes with its content."""

    data: bytes
    mimetype: str
    tag: str


@cache
def read_assets(package: str) -> Mapping[str, Asset]:
    """Return the files of a package's `static` folder by name; none where it has no such folder.

    Only style sheets, scripts and icons: anything else that lies there is not sent.
    """
    folder = files(package).joinpath("static")
    if not folder.is_dir():
        return {}
    found = {}
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        mimetype = _TYPES.get(file.name.rpartition(".")[2])
        if mimetype is not None:
            data = file.read_bytes()
            found[file.name] = Asset(data, mimetype, hashlib.sha256(data).hexdigest()[:16])
    return found


def find_asset(name: str) -> Asset | None:
    """Return a file of the shop page by its name, None for any that is not ours."""
    return read_assets("service.pages").get(name)
