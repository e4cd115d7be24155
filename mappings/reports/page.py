"""An HTML page in one file: its style is in it, and nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from mappings.reports.plain_text import escape

# Contrast of the text is above 7 on both grounds; each series keeps 3 against its ground.
_STYLE = """
:root { color-scheme: light dark; --ink: #22262b; --soft: #59616b; --back: #ffffff;
  --edge: #d5d9de; --chart-ink: var(--ink); --chart-grid: var(--edge); --chart-back: var(--back);
  --chart-1: #2563a8; --chart-2: #c2571a; --chart-3: #1b7f5c; --chart-4: #8a4fae;
  --chart-5: #a8324a; --chart-6: #6b6b1f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #a3abb5; --back: #16191d;
  --edge: #3a4049; --chart-1: #6ea8e6; --chart-2: #ee9457; --chart-3: #52bf98;
  --chart-4: #c193e0; --chart-5: #ee8398; --chart-6: #c3c35e; } }
body { background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
p.note { color: var(--soft); }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--edge); padding: 0.3rem 0.7rem; text-align: left;
  vertical-align: top; }
th.number, td.number { text-align: right; white-space: nowrap; }
details { margin: 0.5rem 0; } summary { cursor: pointer; }
"""


def html_page(title: str, parts: Sequence[str]) -> str:
    """Return a whole page. title: plain text, escaped here. parts: HTML, which is not."""
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # No script and no request can come from what a shop's titles and queries hold.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def section(heading: str, *parts: str, note: str = "") -> str:
    """Return a heading with what belongs to it. heading, note: plain text. parts: HTML."""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(heading)}</h2>{below}{''.join(parts)}</section>"


def table(header: Sequence[str], rows: Sequence[Sequence[str | float]]) -> str:
    """Return a table of plain text and numbers; numbers stand to the right, with 3 decimals.

    A column is headed like its first cell. Integers keep their form.
    """
    first: Sequence[str | float] = rows[0] if rows else [""] * len(header)
    head = "".join(
        f'<th scope="col"{_side(cell)}>{escape(name)}</th>'
        for name, cell in zip(header, first, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{_side(cell)}>{escape(_cell(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    inside = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{inside}</table></div>'


def details(summary: str, *parts: str) -> str:
    """Return what is folded away until it is asked for. summary: plain text. parts: HTML."""
    return f"<details><summary>{escape(summary)}</summary>{''.join(parts)}</details>"


def paragraph(text: str) -> str:
    """Return a paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def _side(cell: str | float) -> str:
    return "" if isinstance(cell, str) else ' class="number"'


def _cell(cell: str | float) -> str:
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
