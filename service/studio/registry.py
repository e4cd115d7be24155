"""The pages of the studio. A new one is one more line here."""

from __future__ import annotations

from collections.abc import Sequence

from service.studio.compare import page as compare
from service.studio.page import PageModule, StudioPage

MODULES: Sequence[PageModule] = (compare,)

PAGES: tuple[StudioPage, ...] = tuple(
    sorted((module.PAGE for module in MODULES), key=lambda page: (page.order, page.name))
)
"""In the order of the navigation."""
