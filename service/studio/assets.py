"""The studio's files, all under one address that changes when any of them does.

So a script may import another one by a relative address, and browsers keep both for good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache

from service.pages.assets import Asset, read_assets
from service.studio.registry import PAGES


@cache
def folders() -> Mapping[str, Mapping[str, Asset]]:
    """Return folder to the files in it by name: the shop page's, the frame's, and each page's."""
    found = {"shop": read_assets("service.pages"), "studio": read_assets("service.studio")}
    return {**found, **{page.name: read_assets(page.package) for page in PAGES}}


@cache
def release() -> str:
    """Return what changes with any of the files."""
    digest = hashlib.sha256()
    for folder, assets in sorted(folders().items()):
        for name, asset in sorted(assets.items()):
            digest.update(f"{folder}/{name}={asset.tag}\n".encode())
    return digest.hexdigest()[:16]


def asset_address(folder: str, name: str) -> str:
    """Return where a file is found. Raises KeyError for one that is not there."""
    folders()[folder][name]
    return f"/studio-assets/{release()}/{folder}/{name}"
