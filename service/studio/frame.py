"""What every page of the studio is made with, and how one is added.

For a page called `rules`:

1. `service/studio/rules/__init__.py`, a docstring alone, and `service/studio/rules/page.py` with

       PAGE = StudioPage(name="rules", title="Rules", lead="...", order=20,
                         package="service.studio.rules", scripts=("rules.js",))
       blueprint = page_blueprint(PAGE)

2. One line in `service/studio/registry.py`. The frame itself then serves `/studio/{index}/rules`:
   a shell without data, open to anybody (`needs(None)`), from
   `service/studio/rules/templates/studio/rules/page.html`, which extends `studio/layout.html` and
   fills `{% block content %}`. It knows `name` (of the index), `page` and `needs_key`.
3. What shows data is a piece of HTML, under `/studio/{index}/rules/...`, for admins alone:

       @blueprint.get("/list")
       @needs(Scope.ADMIN)
       def show_list(index: str) -> ResponseReturnValue:
           return piece("studio/rules/list.html", index=index, rules=...)

   An error of ours is raised and answered in JSON; the script shows its message. What changes
   something is a route of the API (`/v1/...`), which the script calls with `ask`. A view that only
   reads, but by POST, says `changes=False`, or it is recorded as an act. What is not of one index
   (judgement lists) is for keys of all indexes: `current_caller().sees_all`.
4. `service/studio/rules/static/rules.js` imports `../studio/studio.js` (its head says what there
   is); it, the template and `studio.css` are all of the front end: no inline script or style, no
   `style="..."` (the policy forbids them; use attributes of SVG, or `element.style` in a script).
5. Templates escape by themselves. Wrap words of products and visitors in `<bdi>`.
6. `tests/browser/test_studio_frame.py` looks at every page for faults of accessibility, errors of
   the console and its size; `tests/service/studio/test_frame.py` at what is open without a key.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service.pages.html import render_html
from service.studio.page import StudioPage

__all__ = ["StudioPage", "page_blueprint", "piece"]


def page_blueprint(page: StudioPage) -> Blueprint:
    """Return the blueprint for the pieces of a page, whose views take `index`."""
    return Blueprint(
        f"studio_{page.name}",
        page.package,
        url_prefix=f"/studio/<shop_index:index>/{page.name}",
        template_folder="templates",
    )


def piece(template: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    """Return a part of a page as HTML.

    What its outermost element says as `data-status` is read out to who cannot see the change.
    """
    return render_html(template, status=status, **values)
