"""Takes a rebuild from step to step: copy, wait for photos, verify, measure, swap.

Each step may be done twice, and how far the rebuild is lies in the cluster. So whoever drives it
may die at any moment: the next driver goes on where the last one was, and until the swap, which
is one request, the live version serves as if nothing happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import redis
import structlog
from elasticsearch import Elasticsearch

from indexer.batch_sender import BatchSender
from indexer.load_progress import LoadProgress
from indexer.patience import patiently
from indexer.photos.due_products import count_photos
from indexer.photos.waiting import described, wait_for_photos
from indexer.rebuild.gate import measure_gate
from indexer.rebuild.id_pages import count_since, walk_ids
from indexer.rebuild.lease import Lease
from indexer.rebuild.verification import verify
from indexer.refresh_interval import RaisedInterval, RefreshIntervals
from indexer.settings import IndexerSettings
from mappings.cluster import cluster_errors
from mappings.errors import ShelfwiseError, TemporaryError, UnknownTask
from mappings.index_lifecycle import LiveIndex, find_index
from mappings.index_versions import (
    Rebuild,
    abandon_next,
    drop_older,
    find_next,
    read_rebuild,
    require_next,
    swap,
    write_rebuild,
)
from mappings.outbox import Outbox
from mappings.product_changes import ProductChange
from mappings.task_records import TaskRecords

_POLL_SECONDS = 0.1
_SAVE_SECONDS = 5.0
_SHOWN_REJECTS = 20
_Result = TypeVar("_Result")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Servers:
    client: Elasticsearch
    queue: redis.Redis
    outbox: Outbox
    records: TaskRecords


class RebuildStopped(ShelfwiseError):
    """The rebuild cannot go on by itself; the live version is untouched."""

    code = "rebuild_stopped"


class RebuildDriver:
    """Drives the rebuilds of a cluster, each of which has one driver at a time."""

    def __init__(
        self,
        client: Elasticsearch,
        queue: redis.Redis,
        outbox: Outbox,
        settings: IndexerSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        records = TaskRecords(queue, ttl_seconds=settings.task_ttl_seconds)
        self._servers = _Servers(client, queue, outbox, records)
        self._settings = settings
        self._sleep = sleep

    def drive(self, name: str, progress: LoadProgress) -> Rebuild | None:
        """Bring a rebuild to its end; None when somebody else is driving it, or has done so.

        Raises RebuildStopped when it has failed, and TemporaryError when a server stays away:
        then drive again later.
        """
        lease = Lease(self._servers.queue, f"rebuild:{name}")
        if not lease.acquire():
            return None
        with lease:
            if find_next(self._servers.client, name) is None:
                return None
            return self._steps(name, lease, progress)

    def _steps(self, name: str, lease: Lease, progress: LoadProgress) -> Rebuild:
        target, rebuild = self._under_way(name)
        try:
            if rebuild.step == "copying":
                if rebuild.kind == "feed":
                    raise RebuildStopped("its feed has not been read to the end: give it again")
                rebuild = self._copy(target, rebuild, lease, progress)
            if rebuild.step == "verifying":
                rebuild = self._photos(target, rebuild, lease, progress)
                rebuild = self._verify(target, rebuild, lease, progress)
            if rebuild.step == "failed":
                raise RebuildStopped(rebuild.failed or "it failed")
            return self._swap(name, rebuild, progress)
        except (TemporaryError, RebuildStopped):
            raise
        except ShelfwiseError as error:
            self._fail(target, rebuild, error.message)
            raise RebuildStopped(error.message) from error

    def _under_way(self, name: str) -> tuple[LiveIndex, Rebuild]:
        target = require_next(self._servers.client, name)
        return target, read_rebuild(self._servers.client, target.index)

    def _copy(
        self, target: LiveIndex, rebuild: Rebuild, lease: Lease, progress: LoadProgress
    ) -> Rebuild:
        client, name = self._servers.client, target.name
        source = find_index(client, name)
        with cluster_errors(index=source.index):
            client.indices.refresh(index=source.index)
        total = count_since(client, source.index, since=rebuild.since)
        rebuild = write_rebuild(client, target.index, replace(rebuild, total=total))
        intervals = RefreshIntervals(client, self._servers.queue)
        seconds = self._settings.indexer_load_refresh_seconds
        with RaisedInterval(intervals, target.index, seconds) as interval:
            copying = _Copying(self._servers, target, rebuild, self._settings, self._sleep)
            pages = walk_ids(
                client,
                source.index,
                page_size=self._settings.indexer_products_per_task,
                after=rebuild.copied_to,
                since=rebuild.since,
            )
            for page in pages:
                copying.send(page)
                while not copying.collect(self._settings.indexer_tasks_in_flight):
                    self._wait(lease, interval)
                progress.update(copying.done, total)
            while not copying.collect(1):
                self._wait(lease, interval)
                progress.update(copying.done, total)
        return write_rebuild(client, target.index, replace(copying.rebuild, step="verifying"))

    def _photos(
        self, target: LiveIndex, rebuild: Rebuild, lease: Lease, progress: LoadProgress
    ) -> Rebuild:
        """Wait until the photos were tried, unless they may come later; note how many there are.

        Raises RebuildStopped when nothing has come in for as long as the patience.
        """
        client = self._servers.client
        if target.image_encoder is None:
            return rebuild
        if rebuild.kind == "rollback" or rebuild.options.get("photos") == "later":
            counts = count_photos(client, target.index, refresh=True)
        else:
            progress.note(f"waiting for the photos of {target.index}")
            patience = self._settings.indexer_patience_seconds
            counts = wait_for_photos(
                client,
                target.index,
                progress,
                patience_seconds=patience,
                sleep=lambda seconds: self._wait(lease, seconds=seconds),
            )
            if counts.left:
                raise RebuildStopped(
                    f"the photos of {counts.left:,} products are left, and none has come in for "
                    f"{patience:.0f} s: start a worker of the lane `photos` and call again, or "
                    "call with --photos later"
                )
        progress.note(described(counts))
        return replace(rebuild, report={**rebuild.report, "photos": counts.to_json()})

    def _verify(
        self, target: LiveIndex, rebuild: Rebuild, lease: Lease, progress: LoadProgress
    ) -> Rebuild:
        client, name = self._servers.client, target.name
        progress.note(f"verifying {target.index}")
        found = verify(
            client,
            find_index(client, name),
            target,
            same_products=rebuild.kind != "feed" and not rebuild.options.get("map"),
            in_flight=lambda: self._servers.outbox.count_in_flight(name),
            sleep=lambda seconds: self._wait(lease, seconds=seconds),
        )
        report = {**rebuild.report, "verification": found.to_json()}
        rebuild = replace(rebuild, report=report)
        if found.problems:
            return self._fail(target, rebuild, "; ".join(found.problems))
        judgements = rebuild.options.get("judgements")
        if judgements:
            progress.note("measuring both versions on the judgement list")
            gate = measure_gate(name, judgements, max_drop=rebuild.options["max_drop"])
            rebuild = replace(rebuild, report={**report, "gate": gate.to_json()})
            if not gate.is_open:
                return self._fail(
                    target,
                    rebuild,
                    f"NDCG@10 would fall from {gate.live:.4f} to {gate.next:.4f}, more than "
                    f"{gate.max_drop} allows",
                )
        return write_rebuild(client, target.index, replace(rebuild, step="ready"))

    def _swap(self, name: str, rebuild: Rebuild, progress: LoadProgress) -> Rebuild:
        client = self._servers.client
        at = int(time.time() * 1_000_000)
        options = {key: value for key, value in rebuild.options.items() if key != "judgements"}
        rebuild = replace(rebuild, options=options)
        target = swap(client, name, rebuild, at=at)
        progress.note(f"{name} is {target.index} from now on; {rebuild.source} is kept")
        for index in drop_older(client, name):
            progress.note(f"dropped {index}, which is older")
        return replace(rebuild, swapped_at=at)

    def _fail(self, target: LiveIndex, rebuild: Rebuild, reason: str) -> Rebuild:
        _log.error("rebuild_failed", index=target.index, reason=reason)
        failed = replace(rebuild, step="failed", failed=reason)
        return write_rebuild(self._servers.client, target.index, failed)

    def _wait(
        self, lease: Lease, interval: RaisedInterval | None = None, seconds: float = _POLL_SECONDS
    ) -> None:
        if lease.is_lost:
            raise RebuildStopped("another process has taken the rebuild over")
        if interval is not None:
            interval.renew()
        self._sleep(seconds)


class _Copying:
    """The batches of a copy: sends pages of ids and keeps up to where all is copied."""

    def __init__(
        self,
        servers: _Servers,
        target: LiveIndex,
        rebuild: Rebuild,
        settings: IndexerSettings,
        sleep: Callable[[float], None],
    ) -> None:
        self._servers = servers
        self._target = target
        self._patience = settings.indexer_patience_seconds
        self._sleep = sleep
        self._sender = BatchSender(servers.outbox, servers.records, target.name)
        self._last_ids: dict[int, str] = {}
        self._saved = time.monotonic()
        self.rebuild = rebuild
        self.done = 0

    def send(self, page: Sequence[str]) -> None:
        """Ask the workers to copy the products of a page."""
        changes = [ProductChange("copy", product_id, {}) for product_id in page]
        try:
            number = self._sender.send(changes).number
        except TemporaryError:
            number = max(self._sender.under_way)
            self._patiently(self._sender.send_again)
        self._last_ids[number] = page[-1]
        if self.rebuild.task_id != self._sender.task_id:
            self._save(task_id=self._sender.task_id)

    def collect(self, limit: int) -> bool:
        """Take outcomes in; return whether fewer than `limit` batches are under way.

        Raises RebuildStopped when a product was rejected or the task was cancelled.
        """
        for batch, outcome in self._patiently(self._sender.collect):
            self.done += len(batch.changes)
            if outcome.cancelled:
                abandon_next(self._servers.client, self._target.name)
                raise RebuildStopped("it was cancelled, and the new version dropped")
            if outcome.rejected:
                first = outcome.rejects[0]
                reason = f"product {first.product_id!r} cannot be brought over: {first.reason}"
                self._save(step="failed", failed=reason)
                raise RebuildStopped(reason)
            if outcome.missing == len(batch.changes) and not find_next(
                self._servers.client, self._target.name
            ):
                raise RebuildStopped("the new version was dropped meanwhile")
        if time.monotonic() - self._saved > _SAVE_SECONDS:
            first_open = min(self._sender.under_way, default=max(self._last_ids, default=0) + 1)
            if (copied_to := self._last_ids.get(first_open - 1)) is not None:
                self._save(copied_to=copied_to)
        return len(self._sender.under_way) < limit

    def _save(self, **changes: object) -> None:
        self._saved = time.monotonic()
        rebuild = replace(self.rebuild, **changes)  # type: ignore[arg-type]
        self.rebuild = write_rebuild(self._servers.client, self._target.index, rebuild)

    def _patiently(self, action: Callable[[], _Result]) -> _Result:
        """Do something with Redis until it works; what Redis has lost is submitted again."""

        def again() -> _Result:
            try:
                return action()
            except UnknownTask:
                self._sender.send_again()
                return action()

        return patiently(again, patience_seconds=self._patience, sleep=self._sleep)
