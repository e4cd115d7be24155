"""The errors of photos: each names the product's field and the photo's address."""

from __future__ import annotations

import re

from mappings.errors import ImageRefused, ImageUnavailable

FIELD = "images"
"""The product's field that the errors speak of."""

_SHOWN_CHARACTERS = 200


def shown(url: str) -> str:
    """Return a URL for messages and logs: no query, which may hold a key, and not too long."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() == "data":
        return f"{scheme}:{rest.partition(',')[0][:40]},..."
    plain = re.sub(r"//[^/]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])
    short = plain if len(plain) <= _SHOWN_CHARACTERS else plain[:_SHOWN_CHARACTERS] + "..."
    return short.encode("ascii", "backslashreplace").decode()


def refused(url: str, problem: str, reason: str) -> ImageRefused:
    """Return the error of a photo that stays as unusable as it is."""
    return ImageRefused(f"{FIELD}: {shown(url)}: {problem}", reason=reason, field=FIELD)


def unavailable(
    url: str, problem: str, *, retry_after_seconds: int | None = None
) -> ImageUnavailable:
    """Return the error of a photo that may be there on another day."""
    return ImageUnavailable(
        f"{FIELD}: {shown(url)}: {problem}", field=FIELD, retry_after_seconds=retry_after_seconds
    )
