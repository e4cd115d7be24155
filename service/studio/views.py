"""`/studio`: shells of pages, which hold no data and so need no key, and their files."""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from mappings.errors import ShelfwiseError
from service.access.caller import current_caller
from service.access.scopes import Scope, needs
from service.pages.html import asset_answer, render_html
from service.services import Services, current_services
from service.studio import assets
from service.studio.frame import piece
from service.studio.registry import MODULES, PAGES

blueprint = Blueprint("studio", __name__, template_folder="templates")


def register(app: Flask, services: Services) -> None:
    """Add the studio, unless the settings hide it. After the shop page: it uses its converter."""
    if not services.settings.service_studio:
        return
    app.add_template_global(assets.asset_address, "studio_asset")
    app.add_template_global(lambda: PAGES, "studio_pages")
    app.register_blueprint(blueprint)
    for module in MODULES:
        app.register_blueprint(module.blueprint)


@blueprint.get("/studio")
@needs(None)
def studio() -> ResponseReturnValue:
    """Lead to the only index, or show which there are; behind keys, ask which one is meant."""
    services = current_services()
    if services.access.keys_required:
        return render_html("studio/indexes.html", names=(), needs_key=True, problem="")
    try:
        names = sorted(live.name for live in services.indexes.list_served())
    except ShelfwiseError as error:
        return render_html(
            "studio/indexes.html",
            status=error.http_status,
            names=(),
            needs_key=False,
            problem=error.message,
        )
    if len(names) == 1:
        return redirect(f"/studio/{names[0]}")
    return render_html("studio/indexes.html", names=names, needs_key=False, problem="")


@blueprint.get("/studio/<shop_index:name>")
@needs(None)
def first(name: str) -> ResponseReturnValue:
    """Lead to the first page."""
    return redirect(f"/studio/{name}/{PAGES[0].name}")


@blueprint.get("/studio/<shop_index:name>/<page>")
@needs(None)
def shell(name: str, page: str) -> ResponseReturnValue:
    """Show a page without its data, which its script asks for with the key that was typed."""
    found = next((one for one in PAGES if one.name == page), None)
    if found is None:
        raise NotFound
    needs_key = current_services().access.keys_required
    return render_html(found.template, name=name, page=found, needs_key=needs_key)


@blueprint.get("/studio/<shop_index:index>/frame/indexes")
@needs(Scope.ADMIN)
def indexes(index: str) -> ResponseReturnValue:
    """Show the indexes that the caller may tune; the first thing that every page asks for.

    Raises UnknownIndex for one that is not there, and a TemporaryError.
    """
    services = current_services()
    services.indexes.get(index)
    may_use = current_caller().may_use
    names = sorted(live.name for live in services.indexes.list_served() if may_use(live.name))
    page = request.args.get("page", "")
    known = page if page in {one.name for one in PAGES} else PAGES[0].name
    return piece("studio/index_list.html", names=names, current=index, page_name=known)


@blueprint.get("/studio-assets/<release>/<folder>/<name>")
@needs(None)
def asset(release: str, folder: str, name: str) -> ResponseReturnValue:
    """Return a style sheet, a script or the icon. An older release is answered by this one's."""
    found = assets.folders().get(folder, {}).get(name)
    if found is None:
        raise NotFound
    return asset_answer(found, is_named=release == assets.release())
