"""`/shop`: the first view is rendered here whole, and so is each piece that a script asks for.

One set of templates writes all HTML, so that whatever products and visitors say is escaped in one
place, and the page works without scripts. Scripts only exchange its pieces.
"""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, Flask, Response, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter

from mappings.errors import ShelfwiseError, UnknownIndex
from mappings.index_names import MAX_NAME_LENGTH
from service.access.scopes import Scope, needs
from service.insight.noting import logged_words
from service.pages import front_door, photo_view
from service.pages.asking import Asker, VisitorPhoto
from service.pages.assets import find_asset
from service.pages.forms import visitor_photo
from service.pages.html import asset_answer, html_answer, render_html
from service.pages.results import find_product, find_results
from service.pages.state import SORTS, ShopState
from service.pages.visitors import visitor_id
from service.pages.wiring import EXTENSION, build_pages, current_pages
from service.search_results import UnderstoodQuery
from service.services import Services, current_services

blueprint = Blueprint("pages", __name__, template_folder="templates")
log = structlog.get_logger(__name__)


class IndexName(BaseConverter):
    """A name that an index of ours may have, so that `/shop/_search` stays Elasticsearch's."""

    regex = rf"[a-z0-9][a-z0-9_-]{{0,{MAX_NAME_LENGTH - 1}}}"


def register(app: Flask, services: Services) -> None:
    """Add the pages, unless the settings hide them. The studio shows products' photos too."""
    settings = services.settings
    if settings.service_shop_page or settings.service_studio:
        app.extensions[EXTENSION] = build_pages(services)
        app.url_map.converters["shop_index"] = IndexName
        app.register_blueprint(photo_view.blueprint)
        app.jinja_env.globals["has_shop"] = settings.service_shop_page
        app.jinja_env.globals["has_studio"] = settings.service_studio
    if not settings.service_shop_page:
        return
    app.add_template_global(_asset_address, "asset")
    app.add_template_global(_like_address, "like")
    app.add_template_global(_fresh_address, "fresh")
    front_door.register(app)
    app.register_blueprint(blueprint)


@blueprint.get("/shop")
@needs(None)
def shops() -> ResponseReturnValue:
    """Lead to the only index, or show which there are; behind keys, ask which one is meant."""
    services = current_services()
    if services.access.keys_required:
        return render_html("shop/indexes.html", names=(), needs_key=True)
    try:
        names = sorted(live.name for live in services.indexes.list_served())
    except ShelfwiseError as error:
        return _failed(error, "shop/failed_page.html", name="")
    if len(names) == 1:
        return redirect(f"/shop/{names[0]}")
    return render_html("shop/indexes.html", names=names, needs_key=False)


@blueprint.route("/shop/<shop_index:name>", methods=["GET", "POST"])
@needs(None)
def page(name: str) -> ResponseReturnValue:
    """Show the whole page. Behind keys it is empty: its script brings the key and asks again."""
    services = current_services()
    needs_key = services.access.keys_required
    common: dict[str, Any] = {
        "name": name,
        "needs_key": needs_key,
        "names": (),
        "events": current_pages().takes_events,
    }
    if needs_key:
        return render_html(
            "shop/page.html",
            view="",
            state=ShopState.parse(request.args.to_dict(flat=False)),
            **common,
        )
    try:
        names = sorted(live.name for live in services.indexes.list_served())
        state, view = _view(name)
    except ShelfwiseError as error:
        return _failed(error, "shop/failed_page.html", **common)
    return render_html("shop/page.html", view=view, state=state, **{**common, "names": names})


@blueprint.route("/shop/<shop_index:index>/results", methods=["GET", "POST"])
@needs(Scope.SEARCH)
def results(index: str) -> ResponseReturnValue:
    """Show the part of the page that changes. POST brings a photo beside the address."""
    try:
        _, view = _view(index)
    except ShelfwiseError as error:
        return _failed(error, "shop/failed.html", name=index)
    return html_answer(view)


@blueprint.get("/shop-assets/<name>")
@needs(None)
def asset(name: str) -> ResponseReturnValue:
    """Return a style sheet, a script or the icon."""
    found = find_asset(name)
    if found is None:
        raise NotFound
    return asset_answer(found, is_named=request.args.get("v") == found.tag)


def _view(index: str) -> tuple[ShopState, str]:
    """Return the state of the request, and the part of the page that shows it."""
    services, pages = current_services(), current_pages()
    state = ShopState.parse(request.values.to_dict(flat=False))
    photo = visitor_photo()
    services.indexes.get(index)  # before anything else is asked of it
    client_id = visitor_id()
    asker = _asker(services, index, state, photo, client_id)
    common = {"name": index, "state": state, "events": pages.takes_events, "sorts": SORTS}
    if client_id is None and pages.takes_events:
        rankings = services.searcher.preparer.rankings
        common["trial"] = rankings.current(index).experiment is not None
    if state.item:
        product, alike, query_id = find_product(asker)
        return state, render_template(
            "shop/product.html", product=product, alike=alike, query_id=query_id, **common
        )
    found, answer = find_results(asker)
    services.telemetry.searched(index, answer)
    is_first = not state.cursor
    services.recorder.note(logged_words(index, "shop", state.q, answer, is_first_page=is_first))
    return state, render_template("shop/results.html", found=found, **common)


def _asker(
    services: Services,
    index: str,
    state: ShopState,
    photo: VisitorPhoto | None,
    client_id: str | None,
) -> Asker:
    understood = UnderstoodQuery()
    if state.q and not state.exact and not state.like:
        understood = services.searcher.understand(index, state.q)
    return Asker(
        index=index,
        searcher=services.searcher,
        similar=services.similar,
        state=state,
        understood=understood,
        colour_field=current_pages().colours.get(index),
        photo=photo,
        client_id=client_id,
    )


def _failed(error: ShelfwiseError, template: str, **values: Any) -> Response:  # noqa: ANN401
    """Say on a page what the API would say in JSON."""
    status = error.http_status
    if status >= 500:
        log.warning("page_failed", code=error.code, reason=str(error), request_id=g.request_id)
    values = {"names": (), "needs_key": False, "state": ShopState(), **values}
    response = render_html(
        template,
        status=status,
        message=error.message,
        is_temporary=status == 503,
        is_unknown=isinstance(error, UnknownIndex),
        **values,
    )
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _asset_address(name: str) -> str:
    found = find_asset(name)
    return f"/shop-assets/{name}?v={found.tag}" if found else f"/shop-assets/{name}"


def _like_address(product_id: str) -> str:
    return ShopState(like=product_id).address()


def _fresh_address(**chosen: tuple[str, ...]) -> str:
    return ShopState().address(**chosen)
