"""Records of trainings: what was asked for, how far each is, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from mappings.cluster import cluster_errors
from mappings.errors import Conflict, UnknownTask
from mappings.index_lifecycle import create_own_index

TRAININGS_INDEX = "shelfwise-trainings"
MOST_LISTED = 50
SILENT_SECONDS = 90
"""A process that has said nothing for so long is taken for dead; on a busy machine it may take
half of that to begin."""
GONE = "its process is gone; start it again"

State = Literal["running", "done", "failed", "cancelled"]
_KEYWORD = {"type": "keyword"}
_UNREAD = {"type": "object", "enabled": False}
_FIELDS: dict[str, Any] = {
    "kind": _KEYWORD,  # "training", or "slot" for the one that an index has under way
    "id": _KEYWORD,
    "index": _KEYWORD,
    "state": _KEYWORD,
    "created_at": {"type": "date"},
    "seen_at": {"type": "date"},
    "who": _KEYWORD,
    "options": _UNREAD,
    "progress": _UNREAD,
    "said": {"type": "text", "index": False},
    "version": _KEYWORD,
    "is_active": {"type": "boolean"},
    "figures": _UNREAD,
}


@dataclass(frozen=True)
class TrainingJob:
    """One training. options: as of the request.

    progress: stages with their steps, `{name, done, total}` in their order. said: the newest
    lines of its log, and why it failed. seen_at: when its process last said so. version: the
    weights that were stored. figures: of `training_figures`; while it runs, the `ways` so far.
    """

    id: str
    index: str
    created_at: str
    state: State = "running"
    seen_at: str = ""
    who: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    progress: tuple[Mapping[str, Any], ...] = ()
    said: tuple[str, ...] = ()
    version: str | None = None
    is_active: bool = False
    figures: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what is stored and shown."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        known = {name: value for name, value in document.items() if name != "kind"}
        known["progress"], known["said"] = tuple(known["progress"]), tuple(known["said"])
        return cls(**known)

    def as_of(self, now: datetime) -> Self:
        """Return it as it is: failed, when its process says nothing any more."""
        silent = timedelta(seconds=SILENT_SECONDS)
        if self.state != "running" or datetime.fromisoformat(self.seen_at) > now - silent:
            return self
        return replace(self, state="failed", said=(*self.said, GONE))


class TrainingJobs:
    """The trainings of a cluster. Every method raises a TemporaryError without it."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client

    def start(self, index: str, options: Mapping[str, Any], *, who: str) -> TrainingJob:
        """Store a new one, whose process is about to begin.

        Raises Conflict while another one of the index is under way.
        """
        create_own_index(self._client, TRAININGS_INDEX, _FIELDS)
        now = _stamp()
        job = TrainingJob(secrets.token_hex(8), index, now, seen_at=now, who=who, options=options)
        slot = f"slot-{index}"
        found = self._document(slot)
        if found is not None:
            before = self._find(found[0]["id"])
            if before is not None and before.state == "running":
                raise _under_way(index, before.id)
        # First the record, so that whoever sees the slot finds a training that runs.
        self._put(job.id, job, {"op_type": "create"}, refresh=True)
        condition = found[1] if found else {"op_type": "create"}
        with cluster_errors(index=TRAININGS_INDEX):
            try:
                self._client.index(
                    index=TRAININGS_INDEX,
                    id=slot,
                    document={"kind": "slot", "id": job.id, "index": index},
                    **condition,
                )
            except ConflictError as error:
                self._client.delete(index=TRAININGS_INDEX, id=job.id, refresh=True)
                raise _under_way(index, "another one") from error
        return job

    def get(self, job_id: str) -> TrainingJob:
        """Return one; raises UnknownTask."""
        found = self._find(job_id)
        if found is None:
            raise UnknownTask(f"no training {job_id!r}", field="training_id")
        return found

    def list(self, index: str) -> list[TrainingJob]:
        """Return the newest ones of an index, newest first, without their figures."""
        with cluster_errors(index=TRAININGS_INDEX):
            self._client.indices.refresh(index=TRAININGS_INDEX, ignore_unavailable=True)
            found = self._client.search(
                index=TRAININGS_INDEX,
                ignore_unavailable=True,
                query={
                    "bool": {
                        "filter": [{"term": {"kind": "training"}}, {"term": {"index": index}}]
                    }
                },
                sort=[{"created_at": "desc"}, {"id": "asc"}],
                source_excludes=["figures"],
                size=MOST_LISTED,
            )
        now = datetime.now(UTC)
        return [TrainingJob.from_json(hit["_source"]).as_of(now) for hit in found["hits"]["hits"]]

    def report(self, job: TrainingJob) -> bool:
        """Store how far a running one is, or how it ended; whether it is still wanted."""
        found = self._document(job.id)
        if found is None or found[0]["state"] != "running":
            return False
        is_over = job.state != "running"
        return self._put(job.id, replace(job, seen_at=_stamp()), found[1], refresh=is_over)

    def cancel(self, job_id: str) -> TrainingJob:
        """Say that one is not wanted any more; its process ends soon. A finished one stays.

        Raises UnknownTask.
        """
        while True:
            known = self.get(job_id)
            found = self._document(job_id)
            if known.state != "running" or found is None:
                return known
            cancelled = replace(TrainingJob.from_json(found[0]), state="cancelled")
            if self._put(job_id, cancelled, found[1], refresh=True):
                return cancelled

    def _find(self, job_id: str) -> TrainingJob | None:
        found = self._document(job_id)
        if found is None or found[0]["kind"] != "training":
            return None
        return TrainingJob.from_json(found[0]).as_of(datetime.now(UTC))

    def _document(self, document_id: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        with cluster_errors(index=TRAININGS_INDEX):
            try:
                found = self._client.get(index=TRAININGS_INDEX, id=document_id)
            except NotFoundError:
                return None
        where = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        return dict(found["_source"]), where

    def _put(
        self, job_id: str, job: TrainingJob, where: Mapping[str, Any], *, refresh: bool
    ) -> bool:
        with cluster_errors(index=TRAININGS_INDEX):
            try:
                self._client.index(
                    index=TRAININGS_INDEX,
                    id=job_id,
                    document={"kind": "training", **job.to_json()},
                    refresh=refresh,
                    **where,
                )
            except ConflictError:
                return False
        return True


def _under_way(index: str, job_id: str) -> Conflict:
    return Conflict(
        f"training {job_id!r} of index {index!r} is under way; wait for it or cancel it",
        field="index",
    )


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
