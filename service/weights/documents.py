"""What a version of the ranking weights looks like as JSON, and the check before it is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mappings.errors import InvalidQuery
from mappings.index_names import check_index_name

WeightsDocument = dict[str, Any]
"""A version as JSON; `check_document` lists its fields."""

MAX_MODEL_BYTES = 2 * 1024 * 1024
"""Every service reads a model whole when it becomes active."""
MAX_DETAILS_BYTES = 256 * 1024
"""Training, metrics, features and note together, which every list of versions reads."""
MAX_NOTE_CHARACTERS = 2_000
SOURCES = ("judgements", "clicks", "hand")

_ASSIGNED = frozenset({"version", "created_at"})
_FIELDS = ("index", "fusion", "model", "features", "training", "metrics", "note")
_FUSION = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def check_document(raw: object) -> WeightsDocument:
    """Return a deep copy of a weights document that may be kept.

    Needed: `index`, `fusion` (a name of a to z, 0 to 9 and `_`), `model` (an object of at most
    2 MB) and `training` with its `source`; of a source other than `hand` also `fingerprint`, the
    SHA-256 of the training data in hex. `training.queries` and `training.pairs` are whole numbers
    from 0. `features` (names, each once), `metrics` (an object) and `note` (at most 2,000
    characters) may be left out and are empty then. `version` and `created_at`, which the store
    assigns, are dropped.
    Raises InvalidQuery that names the field and the value.
    """
    if not isinstance(raw, Mapping):
        raise InvalidQuery(f"a weights document is a JSON object, not {_short(raw)}", field="body")
    for name in raw:
        if name not in _ASSIGNED and name not in _FIELDS:
            raise InvalidQuery(
                f"weights document: no field {_short(name)}; there are {', '.join(_FIELDS)}",
                field=str(name)[:80],
            )
    document: WeightsDocument = {
        "index": check_index_name(_text(raw, "index", "")),
        "fusion": _text(raw, "fusion", ""),
        "model": _json(raw, "model", None, MAX_MODEL_BYTES),
        "features": _features(raw.get("features", [])),
        "training": _json(raw, "training", None, MAX_DETAILS_BYTES),
        "metrics": _json(raw, "metrics", {}, MAX_DETAILS_BYTES),
        "note": _text(raw, "note", ""),
    }
    if not _FUSION.fullmatch(document["fusion"]):
        raise InvalidQuery(
            f"fusion {_short(raw.get('fusion'))}: should be a name such as weighted_sum",
            field="fusion",
        )
    if len(document["note"]) > MAX_NOTE_CHARACTERS:
        raise InvalidQuery(
            f"note of {len(document['note']):,} characters: at most {MAX_NOTE_CHARACTERS:,}",
            field="note",
        )
    _check_training(document["training"])
    details = {name: value for name, value in document.items() if name != "model"}
    _check_size("features, training, metrics and note", details, MAX_DETAILS_BYTES, "training")
    return document


def _text(raw: Mapping[Any, Any], name: str, default: str) -> str:
    value = raw.get(name, default)
    if not isinstance(value, str):
        raise InvalidQuery(f"{name} {_short(value)}: should be a text", field=name)
    _encode(name, value)
    return value


def _json(raw: Mapping[Any, Any], name: str, default: object, limit: int) -> dict[str, Any]:
    value = raw.get(name, default)
    if not isinstance(value, Mapping):
        raise InvalidQuery(f"{name} {_short(value)}: should be a JSON object", field=name)
    text = _check_size(name, dict(value), limit, name)
    copied: dict[str, Any] = orjson.loads(text)
    return copied


def _features(value: object) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidQuery(f"features {_short(value)}: should be a list", field="features")
    seen: set[str] = set()
    for place, name in enumerate(value):
        if not isinstance(name, str) or not name or name in seen:
            raise InvalidQuery(
                f"features[{place}] {_short(name)}: should be a name, each once",
                field=f"features[{place}]",
            )
        seen.add(name)
    _encode("features", list(value))
    return list(value)


def _check_training(training: Mapping[str, Any]) -> None:
    source, fingerprint = training.get("source"), training.get("fingerprint")
    if source not in SOURCES:
        raise InvalidQuery(
            f"training.source {_short(source)}: should be one of {', '.join(SOURCES)}",
            field="training.source",
        )
    known = isinstance(fingerprint, str) and bool(_FINGERPRINT.fullmatch(fingerprint))
    if not known and not (source == "hand" and fingerprint is None):
        raise InvalidQuery(
            f"training.fingerprint {_short(fingerprint)}: should be a SHA-256 of 64 hex digits",
            field="training.fingerprint",
        )
    for name in ("queries", "pairs"):
        count = training.get(name, 0)
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise InvalidQuery(
                f"training.{name} {_short(count)}: should be a whole number from 0",
                field=f"training.{name}",
            )


def _check_size(what: str, value: object, limit: int, field: str) -> bytes:
    text = _encode(field, value)
    if len(text) > limit:
        raise InvalidQuery(f"{what}: {len(text):,} bytes of JSON, at most {limit:,}", field=field)
    return text


def _encode(field: str, value: object) -> bytes:
    # orjson alone would turn NaN into null, and json alone lets through what the client refuses.
    try:
        json.dumps(value, allow_nan=False)
        return orjson.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidQuery(f"{field} cannot be written as JSON: {error}", field=field) from error


def _short(value: object) -> str:
    return repr(value)[:80]
