"""The side-by-side page."""

from __future__ import annotations

from service.studio.frame import StudioPage, page_blueprint

PAGE = StudioPage(
    name="compare",
    title="Side by side",
    lead="One query under two configurations: what moves, and why.",
    order=10,
    package="service.studio.compare",
    scripts=("compare.js",),
    styles=("compare.css",),
)
blueprint = page_blueprint(PAGE)
