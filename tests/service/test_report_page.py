"""Report pages: one file, nothing from elsewhere, and a shop's text stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from mappings.reports.page import html_page, table
from service.evaluation.compare_report import compare_report
from service.evaluation.html_report import comparison_page, evaluation_page
from service.evaluation.measures import Measure, per_query
from service.evaluation.measuring import Measured, report_on
from service.evaluation.systems import System, ranked_ids
from service.judgements.judgement_list import JudgementList
from service.search_results import Hit, LegShare

EVIL = '</title><script src="https://elsewhere/x.js"></script><img src=x onerror=alert(1)>"'
JUDGED = JudgementList({EVIL: {"p1": 3, "p2": 0}, "mouse": {"p1": 1}, "tie": {"p1": 1}})
MEASURES = [Measure("ndcg", 10), Measure("recall", 1, judged_only=True)]


class Page(HTMLParser):
    """Tags with their attributes, and the text of table cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.open: list[str] = []
        self._cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "line", "rect", "circle", "polyline", "polygon"):
            self.open.append(tag)
        self._cell = tag == "td"
        if self._cell:
            self.cells.append("")

    def handle_endtag(self, tag):
        if tag in ("rect", "circle"):
            return
        assert self.open.pop() == tag
        self._cell = False

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self._cell:
            self.cells[-1] += data


def hits(*ids: str) -> list[Hit]:
    shares = {"lexical": LegShare(1.0, 1, 1.0, 0.5)}
    return [Hit(one, 0.5, {"title": f"{one} {EVIL}"}, shares) for one in ids]


def measured(name: str, lists: dict[str, list[Hit]]) -> Measured:
    values = per_query(JUDGED.judgements, ranked_ids(lists), MEASURES)
    return Measured(System(name, {}), lists, values)


ONE = measured("one", {EVIL: hits("p2", "p1"), "mouse": hits("p1"), "tie": hits("p1")})
OTHER = measured("other", {EVIL: hits("p1", "p2"), "mouse": hits("p9"), "tie": hits("p1")})


def check(text: str) -> Page:
    page = Page(text)
    assert page.open == []
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "link", "iframe", "object", "image", "a", "use"}
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        assert not {"src", "href", "xlink:href"} & set(attributes), (tag, attributes)
    outside = re.sub(r"<svg xmlns=\"http://www.w3.org/2000/svg\"", "<svg", text)
    style = re.search(r"<style>.*?</style>", outside, re.DOTALL)[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style
    return page


def test_a_comparison_is_one_file_with_measures_bars_and_reasons():
    report = compare_report("shop", JUDGED, ONE, OTHER)
    page = check(comparison_page(report))
    assert EVIL in page.cells
    assert f"p1 {EVIL}" in page.cells
    drawn = [attributes for tag, attributes in page.tags if tag == "rect"]
    assert len(drawn) == 1 + 3  # the ground, and a bar for each query
    assert page.cells[:9] == [
        *(
            "ndcg@10",
            "0.877",
            "0.667",
            "-0.210",
        ),  # (1/log2(3) + 1 + 1) / 3 against (1 + 0 + 1) / 3
        *(page.cells[4], "1.0000", "1", "1", "1"),
    ]
    assert re.fullmatch(r"\[-\d\.\d{3}, \+\d\.\d{3}\]", page.cells[4])


def test_an_evaluation_is_one_file_with_every_query():
    text = evaluation_page(report_on("shop", JUDGED, [ONE, OTHER]), [ONE, OTHER])
    page = check(text)
    assert text.count("<svg") == len(MEASURES)
    assert page.cells[0] == "one"
    assert page.cells[1].startswith("0.877 [")
    assert page.cells.count(EVIL) == len(MEASURES)


def test_a_title_is_text_and_scripts_are_forbidden():
    text = html_page(EVIL, [])
    page = check(text)
    policy = [attributes for tag, attributes in page.tags if "http-equiv" in attributes]
    assert policy[0]["content"].startswith("default-src 'none'")
    assert "https://elsewhere/x.js&quot;" in text


def test_numbers_stand_to_the_right_with_three_decimals():
    text = table(["query", "value", "count"], [["a & b", 0.12345, 7]])
    assert '<td>a &amp; b</td><td class="number">0.123</td><td class="number">7</td>' in text
    assert '<th scope="col" class="number">value</th>' in text
    assert "<tbody></tbody>" in table(["query"], [])
