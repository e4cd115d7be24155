"""Bar and line charts as SVG text: no script, no font, nothing from elsewhere.

Colours follow the page: a page may set `--chart-ink`, `--chart-grid`, `--chart-back` and
`--chart-1` to `--chart-6`; alone, a chart is drawn for light paper. There is no `style` in it,
which a page's policy may forbid. Series differ by more than their colour: lines by their dashes,
bars by their order, and all by the legend.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mappings.reports.axes import Scale, check_finite, round_ticks, tick_text
from mappings.reports.plain_text import escape

WIDTH = 720
HEIGHT = 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 44, 56
_LEGEND_LINE = 18
_COLOURS = ("#2563a8", "#c2571a", "#1b7f5c", "#8a4fae", "#a8324a", "#6b6b1f")
MAX_SERIES = len(_COLOURS)
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")
_INK = "var(--chart-ink,#22262b)"
_GRID = "var(--chart-grid,#d5d9de)"
_BACK = "var(--chart-back,#ffffff)"
_NAMED_BARS = 16
"""Categories that have room for a name under the axis; of more, the mouse shows the name."""
_LONGEST_NAME = 14
_CHARACTER = 7
"""Width of a character of the legend, in pixels, a little more than most have."""


@dataclass(frozen=True)
class Labels:
    """Words of a chart: its title, and what the two axes count, with their units."""

    title: str
    x: str
    y: str


@dataclass(frozen=True)
class Series:
    """Values of one thing, one for each category or place on the x axis.

    low, high: ends of an interval around each value; both empty where there is none.
    """

    name: str
    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True)
class Places:
    """An x axis of other names than numbers, such as times.

    start, end: its ends. names: place and name of each tick.
    """

    start: float
    end: float
    names: Sequence[tuple[float, str]]


def bar_chart(categories: Sequence[str], series: Sequence[Series], *, labels: Labels) -> str:
    """Return bars from zero upwards or downwards, in a group for each category.

    Raises ValueError when there is no category, no series or more than six, or a series does
    not have one finite value for each category.
    """
    _check(len(categories), series)
    picture = _Picture(series, labels)
    y = picture.scale_y([0.0])
    band = (WIDTH - _LEFT - _RIGHT) / len(categories)
    width = band * 0.8 / len(series)
    parts = [*picture.frame(y)]
    for column, category in enumerate(categories):
        left = _LEFT + column * band + band * 0.1
        for number, one in enumerate(series):
            parts += _bar(one, number, column, category, y, left + number * width, width)
        if len(categories) <= _NAMED_BARS:
            middle = _LEFT + (column + 0.5) * band
            parts.append(_text(_shorten(category), middle, picture.bottom + 16, "middle"))
    parts.append(_line(_LEFT, y.place(0), WIDTH - _RIGHT, y.place(0), _INK))
    return picture.svg(parts, what="bars")


def line_chart(
    x: Sequence[float],
    series: Sequence[Series],
    *,
    labels: Labels,
    axis: Places | None = None,
    has_dots: bool = True,
    from_zero: bool = False,
) -> str:
    """Return lines with a dot at each value, and a band where a series has an interval.

    x: the places, growing. axis: the x axis; by default round numbers. has_dots: many dots hide
    the line; a single value is a dot all the same. from_zero: the y axis begins at 0.
    Raises ValueError when there is no place or they do not grow, and for what `bar_chart` refuses
    in series.
    """
    _check(len(x), series)
    check_finite("x", x)
    if any(first >= second for first, second in pairwise(x)):
        raise ValueError("x should grow from one value to the next")
    picture = _Picture(series, labels)
    y = picture.scale_y([0.0] if from_zero else [])
    if axis is None:
        ticks = round_ticks(x[0], x[-1], count=6)
        axis = Places(ticks[0], ticks[-1], [(tick, tick_text(tick, ticks)) for tick in ticks])
    across = Scale([axis.start, axis.end], _LEFT, WIDTH - _RIGHT)
    parts = [*picture.frame(y)]
    for tick, name in axis.names:
        place = across.place(tick)
        parts.append(_line(place, picture.bottom, place, picture.bottom + 4, _INK))
        parts.append(_text(name, place, picture.bottom + 16, "middle"))
    places = [across.place(value) for value in x]
    for number, one in enumerate(series):
        parts += _curve(one, number, places, y)
        if has_dots or len(x) == 1:
            parts += _dots(one, number, x, places, y)
    return picture.svg(parts, what="lines")


@dataclass(frozen=True)
class _Picture:
    """The frame around the data: title, axes, grid and legend."""

    series: Sequence[Series]
    labels: Labels

    @property
    def _legend(self) -> list[tuple[float, int, Series]]:
        """Return where each name of the legend stands: x, line, series."""
        if len(self.series) == 1:
            return []
        places, x, line = [], float(_LEFT), 0
        for one in self.series:
            room = 26 + _CHARACTER * len(one.name)
            if x > _LEFT and x + room > WIDTH - _RIGHT:
                x, line = float(_LEFT), line + 1
            places.append((x, line, one))
            x += room
        return places

    @property
    def _legend_height(self) -> int:
        return (self._legend[-1][1] + 1) * _LEGEND_LINE if self._legend else 0

    @property
    def _top(self) -> int:
        return _TOP + self._legend_height

    @property
    def bottom(self) -> int:
        """Return the y of the lower end of the data."""
        return self._top + HEIGHT - _TOP - _BOTTOM

    def scale_y(self, also: Sequence[float]) -> Scale:
        """Return the scale of the values, which also holds the values given."""
        everything = [
            value for one in self.series for value in (*one.values, *one.low, *one.high)
        ] + list(also)
        return Scale(round_ticks(min(everything), max(everything)), self.bottom, self._top)

    def frame(self, y: Scale) -> Iterator[str]:
        """Yield the grid, the words of both axes and the legend."""
        for tick in y.ticks:
            yield _line(_LEFT, y.place(tick), WIDTH - _RIGHT, y.place(tick), _GRID)
            yield _text(tick_text(tick, y.ticks), _LEFT - 8, y.place(tick) + 4, "end")
        yield _text(self.labels.title, _LEFT, 20, "start", size=15, weight="600")
        yield _text(self.labels.x, (_LEFT + WIDTH - _RIGHT) / 2, self.bottom + 40, "middle")
        middle = (self._top + self.bottom) / 2
        yield _text(self.labels.y, 14, middle, "middle", turn=f"rotate(-90 14 {middle:g})")
        for number, (x, line, one) in enumerate(self._legend):
            height = _TOP - 6 + line * _LEGEND_LINE
            yield (
                f'<rect x="{x:g}" y="{height - 9:g}" width="12" height="10" rx="2" '
                f'fill="{_colour(number)}"/>'
            )
            yield _text(one.name, x + 17, height, "start")

    def svg(self, parts: Sequence[str], *, what: str) -> str:
        """Return the whole picture; its <title> and <desc> are read out by screen readers."""
        height = HEIGHT + self._legend_height
        names = ", ".join(one.name for one in self.series)
        words = f"{what} of {self.labels.y} by {self.labels.x}: {names}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'role="img" aria-label="{escape(self.labels.title)}" '
            'font-family="system-ui,sans-serif">'
            f"<title>{escape(self.labels.title)}</title><desc>{escape(words)}</desc>"
            f'<rect width="100%" height="100%" fill="{_BACK}"/>'
            f"{''.join(parts)}</svg>"
        )


def _bar(
    one: Series, number: int, column: int, category: str, y: Scale, left: float, width: float
) -> Iterator[str]:
    value, zero = one.values[column], y.place(0)
    top, bottom = sorted((y.place(value), zero))
    said = f"{category}, {one.name}: {value:.4g}"
    if one.low:
        said += f" [{one.low[column]:.4g}, {one.high[column]:.4g}]"
    yield (
        f'<rect x="{left:.2f}" y="{top:.2f}" width="{width:.2f}" height="{bottom - top:.2f}" '
        f'fill="{_colour(number)}"><title>{escape(said)}</title></rect>'
    )
    if one.low:
        middle = left + width / 2
        yield _line(middle, y.place(one.low[column]), middle, y.place(one.high[column]), _INK)


def _curve(one: Series, number: int, places: Sequence[float], y: Scale) -> Iterator[str]:
    colour = _colour(number)
    if one.low:
        there = [f"{a:.2f},{y.place(b):.2f}" for a, b in zip(places, one.high, strict=True)]
        back = [f"{a:.2f},{y.place(b):.2f}" for a, b in zip(places, one.low, strict=True)]
        outline = " ".join([*there, *reversed(back)])
        yield f'<polygon points="{outline}" fill="{colour}" opacity="0.15"/>'
    points = [f"{a:.2f},{y.place(b):.2f}" for a, b in zip(places, one.values, strict=True)]
    dashes = f' stroke-dasharray="{_DASHES[number]}"' if _DASHES[number] else ""
    yield (
        f'<polyline points="{" ".join(points)}" '
        f'fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'
    )


def _dots(
    one: Series, number: int, x: Sequence[float], places: Sequence[float], y: Scale
) -> Iterator[str]:
    for across, place, value in zip(places, x, one.values, strict=True):
        said = escape(f"{one.name}, {place:g}: {value:.4g}")
        yield (
            f'<circle cx="{across:.2f}" cy="{y.place(value):.2f}" r="3.5" '
            f'fill="{_colour(number)}"><title>{said}</title></circle>'
        )


def _check(count: int, series: Sequence[Series]) -> None:
    if not count:
        raise ValueError("a chart needs at least one category or place, got none")
    if not 1 <= len(series) <= MAX_SERIES:
        raise ValueError(f"a chart has 1 to {MAX_SERIES} series, got {len(series)}")
    for one in series:
        for name, values in (("values", one.values), ("low", one.low), ("high", one.high)):
            if len(values) != count and (name == "values" or one.low or one.high):
                raise ValueError(
                    f"{name} of {one.name!r} should be {count} numbers, got {len(values)}"
                )
            check_finite(f"{name} of {one.name!r}", values)


def _colour(number: int) -> str:
    return f"var(--chart-{number + 1},{_COLOURS[number]})"


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" stroke="{colour}"/>'


def _text(
    text: str,
    x: float,
    y: float,
    anchor: str,
    *,
    size: int = 12,
    weight: str = "400",
    turn: str = "",
) -> str:
    turned = f' transform="{turn}"' if turn else ""
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}"{turned} '
        f'fill="{_INK}" font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
    )
