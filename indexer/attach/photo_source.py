"""What documents of a shop should say of their photos: what is there stays, the rest is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from elasticsearch import Elasticsearch

from indexer.attach.feed import FeedDocument
from indexer.attach.field_paths import FieldPaths
from indexer.attach.photo_state import (
    PHOTO_PATHS,
    encoder_mark,
    image_addresses,
    is_settled,
    read_state,
    state_update,
)
from indexer.attach.whole_documents import read_whole
from indexer.photos.photo_state import PhotoRules, PhotoState, carried
from mappings.attachments import OWN_FIELD
from mappings.encoder_spec import EncoderSpec


class PhotoSource:
    """Says what to write of photos together with the text; nothing is fetched here.

    donors: indexes, the most likely first, whose documents of the same id may have the photos.
    """

    def __init__(
        self,
        client: Elasticsearch,
        spec: EncoderSpec,
        paths: FieldPaths,
        *,
        rules: PhotoRules,
        donors: Sequence[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._paths = paths
        self._mark = encoder_mark(spec)
        self._rules = rules
        self._donors = donors
        self._now = now

    @property
    def paths(self) -> list[str]:
        """Return the paths that the addresses are read from."""
        return list(self._paths.get("images", ()))

    def updates(self, documents: Sequence[FeedDocument]) -> dict[int, dict[str, Any]]:
        """Return, by place, what to set under our field in documents that do not say it yet."""
        now = self._now()
        images = [image_addresses(document.source, self._paths) for document in documents]
        stored = [read_state(document.own, self._mark) for document in documents]
        donated = self._donated(documents, images, stored)
        updates = {}
        for place, document in enumerate(documents):
            known = (stored[place], *donated.get(place, ()))
            wanted = carried(images[place], known, now=now, rules=self._rules)
            if not is_settled(document.own, stored[place], wanted):
                updates[place] = state_update(wanted, self._mark)
        return updates

    def _donated(
        self,
        documents: Sequence[FeedDocument],
        images: Sequence[Sequence[str]],
        stored: Sequence[PhotoState],
    ) -> Mapping[int, list[PhotoState]]:
        """Return, by place, the states of the same documents elsewhere, if any are needed."""
        places = [
            place
            for place, addresses in enumerate(images)
            if addresses and stored[place] == PhotoState()
        ]
        ids = [(documents[place].document_id, documents[place].routing) for place in places]
        found: dict[int, list[PhotoState]] = {place: [] for place in places}
        for donor in self._donors:
            answers = read_whole(self._client, donor, ids, paths=PHOTO_PATHS)
            for place, answer in zip(places, answers, strict=True):
                own = answer.get("_source", {}).get(OWN_FIELD)
                if isinstance(own, Mapping):
                    found[place].append(read_state(own, self._mark))
        return found
