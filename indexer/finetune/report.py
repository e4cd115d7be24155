"""A fine-tuning as one HTML page: before and after, curves, and example searches with photos."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.finetune.figures import MEANINGS
from indexer.finetune.photo_metrics import nearest
from indexer.finetune.photo_training import TrainedPhotos
from indexer.finetune.text_bank import Rows, Vectors
from indexer.finetune.training import History
from mappings.reports.charts import Labels, Series, line_chart
from mappings.reports.page import html_page, section, table
from mappings.reports.plain_text import escape

_PHRASES, _PHOTOS, _SHOWN = 6, 4, 6
_THUMBNAIL = 80
"""Side in pixels; a hundred of them make a page of some hundred kilobytes."""


def photo_page(
    name: str, trained: TrainedPhotos, pixels: NDArray[np.uint8], facts: Mapping[str, str]
) -> str:
    """Return the page. pixels: uint8 [photos, size, size, 3]. facts: what else to say, in rows."""
    measured = f"Measured on {len(trained.held_out):,} products that nothing was learned from."
    parts = [
        section("Before and after", figures_table(trained.before, trained.after), note=measured),
        *curves(trained.result.history),
        _words_section(trained, pixels),
        _photos_section(trained, pixels),
        section("How it was trained", table(("what", "value"), list(facts.items()))),
    ]
    return html_page(f"Fine-tuning: {name}", parts)


def figures_table(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Return the table of figures that could be measured, with what each means."""
    rows: list[Sequence[str | float]] = [
        [name, before[name], after[name], f"{after[name] - before[name]:+.3f}", meaning(name)]
        for name in after
        if not math.isnan(after[name])
    ]
    return table(("figure", "before", "after", "change", "meaning"), rows)


def meaning(name: str) -> str:
    """Return what a figure is, "" for one that speaks for itself."""
    return MEANINGS.get(name, "")


def curves(history: History) -> list[str]:
    """Return the sections with the curves of losses and figures; none without two evaluations."""
    if len(history.epochs) < 2:
        return []
    found = []
    for heading, values, y, note in (
        ("Losses", history.losses, "nats", "Each before its weight, on what is learned from."),
        (
            "Figures by epoch",
            history.figures,
            "0 to 1, higher is better",
            "Of the averaged parameters, on products set aside to know when to stop.",
        ),
    ):
        names = [name for name in values[0] if all(math.isfinite(one[name]) for one in values)]
        if names:
            series = [Series(name, [one[name] for one in values]) for name in names]
            chart = line_chart(history.epochs, series, labels=Labels(heading, "epoch", y))
            found.append(section(heading, chart, note=note))
    return found


def _words_section(trained: TrainedPhotos, pixels: NDArray[np.uint8]) -> str:
    asked = trained.asked
    if not asked.pairs:
        return ""
    places = _spread(len(asked.pairs), _PHRASES)
    rows = []
    for place in places:
        pair = asked.pairs[place]
        right = [
            (kind == pair.kind) + (colour == pair.colour)
            for kind, colour in zip(asked.kinds, asked.colours, strict=True)
        ]
        rows.append((f"“{pair.phrase}”", asked.phrase_vectors[place], right, None))
    return section(
        "Words find photos",
        _grid(trained, pixels, rows),
        note="The nearest photos before (upper row) and after (lower row). A full frame is right "
        "in kind and colour, a dashed one in one of them.",
    )


def _photos_section(trained: TrainedPhotos, pixels: NDArray[np.uint8]) -> str:
    asked = trained.asked
    rows = []
    for photo in _spread(len(trained.held_out_photos), _PHOTOS):
        right = [
            (kind == asked.kinds[photo]) + (colour == asked.colours[photo])
            for kind, colour in zip(asked.kinds, asked.colours, strict=True)
        ]
        shown = _thumbnail(pixels[trained.held_out_photos[photo]])
        rows.append((shown, None, right, photo))
    return section("Photos find photos", _grid(trained, pixels, rows))


def _grid(
    trained: TrainedPhotos,
    pixels: NDArray[np.uint8],
    rows: Sequence[tuple[str, Vectors | None, Sequence[int], int | None]],
) -> str:
    """Return a table of searches.

    rows: what is searched by, its vector or None for a photo, how right each photo is (0 to 2),
    and the photo searched by or None.
    """
    made = []
    for shown, vector, right, photo in rows:
        lists = []
        for vectors in (trained.vectors_before, trained.vectors_after):
            query = vectors[photo] if vector is None else vector
            found = [row for row in _first(query, vectors, _SHOWN + 1) if row != photo][:_SHOWN]
            images = (
                _thumbnail(pixels[trained.held_out_photos[row]], frame=right[row]) for row in found
            )
            lists.append("".join(images))
        head = shown if shown.startswith("<img") else escape(shown)
        made.append(f'<tr><th scope="row">{head}</th><td>{"<br>".join(lists)}</td></tr>')
    return f'<div class="wide"><table><tbody>{"".join(made)}</tbody></table></div>'


def _first(query: Vectors, vectors: Vectors, size: int) -> list[int]:
    found: Rows = nearest(query[None], vectors, size=size)[0]
    return [int(row) for row in found]


def _thumbnail(pixels: NDArray[np.uint8], *, frame: int = 0) -> str:
    image = Image.fromarray(pixels)
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    data = base64.b64encode(file.getvalue()).decode()
    style = ("solid transparent", "dashed #c2571a", "solid #1b7f5c")[frame]
    words = ("neither is right", "kind or colour is right", "kind and colour are right")[frame]
    return (
        f'<img src="data:image/jpeg;base64,{data}" alt="{words}" '
        f'style="border:3px {style};margin:1px">'
    )


def _spread(count: int, wanted: int) -> list[int]:
    """Return some places of a list, evenly spread over it."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(wanted, count))})
