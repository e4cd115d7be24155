"""What a document knows of its photos, and what becomes of that: pure functions.

The document is the list of what is to be done. Whoever writes a product leaves the photos of
addresses that stay, and sets `photos_due_at` when one is missing; whoever has fetched and encoded
photos writes those fields alone, and takes `photos_due_at` away when nothing is left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from mappings.product import PHOTOS

Vector = NDArray[np.float32]

LONGEST_WAIT_SECONDS = 3_600.0
"""Between two attempts for photos that cannot be fetched for now."""

MAX_MESSAGE_CHARACTERS = 300


@dataclass(frozen=True)
class Photo:
    """A photo that was encoded.

    position: of its address in the product's `images`, from 0. address_hash: `hash_address` of
    it. content: sha256 (hex) of the bytes. vector: float32 [dims]. fetched_at: None if unknown.
    """

    position: int
    address_hash: str
    content: str
    vector: Vector
    fetched_at: datetime | None = None


@dataclass(frozen=True)
class PhotoFault:
    """A photo that is not there. code: short and stable. lasting: not tried again by itself."""

    position: int
    address_hash: str
    code: str
    message: str
    lasting: bool
    at: datetime


@dataclass(frozen=True)
class PhotoState:
    """All that a document keeps of photos.

    attempts: how often in a row something could not be fetched. due_at: when there is
    work, None when nothing is left to do.
    """

    photos: tuple[Photo, ...] = ()
    faults: tuple[PhotoFault, ...] = ()
    attempts: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True)
class ProductPhotos:
    """The addresses of a product that is about to be written, and what is known of its photos."""

    images: Sequence[str]
    state: PhotoState


@dataclass(frozen=True)
class Failure:
    """Why a photo could not be had. retry_after_seconds: as its server asks, if it does."""

    code: str
    message: str
    lasting: bool
    retry_after_seconds: float | None = None


@dataclass(frozen=True)
class Taken:
    """A photo that was had. content: sha256 (hex) of the bytes."""

    content: str
    vector: Vector


@dataclass(frozen=True)
class PhotoRules:
    """When photos are fetched again.

    fresh: how long one is taken as it is. max_attempts: until a fault is lasting.
    backoff_seconds: before the second attempt, doubled for each further one.
    """

    fresh: timedelta = timedelta(days=30)
    max_attempts: int = 10
    backoff_seconds: float = 30.0


def hash_address(address: str) -> str:
    """Return sha256 (hex) of an address, which itself may be long or hold a key."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()


def places_of(images: Sequence[str]) -> dict[str, int]:
    """Return hash to position of the addresses; one that comes twice counts where it is first."""
    places: dict[str, int] = {}
    for position, address in enumerate(images):
        places.setdefault(hash_address(address), position)
    return places


def read_photos(source: Mapping[str, Any]) -> PhotoState:
    """Return what a document's fields say, with the vectors."""
    return PhotoState(
        photos=tuple(
            Photo(
                position=raw["position"],
                address_hash=raw["address_hash"],
                content=raw["content"],
                vector=np.asarray(raw["vector"], dtype=np.float32),
                fetched_at=_date(raw.get("fetched_at")),
            )
            for raw in _listed(source.get(PHOTOS))
        ),
        faults=tuple(
            PhotoFault(**{**raw, "at": datetime.fromisoformat(raw["at"])})
            for raw in orjson.loads(source.get("photo_faults") or "[]")
        ),
        attempts=source.get("photo_attempts") or 0,
        due_at=_date(source.get("photos_due_at")),
    )


def photo_fields(state: PhotoState) -> dict[str, Any]:
    """Return the fields of a document that keep a state; those without a value are left out."""
    return {name: value for name, value in photo_update(state).items() if value is not None}


def photo_update(state: PhotoState) -> dict[str, Any]:
    """Return the fields to set in a stored document, None for those to be taken away."""
    photos = [
        {
            "position": photo.position,
            "address_hash": photo.address_hash,
            "content": photo.content,
            "vector": photo.vector,
        }
        | ({} if photo.fetched_at is None else {"fetched_at": _text(photo.fetched_at)})
        for photo in state.photos
    ]
    faults = [
        {
            "position": fault.position,
            "address_hash": fault.address_hash,
            "code": fault.code,
            "message": fault.message[:MAX_MESSAGE_CHARACTERS],
            "lasting": fault.lasting,
            "at": _text(fault.at),
        }
        for fault in state.faults
    ]
    return {
        PHOTOS: photos or None,
        "photo_faults": orjson.dumps(faults).decode() if faults else None,
        "photo_problems": sorted({fault.code for fault in state.faults}) or None,
        "photo_attempts": state.attempts or None,
        "photos_due_at": None if state.due_at is None else _text(state.due_at),
    }


def is_due(document: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a document asks for photo work that need not wait."""
    due = _date(document.get("photos_due_at"))
    return due is not None and due <= now


def carried(
    images: Sequence[str], known: Iterable[PhotoState], *, now: datetime, rules: PhotoRules
) -> PhotoState:
    """Return the state of a product that is written whole, with these addresses.

    known: of the stored document, then of others whose photos the same encoder made. Photos and
    faults of addresses that stay are kept; work is due at once when a photo is missing or old.
    """
    places = places_of(images)
    photos: dict[str, Photo] = {}
    faults: dict[str, PhotoFault] = {}
    attempts, waits = 0, []
    for state in known:
        for photo in state.photos:
            photos.setdefault(photo.address_hash, photo)
        for fault in state.faults:
            faults.setdefault(fault.address_hash, fault)
        attempts = max(attempts, state.attempts)
        waits += [state.due_at] if state.due_at else []
    kept = PhotoState(
        photos=tuple(
            replace(photos[name], position=place)
            for name, place in places.items()
            if name in photos
        ),
        faults=tuple(
            replace(faults[name], position=place)
            for name, place in places.items()
            if name in faults and name not in photos
        ),
    )
    if _untried(places, kept, now=now, rules=rules):
        return replace(kept, due_at=now)
    if any(not fault.lasting for fault in kept.faults):
        return replace(kept, attempts=attempts, due_at=min(waits, default=now))
    return replace(kept, attempts=attempts if kept.faults else 0)


def missing(
    images: Sequence[str], state: PhotoState, *, now: datetime, rules: PhotoRules
) -> dict[str, str]:
    """Return hash to address of the photos that should be fetched now.

    Those that failed for now wait until they are due; others do not, as clocks may differ.
    """
    if state.due_at is None:
        return {}
    places = places_of(images)
    wanted = _untried(places, state, now=now, rules=rules)
    if state.due_at <= now:
        wanted |= {fault.address_hash for fault in state.faults if not fault.lasting}
    return {name: images[place] for name, place in places.items() if name in wanted}


def settled(
    images: Sequence[str],
    state: PhotoState,
    made: Mapping[str, Taken | Failure],
    *,
    now: datetime,
    rules: PhotoRules,
) -> PhotoState:
    """Return the state after an attempt.

    made: by hash of the address, what became of those that were tried; the others stay due.
    An old photo is kept while its address cannot be fetched for now, and goes with it for good.
    """
    wanted = missing(images, state, now=now, rules=rules)
    places = places_of(images)
    failures = {
        name: found
        for name, found in made.items()
        if isinstance(found, Failure) and name in wanted
    }
    photos = {photo.address_hash: photo for photo in state.photos}
    for name, found in made.items():
        if isinstance(found, Taken) and name in wanted:
            photos[name] = Photo(places[name], name, found.content, found.vector, now)
        elif name in failures and failures[name].lasting:
            photos.pop(name, None)
    attempts = state.attempts + 1
    is_over = attempts >= rules.max_attempts
    faults = {
        fault.address_hash: fault for fault in state.faults if fault.address_hash not in made
    }
    for name, failure in failures.items():
        lasting = failure.lasting or is_over
        faults[name] = PhotoFault(places[name], name, failure.code, failure.message, lasting, now)
    after = PhotoState(
        photos=tuple(
            replace(photos[name], position=places[name]) for name in places if name in photos
        ),
        faults=tuple(
            replace(faults[name], position=places[name]) for name in places if name in faults
        ),
    )
    if any(name not in made for name in wanted):
        return replace(after, attempts=state.attempts, due_at=now)
    if any(not fault.lasting for fault in after.faults):
        asked = max((one.retry_after_seconds or 0.0 for one in failures.values()), default=0.0)
        wait = min(LONGEST_WAIT_SECONDS, max(asked, _backoff(state.attempts, rules)))
        return replace(after, attempts=attempts, due_at=now + timedelta(seconds=wait))
    return replace(after, attempts=attempts if failures else 0)


def revived(
    images: Sequence[str], state: PhotoState, *, codes: frozenset[str], now: datetime
) -> PhotoState:
    """Return the state with faults forgotten, so that their photos are tried at once.

    codes: of the faults; empty for all. The state itself when there is none of them.
    """
    kept = tuple(fault for fault in state.faults if codes and fault.code not in codes)
    if len(kept) == len(state.faults) or not images:
        return state
    return replace(state, faults=kept, attempts=0, due_at=now)


def _untried(
    places: Mapping[str, int], state: PhotoState, *, now: datetime, rules: PhotoRules
) -> set[str]:
    """Return the addresses without photo and fault, and those whose photo is old."""
    known = {photo.address_hash: photo.fetched_at for photo in state.photos}
    faulty = {fault.address_hash for fault in state.faults}
    return {
        name
        for name in places
        if name not in faulty and (name not in known or _is_old(known[name], now, rules))
    }


def _is_old(fetched_at: datetime | None, now: datetime, rules: PhotoRules) -> bool:
    return fetched_at is None or now - fetched_at > rules.fresh


def _backoff(attempts: int, rules: PhotoRules) -> float:
    return float(rules.backoff_seconds * 2.0 ** min(attempts, 32))


def _listed(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - one nested document or several
    return [] if value is None else value if isinstance(value, list) else [value]


def _date(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
