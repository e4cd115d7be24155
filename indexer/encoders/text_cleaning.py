"""Text as every encoder receives it, so that worker and service cut and repair it alike."""

from __future__ import annotations

CHARACTERS_PER_TOKEN = 32
"""Characters read for each token of the limit; words average 4 to 6 characters a token.

A bound on work: the tokenizer reads all of a text before it cuts, and a megabyte of
description must not cost more than the limit's worth.
"""


def clean_text(text: str, *, max_tokens: int) -> str:
    """Return the text without lone surrogates (they become U+FFFD), cut to a bounded length.

    JSON may carry half of an emoji; tokenizers cannot encode it as UTF-8 and would raise.
    """
    text = text[: max_tokens * CHARACTERS_PER_TOKEN]
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
