"""The photo that a visitor sends along, as a form sends it."""

from __future__ import annotations

import math

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from mappings.errors import InvalidQuery, RequestTooLarge
from mappings.validation_faults import shorten
from service.api.uploads import MAX_PARTS
from service.pages.asking import PHOTO_PART, VisitorPhoto
from service.services import current_services


def visitor_photo() -> VisitorPhoto | None:
    """Return the photo of a POST, None when there is none.

    Raises RequestTooLarge, and InvalidQuery for a broken body or a `crop` that is no box.
    """
    if request.method != "POST":
        return None
    request.max_form_parts = MAX_PARTS
    try:
        file = request.files.get(PHOTO_PART)
        box = request.form.get("crop", "")
    except RequestEntityTooLarge as error:
        limit = current_services().settings.service_max_body_bytes
        raise RequestTooLarge(f"photo: has more than {limit:,} bytes", field="photo") from error
    except ClientDisconnected as error:
        raise InvalidQuery("the body ended early", field="body") from error
    data = file.stream.read() if file is not None else b""
    return VisitorPhoto(data, _crop(box)) if data else None


def _crop(text: str) -> tuple[float, float, float, float] | None:
    """Return the box of text such as `0.1,0,0.9,1`; None for no text."""
    if not text:
        return None
    try:
        numbers = [float(part) for part in text[:200].split(",")]
        x0, y0, x1, y1 = numbers
    except ValueError as error:
        raise InvalidQuery(
            f"crop: should be four numbers, got {shorten(text)}", field="crop"
        ) from error
    if not all(map(math.isfinite, numbers)):
        raise InvalidQuery(f"crop: should be four numbers, got {shorten(text)}", field="crop")
    return x0, y0, x1, y1
