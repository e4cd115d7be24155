"""The index that a shop has: what it is, and what speaks against attaching it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from mappings.attachments import OWN_FIELD
from mappings.cluster import cluster_errors
from mappings.encoder_spec import EncoderSpec
from mappings.errors import AttachRefused, UnknownIndex
from mappings.index_mapping import META_KEY
from mappings.product import IMAGE_VECTOR, TEXT_VECTOR

_BLOCKS = ("read_only", "read_only_allow_delete", "write", "metadata")
_VERSIONS_LOOKED_AT = 200


@dataclass(frozen=True)
class ShopIndex:
    """What stands behind the shop's name of it.

    name: an index or an alias. index: the index itself. settings: flat, with `index.`.
    alias: the alias's body, None when the name is the index's own. has_external_versions: some
    documents have versions that only the shop can have given them.
    """

    name: str
    index: str
    mappings: Mapping[str, Any]
    settings: Mapping[str, str]
    alias: Mapping[str, Any] | None = None
    is_closed: bool = False
    has_external_versions: bool = False

    @property
    def uuid(self) -> str:
        """Which index of that name it is: one that is made anew has another."""
        return self.settings["index.uuid"]

    @property
    def own_field(self) -> Mapping[str, Any] | None:
        """Return our object field in its mapping, None when it has none."""
        properties = self.mappings.get("properties", {})
        flat = {
            name.removeprefix(f"{OWN_FIELD}."): body
            for name, body in properties.items()
            if name.startswith(f"{OWN_FIELD}.")
        }
        return properties.get(OWN_FIELD) or ({"properties": flat} if flat else None)


def find_shop_index(client: Elasticsearch, name: str) -> ShopIndex:
    """Return what stands behind a name.

    Raises UnknownIndex when there is nothing, AttachRefused when it is several indexes, a data
    stream or one of our own.
    """
    if any(sign in name for sign in "*,<") or name.startswith(("-", "_", ".")):
        raise AttachRefused(f"{name!r} should be the name of one index or alias", field="index")
    with cluster_errors(index=name):
        try:
            found = client.indices.resolve_index(name=name, expand_wildcards="all")
        except NotFoundError as error:
            raise UnknownIndex(f"no index named {name!r}", field="index") from error
    if found["data_streams"]:
        raise AttachRefused(
            f"{name!r} is a data stream, whose documents are not changed in place", field="index"
        )
    if not found["aliases"] and not found["indices"]:
        raise UnknownIndex(f"no index named {name!r}", field="index")
    behind = found["aliases"][0]["indices"] if found["aliases"] else [name]
    if len(behind) != 1:
        raise AttachRefused(
            f"alias {name!r} stands for several indexes: {', '.join(sorted(behind))}; attach "
            "each by its own name",
            field="index",
        )
    with cluster_errors(index=name):
        body = client.indices.get(index=behind[0], flat_settings=True)[behind[0]]
    shop = ShopIndex(
        name=name,
        index=behind[0],
        mappings=body["mappings"],
        settings=body["settings"],
        alias=body["aliases"].get(name, {}) if found["aliases"] else None,
        is_closed=any("closed" in item["attributes"] for item in found["indices"]),
    )
    if META_KEY in shop.mappings.get("_meta", {}) or shop.index.startswith("shelfwise-"):
        raise AttachRefused(
            f"index {shop.index!r} is one of Shelfwise's own, it needs no attaching", field="index"
        )
    return shop


def with_versions(client: Elasticsearch, shop: ShopIndex) -> ShopIndex:
    """Return the index with `has_external_versions` looked up in its oldest documents.

    Elasticsearch's own versions count a document's writes, each of which has a `_seq_no` too. So
    one that is above what the `_seq_no` allows was given from outside.
    """
    if shop.is_closed:
        return shop
    with cluster_errors(index=shop.name):
        hits = client.search(
            index=shop.index,
            sort=[{"_seq_no": "asc"}],
            size=_VERSIONS_LOOKED_AT,
            source=False,
            version=True,
            seq_no_primary_term=True,
        )["hits"]["hits"]
    is_external = any(hit["_version"] > hit["_seq_no"] + 1 for hit in hits)
    return ShopIndex(**{**shop.__dict__, "has_external_versions": is_external})


def require_attachable(
    shop: ShopIndex,
    *,
    in_place: bool,
    encoders: Mapping[str, EncoderSpec],
    may_break_versions: bool = False,
) -> None:
    """Raise AttachRefused that says everything that speaks against it.

    encoders: by vector field of ours. may_break_versions: whoever asks knows about the versions.
    """
    against = list(_against_any(shop))
    helps = ""
    if in_place:
        more = list(_against_in_place(shop, encoders))
        if shop.has_external_versions and not may_break_versions:
            more.append(
                "its documents have versions of the shop's own (version_type external), which "
                "each write of ours would raise, so that the shop's next one is refused"
            )
        helps = "" if against or not more else "; --companion leaves the index as it is"
        against += more
    else:
        against += _against_companion(shop)
    if against:
        what = "in place" if in_place else "with a companion"
        raise AttachRefused(
            f"index {shop.index!r} cannot be attached {what}: {'; '.join(against)}{helps}",
            field="index",
        )


def _against_any(shop: ShopIndex) -> Iterator[str]:
    if shop.is_closed:
        yield "it is closed"
    source = shop.mappings.get("_source", {})
    if source.get("enabled") is False:
        yield "its mapping keeps no _source (_source.enabled is false)"
    if source.get("includes") or source.get("excludes"):
        yield "its mapping keeps only a part of _source (_source.includes or .excludes)"
    own = shop.own_field
    if own is not None and "text_hash" not in own.get("properties", {}):
        yield f"it has a field {OWN_FIELD!r} that is not Shelfwise's"
    mode = shop.settings.get("index.mode", "standard")
    if mode != "standard":
        yield f"its index.mode is {mode!r}"


def _against_in_place(shop: ShopIndex, encoders: Mapping[str, EncoderSpec]) -> Iterator[str]:
    for block in _BLOCKS:
        if shop.settings.get(f"index.blocks.{block}") == "true":
            yield f"index.blocks.{block} is set"
    synthetic = shop.mappings.get("_source", {}).get("mode") == "synthetic"
    if synthetic or shop.settings.get("index.mapping.source.mode") == "synthetic":
        yield "its _source is synthetic, which each write would put in another order"
    own = (shop.own_field or {}).get("properties", {})
    photos = own.get("photos", {}).get("properties", {})
    for field, path, vector in (
        (TEXT_VECTOR, "text_vector", own.get("text_vector", {})),
        (IMAGE_VECTOR, "photos.vector", photos.get("vector", {})),
    ):
        spec = encoders.get(field)
        if vector and spec is not None and vector.get("dims") != spec.dims:
            yield (
                f"its mapping has {OWN_FIELD}.{path} with {vector.get('dims')} dims from an "
                f"earlier attachment, the encoder {spec.name!r} gives {spec.dims}, and "
                "Elasticsearch cannot change that"
            )


def _against_companion(shop: ShopIndex) -> Iterator[str]:
    for key in ("filter", "index_routing", "search_routing"):
        if shop.alias and key in shop.alias:
            yield f"the alias {shop.name!r} has {key}, which a companion would not follow"
