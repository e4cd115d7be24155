"""Which products are whose, in a few bytes that are asked by product id."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from service.weights.experiments import Team

MAX_PRODUCTS = 200
"""The most hits on a page."""

MAX_CODE_BYTES = 48
"""What a query id has room for, and enough for 200 products."""

_SPARE_COLUMNS = 8
"""Random rows are independent but for a chance of 2^-8, after which another salt is tried."""

_MAX_BITS = 8
_ROW_BYTES = 26  # 208 columns: 200 products and the spare ones


def encode_teams(teams: Mapping[str, Team], salt: bytes) -> bytes | None:
    """Return a code of 1 to 200 products and their teams, None when the salt does not serve.

    A product's digest gives a row h of m bits and a check c; planes x_0 to x_(r-1) of m bits are
    solved over GF(2) so that parity(h & x_0) is its team and the others are c. So a product of
    the list is always read right, in m = n + 8 to n + 15 bits a plane (Dietzfelbinger and Pagh,
    ICALP 2008, retrieval by a dense system). r is 8 for 24 products and falls to 1 for 200.
    salt: at most 64 bytes. Raises ValueError for no product or more than 200.
    """
    if not 1 <= len(teams) <= MAX_PRODUCTS:
        raise ValueError(f"{len(teams)} products: should be from 1 to {MAX_PRODUCTS}")
    width = -(-(len(teams) + _SPARE_COLUMNS) // 8)  # bytes of a plane
    bits = min(_MAX_BITS, (MAX_CODE_BYTES - 1) // width)
    rows = []
    for product_id, team in teams.items():
        row, check = _digest(product_id, salt, width, bits)
        rows.append(row << bits | check << 1 | (team == "B"))
    planes = _solve(rows, bits)
    if planes is None:
        return None
    return bytes([bits]) + b"".join(plane.to_bytes(width, "big") for plane in planes)


def decode_team(code: bytes, product_id: str, salt: bytes) -> Team | None:
    """Return whose product it is, None for one that is not in the code.

    One that is not there is taken for one that is with a chance of 2^(1-r).
    Raises ValueError for a code that `encode_teams` cannot have made.
    """
    bits = code[0] if code else 0
    width, rest = divmod(len(code) - 1, bits) if 1 <= bits <= _MAX_BITS else (0, 1)
    if rest or not 1 <= width <= _ROW_BYTES:
        raise ValueError(f"{code.hex()[:40]} is no code of teams")
    row, check = _digest(product_id, salt, width, bits)
    found = 0
    for bit in range(bits):
        start = 1 + bit * width
        plane = int.from_bytes(code[start : start + width], "big")
        found |= ((row & plane).bit_count() & 1) << bit
    if found >> 1 != check:
        return None
    return "B" if found & 1 else "A"


def _digest(product_id: str, salt: bytes, width: int, bits: int) -> tuple[int, int]:
    """Return the row of 8 * width bits and the check of bits - 1."""
    text = product_id.encode(errors="surrogatepass")
    digest = hashlib.blake2b(text, key=salt, digest_size=_ROW_BYTES + 1).digest()
    return int.from_bytes(digest[:width], "big"), digest[-1] & ((1 << (bits - 1)) - 1)


def _solve(rows: Sequence[int], bits: int) -> list[int] | None:
    """Return the planes of a system whose right sides are the lowest bits of the rows.

    None when it contradicts itself.
    """
    pivots: dict[int, int] = {}
    for row in rows:
        while (top := row.bit_length() - 1) >= bits:
            if top not in pivots:
                pivots[top] = row
                break
            row ^= pivots[top]
        else:
            if row:
                return None
    planes = [0] * bits
    # From the lowest column up: a pivot's other columns are then known, those left over are 0.
    for top in sorted(pivots):
        row = pivots[top]
        for bit in range(bits):
            parity = ((row >> bits) & planes[bit]).bit_count()
            if (parity ^ (row >> bit)) & 1:
                planes[bit] |= 1 << (top - bits)
    return planes
