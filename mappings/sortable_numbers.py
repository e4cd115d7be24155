"""Numbers as text of fixed length whose alphabetical order is the order of the numbers.

A `flattened` field compares its values as text, so that "9" would come after "10". Written
this way, a range query over the field's keys finds what a range of numbers should find.
"""

from __future__ import annotations

import math
import struct

SORTABLE_LENGTH = 16
_SIGN_BIT = 1 << 63
_ALL_BITS = (1 << 64) - 1


def encode_sortable(value: float) -> str:
    """Return 16 hex digits that are in alphabetical order when the numbers are in theirs.

    The bits of an IEEE-754 double order positive numbers as they stand; the sign bit is
    flipped to put them after the negative ones, whose bits are all flipped because there
    a greater pattern is a smaller number. Both zeros give the same text.
    Raises ValueError for infinity and for what is not a number.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} has no place among the numbers")
    # Adding zero turns -0.0 into 0.0.
    (bits,) = struct.unpack(">Q", struct.pack(">d", float(value) + 0.0))
    flipped = bits ^ _ALL_BITS if bits & _SIGN_BIT else bits | _SIGN_BIT
    return f"{flipped:016x}"
