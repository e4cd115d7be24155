"""What an attached document keeps of its photos, under our field: pure functions.

The same state as a product's of an index of ours, and the digest of the encoder that made it: of
another encoder nothing is taken over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from indexer.attach.field_paths import FieldPaths, product_fields
from indexer.photos.photo_state import PhotoState, photo_update, read_photos
from mappings.attachments import OWN_FIELD
from mappings.encoder_spec import EncoderSpec

MOST_PHOTOS = 32
"""Photos of a document that are encoded, the first ones; as many as a product of ours has."""

PHOTO_ENCODER = "photo_encoder"
_STATE_FIELDS = ("photos", "photos_due_at", "photo_attempts", "photo_problems", "photo_faults")
PHOTO_PATHS = tuple(f"{OWN_FIELD}.{name}" for name in (*_STATE_FIELDS, PHOTO_ENCODER))


def encoder_mark(spec: EncoderSpec) -> str:
    """Return what documents keep of the encoder of their photos."""
    identity = orjson.dumps(spec.to_meta(), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(identity).hexdigest()


def image_addresses(source: Mapping[str, Any], paths: FieldPaths) -> list[str]:
    """Return the addresses of a shop's document, at most MOST_PHOTOS, each once."""
    images = {"images": paths.get("images", ())}
    found = product_fields(source, images).get("images", [])
    texts = (value.strip() for value in found if isinstance(value, str))
    # As web pages write an address without a scheme.
    whole = (f"https:{text}" if text.startswith("//") else text for text in texts)
    return list(dict.fromkeys(filter(None, whole)))[:MOST_PHOTOS]


def read_state(own: Mapping[str, Any], mark: str) -> PhotoState:
    """Return what our field says of photos; nothing when it is not of that encoder, or spoilt.

    A shop that reads a document and writes it back whole may bring photos without their vectors,
    which Elasticsearch 9 leaves out of what it shows. Those count as not there.
    """
    if own.get(PHOTO_ENCODER) != mark:
        return PhotoState()
    photos = own.get("photos") or []
    photos = [photos] if isinstance(photos, Mapping) else photos
    whole = [one for one in photos if isinstance(one, Mapping) and one.get("vector")]
    try:
        return read_photos({**own, "photos": whole})
    except (KeyError, TypeError, ValueError):  # somebody else has written there
        return PhotoState()


def state_update(state: PhotoState, mark: str) -> dict[str, Any]:
    """Return what to set under our field, None for what is to be taken away."""
    return {**photo_update(state), PHOTO_ENCODER: mark}


def is_settled(own: Mapping[str, Any], state: PhotoState, wanted: PhotoState) -> bool:
    """Return whether a document says already what it should.

    own: our field. state: what was read of it. A moment at which photos are due may stay when it
    is not later than the wanted one.
    """
    if not own.get(PHOTO_ENCODER):
        return wanted == PhotoState()
    photos = own.get("photos") or []
    if len(photos if isinstance(photos, list) else [photos]) != len(state.photos):
        return False
    if wanted.due_at is None or state.due_at is None:
        same_time = wanted.due_at == state.due_at
    else:
        same_time = state.due_at <= wanted.due_at
    return (
        same_time
        and _places(state) == _places(wanted)
        and state.faults == wanted.faults
        and (state.attempts == wanted.attempts or wanted.due_at is not None)
    )


def _places(state: PhotoState) -> list[tuple[int, str]]:
    return [(photo.position, photo.address_hash) for photo in state.photos]
