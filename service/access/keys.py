"""API keys: `sw_<id>_<secret>`, of which only the id and a hash of the secret are kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.access.patterns import ALL, check_pattern
from service.access.scopes import Scope

MAX_NAME_LENGTH = 100
MAX_PATTERNS = 50

_ID_BYTES = 6
_SECRET_BYTES = 32
_KEY = re.compile(r"sw_(?P<id>[0-9a-f]{12})_(?P<secret>[A-Za-z0-9_-]{43})")
"""Begins with what scanners of repositories for secrets can look for."""


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key; the secret is not.

    digest: SHA-256 of the secret, hex. The secret has 256 random bits, so nobody can guess what
    gives the hash, and a slow hash as for passwords would only cost time with each request.
    indexes: patterns of the index names that it may be used for. revoked_at: None while it works.
    """

    id: str
    name: str
    digest: str
    scopes: frozenset[Scope]
    indexes: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def opens_with(self, secret: str) -> bool:
        """Return whether that is the secret; takes the same time whatever it is."""
        return hmac.compare_digest(self.digest, digest_of(secret))

    def state(self, now: datetime) -> str:
        """Return `active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"

    def to_json(self, now: datetime) -> dict[str, Any]:
        """Return what a list shows: everything but the hash."""
        shown = {name: value for name, value in self.to_document().items() if name != "digest"}
        return {"id": self.id, "state": self.state(now), **shown}

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object that is stored under the key's id."""
        return {
            "name": self.name,
            "digest": self.digest,
            "scopes": sorted(self.scopes),
            "indexes": list(self.indexes),
            "created_at": _text(self.created_at),
            "created_by": self.created_by,
            "expires_at": _text(self.expires_at),
            "revoked_at": _text(self.revoked_at),
        }

    @classmethod
    def from_document(cls, key_id: str, document: Mapping[str, Any]) -> Self:
        """Read what `to_document` made; a scope of a later version is left out."""
        known = {scope.value for scope in Scope}
        return cls(
            id=key_id,
            name=document["name"],
            digest=document["digest"],
            scopes=frozenset(Scope(name) for name in document["scopes"] if name in known),
            indexes=tuple(document["indexes"]),
            created_at=datetime.fromisoformat(document["created_at"]),
            created_by=document.get("created_by") or "",
            expires_at=_time(document.get("expires_at")),
            revoked_at=_time(document.get("revoked_at")),
        )


@dataclass(frozen=True)
class NewKey:
    """A key that was just made; `text` is its only copy and is shown once."""

    key: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.key.id})"


def make_key(
    name: str,
    scopes: Iterable[str],
    indexes: Iterable[str] = (ALL,),
    *,
    created_by: str,
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> NewKey:
    """Return a new key with a secret of its own.

    Raises InvalidQuery that names the field: no name, an unknown scope or none, a pattern that
    no index can match, an expiry in the past, or `metrics` for some indexes only.
    """
    now = now or datetime.now(UTC)
    if not name.strip() or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InvalidQuery(
            f"name: should have 1 to {MAX_NAME_LENGTH} printable characters, got {shorten(name)}",
            field="name",
        )
    patterns = tuple(dict.fromkeys(map(check_pattern, indexes)))
    if not 1 <= len(patterns) <= MAX_PATTERNS:
        raise InvalidQuery(
            f"indexes: should be 1 to {MAX_PATTERNS} patterns, got {len(patterns)}",
            field="indexes",
        )
    checked = _scopes(scopes)
    if Scope.METRICS in checked and ALL not in patterns:
        raise InvalidQuery(
            f"scopes: metrics tell of all indexes, so such a key should have the pattern {ALL!r}, "
            f"got {shorten(list(patterns))}",
            field="scopes",
        )
    if expires_at is not None and expires_at <= now:
        raise InvalidQuery(
            f"expires: should be in the future, got {_text(expires_at)}", field="expires"
        )
    key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey(
        id=key_id,
        name=name.strip(),
        digest=digest_of(secret),
        scopes=checked,
        indexes=patterns,
        created_at=now,
        created_by=created_by,
        expires_at=expires_at,
    )
    return NewKey(key, f"sw_{key_id}_{secret}")


def split_key(text: str) -> tuple[str, str] | None:
    """Return the id and the secret of a key, None of what cannot be one."""
    match = _KEY.fullmatch(text)
    return (match["id"], match["secret"]) if match else None


def digest_of(secret: str) -> str:
    """Return the hash under which a secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _scopes(names: Iterable[str]) -> frozenset[Scope]:
    found = set()
    for name in names:
        try:
            found.add(Scope(name))
        except ValueError as error:
            raise InvalidQuery(
                f"scopes: there is no scope {shorten(name)}; there are {', '.join(Scope)}",
                field="scopes",
            ) from error
    if not found:
        raise InvalidQuery(f"scopes: should name one of {', '.join(Scope)}", field="scopes")
    return frozenset(found)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat("T", "seconds")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
