"""Each tokenizer gives what Elasticsearch's reference shows for it."""

from typing import Any

import pytest

pytestmark = pytest.mark.cluster

SENTENCE = "The 2 QUICK Brown-Foxes jumped over the lazy dog's bone."


def words(text: str) -> list[str]:
    return text.split()


# id, tokenizer, text, tokens: from the tokenizer's page in the reference.
DOCUMENTED: list[tuple[str, Any, str, list[str]]] = [
    ("char_group",
     {"type": "char_group", "tokenize_on_chars": ["whitespace", "-", "\n"]},
     "The QUICK brown-fox", words("The QUICK brown fox")),
    ("classic", "classic", SENTENCE,
     words("The 2 QUICK Brown Foxes jumped over the lazy dog's bone")),
    ("edge_ngram", "edge_ngram", "Quick Fox", words("Q Qu")),
    ("edge_ngram configured",
     {"type": "edge_ngram", "min_gram": 2, "max_gram": 10, "token_chars": ["letter", "digit"]},
     "2 Quick Foxes.", words("Qu Qui Quic Quick Fo Fox Foxe Foxes")),
    ("edge_ngram custom characters",
     {"type": "edge_ngram", "min_gram": 1, "max_gram": 4, "token_chars": ["letter", "custom"],
      "custom_token_chars": "+-"},
     "C++ D", words("C C+ C++ D")),
    ("keyword", "keyword", "New York", ["New York"]),
    ("letter", "letter", SENTENCE,
     words("The QUICK Brown Foxes jumped over the lazy dog s bone")),
    ("lowercase", "lowercase", SENTENCE,
     words("the quick brown foxes jumped over the lazy dog s bone")),
    ("ngram", "ngram", "Quick Fox",
     [*words("Q Qu u ui i ic c ck k"), "k ", " ", " F", *words("F Fo o ox x")]),
    ("ngram configured",
     {"type": "ngram", "min_gram": 3, "max_gram": 3, "token_chars": ["letter", "digit"]},
     "2 Quick Foxes.", words("Qui uic ick Fox oxe xes")),
    ("path_hierarchy", "path_hierarchy", "/one/two/three",
     words("/one /one/two /one/two/three")),
    ("path_hierarchy configured",
     {"type": "path_hierarchy", "delimiter": "-", "replacement": "/", "skip": 2},
     "one-two-three-four-five", words("/three /three/four /three/four/five")),
    ("path_hierarchy reverse",
     {"type": "path_hierarchy", "delimiter": "-", "replacement": "/", "skip": 2, "reverse": True},
     "one-two-three-four-five", words("one/two/three/ two/three/ three/")),
    ("pattern", "pattern", "The foo_bar_size's default is 5.",
     words("The foo_bar_size s default is 5")),
    ("pattern configured", {"type": "pattern", "pattern": ","},
     "comma,separated,values", words("comma separated values")),
    ("pattern group",
     {"type": "pattern", "pattern": '"((?:\\\\"|[^"]|\\\\")+)"', "group": 1},
     '"value", "value with embedded \\" quote"',
     ["value", 'value with embedded \\" quote']),
    ("simple_pattern", {"type": "simple_pattern", "pattern": "[0123456789]{3}"},
     "fd-786-335-514-x", words("786 335 514")),
    ("simple_pattern_split", {"type": "simple_pattern_split", "pattern": "_"},
     "an_underscored_phrase", words("an underscored phrase")),
    ("thai", "thai", "การที่ได้ต้องแสดงว่างานดี",
     words("การ ที่ ได้ ต้อง แสดง ว่า งาน ดี")),
    ("uax_url_email", "uax_url_email", "Email me at john.smith@global-international.com",
     words("Email me at john.smith@global-international.com")),
    ("whitespace", "whitespace", SENTENCE,
     words("The 2 QUICK Brown-Foxes jumped over the lazy dog's bone.")),
    ("whitespace max_token_length", {"type": "whitespace", "max_token_length": 5},
     "jumped over", words("jumpe d over")),
    ("classic max_token_length", {"type": "classic", "max_token_length": 5},
     "jump over", words("jump over")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tokenizer", "text", "tokens"),
    [pytest.param(*case[1:], id=case[0]) for case in DOCUMENTED],
)
def test_tokenizer_gives_its_documented_tokens(analyze, tokenizer, text, tokens):
    assert analyze(text, tokenizer=tokenizer) == tokens


def test_lowercase_tokenizer_keeps_offsets(embedded_node):
    answer = embedded_node.must(
        "POST", "/_analyze", {"tokenizer": "lowercase", "text": " Brown-𝐅ox's"}
    )

    # The letter outside the basic plane takes two places.
    offsets = [(t["token"], t["start_offset"], t["end_offset"]) for t in answer["tokens"]]
    assert offsets == [("brown", 1, 6), ("𝐅ox", 7, 11), ("s", 12, 13)]


REFUSED = [
    ("ngram difference", {"type": "ngram", "min_gram": 1, "max_gram": 4}, "max_ngram_diff"),
    ("token characters", {"type": "ngram", "token_chars": ["vowel"]}, "vowel"),
    ("custom characters", {"type": "ngram", "token_chars": ["custom"]}, "custom_token_chars"),
    ("path delimiter", {"type": "path_hierarchy", "delimiter": "--"}, "one character"),
]


@pytest.mark.parametrize(
    ("tokenizer", "said"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED]
)
def test_wrong_setting_is_refused_by_name(embedded_node, tokenizer, said):
    body = {"text": "x", "tokenizer": tokenizer}

    status, answer = embedded_node.request("POST", "/_analyze", body)

    assert status == 400
    assert said in str(answer)


def test_index_may_allow_wider_ngrams(index, embedded_node):
    analysis = {
        "tokenizer": {"grams": {"type": "ngram", "min_gram": 2, "max_gram": 4}},
        "analyzer": {"grams": {"type": "custom", "tokenizer": "grams"}},
    }
    name = index(analysis, max_ngram_diff=2)

    answer = embedded_node.must("POST", f"/{name}/_analyze", {"analyzer": "grams", "text": "fox"})

    assert [token["token"] for token in answer["tokens"]] == ["fo", "fox", "ox"]
