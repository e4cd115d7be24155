"""Whether a request comes from who knows the secret, by the HMAC of its raw bytes."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mappings.errors import Unauthorized

Algorithm = Literal["sha1", "sha256", "sha384", "sha512"]
Encoding = Literal["hex", "base64"]

_MILLISECONDS_FROM = 100_000_000_000


@dataclass(frozen=True)
class SignatureScheme:
    """How a sender signs: an HMAC of the body in a header.

    prefix: what stands before it in the header, e.g. `sha256=`. timestamp_header: of the time
    that is signed too, in seconds or milliseconds since 1970; requests that are more than
    `tolerance_seconds` away from it are refused. signed: what the HMAC is of.
    """

    header: str
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "base64"
    prefix: str = ""
    timestamp_header: str | None = None
    tolerance_seconds: float = 300.0
    signed: str = "{body}"


def check_signature(
    scheme: SignatureScheme,
    secrets: Sequence[str],
    body: bytes,
    headers: Mapping[str, str],
    *,
    now: float,
) -> None:
    """Return when the body is signed with one of the secrets.

    headers: their names in lower case. secrets: several while one is replaced by another.
    now: seconds since 1970. Raises Unauthorized, which says no more than that.
    """
    refused = Unauthorized("the signature is missing or wrong")
    given = _decoded(scheme, headers.get(scheme.header.lower(), ""))
    timestamp = headers.get((scheme.timestamp_header or "").lower(), "")
    message = _message(scheme, body, timestamp)
    # Each secret is tried, whichever fits, so that the time tells nothing.
    fits = [
        hmac.compare_digest(hmac.digest(secret.encode(), message, scheme.algorithm), given)
        for secret in secrets
    ]
    if not any(fits):
        raise refused
    if scheme.timestamp_header is not None and not _is_near(scheme, timestamp, now):
        raise refused


def _message(scheme: SignatureScheme, body: bytes, timestamp: str) -> bytes:
    before, _, after = scheme.signed.partition("{body}")
    stamp = timestamp.encode("utf-8", "surrogateescape")
    parts = [part.encode().replace(b"{timestamp}", stamp) for part in (before, after)]
    return parts[0] + body + parts[1]


def _decoded(scheme: SignatureScheme, text: str) -> bytes:
    """Return the signature's bytes, none for what is no signature."""
    if not text.startswith(scheme.prefix):
        return b""
    text = text.removeprefix(scheme.prefix).strip()
    try:
        if scheme.encoding == "hex":
            return bytes.fromhex(text)
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _is_near(scheme: SignatureScheme, timestamp: str, now: float) -> bool:
    try:
        time = float(timestamp)
    except ValueError:
        return False
    seconds = time / 1000 if time >= _MILLISECONDS_FROM else time
    return abs(now - seconds) <= scheme.tolerance_seconds
