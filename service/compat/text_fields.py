"""Which fields of an index are of words, by its mapping."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

_WORDS = frozenset(
    {"text", "match_only_text", "search_as_you_type", "annotated_text", "semantic_text"}
)
_MAX_DEPTH = 50


@dataclass(frozen=True)
class TextFields:
    """The paths of the text fields of an index, aliases of fields and subfields included."""

    paths: frozenset[str]

    @classmethod
    def of_mappings(cls, mappings: Mapping[str, Any]) -> TextFields:
        """Read the answer to `GET /{index}/_mapping`, of one index or of several."""
        kinds: dict[str, str] = {}
        aliases: dict[str, str] = {}
        for found in mappings.values():
            for path, field in _fields(found.get("mappings", {}), ""):
                if field.get("type") == "alias":
                    aliases[path] = str(field.get("path"))
                else:
                    kinds[path] = str(field.get("type", "object"))
        words = {path for path, kind in kinds.items() if kind in _WORDS}
        words |= {path for path, target in aliases.items() if target in words}
        # What search_as_you_type makes of a field has no entry in the mapping.
        words |= {
            f"{path}.{part}"
            for path, kind in kinds.items()
            if kind == "search_as_you_type"
            for part in ("_2gram", "_3gram", "_4gram", "_index_prefix")
        }
        return cls(frozenset(words))

    def __call__(self, pattern: str) -> bool:
        """Whether a field is of words, or any that a pattern with `*` names."""
        if "*" not in pattern:
            return pattern in self.paths
        matches = re.compile(translate(pattern)).match
        return any(matches(path) for path in self.paths)


def _fields(
    properties: Mapping[str, Any], prefix: str, depth: int = 0
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if depth > _MAX_DEPTH:
        return
    for name, field in {
        **properties.get("properties", {}),
        **properties.get("fields", {}),
    }.items():
        path = f"{prefix}{name}"
        yield path, field
        yield from _fields(field, f"{path}.", depth + 1)
