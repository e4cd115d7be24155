"""Which texts of the two query languages are words and phrases alone.

Operators, fields, ranges and wildcards have an exact meaning, which neighbours would blur.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_QUERY_STRING = re.compile(
    r"[!():^\[\]{}~*?\\/]|&&|\|\||(?:^|[\s\"])[+-]|(?<!\S)(?:AND|OR|NOT)(?!\S)"
)
_SIMPLE_QUERY_STRING = re.compile(r"[+|*()~\\]|(?:^|[\s\"])-")
_QUOTE = '"'


def is_plain_query_string(text: str) -> bool:
    """Whether `query_string` takes a text for words and phrases in quotes, and nothing else."""
    return _QUERY_STRING.search(text) is None and text.count(_QUOTE) % 2 == 0


def is_plain_simple_query_string(text: str) -> bool:
    """Whether `simple_query_string` does so."""
    return _SIMPLE_QUERY_STRING.search(text) is None and text.count(_QUOTE) % 2 == 0


def without_quotes(text: str) -> str:
    """Return the words of a plain text."""
    return " ".join(text.replace(_QUOTE, " ").split())


PLAIN: dict[str, Callable[[str], bool]] = {
    "query_string": is_plain_query_string,
    "simple_query_string": is_plain_simple_query_string,
}
