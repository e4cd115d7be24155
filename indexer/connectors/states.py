"""What is known of each source: its cursor, who reads it, and how it goes; kept in the cluster."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from typing import Any, Self

from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from mappings.cluster import cluster_errors
from mappings.errors import ShelfwiseError, SourceBusy, TemporaryError
from mappings.index_lifecycle import create_own_index

STATES_INDEX = "shelfwise-connectors"
LEASE_SECONDS = 60.0
_RENEWALS_IN_LEASE = 4
_MAX_SOURCES = 1_000
_UNREAD = {"type": "object", "enabled": False}
_FIELDS: dict[str, Any] = {
    "source": {"type": "keyword"},
    "index": {"type": "keyword"},
    "identity": {"type": "keyword", "index": False, "doc_values": False},
    "owner": {"type": "keyword"},
    "lease_until": {"type": "date"},
    "complete_as_of": {"type": "date"},
    "cursor": _UNREAD,
    "counts": _UNREAD,
    "last_pass": _UNREAD,
    "last_error": _UNREAD,
    "last_unread": _UNREAD,
}


@dataclass(frozen=True)
class SourceState:
    """One source.

    identity: what the cursor belongs to; the source is read anew once it is another.
    owner: the process that reads it, until `lease_until`. complete_as_of: when the last pass
    began that came to the source's end: all changes of before are in the index. counts: of all
    passes. last_pass: its counts, beginning, seconds and products a second. last_error: when
    and what, None after a pass that went well. Times are UTC in ISO 8601.
    """

    source: str
    index: str = ""
    identity: str = ""
    cursor: Mapping[str, Any] | None = None
    owner: str = ""
    lease_until: str | None = None
    complete_as_of: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    last_pass: Mapping[str, Any] = field(default_factory=dict)
    last_error: Mapping[str, str] | None = None
    last_unread: tuple[Mapping[str, Any], ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object that is stored."""
        return {**asdict(self), "last_unread": {"records": list(self.last_unread)}}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_document` made."""
        unread = tuple(document["last_unread"]["records"])
        return cls(**{**document, "last_unread": unread})


class HeldSource:
    """A source that this process reads: its state is written by nobody else meanwhile."""

    def __init__(
        self,
        client: Elasticsearch,
        state: SourceState,
        place: Mapping[str, int],
        *,
        now: Callable[[], datetime],
        lease_seconds: float,
    ) -> None:
        self._client = client
        self._place = dict(place)
        self._now = now
        self._lease_seconds = lease_seconds
        self._lock = Lock()
        self._fault: ShelfwiseError | None = None
        self.state = state

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Hold on to the source meanwhile, however long its pages take."""
        ended = Event()
        renewing = Thread(target=self._renew, args=(ended,), name="lease", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()

    def save(self, **changes: object) -> None:
        """Store the state with some changes, and hold on to the source.

        Raises SourceBusy when the lease ran out and another process took over.
        """
        if self._fault is not None:
            raise self._fault
        self._write(self._now() + timedelta(seconds=self._lease_seconds), changes)

    def release(self, **changes: object) -> None:
        """Store the state, and let any process take the source."""
        self._write(self._now(), changes)

    def _renew(self, ended: Event) -> None:
        while not ended.wait(self._lease_seconds / _RENEWALS_IN_LEASE):
            try:
                self._write(self._now() + timedelta(seconds=self._lease_seconds), {})
            except TemporaryError as error:
                if isinstance(error, SourceBusy):
                    self._fault = error  # told by the next save
                    return

    def _write(self, lease_until: datetime, changes: Mapping[str, Any]) -> None:
        with self._lock:
            state = replace(self.state, lease_until=_text(lease_until), **changes)
            self._place = _put(self._client, state, self._place)
            self.state = state


class SourceStates:
    """The states of all sources of a cluster."""

    def __init__(
        self,
        client: Elasticsearch,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._client = client
        self._now = now
        self._lease_seconds = lease_seconds

    def list(self) -> list[SourceState]:
        """Return all of them by name, none when no source was ever read."""
        with cluster_errors(index=STATES_INDEX):
            found = self._client.search(
                index=STATES_INDEX, ignore_unavailable=True, size=_MAX_SOURCES, sort="source"
            )
        return [SourceState.from_document(hit["_source"]) for hit in found["hits"]["hits"]]

    def claim(self, source: str, owner: str, *, index: str, identity: str) -> HeldSource:
        """Return a source for this process alone. owner: another name for each process.

        A source whose identity is another than before begins anew.
        Raises SourceBusy while another process reads it.
        """
        create_own_index(self._client, STATES_INDEX, _FIELDS)
        with cluster_errors(index=STATES_INDEX):
            try:
                found = self._client.get(index=STATES_INDEX, id=source)
                state = SourceState.from_document(found["_source"])
                place = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
            except NotFoundError:
                state, place = SourceState(source), {}
        now = self._now()
        is_held = bool(state.lease_until and state.lease_until > _text(now))
        if is_held and state.owner != owner and not _is_dead(state.owner):
            raise SourceBusy(
                f"source {source!r} is read by {state.owner} until {state.lease_until}",
                retry_after_seconds=int(self._lease_seconds),
            )
        if state.identity != identity:
            state = SourceState(source, index, identity)
        state = replace(state, owner=owner)
        held = HeldSource(
            self._client, state, place, now=self._now, lease_seconds=self._lease_seconds
        )
        held.save()
        return held


def new_owner() -> str:
    """Return a name for this process that no other one has: host, process id, chance."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def _is_dead(owner: str) -> bool:
    """Return whether an owner was a process of this host that has ended.

    A container that was started again has the process id of the one before it.
    """
    host, _, rest = owner.partition(":")
    number = rest.partition(":")[0]
    if host != socket.gethostname() or not number.isdecimal():
        return False
    if int(number) == os.getpid():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _put(client: Elasticsearch, state: SourceState, place: Mapping[str, int]) -> dict[str, int]:
    """Store a state unless somebody else has done so since; return its new place."""
    how: dict[str, Any] = dict(place) or {"op_type": "create"}
    with cluster_errors(index=STATES_INDEX):
        try:
            done = client.index(
                index=STATES_INDEX,
                id=state.source,
                document=state.to_document(),
                refresh=True,
                **how,
            )
        except ConflictError as error:
            raise SourceBusy(f"source {state.source!r} is read by another process") from error
    return {"if_seq_no": done["_seq_no"], "if_primary_term": done["_primary_term"]}


def _text(time: datetime) -> str:
    return time.isoformat("T", "milliseconds")
