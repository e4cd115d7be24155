"""Each character filter gives what Elasticsearch's reference shows for it."""

from typing import Any

import pytest

pytestmark = pytest.mark.cluster

HTML = "<p>I&apos;m so <b>happy</b>!</p>"
ARABIC_DIGITS = [f"{digit} => {number}" for number, digit in enumerate("٠١٢٣٤٥٦٧٨٩")]

# id, character filter, text, what the keyword tokenizer then sees.
DOCUMENTED: list[tuple[str, Any, str, str]] = [
    ("html_strip", "html_strip", HTML, "\nI'm so happy!\n"),
    (
        "html_strip escaped_tags",
        {"type": "html_strip", "escaped_tags": ["b"]},
        HTML,
        "\nI'm so <b>happy</b>!\n",
    ),
    (
        "mapping",
        {"type": "mapping", "mappings": ARABIC_DIGITS},
        "My license plate is ٢٥٠١٥",
        "My license plate is 25015",
    ),
    (
        "mapping to words",
        {"type": "mapping", "mappings": [":) => _happy_", ":( => _sad_"]},
        "I'm delighted about it :(",
        "I'm delighted about it _sad_",
    ),
    (
        "mapping escapes",
        {"type": "mapping", "mappings": ["\\u0022 => \\\\", "a => "]},
        'a"b',
        "\\b",
    ),
    (
        "pattern_replace",
        {"type": "pattern_replace", "pattern": "(\\d+)-(?=\\d)", "replacement": "$1_"},
        "My credit card is 123-456-789",
        "My credit card is 123_456_789",
    ),
    (
        "pattern_replace flags",
        {"type": "pattern_replace", "pattern": "CARD", "flags": "CASE_INSENSITIVE"},
        "card 1",
        " 1",
    ),
]


@pytest.mark.parametrize(
    ("char_filter", "text", "seen"),
    [pytest.param(*case[1:], id=case[0]) for case in DOCUMENTED],
)
def test_char_filter_gives_its_documented_text(analyze, char_filter, text, seen):
    assert analyze(text, tokenizer="keyword", char_filter=[char_filter]) == [seen]


REFUSED = [
    ("mapping rule", {"type": "mapping", "mappings": ["a -> b"]}, "Invalid Mapping Rule"),
    ("mapping without rules", {"type": "mapping", "x": 1}, "mapping requires"),
    ("pattern missing", {"type": "pattern_replace", "replacement": "x"}, "pattern"),
]


@pytest.mark.parametrize(
    ("char_filter", "said"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED]
)
def test_wrong_setting_is_refused_by_name(embedded_node, char_filter, said):
    body = {"text": "x", "tokenizer": "keyword", "char_filter": [char_filter]}

    status, answer = embedded_node.request("POST", "/_analyze", body)

    assert status == 400
    assert said in str(answer)
