"""Photos of products that no browser can ask for itself, for the shop page and the studio."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from service.access.scopes import Scope, needs
from service.pages.wiring import current_pages
from service.services import current_services

blueprint = Blueprint("photos", __name__)

_PHOTO_SECONDS = 3_600


@blueprint.get("/shop/<shop_index:index>/photo")
@needs(Scope.SEARCH)
def photo(index: str) -> ResponseReturnValue:
    """Show a photo of a product that lies on our disk or in its document.

    The product's id is no part of the path: it may hold slashes and dots.
    """
    product_id, position = request.args.get("id", ""), request.args.get("position", "")
    if not product_id or not position.isascii() or not position.isdigit() or len(position) > 3:
        raise NotFound
    found = current_pages().photos.get(index, product_id, int(position))
    scope = "private" if current_services().access.keys_required else "public"
    response = Response(found.data, mimetype="image/webp")
    response.headers["Cache-Control"] = f"{scope}, max-age={_PHOTO_SECONDS}"
    response.set_etag(found.tag)
    return response.make_conditional(request)
