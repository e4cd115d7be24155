"""What a batch of changes does to an index: check, compare, embed, write."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from elasticsearch import Elasticsearch

from indexer.bulk_writer import BulkWriter, DocumentWrite, StoredDocument
from indexer.change_checks import CheckedChange, check_change
from indexer.change_plan import (
    ChangeOutcome,
    ProductPlan,
    needs_whole,
    plan_product,
)
from indexer.copying import Copier, Remap
from indexer.encoder_pool import EncoderPool
from indexer.encoders.base import TextEncoder
from indexer.late_changes import InFlight
from indexer.photos.photo_state import PhotoRules, is_due
from indexer.repeated_changes import find_repeated
from indexer.vector_cache import VectorCache
from indexer.write_preparer import WritePreparer
from mappings.errors import ClusterOverloaded, ProductRejected, UnknownIndex
from mappings.feeds.field_map import parse_map
from mappings.index_lifecycle import LiveIndex, find_targets
from mappings.index_versions import read_rebuild
from mappings.product import Product
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome, Reject

if TYPE_CHECKING:  # what opens photos is loaded by a worker that gets some, and by no other
    from indexer.photos.ahead import PhotosAhead

MAX_ROUNDS = 8
"""Times a product is read and planned because others write it at the same moment."""
PHOTOS_AT_ONCE = 256
"""Photos that are made before their products are written: a second's work of the small tower."""

_LONGEST_ROUND_WAIT_SECONDS = 0.1
_INDEX_CHECK_SECONDS = 10.0


_REBUILD_OPERATIONS = frozenset({"copy", "fill"})


class Pipeline:
    """Applies batches of changes; may be used by several threads, which share the encoders.

    encoders: what fills the text vectors of an index, unless the shop brings them.
    cache: vectors of texts that some worker encoded lately.
    in_flight: without it no older change is expected to come late.
    photo_rules: when photos that are there are due again.
    photos_ahead: makes photos before their product is written, None to leave all to their lane.
    on_photos_due: told of an index and the products in it whose photos were missing when they
    were written; must not fail.
    """

    def __init__(
        self,
        client: Elasticsearch,
        encoders: EncoderPool | TextEncoder,
        *,
        writer: BulkWriter | None = None,
        cache: VectorCache | None = None,
        in_flight: InFlight | None = None,
        photo_rules: PhotoRules | None = None,
        photos_ahead: PhotosAhead | None = None,
        on_photos_due: Callable[[str, Sequence[str]], None] = lambda name, product_ids: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._encoders = encoders if isinstance(encoders, EncoderPool) else EncoderPool(encoders)
        self._writer = writer or BulkWriter(client, sleep=sleep)
        self._preparer = WritePreparer(
            self._writer, self._encoders, cache=cache, photo_rules=photo_rules, now=now
        )
        self._copier = Copier(self._writer, self._preparer)
        self._in_flight = in_flight
        self._photos_ahead = photos_ahead
        self._on_photos_due = on_photos_due
        self._now = now
        self._clock = clock
        self._sleep = sleep
        self._targets: dict[str, tuple[float, tuple[LiveIndex, ...]]] = {}

    def process(
        self, index: str, changes: Sequence[ProductChange], *, with_photos: bool = True
    ) -> BatchOutcome:
        """Apply the changes, several of one product in their order, and return the outcome.

        with_photos: whether photos may be made before their product is written; not after a
        worker has died over the changes, as the photos' lane finds out which one it was.
        While a new version of the index is built, it gets the changes too; the outcome is that
        of the live one. A reject's position is that of its change, from 0.
        Raises TemporaryError when trying again later may help: what was written until then
        will be found unchanged. Raises EncoderNeeded when this worker has no encoder and the
        changes need one; UnknownIndex, EncoderMismatch, MappingMismatch for the index as a whole.
        """
        if any(change.operation in _REBUILD_OPERATIONS for change in changes):
            return self._fill_next(index, changes)
        done: dict[str, BatchOutcome] = {}
        ahead = self._photos_ahead if with_photos else None
        targets = self._known_targets(index)
        while True:
            for live in targets:
                if live.index not in done:
                    try:
                        done[live.index] = self._apply(live, changes, ahead)
                    except UnknownIndex:
                        if live.index in {one.index for one in self._find_targets(index)}:
                            raise
            # A version that appeared meanwhile copies what was there when it did. What was
            # written since it must get from us, so the aliases are asked once more.
            targets = self._find_targets(index)
            if all(live.index in done for live in targets):
                return done[targets[0].index]

    def _fill_next(self, index: str, changes: Sequence[ProductChange]) -> BatchOutcome:
        """Bring products into the version that is being built; nothing when there is none."""
        targets = self._find_targets(index)
        if len(targets) == 1:
            return BatchOutcome(missing=len(changes))
        source, target = targets
        self._encoders.check(target)
        fills = [replace(one, operation="upsert") for one in changes if one.operation == "fill"]
        if len(fills) == len(changes):
            return self._apply(target, fills)
        places: dict[str, int] = {one.product_id: at for at, one in enumerate(changes)}
        outcomes: dict[int, ChangeOutcome] = {}
        remap = self._remap(target)
        for _ in range(MAX_ROUNDS):
            waiting = [name for name, place in places.items() if place not in outcomes]
            copied = self._copier.copy(source, target, waiting, remap=remap)
            outcomes |= {places[name]: outcome for name, outcome in copied.items()}
            if len(outcomes) == len(places):
                return _summary(outcomes)
        raise ClusterOverloaded(f"products of {index!r} changed while they were copied")

    def _remap(self, target: LiveIndex) -> Remap | None:
        text = read_rebuild(self._client, target.index).options.get("map")
        if not text:
            return None
        mapping = parse_map(text.encode(), where="the rebuild's map")

        def remap(fields: Mapping[str, Any]) -> Product:
            return Product.parse(mapping.apply(fields).fields)

        return remap

    def _known_targets(self, index: str) -> tuple[LiveIndex, ...]:
        known = self._targets.get(index)
        if known is not None and self._clock() < known[0]:
            return known[1]
        return self._find_targets(index)

    def _find_targets(self, index: str) -> tuple[LiveIndex, ...]:
        targets = find_targets(self._client, index)
        self._targets[index] = (self._clock() + _INDEX_CHECK_SECONDS, targets)
        return targets

    def _apply(
        self, live: LiveIndex, changes: Sequence[ProductChange], ahead: PhotosAhead | None = None
    ) -> BatchOutcome:
        self._encoders.check(live)
        # Asked before anything is read: what was on its way then, and is done now, was read.
        late = self._late_products(live, changes)
        outcomes = find_repeated(self._writer, live.index, changes, late=late)
        waiting = _check_all(changes, live, outcomes)
        for round_number in range(MAX_ROUNDS):
            if round_number:
                self._sleep(random.uniform(0, _LONGEST_ROUND_WAIT_SECONDS))  # noqa: S311
            waiting = self._round(live, waiting, late, outcomes, ahead)
            if not waiting:
                return _summary(outcomes)
        raise ClusterOverloaded(
            f"{len(waiting)} products of {live.name!r} were changed by others {MAX_ROUNDS} times "
            f"in a row, e.g. {next(iter(waiting))!r}"
        )

    def _round(
        self,
        live: LiveIndex,
        waiting: Mapping[str, list[CheckedChange]],
        late: frozenset[str],
        outcomes: dict[int, ChangeOutcome],
        ahead: PhotosAhead | None,
    ) -> dict[str, list[CheckedChange]]:
        """Plan and write every waiting product; return those that must be planned again."""
        stored = self._read(live, waiting)
        plans = [
            plan_product(name, stored.get(name), changes) for name, changes in waiting.items()
        ]
        written = [
            plan
            for plan in plans
            if plan.needs_write or (plan.needs_order and plan.product_id in late)
        ]
        done: set[str] = set()
        refused: dict[str, str] = {}
        for group in [written] if ahead is None else _by_photos(written):
            self._write(live, group, ahead, done, refused)
        done |= {plan.product_id for plan in plans} - {plan.product_id for plan in written}
        again: dict[str, list[CheckedChange]] = {}
        for plan in plans:
            name = plan.product_id
            if name in refused:
                outcomes.update(_rejected(plan, refused[name]))
            elif name in done:
                outcomes.update(plan.outcomes)
            else:
                again[name] = waiting[name]
        return again

    def _write(
        self,
        live: LiveIndex,
        plans: Sequence[ProductPlan],
        ahead: PhotosAhead | None,
        done: set[str],
        refused: dict[str, str],
    ) -> None:
        """Write products, and add to those that are done and to the reasons of those refused."""
        writes, unfit = self._preparer.prepare(live, plans, ahead=ahead)
        refused |= unfit
        results = self._writer.write(live.index, writes) if writes else {}
        refused |= {
            name: result.reason for name, result in results.items() if result.state == "refused"
        }
        written = {name for name, result in results.items() if result.state == "written"}
        done |= written
        self._say_due(live, [write for write in writes if write.product_id in written])

    def _say_due(self, live: LiveIndex, written: Sequence[DocumentWrite]) -> None:
        now = self._now()
        due = [one.product_id for one in written if is_due(one.document or {}, now)]
        if due:
            self._on_photos_due(live.name, due)

    def _read(
        self, live: LiveIndex, waiting: Mapping[str, list[CheckedChange]]
    ) -> dict[str, StoredDocument]:
        changes = {name: [one.change for one in checked] for name, checked in waiting.items()}
        whole = frozenset(name for name, group in changes.items() if needs_whole(None, group))
        stored = self._writer.read(live.index, list(waiting), whole=whole)
        late = [
            name
            for name, group in changes.items()
            if name not in whole and name in stored and needs_whole(stored[name], group)
        ]
        if late:
            again = self._writer.read(live.index, late, whole=frozenset(late))
            stored = {name: one for name, one in stored.items() if name not in late} | again
        return stored

    def _late_products(self, live: LiveIndex, changes: Sequence[ProductChange]) -> frozenset[str]:
        """Return the products of which changes that are not among these are on their way."""
        if self._in_flight is None:
            return frozenset()
        ours = Counter(change.product_id for change in changes)
        counts = self._in_flight.in_flight(live.name, list(ours))
        return frozenset(name for name, count in ours.items() if counts.get(name, 0) > count)


def _check_all(
    changes: Sequence[ProductChange], live: LiveIndex, outcomes: dict[int, ChangeOutcome]
) -> dict[str, list[CheckedChange]]:
    """Return the good changes by product, in order; the others get their outcome.

    Those that have one already are left out.
    """
    good: dict[str, list[CheckedChange]] = {}
    for position, change in enumerate(changes):
        if position in outcomes:
            continue
        try:
            checked = check_change(position, change, live)
        except ProductRejected as error:
            outcomes[position] = ChangeOutcome(
                change.product_id, "rejected", error.field, error.message
            )
        else:
            good.setdefault(change.product_id, []).append(checked)
    return good


def _by_photos(plans: Sequence[ProductPlan]) -> Iterator[list[ProductPlan]]:
    """Yield groups with so few photos that none of them waits long for those of the others."""
    group: list[ProductPlan] = []
    photos = 0
    for plan in plans:
        count = len(plan.final.fields.get("images") or ())
        if group and photos + count > PHOTOS_AT_ONCE:
            yield group
            group, photos = [], 0
        group.append(plan)
        photos += count
    if group:
        yield group


def _rejected(plan: ProductPlan, reason: str) -> dict[int, ChangeOutcome]:
    return {
        position: ChangeOutcome(plan.product_id, "rejected", None, reason)
        if outcome.outcome in {"indexed", "deleted"}
        else outcome
        for position, outcome in plan.outcomes.items()
    }


def _summary(outcomes: Mapping[int, ChangeOutcome]) -> BatchOutcome:
    counts = Counter(outcome.outcome for outcome in outcomes.values())
    rejects = tuple(
        Reject(outcome.product_id, outcome.field, outcome.reason, position)
        for position, outcome in sorted(outcomes.items())
        if outcome.outcome == "rejected"
    )
    return BatchOutcome(
        indexed=counts["indexed"],
        unchanged=counts["unchanged"],
        deleted=counts["deleted"],
        stale=counts["stale"],
        missing=counts["missing"],
        rejects=rejects,
        rejected=len(rejects),
        by_position={at: one.outcome for at, one in outcomes.items()},
    )
