"""Field maps, by the name that they had before they were shared with the service."""

from mappings.feeds.field_map import (
    AttributeRule,
    FieldMap,
    IdentityMap,
    RecordMap,
    choose_map,
    parse_map,
    read_map,
    shipped_maps,
)

__all__ = [
    "AttributeRule",
    "FieldMap",
    "IdentityMap",
    "RecordMap",
    "choose_map",
    "parse_map",
    "read_map",
    "shipped_maps",
]
