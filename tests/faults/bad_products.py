"""Products that no shop should send, each with the field that is to be blamed for it."""

from __future__ import annotations

from typing import Any

Bad = tuple[str, dict[str, Any], str, str]
"""What is wrong, the product without its id, the field at fault, and a word of the reason."""

LONG_ID = "x" * 10_000
TEN_MEGABYTES = "x" * 10_000_000

BAD_PRODUCTS: tuple[Bad, ...] = (
    *(
        (f"version {value!r}", {"title": "Mouse", "version": value}, "version", "whole number")
        for value in (-1, 1.5, "x", 2**63, True)
    ),
    ("long id", {"title": "Mouse", "id": LONG_ID}, "id", "longer than 512 bytes"),
    (
        "long description",
        {"title": "Mouse", "description": TEN_MEGABYTES},
        "description",
        "at most 100000 characters",
    ),
    ("long title", {"title": TEN_MEGABYTES[:100_000]}, "title", "2000"),
    ("nesting", {"title": "Mouse", "attributes": {"a": {"b": {"c": 1}}}}, "attributes.a", ""),
    ("null character", {"title": "Mouse \0"}, "title", "null character"),
    ("null in attribute", {"title": "Mouse", "attributes": {"a": "\0"}}, "attributes.a", "null"),
)

CONTROL_CHARACTERS = "".join(map(chr, [*range(1, 32), *range(127, 160)]))
STRANGE_TEXTS = (
    f"from{CONTROL_CHARACTERS}to",
    "e\u0301 \u00e9 \ufeff\u200b\u200d\u202e\u2028\u2029 \ufffe\uffff \U0001f600\U0010ffff",
)
"""Text all the same, which must come back as it was."""


def strange_products() -> list[dict[str, Any]]:
    """Return sound products that hold STRANGE_TEXTS wherever there is text."""
    return [
        {
            "id": f"strange{number}-{text}",
            "title": f"a{text}z",
            "description": text,
            "brand": f"a{text}z",
            "attributes": {f"a{text}z": text, "list": [text, 1]},
        }
        for number, text in enumerate(STRANGE_TEXTS)
    ]


def nested(depth: int) -> bytes:
    """Return a product in JSON whose attribute lies so deep in lists."""
    return b'{"id": "deep", "title": "Mouse", "attributes": {"a": %b%b}}' % (
        b"[" * depth,
        b"]" * depth,
    )
