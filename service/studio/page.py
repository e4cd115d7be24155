"""What a page of the studio is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from flask import Blueprint


@dataclass(frozen=True)
class StudioPage:
    """One page, at `/studio/{index}/{name}`.

    name: lower-case word of the address, of the templates' folder and of the assets' folder.
    title: in the navigation and as the heading. lead: one sentence under the heading.
    order: place in the navigation, small numbers first. package: the Python package that holds
    `templates/studio/{name}/page.html` and `static/`. scripts, styles: files of `static/` that the
    page loads; what a script imports is found by itself.
    """

    name: str
    title: str
    lead: str
    order: int
    package: str
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        """Name of the page's template."""
        return f"studio/{self.name}/page.html"


class PageModule(Protocol):
    """A module that holds a page: what is listed in `service/studio/registry.py`."""

    PAGE: StudioPage
    blueprint: Blueprint
