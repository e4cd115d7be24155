"""The judging page: lists of judgements, and a queue of pairs to grade with the keyboard."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from service.access.scopes import Scope, needs
from service.api.bodies import json_object
from service.api.judgements import require_lists
from service.judgements.store import JudgementStore
from service.judging.queue_request import QueueRequest
from service.judging.rankings import RANKINGS
from service.pages.cards import view_of
from service.services import current_services
from service.studio.frame import StudioPage, page_blueprint, piece
from service.studio.judging.grades import grade_labels
from service.weights.store import WeightsStore

PAGE = StudioPage(
    name="judging",
    title="Judging",
    lead="Say how right products are for a query: everything else is measured and learned by it.",
    order=30,
    package="service.studio.judging",
    scripts=("judging.js",),
    styles=("judging.css",),
)
blueprint = page_blueprint(PAGE)

_SHOWN_VERSIONS = 20
_LIST = "list"


@blueprint.get("/setup")
@needs(Scope.ADMIN)
def setup(index: str) -> ResponseReturnValue:
    """Show the lists that there are, and what pairs can be looked for by."""
    require_lists(index)
    client = current_services().client
    versions = [one["version"] for one in WeightsStore(client).list(index)[:_SHOWN_VERSIONS]]
    return piece(
        "studio/judging/setup.html",
        lists=JudgementStore(client).lists(),
        rankings=[*RANKINGS, *versions],
        chosen=("keyword", "active"),
    )


@blueprint.post("/cards")
@needs(Scope.ADMIN)
def cards(index: str) -> ResponseReturnValue:
    """Show the pairs to judge next, each with its product; the body is that of the API's queue.

    It names the list besides.
    """
    require_lists(index)
    body = dict(json_object())
    name = str(body.pop(_LIST, ""))
    services = current_services()
    queue = services.judging.queue(index, name, QueueRequest.parse(body))
    state = JudgementStore(services.client).show(name)
    return piece(
        "studio/judging/cards.html",
        queue=queue,
        state=state,
        labels=grade_labels(state.max_grade),
        products={
            product_id: view_of(index, product_id, product)
            for product_id, product in queue.products.items()
        },
    )
