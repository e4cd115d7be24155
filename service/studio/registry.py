"""The pages of the studio. A new one is one more line here."""

from __future__ import annotations

from collections.abc import Sequence

from service.studio.compare import page as compare
from service.studio.experiments import page as experiments
from service.studio.insight import page as insight
from service.studio.judging import page as judging
from service.studio.page import PageModule, StudioPage
from service.studio.rules import page as rules
from service.studio.training import page as training
from service.studio.weights import page as weights

MODULES: Sequence[PageModule] = (compare, rules, judging, training, weights, experiments, insight)

PAGES: tuple[StudioPage, ...] = tuple(
    sorted((module.PAGE for module in MODULES), key=lambda page: (page.order, page.name))
)
"""In the order of the navigation."""
