"""Creating, finding and dropping the versioned index behind its two aliases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from mappings.cluster import cluster_errors
from mappings.encoder_spec import EncoderSpec
from mappings.errors import MappingMismatch, UnknownIndex
from mappings.index_mapping import META_KEY, index_body, read_encoders
from mappings.index_names import (
    check_index_name,
    next_alias,
    read_alias,
    version_number,
    versioned,
    write_alias,
)
from mappings.product import IMAGE_VECTOR, TEXT_VECTOR


@dataclass(frozen=True)
class LiveIndex:
    """What the read alias points at just now.

    name: the alias. index: the versioned index. encoders: by vector field.
    """

    name: str
    index: str
    encoders: Mapping[str, EncoderSpec]

    @property
    def text_encoder(self) -> EncoderSpec | None:
        """Return our encoder of `text_vector`, None when the shop fills it or it is not there."""
        spec = self.encoders.get(TEXT_VECTOR)
        return None if spec is None or spec.is_external else spec

    @property
    def image_encoder(self) -> EncoderSpec | None:
        """Return our encoder of `photos`, None when the shop brings vectors or has no photos."""
        spec = self.encoders.get(IMAGE_VECTOR)
        return None if spec is None or spec.is_external else spec


def create_index(
    client: Elasticsearch,
    name: str,
    encoders: Mapping[str, EncoderSpec],
    *,
    shards: int = 1,
    replicas: int = 0,
    quantization: str = "int8_hnsw",
) -> LiveIndex:
    """Create the first version of an index with both aliases, or return the one there is.

    Index and aliases come into being in one request, so nobody sees one without the
    other, and of two callers at once one creates and both get the same index.
    Raises EncoderMismatch when the index is there with another encoder.
    """
    check_index_name(name)
    try:
        return require_encoders(find_index(client, name), encoders)
    except UnknownIndex:
        pass
    body = index_body(encoders, shards=shards, replicas=replicas, quantization=quantization)
    aliases = {
        read_alias(name): {},
        write_alias(name): {"is_write_index": True},
        write_alias(versioned(name, 1)): {},
    }
    create_if_absent(client, versioned(name, 1), {**body, "aliases": aliases})
    return require_encoders(find_index(client, name), encoders)


def create_if_absent(client: Elasticsearch, index: str, body: Mapping[str, Any]) -> None:
    """Create an index; of several callers at once one does, and the others are content.

    body: settings, mappings, aliases.
    """
    with cluster_errors(index=index):
        try:
            client.indices.create(index=index, **body)
        except BadRequestError as error:
            if error.error != "resource_already_exists_exception":
                raise


def create_own_index(
    client: Elasticsearch,
    index: str,
    properties: Mapping[str, Mapping[str, Any]],
    *,
    aliases: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Create one of the hidden indexes that we keep our own records in, unless it is there.

    properties: its fields; a record with any other is refused. aliases: its other names.
    """
    body = {
        "mappings": {"dynamic": "strict", "properties": properties},
        "settings": {"number_of_shards": 1, "auto_expand_replicas": "0-1", "hidden": True},
        "aliases": aliases or {},
    }
    create_if_absent(client, index, body)


def find_index(client: Elasticsearch, name: str) -> LiveIndex:
    """Return the index behind the read alias.

    Raises UnknownIndex when there is none, MappingMismatch when the alias points at
    several indexes or at one that is not ours.
    """
    check_index_name(name)
    with cluster_errors(index=name):
        try:
            answer = client.indices.get_mapping(index=read_alias(name))
        except NotFoundError as error:
            raise UnknownIndex(f"no index named {name!r}", field="index") from error
    if len(answer) != 1:
        raise MappingMismatch(f"alias {name!r} points at several indexes: {sorted(answer)}")
    index, found = next(iter(answer.items()))
    return LiveIndex(name, index, read_encoders(found["mappings"], index=index))


def find_targets(client: Elasticsearch, name: str) -> tuple[LiveIndex, ...]:
    """Return every version that writes must reach: the live one, then one that is being built.

    Raises what `find_index` raises.
    """
    check_index_name(name)
    with cluster_errors(index=name):
        answer = client.indices.get(
            index=f"{read_alias(name)},{next_alias(name)}",
            features=["aliases", "mappings"],
            ignore_unavailable=True,
        )
    live = [index for index, found in answer.items() if read_alias(name) in found["aliases"]]
    if len(live) != 1:
        return (find_index(client, name),)  # which says what is wrong
    others = sorted(index for index in answer if index not in live)
    return tuple(
        LiveIndex(name, index, read_encoders(answer[index]["mappings"], index=index))
        for index in [*live, *others]
    )


def require_encoders(live: LiveIndex, encoders: Mapping[str, EncoderSpec]) -> LiveIndex:
    """Return `live` when every field was filled by the encoder given for it.

    Raises EncoderMismatch that names every difference, MappingMismatch for a field
    that the index does not have.
    """
    for field, spec in encoders.items():
        if field not in live.encoders:
            raise MappingMismatch(
                f"index {live.index!r} has no vector field {field!r}; "
                f"it has {sorted(live.encoders) or 'none'}",
                field=field,
            )
        live.encoders[field].require_same(spec, index=live.index, field=field)
    return live


def require_text_encoder(live: LiveIndex, spec: EncoderSpec) -> LiveIndex:
    """Return `live` when no encoder of ours fills its text vectors, or the given one does.

    Raises EncoderMismatch that names every difference.
    """
    return require_encoders(live, {TEXT_VECTOR: spec}) if live.text_encoder else live


def list_indexes(client: Elasticsearch) -> list[LiveIndex]:
    """Return every index of ours that a read alias names, by name."""
    with cluster_errors():
        answer = client.indices.get(index="*", features=["aliases", "mappings"])
    live = []
    for index, found in answer.items():
        if META_KEY not in found["mappings"].get("_meta", {}):
            continue
        encoders = read_encoders(found["mappings"], index=index)
        live += [
            LiveIndex(alias, index, encoders)
            for alias in found["aliases"]
            if versioned(alias, version_number(index)) == index
        ]
    return sorted(live, key=lambda item: item.name)


def drop_index(client: Elasticsearch, name: str) -> str:
    """Delete the index behind the alias, with its aliases; return its versioned name."""
    index = find_index(client, name).index
    with cluster_errors(index=name):
        client.indices.delete(index=index)
    return index
