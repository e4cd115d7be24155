"""The connectors by name; each is imported only when a source names it."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from indexer.connectors.base import ConnectorKind
from mappings.errors import MissingSetting

CONNECTORS = {
    "files": "indexer.connectors.files",
    "elasticsearch": "indexer.connectors.elasticsearch_index",
    "sql": "indexer.connectors.sql",
}
"""Name, and the module that has its `options` and its `make`."""


def find_connector(name: object) -> ConnectorKind:
    """Return a connector's module.

    Raises MissingSetting when there is none of that name, or its packages are not installed.
    """
    if not isinstance(name, str) or name not in CONNECTORS:
        raise MissingSetting(f"connector {name!r}: should be one of {', '.join(CONNECTORS)}")
    try:
        return cast(ConnectorKind, import_module(CONNECTORS[name]))
    except ModuleNotFoundError as error:
        raise MissingSetting(
            f"connector {name!r} needs a package that is not installed ({error.name}): "
            f"pip install 'shelfwise[indexer,{name}]'"
        ) from error
