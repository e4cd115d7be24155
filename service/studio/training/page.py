"""The training page: what to learn from, the training that runs, and the reports."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue
from markupsafe import Markup

from service.access.scopes import Scope, needs
from service.api.judgements import visible_lists
from service.api.training import shown, training_of
from service.learning.registry import TRAINERS
from service.learning.report import by_query_chart, curve_chart, weights_chart
from service.services import current_services
from service.studio.compare.configurations import version_choice
from service.studio.frame import StudioPage, page_blueprint, piece
from service.training_jobs.records import TrainingJobs

PAGE = StudioPage(
    name="training",
    title="Training",
    lead="Learn how to rank from judgements or clicks, and see what it is worth first.",
    order=40,
    package="service.studio.training",
    scripts=("training.js",),
    styles=("training.css",),
)
blueprint = page_blueprint(PAGE)

FUSIONS = {
    "weighted_sum": ("Weighted sum", "one weight for each feature; the plainest"),
    "gated": ("Gated", "weights that depend on the query, within bounds"),
    "projection": ("Projection", "a small network over all features"),
    "lambdamart": ("LambdaMART", "boosted trees; wants the most judgements"),
}
"""Learned fusion to its name and one line for who chooses."""


@blueprint.get("/setup")
@needs(Scope.ADMIN)
def setup(index: str) -> ResponseReturnValue:
    """Show what can be learned from, and what."""
    services = current_services()
    services.indexes.get(index)
    # A key of some indexes sees no lists, and can learn from clicks.
    lists = visible_lists()
    return piece(
        "studio/training/setup.html",
        lists=lists,
        fusions={name: FUSIONS[name] for name in TRAINERS},
    )


@blueprint.get("/jobs")
@needs(Scope.ADMIN)
def jobs(index: str) -> ResponseReturnValue:
    """Show the trainings that there were."""
    services = current_services()
    services.indexes.get(index)
    found = [shown(one) for one in TrainingJobs(services.client).list(index)]
    return piece("studio/training/jobs.html", index=index, jobs=found)


@blueprint.get("/jobs/<training_id>")
@needs(Scope.ADMIN)
def job(index: str, training_id: str) -> ResponseReturnValue:
    """Show how far a training is, or its report."""
    found = shown(training_of(index, training_id))
    choice = version_choice(found["version"]) if found["version"] else ""
    report = _report(found)
    return piece("studio/training/job.html", index=index, job=found, choice=choice, **report)


def _report(job: dict[str, Any]) -> dict[str, Any]:
    """Return charts and the table of a training's figures, as far as they are there."""
    figures = job["figures"]
    report: dict[str, Any] = {"ways": figures.get("ways", {}), "charts": [], "reach": 1.0}
    if job["state"] != "done" or not figures.get("by_query"):
        return report
    pictures = [by_query_chart(figures), weights_chart(figures)]
    if len(figures["curve"]) > 1:
        pictures.append(curve_chart(figures))
    ends = [abs(one[name]) for one in figures["ways"].values() for name in ("low", "high")]
    # Safe: the charts escape every text in them.
    report["charts"] = [Markup(one) for one in pictures if one]  # noqa: S704
    report["reach"] = max(*ends, 0.001)
    return report
