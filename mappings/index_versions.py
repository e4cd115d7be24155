"""The versions of an index: a next one is built, takes over in one step, and can be rolled back.

What a rebuild is about lies in the `_meta` of the version that it builds, so that the cluster
alone says how far it is, whoever was at work and died.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from elasticsearch import Elasticsearch, NotFoundError

from mappings.cluster import cluster_errors
from mappings.encoder_spec import EncoderSpec
from mappings.errors import InvalidQuery, UnknownIndex
from mappings.index_lifecycle import LiveIndex, find_index
from mappings.index_mapping import META_KEY, index_body, read_encoders
from mappings.index_names import (
    check_index_name,
    next_alias,
    previous_alias,
    read_alias,
    version_number,
    versioned,
    write_alias,
)

Step = Literal["copying", "verifying", "ready", "failed"]
REBUILD = "rebuild"


@dataclass(frozen=True)
class Rebuild:
    """How far a version is that is being built.

    source: the versioned index that was live when it began. kind: `copy` of the live index,
    `feed` from a file, or `rollback` to an older version. task_id: of the copying, once begun.
    copied_to: product id up to which everything is known to be copied. since: of a rollback, the
    arrival after which products may have changed. total: products to copy, for the progress.
    options: what was asked for: `map` (a field map as JSON text), `judgements`, `max_drop`,
    `keep`, `photos` (`wait` for them, or `later`). failed: why it stopped, None while it goes on.
    report: what was seen of photos, verification and gate. swapped_at: when it took over,
    microseconds since 1970.
    """

    source: str
    kind: Literal["copy", "feed", "rollback"] = "copy"
    step: Step = "copying"
    task_id: str | None = None
    copied_to: str | None = None
    since: int = 0
    total: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    failed: str | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    swapped_at: int | None = None


def start_next(
    client: Elasticsearch,
    name: str,
    encoders: Mapping[str, EncoderSpec],
    rebuild: Rebuild,
    *,
    shards: int | None = None,
    replicas: int | None = None,
    quantization: str = "int8_hnsw",
) -> LiveIndex:
    """Create the version after all others, behind the next alias: from now on it gets all writes.

    shards, replicas: those of the live version when not given.
    Raises UnknownIndex when there is no live version, InvalidQuery when a rebuild is under way.
    """
    live = find_index(client, name)
    if (present := find_next(client, name)) is not None:
        raise InvalidQuery(
            f"{present.index!r} is being built already; let it end, or drop it with "
            f"`shelfwise reindex --index {name} --abandon`",
            field="index",
        )
    with cluster_errors(index=name):
        found = client.indices.get(index=[f"{name}-v*", live.index], features=["settings"])
        settings = found[live.index]["settings"]["index"]
        body = index_body(
            encoders,
            shards=shards or int(settings["number_of_shards"]),
            replicas=int(settings["number_of_replicas"]) if replicas is None else replicas,
            quantization=quantization,
        )
        body["mappings"]["_meta"][META_KEY][REBUILD] = asdict(rebuild)
        index = versioned(name, 1 + max(map(version_number, found)))
        client.indices.create(
            index=index,
            settings=body["settings"],
            mappings=body["mappings"],
            aliases={next_alias(name): {}, write_alias(index): {}},
        )
    return LiveIndex(name, index, dict(encoders))


def find_next(client: Elasticsearch, name: str) -> LiveIndex | None:
    """Return the version that is being built, None when there is none."""
    return _behind(client, name, next_alias(name))


def find_previous(client: Elasticsearch, name: str) -> LiveIndex | None:
    """Return the version that was live before, None when it is gone."""
    return _behind(client, name, previous_alias(name))


def require_next(client: Elasticsearch, name: str) -> LiveIndex:
    """Return the version that is being built; UnknownIndex when there is none."""
    if (found := find_next(client, name)) is None:
        raise UnknownIndex(f"no version of {name!r} is being built", field="index")
    return found


def require_previous(client: Elasticsearch, name: str) -> LiveIndex:
    """Return the version that was live before; UnknownIndex when it is gone."""
    if (found := find_previous(client, name)) is None:
        raise UnknownIndex(f"{name!r} has no previous version", field="index")
    return found


def read_rebuild(client: Elasticsearch, index: str) -> Rebuild:
    """Return what the `_meta` of a versioned index says of its rebuild.

    Raises UnknownIndex when there is no such index or it was not made by a rebuild.
    """
    with cluster_errors(index=index):
        try:
            found = client.indices.get_mapping(index=index)
        except NotFoundError as error:
            raise UnknownIndex(f"no index {index!r}", field="index") from error
    raw = found[index]["mappings"]["_meta"][META_KEY].get(REBUILD)
    if raw is None:
        raise UnknownIndex(f"{index!r} was not made by a rebuild", field="index")
    return Rebuild(**raw)


def write_rebuild(client: Elasticsearch, index: str, rebuild: Rebuild) -> Rebuild:
    """Keep how far a rebuild is, and return it."""
    with cluster_errors(index=index):
        meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
        ours = {**meta[META_KEY], REBUILD: asdict(rebuild)}
        client.indices.put_mapping(index=index, meta={**meta, META_KEY: ours})
    return rebuild


def swap(client: Elasticsearch, name: str, rebuild: Rebuild, *, at: int) -> LiveIndex:
    """Let the next version take over: all aliases change in one step. Returns it.

    The version that was live stays behind the previous alias. at: microseconds since 1970.
    Raises UnknownIndex when nothing is being built.
    """
    target = require_next(client, name)
    source = find_index(client, name).index
    write_rebuild(client, target.index, replace(rebuild, swapped_at=at))
    actions: list[dict[str, Any]] = [
        {"remove": {"index": target.index, "alias": next_alias(name)}},
        {"remove": {"index": source, "alias": read_alias(name)}},
        {"remove": {"index": source, "alias": write_alias(name), "must_exist": False}},
        {"remove": {"index": f"{name}-v*", "alias": previous_alias(name), "must_exist": False}},
        {"add": {"index": target.index, "alias": read_alias(name)}},
        {"add": {"index": target.index, "alias": write_alias(name), "is_write_index": True}},
        {"add": {"index": source, "alias": previous_alias(name)}},
    ]
    with cluster_errors(index=name):
        client.indices.update_aliases(actions=actions)
    return target


def start_rollback(client: Elasticsearch, name: str, *, slack_us: int) -> LiveIndex:
    """Make the previous version the next one, which from now on gets all writes again.

    slack_us: microseconds that clocks may differ. Raises UnknownIndex without a previous version,
    InvalidQuery when a rebuild is under way.
    """
    live, previous = find_index(client, name), require_previous(client, name)
    if (present := find_next(client, name)) is not None:
        raise InvalidQuery(f"{present.index!r} is being built: let it end first", field="index")
    swapped_at = read_rebuild(client, live.index).swapped_at or 0
    rebuild = Rebuild(live.index, "rollback", since=max(1, swapped_at - slack_us))
    write_rebuild(client, previous.index, rebuild)
    with cluster_errors(index=name):
        client.indices.update_aliases(
            actions=[{"add": {"index": previous.index, "alias": next_alias(name)}}]
        )
    return previous


def abandon_next(client: Elasticsearch, name: str) -> str:
    """Drop the version that is being built, and return its name; the live one is untouched.

    A version that was to be rolled back to is kept. Raises UnknownIndex when there is none.
    """
    target = require_next(client, name)
    previous = find_previous(client, name)
    with cluster_errors(index=name):
        if previous is not None and previous.index == target.index:
            client.indices.delete_alias(index=target.index, name=next_alias(name))
        else:
            client.indices.delete(index=target.index)
    return target.index


def drop_older(client: Elasticsearch, name: str) -> list[str]:
    """Drop the versions that are neither live, nor previous, nor next, and return their names."""
    kept = {find_index(client, name).index}
    kept |= {one.index for one in (find_next(client, name), find_previous(client, name)) if one}
    with cluster_errors(index=name):
        found = client.indices.get(index=f"{name}-v*", features=["mappings"])
        old = [
            index
            for index, about in found.items()
            if index not in kept
            and versioned(name, version_number(index)) == index
            and META_KEY in about["mappings"].get("_meta", {})
        ]
        for index in old:
            client.indices.delete(index=index)
    return old


def _behind(client: Elasticsearch, name: str, alias: str) -> LiveIndex | None:
    check_index_name(name)
    with cluster_errors(index=name):
        answer = client.indices.get(index=alias, features=["mappings"], ignore_unavailable=True)
    for index, found in sorted(answer.items()):
        return LiveIndex(name, index, read_encoders(found["mappings"], index=index))
    return None
