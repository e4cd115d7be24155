"""Photos that stand in the product or in a request itself: `data:` addresses and base64."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote_to_bytes

from indexer.images.failures import FIELD, refused
from indexer.images.fetched import FetchedImage
from mappings.errors import ImageRefused

_BLANKS = re.compile(r"[ \t\r\n]+")
_URL_SAFE = str.maketrans("-_", "+/")


def read_data_url(url: str, *, max_bytes: int) -> FetchedImage:
    """Decode `data:image/png;base64,...` or percent-encoded data (RFC 2397).

    Raises ImageRefused when it is malformed, empty, or more than max_bytes once decoded.
    """
    head, comma, body = url.partition(",")
    if not comma:
        raise refused(url, "has no comma before its data", "data_invalid")
    kind, *parameters = head.partition(":")[2].split(";")
    # Three characters stand for one byte at most, percent-encoded; checked before any copy.
    if len(body) > 3 * max_bytes + 16:
        raise _too_large(max_bytes)
    if parameters and parameters[-1].strip().lower() == "base64":
        data = decode_base64(_unquoted(body), max_bytes=max_bytes)
    else:
        data = unquote_to_bytes(body)
    if len(data) > max_bytes:
        raise _too_large(max_bytes)
    if not data:
        raise refused(url, "is empty", "empty")
    return FetchedImage.of(data, content_type=kind, url=f"{head[:100]},...")


def decode_base64(text: str, *, max_bytes: int) -> bytes:
    """Decode base64, the URL-safe alphabet too; blanks and missing padding are forgiven.

    Returns b"" for an empty text. Raises ImageRefused when a character is none of the alphabet,
    the length cannot be, or more than max_bytes come out.
    """
    letters = _BLANKS.sub("", text).translate(_URL_SAFE).rstrip("=")
    if len(letters) * 3 // 4 > max_bytes:
        raise _too_large(max_bytes)
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except ValueError as error:
        raise ImageRefused(
            f"{FIELD}: not base64: {error}", reason="data_invalid", field=FIELD
        ) from error


def _unquoted(body: str) -> str:
    return unquote_to_bytes(body).decode("latin-1") if "%" in body else body


def _too_large(max_bytes: int) -> ImageRefused:
    return ImageRefused(
        f"{FIELD}: inline photo is larger than {max_bytes:,} bytes",
        reason="too_large",
        field=FIELD,
    )
