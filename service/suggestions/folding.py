"""Text as it is compared while somebody types: case, accents and spacing do not count."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Return the text in lower case, without accents, its words divided by single spaces.

    Signs that join words, such as `-`, `>` and `&`, divide them; invisible marks go. Empty for
    text without a letter or digit.
    """
    spread = unicodedata.normalize("NFKD", text.casefold())
    kept = (
        letter if letter.isalnum() else " "
        for letter in spread
        if unicodedata.category(letter) not in ("Mn", "Cf")
    )
    return " ".join("".join(kept).split())


def place_of(typed: str, folded: str) -> int | None:
    """Return at which character a word of the text begins with what was typed, None for nowhere.

    Both are folded. 0 is the beginning of the text.
    """
    if folded.startswith(typed):
        return 0
    found = folded.find(f" {typed}")
    return None if found < 0 else found + 1
