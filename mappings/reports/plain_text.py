"""Plain text, made fit to stand in HTML and SVG."""

from __future__ import annotations

import html
import re

# XML has no way to write these at all, and a chart with one would not open.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    """Return text for between tags and inside quoted attributes; what XML lacks becomes U+FFFD."""
    return html.escape(_UNWRITABLE.sub("\ufffd", text))
