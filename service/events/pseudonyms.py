"""Who did it, without saying who: keyed hashes of ids, and the query without personal data."""

from __future__ import annotations

import hashlib
import hmac
import re

_KEY_ID_DIGITS = 8
_MASKED_EMAIL = "[email]"
_MASKED_NUMBER = "[number]"

_WORD = re.compile(r"\S+")
_LONG_NUMBER = re.compile(r"\+?\d(?:[ ().\-/]{0,2}\d){8,}")
"""9 digits and more, also in groups: telephone and card numbers have 9 to 19. An EAN or GTIN is
masked too, since nothing tells it from them."""


class Pseudonyms:
    """Turns ids into HMAC-SHA256 under a secret key; the key is in neither repr nor pickle."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.key_id = self._digest("key", b"")[:_KEY_ID_DIGITS]
        """Tells events of one key from those of another, and nothing of the key."""

    def __repr__(self) -> str:
        return f"Pseudonyms(key_id={self.key_id!r})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret key is not to be pickled")

    def client(self, client_id: str) -> str:
        """Return 64 hexadecimal digits, the same ones for the same client under one key."""
        return self._digest("client", client_id.encode())

    def session(self, session_id: str) -> str:
        """Return 64 hexadecimal digits; a session and a client of one id share nothing."""
        return self._digest("session", session_id.encode())

    def event(self, canonical: bytes) -> str:
        """Return a document id that is the same for the same event, and tells nothing of it."""
        return self._digest("event", canonical)

    def _digest(self, kind: str, value: bytes) -> str:
        return hmac.new(self._key, kind.encode() + b"\0" + value, hashlib.sha256).hexdigest()


def mask_query(text: str) -> str:
    """Return a query with `[email]` and `[number]` instead of e-mail addresses and long numbers.

    A long number has 9 digits or more, alone or in groups with one or two of ` ().-/` between.
    """
    # Word by word: a pattern over the whole text would take quadratic time on a long word.
    masked = _WORD.sub(lambda word: _MASKED_EMAIL if _is_email(word[0]) else word[0], text)
    return _LONG_NUMBER.sub(_MASKED_NUMBER, masked)


def _is_email(word: str) -> bool:
    name, at, host = word.rpartition("@")
    return bool(name and at and "." in host.strip("."))
