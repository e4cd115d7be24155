"""Which fields of a shop's documents are the title, the brand and so on, and their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from indexer.documents import product_text, template_pieces
from mappings.attachments import OWN_FIELD
from mappings.errors import MissingSetting
from mappings.product import Product
from mappings.validation_faults import shorten

FieldPaths = Mapping[str, tuple[str, ...]]
"""Field of our product record to paths in the shop's documents."""

MAPPABLE_FIELDS = tuple(name for name in Product.model_fields if name not in {"id", "vectors"})
_EVERY_PATH_COUNTS = frozenset({"categories", "identifiers", "images", "attributes"})
"""Fields that take the values of all their paths; of others the first path with one counts."""


def values_at(source: Mapping[str, Any], path: str) -> list[Any]:
    """Return the values at a dotted path, those of every object of a list included."""
    return list(_walk(source, path))


def product_fields(source: Mapping[str, Any], paths: FieldPaths) -> dict[str, Any]:
    """Return what a shop's document says of the fields of our product record, as it stands."""
    fields: dict[str, Any] = {}
    for name, places in paths.items():
        found = {place: values_at(source, place) for place in places}
        if name == "attributes":
            fields[name] = {
                place.rpartition(".")[2]: values for place, values in found.items() if values
            }
        elif name in _EVERY_PATH_COUNTS:
            fields[name] = [value for values in found.values() for value in values]
        else:
            values = next((values for values in found.values() if values), [])
            fields[name] = values[0] if len(values) == 1 else values
    return {name: value for name, value in fields.items() if value not in ([], {})}


def document_text(source: Mapping[str, Any], paths: FieldPaths, template: str) -> str:
    """Return the text that stands for a shop's document; empty when it has none.

    Half of a surrogate pair, which no encoder and no digest can read, becomes U+FFFD.
    """
    text = product_text(product_fields(source, paths), template).strip()
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def text_paths(paths: FieldPaths, template: str) -> list[str]:
    """Return the paths that the text is made from.

    Raises MissingSetting when the template names only fields that the map leaves out.
    """
    names = {piece.partition(".")[0] for piece in template_pieces(template)[1::2]}
    found = [place for name in sorted(names) for place in paths.get(name, ())]
    if not found:
        raise MissingSetting(
            f"text template {template!r} names no field of the map, which has "
            f"{', '.join(sorted(paths))}"
        )
    return found


def read_field_paths(text: bytes, *, where: str) -> dict[str, tuple[str, ...]]:
    """Read a map's JSON: `{"fields": {"title": "name", "images": ["photo", "more.photos"]}}`.

    where: the file's name, for messages.
    Raises MissingSetting that names the file, the place and the key or value at fault.
    """
    try:
        raw = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MissingSetting(f"{where}: is not JSON: {error}") from error
    fields = raw.get("fields") if isinstance(raw, Mapping) else None
    if not isinstance(fields, Mapping):
        raise MissingSetting(f"{where}: should be a JSON object with an object `fields`")
    if unknown := sorted(set(fields) - set(MAPPABLE_FIELDS)):
        raise MissingSetting(
            f"{where}: fields: unknown field {unknown[0]!r}; known are "
            f"{', '.join(MAPPABLE_FIELDS)}. The id is always the document's own `_id`"
        )
    if "title" not in fields:
        raise MissingSetting(f"{where}: fields: no path for title")
    return {
        name: _paths(value, where=f"{where}: fields.{name}")
        for name, value in fields.items()
        if value is not None
    }


def write_field_paths(paths: FieldPaths) -> bytes:
    """Return the JSON that `read_field_paths` reads."""
    fields = {name: places[0] if len(places) == 1 else places for name, places in paths.items()}
    return orjson.dumps({"fields": fields}, option=orjson.OPT_INDENT_2) + b"\n"


def require_mapped(paths: FieldPaths, known: Mapping[str, str], *, index: str) -> None:
    """Raise MissingSetting for a path that is neither a field of the index nor an object of it.

    known: path to type, from `leaf_fields`. Fields that the mapping does not list, e.g. of an
    object that is kept and not read, cannot be searched for words and are refused too.
    """
    for name, places in paths.items():
        for place in places:
            if not any(path == place or path.startswith(f"{place}.") for path in known):
                raise MissingSetting(
                    f"fields.{name}: index {index!r} has no field {place!r}; it has "
                    f"{shorten(sorted(known), 400)}"
                )


def leaf_fields(mappings: Mapping[str, Any]) -> dict[str, str]:
    """Return path to type of the fields of an index's mapping, ours and multi-fields left out."""
    return dict(_leaves(mappings.get("properties", {}), ""))


def _leaves(properties: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, body in properties.items():
        path = f"{before}{name}"
        if path == OWN_FIELD or path.startswith(f"{OWN_FIELD}."):
            continue
        if "properties" in body:
            yield from _leaves(body["properties"], f"{path}.")
        elif body.get("type", "object") not in {"object", "nested"}:
            yield path, body["type"]


def _walk(value: Any, path: str) -> Iterator[Any]:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, path)
    elif not path:
        if value is not None and value != "":
            yield value
    elif isinstance(value, Mapping):
        # A document may say {"a": {"b": 1}}, {"a.b": 1} or a mixture, and means the same.
        steps = path.split(".")
        for length in range(1, len(steps) + 1):
            key = ".".join(steps[:length])
            if key in value:
                yield from _walk(value[key], ".".join(steps[length:]))


def _paths(raw: object, *, where: str) -> tuple[str, ...]:
    value = raw
    if isinstance(value, Mapping) and set(value) == {"from"}:
        value = value["from"]
    items: Sequence[object] = [value] if isinstance(value, str) else value  # type: ignore[assignment]
    if (
        not isinstance(items, list)
        or not items
        or not all(isinstance(item, str) and item for item in items)
    ):
        raise MissingSetting(f"{where}: should be a path or a list of paths, got {shorten(raw)}")
    return tuple(str(item) for item in items)
