"""A photo as it came in, before anybody has looked what it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FetchedImage:
    """The bytes of a photo and where they are from.

    data: not empty. content_type: as the server said it, without parameters and in lower case,
    e.g. "image/jpeg"; "" if it said nothing; not to be trusted. sha256: of the data, in
    hexadecimal. url: where it was found in the end, after redirects; a `data:` address is cut
    short. etag, last_modified: what to ask the server with whether it has changed.
    """

    data: bytes = field(repr=False)
    content_type: str
    sha256: str
    url: str
    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(
        cls,
        data: bytes,
        *,
        content_type: str,
        url: str,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> FetchedImage:
        """Make one, with the digest computed here."""
        digest = hashlib.sha256(data).hexdigest()
        kind = content_type.partition(";")[0].strip().lower()
        return cls(data, kind, digest, url, etag, last_modified)


@dataclass(frozen=True)
class Validators:
    """What a copy of a photo is checked with: the server's marks, and the URL that they are of."""

    url: str
    etag: str | None
    last_modified: str | None

    def headers(self, url: str) -> dict[str, str]:
        """Return the headers of a conditional request to a URL; none if they are of another."""
        if url != self.url:
            return {}
        marks = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return {name: mark for name, mark in marks if mark}
