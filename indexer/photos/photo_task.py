"""One message of the photos' lane: its products together, or one by one after a worker's death."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import structlog

from indexer.photos.hints import FEW_WAITING_MESSAGES, PhotoHints
from indexer.photos.photo_state import Failure
from mappings.errors import QueueUnavailable, ShelfwiseError, TemporaryError
from mappings.tracing import span

if TYPE_CHECKING:  # what opens photos is loaded with the first of them
    from indexer.photos.photo_runner import PhotoOutcome, PhotoRunner

DEATHS_THAT_CONVICT = 3
"""A start that never ended may have any cause, e.g. a machine that was switched off, or another
worker that has the same product at this moment."""

LOGGED_PRODUCTS = 10
"""Products of a message that its line in the log names."""

OnPhotosDone = Callable[[str, int, Mapping[str, int]], None]
"""Told the index, the number of photos that are there, and that of failures by code."""

Result = Literal["done", "failed", "unexpected"]
"""unexpected: in a way that nobody thought of, so that one of the products may be to blame."""

_log = structlog.get_logger(__name__)


class PhotoTask:
    """Runs messages; what it cannot do stays due in the documents.

    more: told of the index when few messages wait, to send what else is due. on_done: told what
    became of photos.
    """

    def __init__(
        self,
        runner: Callable[[], PhotoRunner],
        hints: PhotoHints,
        *,
        more: Callable[[str], object] = lambda name: None,
        on_done: OnPhotosDone = lambda index, photos, failures: None,
    ) -> None:
        self._runner = runner
        self._hints = hints
        self._more = more
        self._on_done = on_done

    def run(self, name: str, product_ids: Sequence[str]) -> None:
        """Do the photo work of products. Raises QueueUnavailable without Redis."""
        if not product_ids:
            return
        deaths = self._hints.starts(name, product_ids)
        suspects = [one for one in product_ids if deaths[one]]
        innocent = [one for one in product_ids if not deaths[one]]
        is_fine = True
        if innocent:
            result = self._try(name, innocent)
            is_fine = result != "failed"
            if result == "unexpected":
                suspects += innocent
        # Those with fewer deaths first: one that kills comes after all it would take along.
        for one in sorted(suspects, key=lambda one: deaths[one]):
            is_fine &= self._alone(name, one, deaths[one])
        if is_fine and self._hints.waiting() <= FEW_WAITING_MESSAGES:
            self._more(name)

    def _alone(self, name: str, product_id: str, deaths: int) -> bool:
        if deaths < DEATHS_THAT_CONVICT:
            return self._try(name, [product_id]) == "done"
        _log.error("photos_convicted", index=name, product=product_id, deaths=deaths)
        reason = f"{deaths} workers died over the photos of this product"
        self._runner().convict(name, [product_id], Failure("worker_died", reason, lasting=True))
        self._hints.end(name, [product_id])
        return True

    def _try(self, name: str, product_ids: Sequence[str]) -> Result:
        self._hints.begin(name, product_ids)
        result: Result = "done"
        keep_marks = False
        try:
            with span("worker.photos", index=name, products=len(product_ids)):
                outcome = self._runner().run(name, product_ids)
            self._on_done(name, outcome.photos, outcome.failures)
            _say(name, product_ids, outcome)
        except QueueUnavailable:
            raise
        except TemporaryError as error:
            _log.warning("photos_postponed", index=name, reason=error.message)
            result = "failed"
        except ShelfwiseError as error:  # e.g. no encoder here; at once it would be no better
            _log.error("photos_not_done", index=name, reason=error.message)
            keep_marks, result = True, "failed"
        except Exception:
            _log.exception("photos_failed", index=name, products=list(product_ids)[:5])
            keep_marks, result = True, "unexpected"
        self._hints.end(name, product_ids, keep_marks=keep_marks)
        return result


def _say(name: str, product_ids: Sequence[str], outcome: PhotoOutcome) -> None:
    _log.info(
        "photos_done",
        index=name,
        of=list(product_ids[:LOGGED_PRODUCTS]),
        products=outcome.products,
        photos=outcome.photos,
        failures=dict(outcome.failures),
    )
