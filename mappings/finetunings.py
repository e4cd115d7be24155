"""Fine-tunings that were asked for: what is wanted, how far each is, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from mappings.cluster import cluster_errors
from mappings.errors import UnknownTask
from mappings.index_lifecycle import create_own_index

FINETUNINGS_INDEX = "shelfwise-finetunings"
MOST_LISTED = 100

SILENT_SECONDS = 60
"""A worker that has said nothing about a training for so long is taken for dead."""

State = Literal["waiting", "running", "done", "failed", "cancelled"]
UNFINISHED: frozenset[State] = frozenset({"waiting", "running"})

_KEYWORD = {"type": "keyword"}
_DATE = {"type": "date"}
_UNREAD = {"type": "object", "enabled": False}
_TEXT = {"type": "text", "index": False}
_FIELDS: dict[str, Any] = {
    "id": _KEYWORD,
    "index": _KEYWORD,
    "state": _KEYWORD,
    "created_at": _DATE,
    "seen_at": _DATE,
    "options": _UNREAD,
    "encoder": _KEYWORD,
    "said": _TEXT,
    "before": _UNREAD,
    "after": _UNREAD,
}


@dataclass(frozen=True)
class Finetuning:
    """One training of an encoder of photos on the products of an index.

    options: as of the command, without the dashes. encoder: folder that it is written to, which
    is its name; "" until a worker has begun. said: the newest line of its progress, or why it
    failed. before, after: figures on products held out. seen_at: when its worker last said so.
    """

    id: str
    index: str
    created_at: str
    state: State = "waiting"
    seen_at: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    encoder: str = ""
    said: str = ""
    before: Mapping[str, float | None] = field(default_factory=dict)
    after: Mapping[str, float | None] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what is stored and shown."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        return cls(**document)

    def is_abandoned(self, now: datetime) -> bool:
        """Whether the worker that had it says nothing any more."""
        if self.state != "running" or self.seen_at is None:
            return False
        return datetime.fromisoformat(self.seen_at) < now - timedelta(seconds=SILENT_SECONDS)


class Finetunings:
    """The fine-tunings of a cluster."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client

    def ask_for(self, index: str, options: Mapping[str, Any]) -> Finetuning:
        """Store a new one, which waits for a worker, and return it."""
        create_own_index(self._client, FINETUNINGS_INDEX, _FIELDS)
        asked = Finetuning(secrets.token_hex(8), index, _stamp(), options=dict(options))
        with cluster_errors(index=FINETUNINGS_INDEX):
            self._client.create(
                index=FINETUNINGS_INDEX, id=asked.id, document=asked.to_json(), refresh=True
            )
        return asked

    def get(self, finetuning_id: str) -> Finetuning:
        """Return one. Raises UnknownTask."""
        return self._read(finetuning_id)[0]

    def list(self, index: str | None = None) -> list[Finetuning]:
        """Return the newest ones, of an index or of all, newest first."""
        with cluster_errors(index=FINETUNINGS_INDEX):
            found = self._client.search(
                index=FINETUNINGS_INDEX,
                ignore_unavailable=True,
                query={"term": {"index": index}} if index else {"match_all": {}},
                sort=[{"created_at": "desc"}, {"id": "asc"}],
                size=MOST_LISTED,
            )
        return [Finetuning.from_json(hit["_source"]) for hit in found["hits"]["hits"]]

    def claim(self, finetuning: Finetuning, *, encoder: str) -> Finetuning | None:
        """Take a waiting or abandoned one over; None when another worker or a cancel was faster.

        encoder: folder for what is made, which an abandoned one keeps.
        """
        known, where = self._read(finetuning.id)
        if known.state != "waiting" and not known.is_abandoned(datetime.now(UTC)):
            return None
        taken = replace(known, state="running", seen_at=_stamp(), encoder=known.encoder or encoder)
        return taken if self._write(taken, where) else None

    def report(self, finetuning: Finetuning) -> bool:
        """Store how far a running one is, or how it ended; whether it is still wanted."""
        known, where = self._read(finetuning.id)
        if known.state != "running":
            return False
        return self._write(replace(finetuning, seen_at=_stamp()), where)

    def cancel(self, finetuning_id: str) -> Finetuning:
        """Say that one is not wanted any more; its worker stops soon. A finished one stays.

        Raises UnknownTask.
        """
        while True:
            known, where = self._read(finetuning_id)
            if known.state not in UNFINISHED:
                return known
            cancelled = replace(known, state="cancelled")
            if self._write(cancelled, where):
                return cancelled

    def _read(self, finetuning_id: str) -> tuple[Finetuning, dict[str, int]]:
        with cluster_errors(index=FINETUNINGS_INDEX):
            try:
                found = self._client.get(index=FINETUNINGS_INDEX, id=finetuning_id)
            except NotFoundError as error:
                raise UnknownTask(
                    f"no fine-tuning {finetuning_id!r}", field="finetuning_id"
                ) from error
        where = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        return Finetuning.from_json(found["_source"]), where

    def _write(self, finetuning: Finetuning, where: Mapping[str, int]) -> bool:
        """Store it unless somebody wrote in between; say whether it was stored."""
        with cluster_errors(index=FINETUNINGS_INDEX):
            try:
                self._client.index(
                    index=FINETUNINGS_INDEX,
                    id=finetuning.id,
                    document=finetuning.to_json(),
                    if_seq_no=where["if_seq_no"],
                    if_primary_term=where["if_primary_term"],
                    refresh=True,
                )
            except ConflictError:
                return False
        return True


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
