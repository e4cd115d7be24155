"""The page of experiments: two versions on live traffic, from the start to the verdict."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from mappings.errors import InvalidQuery, MissingSetting
from service.access.scopes import Scope, needs
from service.api.experiments import DEFAULT_SHARE, moment, read_report
from service.api.weights import weights_store
from service.studio.experiments.figures import figures_of
from service.studio.frame import StudioPage, page_blueprint, piece

PAGE = StudioPage(
    name="experiments",
    title="Experiments",
    lead="Two versions on live traffic: who leads, how sure that is, and how long it takes.",
    order=60,
    package="service.studio.experiments",
    scripts=("experiments.js",),
    styles=("experiments.css",),
)
blueprint = page_blueprint(PAGE)


@blueprint.get("/state")
@needs(Scope.ADMIN)
def show_state(index: str) -> ResponseReturnValue:
    """Show the experiment that runs, or the form that begins one."""
    store = weights_store(index)
    state = store.state(index)
    names = [one["version"] for one in store.list(index) if one["version"] not in state.deleting]
    return piece(
        "studio/experiments/state.html",
        index=index,
        running=state.experiment,
        versions=names,
        first=state.active or (names[1] if len(names) > 1 else ""),
        percent=f"{100 * DEFAULT_SHARE:g}",
    )


@blueprint.get("/report")
@needs(Scope.ADMIN)
def show_report(index: str) -> ResponseReturnValue:
    """Show what clients did, or why that cannot be said."""
    try:
        found = read_report(
            index,
            experiment_id=request.args.get("experiment") or None,
            since=moment("since"),
        )
    except (InvalidQuery, MissingSetting) as error:
        if isinstance(error, InvalidQuery) and error.field != "experiment":
            raise
        return piece("studio/experiments/no_report.html", reason=error.message)
    report = found.report
    return piece(
        "studio/experiments/report.html",
        report=report,
        reading=found,
        verdicts=found.to_json()["verdicts"],
        figures=figures_of(report),
    )
