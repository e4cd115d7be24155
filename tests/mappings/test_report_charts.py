"""Charts: bars and dots stand where the arithmetic puts them, and all text is text."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from mappings.reports.axes import Scale, round_ticks, tick_text
from mappings.reports.charts import WIDTH, Labels, Places, Series, bar_chart, line_chart

SVG = "{http://www.w3.org/2000/svg}"
LABELS = Labels("Gain by query", "query", "difference in NDCG@10")
# The frame of a chart with one series: 64 to 704 across, 44 to 264 down.
LEFT, RIGHT, TOP, BOTTOM = 64.0, WIDTH - 16.0, 44.0, 264.0


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(root: ElementTree.Element) -> list[str]:
    return [node.text or "" for node in root.iter(f"{SVG}text")]


def bars(root: ElementTree.Element) -> list[dict[str, str]]:
    return [
        node.attrib for node in root.iter(f"{SVG}rect") if node.find(f"{SVG}title") is not None
    ]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.13, 0.87, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-0.21, 0.44, [-0.4, -0.2, 0, 0.2, 0.4, 0.6]),
        (0, 12, [0, 2.5, 5, 7.5, 10, 12.5]),
        (100, 100, [40, 60, 80, 100, 120, 140, 160]),
        (0, 0, [-0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6]),
        (0, 50_000, [0, 10_000, 20_000, 30_000, 40_000, 50_000]),
        (0, 0.0003, [0, 0.0001, 0.0002, 0.0003]),
    ],
)
def test_ticks_are_round_and_hold_both_ends(low, high, expected):
    assert round_ticks(low, high) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("value", "ticks", "text"),
    [
        (10, [0, 10], "10"),
        (0.4, [0, 0.2], "0.4"),
        (2.5, [0, 2.5], "2.5"),
        (3e4, [0, 1e4], "30,000"),
    ],
)
def test_ticks_show_the_decimals_they_need(value, ticks, text):
    assert tick_text(value, ticks) == text


def test_a_value_is_placed_in_proportion():
    scale = Scale([0, 5, 10], 200, 100)
    assert (scale.place(0), scale.place(2.5), scale.place(10)) == (200, 175, 100)


def test_bars_stand_on_zero_and_reach_their_value():
    root = drawn(bar_chart(["up", "down"], [Series("B - A", [1.0, -0.5])], labels=LABELS))
    up, down = bars(root)
    # Ticks go from -0.5 to 1 in steps of 0.5: round_ticks(-0.5, 1) has the step 0.5.
    zero = TOP + (BOTTOM - TOP) * (1 / 1.5)
    assert float(up["y"]) == pytest.approx(TOP, abs=0.01)
    assert float(up["height"]) == pytest.approx(zero - TOP, abs=0.01)
    assert float(down["y"]) == pytest.approx(zero, abs=0.01)
    assert float(down["height"]) == pytest.approx(BOTTOM - zero, abs=0.01)
    band = (RIGHT - LEFT) / 2
    assert float(up["x"]) == pytest.approx(LEFT + band * 0.1, abs=0.01)
    assert float(down["x"]) - float(up["x"]) == pytest.approx(band, abs=0.02)


def test_groups_have_a_bar_for_each_series_with_its_interval_and_a_legend():
    legs = [
        Series("words", [0.6, 0.3], low=[0.5, 0.2], high=[0.7, 0.4]),
        Series("meaning", [0.4, 0.7]),
    ]
    svg = bar_chart(["model number", "need"], legs, labels=LABELS)
    root = drawn(svg)
    said = [node.find(f"{SVG}title").text for node in root.iter(f"{SVG}rect") if len(node)]
    assert said == [
        "model number, words: 0.6 [0.5, 0.7]",
        "model number, meaning: 0.4",
        "need, words: 0.3 [0.2, 0.4]",
        "need, meaning: 0.7",
    ]
    assert {"words", "meaning", "model number", "need"} <= set(texts(root))
    assert len({bar["fill"] for bar in bars(root)}) == 2


def test_dots_stand_at_their_values_and_the_band_has_both_ends():
    curve = Series("NDCG@10", [0.0, 1.0, 0.5], low=[0.0, 0.5, 0.25], high=[0.5, 1.0, 0.75])
    root = drawn(line_chart([0, 50, 100], [curve], labels=LABELS))
    dots = [(float(n.attrib["cx"]), float(n.attrib["cy"])) for n in root.iter(f"{SVG}circle")]
    middle_x, middle_y = (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2
    # 0 to 100 in steps of 20 ends at 100, and 0 to 1 in steps of 0.2 at 1.
    expected = [(LEFT, BOTTOM), (middle_x, TOP), (RIGHT, middle_y)]
    assert dots == [pytest.approx(point, abs=0.01) for point in expected]
    (band,) = root.iter(f"{SVG}polygon")
    assert len(band.attrib["points"].split()) == 6


def test_lines_differ_by_more_than_their_colour():
    series = [Series(name, [1, 2]) for name in ("a", "b", "c", "d", "e", "f")]
    root = drawn(line_chart([1, 2], series, labels=LABELS))
    dashes = [node.get("stroke-dasharray") for node in root.iter(f"{SVG}polyline")]
    assert len(set(dashes)) == 6


def test_title_and_axes_are_there_to_be_read_and_read_out():
    root = drawn(bar_chart(["a"], [Series("B - A", [1])], labels=LABELS))
    assert root.attrib["role"] == "img"
    assert root.find(f"{SVG}title").text == root.attrib["aria-label"] == "Gain by query"
    assert "difference in NDCG@10 by query: B - A" in root.find(f"{SVG}desc").text
    assert {"Gain by query", "query", "difference in NDCG@10"} <= set(texts(root))


BAD = '<script>alert("1")</script> & \x00\x0b"\' end'


def test_text_cannot_become_markup_and_the_chart_still_opens():
    svg = bar_chart([BAD], [Series(BAD, [1]), Series("b", [2])], labels=Labels(BAD, BAD, BAD))
    svg += line_chart([1], [Series(BAD, [1]), Series("b", [2])], labels=Labels(BAD, BAD, BAD))
    assert "<script" not in svg
    root = drawn(f"<both>{svg}</both>")
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= {
        *("both", "svg", "title", "desc", "text", "rect", "line", "polyline", "circle"),
    }
    assert BAD.replace("\x00", "\ufffd").replace("\x0b", "\ufffd") in texts(root)


def test_a_long_legend_takes_more_lines_and_stays_in_the_picture():
    series = [Series(f"a name of some length {n}", [n]) for n in range(6)]
    root = drawn(bar_chart(["a"], series, labels=LABELS))
    names = [node for node in root.iter(f"{SVG}text") if (node.text or "").startswith("a name")]
    assert len({node.attrib["y"] for node in names}) == 2
    assert all(float(n.attrib["x"]) + 7 * len(n.text) <= WIDTH for n in names)
    height = float(root.attrib["viewBox"].split()[3])
    assert height == 320 + 2 * 18
    assert all(float(bar["y"]) + float(bar["height"]) < height for bar in bars(root))


def test_many_bars_are_named_by_the_mouse_alone():
    names = [f"query {number}" for number in range(79)]
    root = drawn(bar_chart(names, [Series("B - A", [0.1] * 79)], labels=LABELS))
    assert not set(names) & set(texts(root))
    assert len(bars(root)) == 79


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: bar_chart([], [Series("a", [])], labels=LABELS), "at least one category"),
        (lambda: bar_chart(["a"], [], labels=LABELS), "1 to 6 series, got 0"),
        (lambda: bar_chart(["a"], [Series("s", [1, 2])], labels=LABELS), "'s' should be 1 numb"),
        (lambda: bar_chart(["a"], [Series("s", [1], low=[0])], labels=LABELS), "high of 's'"),
        (lambda: bar_chart(["a"], [Series("s", [float("nan")])], labels=LABELS), "got nan"),
        (lambda: line_chart([1, 1], [Series("s", [1, 2])], labels=LABELS), "x should grow"),
        (lambda: line_chart([1, float("inf")], [Series("s", [1, 2])], labels=LABELS), "got inf"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_a_page_that_forbids_styles_shows_every_colour():
    both = [Series("a", [1.0, 2.0], [0.5, 1.5], [1.5, 2.5]), Series("b", [2.0, 1.0])]
    for svg in (
        bar_chart(["x", "y"], both, labels=LABELS),
        line_chart([1, 2], both, labels=LABELS),
    ):
        assert "style" not in svg
        for node in drawn(svg).iter():
            if node.tag.removeprefix(SVG) in ("rect", "text", "circle", "polygon"):
                assert node.get("fill", "").startswith("var(--chart-")


def test_an_axis_of_times_has_its_own_names_and_many_values_have_no_dots():
    axis = Places(0.0, 10.0, [(0.0, "noon"), (5.0, "later")])
    picture = line_chart(
        [2.0, 4.0],
        [Series("a", [30.0, 40.0])],
        labels=LABELS,
        axis=axis,
        has_dots=False,
        from_zero=True,
    )
    assert ">noon<" in picture and ">later<" in picture
    assert "<circle" not in picture
    assert ">0<" in picture  # the y axis begins there
    lone = line_chart([2.0], [Series("a", [3.0])], labels=LABELS, axis=axis, has_dots=False)
    assert lone.count("<circle") == 1  # a line of one value is none
