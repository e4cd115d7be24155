"""The page of the versions of the weights: what ranks, what else could, and by what."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from mappings.errors import InvalidQuery
from service.access.scopes import Scope, needs
from service.api.weights import weights_store
from service.ranking.weights import load_default
from service.studio.frame import StudioPage, page_blueprint, piece
from service.studio.weights.rows import version_rows
from service.studio.weights.shares import shares_of, shipped_shares
from service.weights.difference import compare

SHIPPED = "shipped"
"""Stands for the shipped weights where a version is asked for; no version has this name."""

PAGE = StudioPage(
    name="weights",
    title="Weights",
    lead="Versions of the ranking weights: which one answers, and what each is worth.",
    order=50,
    package="service.studio.weights",
    scripts=("weights.js",),
    styles=("weights.css",),
)
blueprint = page_blueprint(PAGE)


@blueprint.get("/list")
@needs(Scope.ADMIN)
def show_list(index: str) -> ResponseReturnValue:
    """Show what answers, all versions, and the history."""
    store = weights_store(index)
    state = store.state(index)
    before = state.before_active()
    return piece(
        "studio/weights/list.html",
        index=index,
        state=state,
        rows=version_rows(store.list(index), state),
        shipped=load_default().version,
        goes_back_to=before[0] if before else None,
        can_go_back=bool(before),
    )


@blueprint.get("/shares")
@needs(Scope.ADMIN)
def show_shares(index: str) -> ResponseReturnValue:
    """Show what weighs how much in a version."""
    version = request.args.get("version", "")
    store = weights_store(index)
    if version == SHIPPED:
        default = load_default()
        return piece(
            "studio/weights/shares.html", version=default.version, shares=shipped_shares(default)
        )
    try:
        shares = shares_of(store.get(index, version))
    except ValueError as error:
        raise InvalidQuery(f"{version!r} cannot rank: {error}", field="version") from error
    return piece("studio/weights/shares.html", version=version, shares=shares)


@blueprint.get("/difference")
@needs(Scope.ADMIN)
def show_difference(index: str) -> ResponseReturnValue:
    """Show two versions side by side."""
    store = weights_store(index)
    first, second = (store.get(index, request.args.get(name, "")) for name in ("from", "to"))
    return piece("studio/weights/difference.html", found=compare(first, second))
