"""The photo work of some products: read, fetch, encode, write; of this package, read it first."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from elasticsearch import Elasticsearch

from indexer.bulk_writer import BulkWriter, DocumentWrite, StoredDocument, WriteResult
from indexer.encoders.base import ImageEncoder
from indexer.photos.encoders import ImageEncoderPool
from indexer.photos.intake import PhotoIntake
from indexer.photos.making import Made, PhotoMaker, Until
from indexer.photos.photo_state import (
    Failure,
    PhotoRules,
    PhotoState,
    Taken,
    Vector,
    missing,
    photo_update,
    read_photos,
    settled,
)
from indexer.vector_cache import VectorCache
from mappings.encoder_spec import EncoderSpec
from mappings.errors import ClusterOverloaded, PermanentIndexingError
from mappings.index_lifecycle import LiveIndex, find_targets

MAX_ROUNDS = 8
"""Times a product is read again because others write it at the same moment."""

_PRODUCTS_IN_A_WRITE = 64
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PhotoLimits:
    """batch_size: photos in one run of the encoder.

    budget_seconds: after so long no further photo is begun; what is left stays due.
    """

    batch_size: int = 64
    budget_seconds: float = 120.0


@dataclass
class PhotoOutcome:
    """What a run has done. products: written. photos: encoded or found to be as they were."""

    products: int = 0
    photos: int = 0
    failures: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Todo:
    """A product with photo work: its document and addresses, as they were read."""

    document: StoredDocument
    images: Sequence[str]
    state: PhotoState
    wanted: Mapping[str, str]


class PhotoRunner:
    """Does the photo work that documents ask for. Safe to use from several threads.

    It writes the fields of photos alone, on the condition that nobody wrote the document since
    it was read. cache: vectors of photos that some worker encoded lately.
    """

    def __init__(
        self,
        client: Elasticsearch,
        intake: PhotoIntake,
        encoders: ImageEncoderPool,
        *,
        cache: VectorCache | None = None,
        rules: PhotoRules | None = None,
        limits: PhotoLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._writer = BulkWriter(client)
        self._encoders = encoders
        self._rules = rules or PhotoRules()
        self._limits = limits or PhotoLimits()
        self._maker = PhotoMaker(intake, batch_size=self._limits.batch_size, cache=cache)
        self._clock = clock
        self._now = now

    def run(self, name: str, product_ids: Sequence[str]) -> PhotoOutcome:
        """Do what is due for these products, in every version of the index that is written to.

        Raises TemporaryError when trying again later may help, UnknownIndex, EncoderMismatch
        and EncoderUnavailable; whatever was not done stays due.
        """
        outcome = PhotoOutcome()
        for live in find_targets(self._client, name):
            if live.image_encoder is not None:
                self._run_version(live, live.image_encoder, product_ids, outcome)
        return outcome

    def convict(self, name: str, product_ids: Sequence[str], failure: Failure) -> None:
        """Mark what is due for these products as failed, without trying it."""
        for live in find_targets(self._client, name):
            if live.image_encoder is not None:
                todos = self._read(live, product_ids)
                made: Made = {one: failure for todo in todos.values() for one in todo.wanted}
                self._write(live, list(todos.values()), made, PhotoOutcome())

    def _run_version(
        self,
        live: LiveIndex,
        spec: EncoderSpec,
        product_ids: Sequence[str],
        outcome: PhotoOutcome,
    ) -> None:
        deadline = self._clock() + self._limits.budget_seconds
        made: Made = {}  # beyond a round, so that a conflict fetches and encodes nothing twice
        waiting = list(dict.fromkeys(product_ids))
        for _ in range(MAX_ROUNDS):
            todos = self._read(live, waiting)
            waiting = []
            if any(todo.wanted.keys() - made.keys() for todo in todos.values()):
                encoder = self._encoders.encoder(live.index, spec)
                groups = self._in_turn(encoder, todos, made, deadline)
            else:
                groups = iter([list(todos.values())])
            for group in groups:
                waiting += self._write(live, group, made, outcome)
            if not waiting:
                return
        raise ClusterOverloaded(
            f"{len(waiting)} products of {live.name!r} were changed by others {MAX_ROUNDS} times "
            f"in a row, e.g. {waiting[0]!r}"
        )

    def _read(self, live: LiveIndex, product_ids: Sequence[str]) -> dict[str, _Todo]:
        """Return, by product id, those with something to do."""
        now = self._now()
        todos: dict[str, _Todo] = {}
        for name, document in self._writer.read_photos(live.index, product_ids).items():
            state = read_photos(document.source)
            images = document.source.get("images") or []
            wanted = missing(images, state, now=now, rules=self._rules)
            if wanted or (state.due_at is not None and state.due_at <= now):
                todos[name] = _Todo(document, images, state, wanted)
        return todos

    def _in_turn(
        self, encoder: ImageEncoder, todos: Mapping[str, _Todo], made: Made, deadline: float
    ) -> Iterator[list[_Todo]]:
        """Make what is wanted, and yield products as soon as all of theirs is there.

        Products with a photo that was not begun in time come last.
        """
        addresses: dict[str, str] = {}
        for todo in todos.values():
            addresses |= {key: url for key, url in todo.wanted.items() if key not in made}
        open_products = dict(todos)
        batches = self._maker.batches(
            addresses, lambda: encoder, known=_known_vectors(todos), until=Until(deadline)
        )
        for batch in batches:
            made |= batch
            ready = [
                name for name, todo in open_products.items() if todo.wanted.keys() <= made.keys()
            ]
            if len(ready) >= _PRODUCTS_IN_A_WRITE:
                yield [open_products.pop(name) for name in ready]
        yield list(open_products.values())

    def _write(
        self, live: LiveIndex, todos: Sequence[_Todo], made: Made, outcome: PhotoOutcome
    ) -> list[str]:
        """Write what was made; return the products that must be read again."""
        again: list[str] = []
        refused: list[_Todo] = []
        for todo, result in self._sent(live, todos, made):
            if result.state == "conflict":
                again.append(todo.document.product_id)
            elif result.state == "refused":
                refused.append(todo)
                reason = result.reason
            else:
                _count(outcome, [made[key] for key in todo.wanted if key in made])
        if refused:
            return again + self._give_up(live, refused, Failure("refused", reason, lasting=True))
        return again

    def _sent(
        self, live: LiveIndex, todos: Sequence[_Todo], made: Made
    ) -> list[tuple[_Todo, WriteResult]]:
        now = self._now()
        writes = [
            DocumentWrite(
                todo.document.product_id,
                photo_update(settled(todo.images, todo.state, made, now=now, rules=self._rules)),
                todo.document,
                is_partial=True,
            )
            for todo in todos
        ]
        results = self._writer.write(live.index, writes) if writes else {}
        return [(todo, results[todo.document.product_id]) for todo in todos]

    def _give_up(self, live: LiveIndex, todos: Sequence[_Todo], failure: Failure) -> list[str]:
        """Mark photos that Elasticsearch does not take; return the products to be read again.

        Raises PermanentIndexingError when it does not take the marks either.
        """
        _log.error("photos_refused", index=live.index, products=len(todos), reason=failure.message)
        made: Made = {key: failure for todo in todos for key in todo.wanted}
        again: list[str] = []
        for todo, result in self._sent(live, todos, made):
            name = todo.document.product_id
            if result.state == "conflict":
                again.append(name)
            elif result.state == "refused":
                raise PermanentIndexingError(
                    f"the photos of {name!r} of {live.index!r} cannot be marked: {result.reason}"
                )
        return again


def _count(outcome: PhotoOutcome, found: Sequence[Taken | Failure]) -> None:
    outcome.products += 1
    outcome.photos += sum(isinstance(one, Taken) for one in found)
    outcome.failures.update(one.code for one in found if isinstance(one, Failure))


def _known_vectors(todos: Mapping[str, _Todo]) -> dict[str, Vector]:
    """Return content to vector of the photos that the documents have."""
    return {photo.content: photo.vector for todo in todos.values() for photo in todo.state.photos}
