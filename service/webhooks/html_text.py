"""The text of a product's HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten

_UNSEEN = frozenset({"script", "style", "template", "noscript", "svg", "iframe", "object"})
_INLINE = frozenset(
    "a abbr b bdi bdo cite code em font i ins kbd mark q s small span strong sub sup u".split()
)
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[\s]*")


def text_of(html: object, *, field: str) -> str:
    """Return what a reader sees of HTML: no tags, scripts or styles; a line for each block.

    Text without any markup stays as it is, None is no text. Broken HTML is read as far as it
    goes. Raises InvalidQuery that names the field for what is no text.
    """
    if html is None:
        return ""
    if not isinstance(html, str):
        raise InvalidQuery(f"{field}: should be text, got {shorten(html)}", field=field)
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = _BLANKS.sub(" ", "".join(reader.parts).replace("\0", ""))
    return _LINES.sub("\n", text).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag not in _INLINE:
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE and tag not in _UNSEEN:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag not in _INLINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data.replace("\n", " "))
