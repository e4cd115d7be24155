"""Who looks at the page: a random id that its script makes, sent with each piece it asks for."""

from __future__ import annotations

import re

from flask import request

HEADER = "Shelfwise-Client"
"""A header and no part of the address: addresses end up in logs."""

_ID = re.compile(r"[0-9a-f]{32}")


def visitor_id() -> str | None:
    """Return the visitor's id; None of one who sends none, or anything that our script never does.

    A page that is loaded whole has none, nor has a visitor who does not want to be followed.
    """
    found = request.headers.get(HEADER, "")
    return found if _ID.fullmatch(found) else None
