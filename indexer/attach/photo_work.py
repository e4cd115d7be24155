"""Fetches and encodes what attached documents say is due of photos, and writes it to them.

The documents are the list of what is to do, as in an index of ours. A worker may die at any
point: a photo is due until the write that says what became of it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from elasticsearch import Elasticsearch

from indexer.attach.guarded_bulk import BulkOutcome, send_guarded
from indexer.attach.photo_documents import PhotoDocument, read_documents, state_write
from indexer.attach.photo_state import encoder_mark, state_update
from indexer.attach.throttle import Throttle
from indexer.photos.encoders import ImageEncoderPool
from indexer.photos.hints import PhotoHints
from indexer.photos.making import Made, PhotoMaker, Until
from indexer.photos.photo_state import (
    Failure,
    PhotoRules,
    Vector,
    missing,
    settled,
)
from indexer.photos.photo_task import DEATHS_THAT_CONVICT, OnPhotosDone
from mappings.attachments import ATTACHED_PHOTOS_DUE, Attachment
from mappings.cluster import cluster_errors
from mappings.encoder_spec import EncoderSpec
from mappings.errors import ShelfwiseError
from mappings.product import IMAGE_VECTOR

DOCUMENTS_AT_ONCE = 64
_LISTED = 2_000
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Todo:
    """A document with photo work. wanted: hash to address."""

    document: PhotoDocument
    wanted: Mapping[str, str]


class AttachedPhotos:
    """Does the photo work of attached indexes; the caller holds the lease of an index's photos.

    hints: counts starts, so that a photo over which workers die is found and given up.
    seconds: after so long no further photo is begun, so that new words do not wait for photos.
    on_done: told of the index, how many photos were made, and of the failures by code.
    """

    def __init__(
        self,
        client: Elasticsearch,
        maker: PhotoMaker,
        encoders: ImageEncoderPool,
        hints: PhotoHints,
        *,
        rules: PhotoRules | None = None,
        seconds: float = 20.0,
        on_done: OnPhotosDone = lambda index, photos, failures: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._maker = maker
        self._encoders = encoders
        self._hints = hints
        self.rules = rules or PhotoRules()
        self._seconds = seconds
        self._on_done = on_done
        self._clock = clock
        self._now = now

    def is_due(self, attachment: Attachment) -> bool:
        """Return whether some document has photo work that need not wait; a cheap question."""
        return bool(self._due_ids(attachment, 1)) if _spec(attachment) else False

    def run(
        self,
        attachment: Attachment,
        *,
        rate: float | None = None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> int:
        """Do what is due until the time is over; return how many documents were written.

        rate: most documents a second. A photo that cannot be had is marked in its document and
        harms no other. Raises TemporaryError, EncoderUnavailable and EncoderMismatch; whatever
        was not done stays due.
        """
        spec = _spec(attachment)
        if spec is None:
            return 0
        deadline = self._clock() + self._seconds
        throttle = Throttle(rate)
        written = 0
        ids = self._due_ids(attachment, _LISTED)
        for some in self._in_turn(attachment.index, ids):
            if is_over() or self._clock() >= deadline:
                break
            done = self._do(attachment, spec, some, deadline)
            throttle.passed(done)
            written += done
        if written and attachment.mode == "companion":
            # Whose own refreshes may be as seldom as the shop's.
            with cluster_errors(index=attachment.target):
                self._client.indices.refresh(index=attachment.target)
        return written

    def _in_turn(
        self, index: str, ids: Sequence[tuple[str, str | None]]
    ) -> Iterator[Sequence[tuple[str, str | None]]]:
        """Yield documents to do together; those over which a worker has died come alone, last."""
        if not ids:
            return
        deaths = self._hints.starts(_work(index), [name for name, _ in ids])
        innocent = [one for one in ids if not deaths[one[0]]]
        for start in range(0, len(innocent), DOCUMENTS_AT_ONCE):
            yield innocent[start : start + DOCUMENTS_AT_ONCE]
        for one in sorted(ids, key=lambda one: deaths[one[0]]):
            if deaths[one[0]]:
                yield [one]

    def _do(
        self,
        attachment: Attachment,
        spec: EncoderSpec,
        ids: Sequence[tuple[str, str | None]],
        deadline: float,
    ) -> int:
        names = [name for name, _ in ids]
        todos = self._read(attachment, spec, ids)
        work = _work(attachment.index)
        deaths = max(self._hints.starts(work, names).values())
        made: Made = {}
        if deaths >= DEATHS_THAT_CONVICT:
            _log.error("photos_convicted", index=attachment.index, product=names[0], deaths=deaths)
            reason = f"{deaths} workers died over the photos of this document"
            made = _failed(todos, Failure("worker_died", reason, lasting=True))
        else:
            self._hints.begin(work, names)
        try:
            if not made:
                made = self._made(attachment, spec, todos, deadline)
            done = self._write(attachment, spec, todos, made)
        except ShelfwiseError:
            self._hints.end(work, names)
            raise
        except Exception:  # one of them may be to blame: they come alone next time
            _log.exception("photos_failed", index=attachment.index, products=names[:5])
            return 0
        self._hints.end(work, names)  # not when the process dies
        self._tell(attachment.index, todos, made)
        return done

    def _made(
        self, attachment: Attachment, spec: EncoderSpec, todos: Sequence[_Todo], deadline: float
    ) -> Made:
        addresses = {key: url for todo in todos for key, url in todo.wanted.items()}
        known: dict[str, Vector] = {
            photo.content: photo.vector for todo in todos for photo in todo.document.state.photos
        }
        made: Made = {}
        if addresses:
            for batch in self._maker.batches(
                addresses,
                lambda: self._encoders.encoder(attachment.index, spec),
                known=known,
                until=Until(deadline),
            ):
                made |= batch
        return made

    def _write(
        self, attachment: Attachment, spec: EncoderSpec, todos: Sequence[_Todo], made: Made
    ) -> int:
        """Write what became of photos; a document that was written meanwhile stays due."""
        outcome = self._sent(attachment, spec, todos, made)
        refused = [todo for todo in todos if todo.document.document_id in outcome.refused]
        if refused:
            reason = outcome.refused[refused[0].document.document_id]
            _log.error("photos_refused", index=attachment.index, reason=reason)
            failed = _failed(refused, Failure("refused", reason, lasting=True))
            self._sent(attachment, spec, refused, failed)
        return outcome.written

    def _sent(
        self, attachment: Attachment, spec: EncoderSpec, todos: Sequence[_Todo], made: Made
    ) -> BulkOutcome:
        now, mark = self._now(), encoder_mark(spec)
        writes = []
        for todo in todos:
            read = todo.document
            state = settled(read.images, read.state, made, now=now, rules=self.rules)
            writes.append(state_write(attachment, read, state_update(state, mark)))
        return send_guarded(self._client, attachment.target, writes)

    def _read(
        self, attachment: Attachment, spec: EncoderSpec, ids: Sequence[tuple[str, str | None]]
    ) -> list[_Todo]:
        """Return those of the documents that have photo work at this moment."""
        now = self._now()
        return [
            _Todo(document, missing(document.images, document.state, now=now, rules=self.rules))
            for document in read_documents(self._client, attachment, spec, ids)
            if document.state.due_at is not None and document.state.due_at <= now
        ]

    def _due_ids(self, attachment: Attachment, size: int) -> list[tuple[str, str | None]]:
        now = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
        with cluster_errors(index=attachment.target):
            answer = self._client.search(
                index=attachment.target,
                query={"range": {ATTACHED_PHOTOS_DUE: {"lte": now}}},
                size=size,
                source=False,
                track_total_hits=False,
            )
        return [(hit["_id"], hit.get("_routing")) for hit in answer["hits"]["hits"]]

    def _tell(self, index: str, todos: Sequence[_Todo], made: Made) -> None:
        failures = Counter(one.code for one in made.values() if isinstance(one, Failure))
        self._on_done(index, len(made) - failures.total(), failures)
        if todos:
            _log.info(
                "photos_done",
                index=index,
                products=len(todos),
                photos=len(made) - failures.total(),
                failures=dict(failures),
            )


def _spec(attachment: Attachment) -> EncoderSpec | None:
    return attachment.encoders.get(IMAGE_VECTOR)


def _failed(todos: Sequence[_Todo], failure: Failure) -> Made:
    return {key: failure for todo in todos for key in todo.wanted}


def _work(index: str) -> str:
    """Return the name that starts are counted by, which no index of ours has."""
    return f"attached:{index}"
