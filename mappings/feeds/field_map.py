"""A declarative map from a shop's records to products, kept as a JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import orjson

from mappings.errors import MissingSetting, ProductRejected
from mappings.feeds.field_rules import Rule, check_keys, columns_of, look_up, parse_rule
from mappings.index_names import check_index_name
from mappings.product import Product, shorten
from mappings.product_changes import ProductChange

IDENTITY = "identity"
_LIST_FIELDS = frozenset({"categories", "identifiers", "images"})
_TEXT_FIELDS = frozenset(
    {"id", "title", "description", "brand", "currency", "availability", "parent_id"}
)
_MAP_KEYS = {"name", "index", "detect", "fields", "attributes", "version"}
_FIELDS = frozenset(Product.model_fields) - {"attributes", "vectors"}
_MOST_COLUMNS = 100_000


class RecordMap(Protocol):
    """What turns a record into a change.

    name: for messages. index: the index that a load goes to when none is named.
    """

    @property
    def name(self) -> str:
        """Return the name of the map."""
        ...

    @property
    def index(self) -> str | None:
        """Return the default index."""
        ...

    def apply(self, record: Mapping[str, Any]) -> ProductChange:
        """Return the upsert that a record stands for.

        Raises ProductRejected when it has no id or a value cannot be read.
        """
        ...


@dataclass(frozen=True)
class IdentityMap:
    """For records that are products already; a `version` beside the fields is used."""

    name: str = IDENTITY
    index: str | None = None

    def apply(self, record: Mapping[str, Any]) -> ProductChange:
        """Return the upsert of the record as it stands."""
        fields = dict(record)
        version = fields.pop("version", None)
        return ProductChange("upsert", _require_id(fields.get("id")), fields, version)


@dataclass(frozen=True)
class AttributeRule:
    """Where attributes come from.

    prefix: columns that begin so, each an attribute named by the rest of the column; the
    empty prefix takes every column that no other rule reads. spread: a column with an
    object of attributes.
    """

    rule: Rule
    prefix: str | None = None
    spread: bool = False
    other_prefixes: tuple[str, ...] = ()

    names: dict[str, str | None] = field(default_factory=dict, compare=False, repr=False)

    def name_of(self, column: str, used: frozenset[str]) -> str | None:
        """Return the attribute that a column is for a rule with a prefix, None when it is none.

        Remembered in `names`: a million records have the same few columns.
        """
        try:
            return self.names[column]
        except KeyError:
            pass
        if len(self.names) >= _MOST_COLUMNS:
            self.names.clear()
        prefix = self.prefix or ""
        if prefix:
            is_taken = column.startswith(prefix)
        else:
            is_taken = column not in used and not column.startswith(self.other_prefixes)
        name = (column[len(prefix) :] or column) if is_taken else None
        self.names[column] = name
        return name


@dataclass(frozen=True)
class FieldMap:
    """A map as read from its file.

    detect: columns by which the first record of a file is recognised.
    """

    name: str
    index: str | None
    detect: tuple[str, ...]
    fields: Mapping[str, Rule]
    attributes: tuple[AttributeRule, ...]
    version: Rule | None
    used: frozenset[str]

    def apply(self, record: Mapping[str, Any]) -> ProductChange:
        """Return the upsert that a record stands for.

        Raises ProductRejected when it has no id or a value cannot be read.
        """
        fields: dict[str, Any] = {}
        for name, rule in self.fields.items():
            value = _shaped(name, rule.apply(record))
            if value is not None:
                fields[name] = value
        attributes = self._attributes(record)
        if attributes:
            fields["attributes"] = attributes
        version = self.version.apply(record) if self.version else None
        return ProductChange("upsert", _require_id(fields.get("id")), fields, version)

    def _attributes(self, record: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for source in self.attributes:
            rule = source.rule
            if source.prefix is not None:
                for column, value in record.items():
                    name = source.name_of(column, self.used)
                    if name is not None:
                        _add(found, name, rule.convert(value))
            elif source.spread:
                inner = look_up(record, rule.columns[0])
                for name, value in (inner if isinstance(inner, Mapping) else {}).items():
                    _add(found, name, rule.convert(value))
            else:
                _add(found, rule.target, rule.apply(record))
        return found


def product_id_of(mapping: RecordMap, record: Mapping[str, Any]) -> str:
    """Return the product id of a record, without looking at the rest of it.

    Raises ProductRejected when it has none.
    """
    if not isinstance(mapping, FieldMap):
        return _require_id(record.get("id"))
    return _require_id(_shaped("id", mapping.fields["id"].apply(record)))


def read_map(path_or_name: str) -> RecordMap:
    """Return a shipped map by name, the identity map, or the map in a file.

    Raises MissingSetting that names what is wrong with it.
    """
    if path_or_name == IDENTITY:
        return IdentityMap()
    shipped = shipped_maps()
    if path_or_name in shipped:
        return shipped[path_or_name]
    path = Path(path_or_name)
    if not path.is_file():
        raise MissingSetting(
            f"no field map {path_or_name!r}: it is no file, and the shipped ones are "
            f"{', '.join([IDENTITY, *sorted(shipped)])}"
        )
    return parse_map(path.read_bytes(), where=path.name)


def choose_map(record: Mapping[str, Any], *, is_text: bool) -> RecordMap:
    """Return the map for a file that begins with `record`.

    is_text: every value is text, as in CSV, so that the identity map does not fit.
    Raises MissingSetting when no map recognises it.
    """
    columns = set(record)
    if not is_text and {"id", "title"} <= columns <= set(Product.model_fields) | {"version"}:
        return IdentityMap()
    fitting = [item for item in shipped_maps().values() if set(item.detect) <= columns]
    if not fitting:
        raise MissingSetting(
            "no shipped field map recognises the file; write one (docs/field-maps.md) and name it "
            f"with --map. The first record has {shorten(sorted(columns), 400)}"
        )
    return max(fitting, key=lambda item: (len(item.detect), item.name))


@cache
def shipped_maps() -> Mapping[str, FieldMap]:
    """Return the maps of this package by name."""
    folder = files("mappings.feeds").joinpath("field_maps")
    found = (
        parse_map(file.read_bytes(), where=file.name)
        for file in folder.iterdir()
        if file.name.endswith(".json")
    )
    return {item.name: item for item in sorted(found, key=lambda item: item.name)}


def parse_map(text: bytes, *, where: str, needed: tuple[str, ...] = ("id", "title")) -> FieldMap:
    """Read a map; `where` is the file's name, for messages.

    needed: the fields that must have a rule; a map for patches needs no title.
    Raises MissingSetting that names the file, the place and the key or value at fault.
    """
    try:
        raw = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MissingSetting(f"{where}: is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise MissingSetting(f"{where}: should be a JSON object")
    check_keys(raw, _MAP_KEYS, where=where)
    name = raw.get("name", where.removesuffix(".json"))
    raw_fields = raw.get("fields", {})
    check_keys(raw_fields, set(_FIELDS), where=f"{where}: fields")
    if missing := set(needed) - set(raw_fields):
        raise MissingSetting(f"{where}: fields: no rule for {', '.join(sorted(missing))}")
    fields = {
        name: parse_rule(name, rule, where=f"{where}: fields.{name}")
        for name, rule in raw_fields.items()
    }
    attributes = tuple(
        _attribute_rule(rule, where=f"{where}: attributes[{position}]")
        for position, rule in enumerate(raw.get("attributes", ()))
    )
    prefixes = tuple(item.prefix for item in attributes if item.prefix)
    attributes = tuple(replace(item, other_prefixes=prefixes) for item in attributes)
    version = None
    if "version" in raw:
        version = parse_rule("version", raw["version"], where=f"{where}: version")
    rules = [
        *fields.values(),
        *(item.rule for item in attributes),
        *([version] if version else []),
    ]
    return FieldMap(
        name=name,
        index=check_index_name(raw["index"]) if "index" in raw else None,
        detect=tuple(raw.get("detect", ())),
        fields=fields,
        attributes=attributes,
        version=version,
        used=frozenset(column for rule in rules for column in columns_of(rule)),
    )


def _attribute_rule(raw: object, *, where: str) -> AttributeRule:
    if not isinstance(raw, Mapping):
        raise MissingSetting(f"{where}: should be a rule, got {shorten(raw)}")
    rest = {key: value for key, value in raw.items() if key not in {"name", "spread"}}
    source = raw.get("from")
    if isinstance(source, str) and source.endswith("*"):
        return AttributeRule(parse_rule("attributes", rest, where=where), prefix=source[:-1])
    name = raw.get("name", source)
    if not isinstance(name, str):
        raise MissingSetting(f"{where}: needs a name")
    rule = parse_rule(name, rest, where=where)
    return AttributeRule(rule, spread=bool(raw.get("spread")))


def _shaped(name: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value in the kind that the product field wants: lists, and numbers as text."""
    if value is None:
        return None
    if name in _LIST_FIELDS:
        items: Sequence[Any] = value if isinstance(value, list) else [value]
        # By their spelling: what is no text, such as an object, is the product's own to refuse.
        return list({repr(item): item for item in map(_as_text, items)}.values())
    return _as_text(value) if name in _TEXT_FIELDS else value


def _as_text(value: Any) -> Any:  # noqa: ANN401
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _add(attributes: dict[str, Any], name: str, value: object) -> None:
    """Add an attribute; of two with one name both values are kept."""
    if value is None:
        return
    if name not in attributes:
        attributes[name] = value
        return
    old = attributes[name]
    attributes[name] = [
        *(old if isinstance(old, list) else [old]),
        *(value if isinstance(value, list) else [value]),
    ]


def _require_id(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    reason = "is missing" if value in (None, "") else f"should be text, got {shorten(value)}"
    raise ProductRejected(f"id: {reason}", field="id")
