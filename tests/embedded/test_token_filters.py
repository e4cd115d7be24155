"""Each token filter gives what Elasticsearch's reference shows for it."""

from typing import Any

import pytest

pytestmark = pytest.mark.cluster


def words(text: str) -> list[str]:
    return text.split()


# id, tokenizer, filters, text, tokens: from the "Example" of the filter's page in the reference.
DOCUMENTED: list[tuple[str, str, list[Any], str, list[str]]] = [
    ("apostrophe", "standard", ["apostrophe"],
     "Istanbul'a veya Istanbul'dan", words("Istanbul veya Istanbul")),
    ("asciifolding", "standard", ["asciifolding"],
     "açaí à la carte", words("acai a la carte")),
    ("cjk_bigram", "standard", ["cjk_bigram"],
     "東京都は、日本の首都であり", words("東京 京都 都は 日本 本の の首 首都 都で であ あり")),
    ("cjk_width", "standard", ["cjk_width"], "ｼｰｻｲﾄﾞﾗｲﾅｰ", ["シーサイドライナー"]),
    ("classic", "classic", ["classic"],
     "The 2 Q.U.I.C.K. Brown-Foxes jumped over the lazy dog's bone.",
     words("The 2 QUICK Brown Foxes jumped over the lazy dog bone")),
    ("common_grams", "whitespace", [{"type": "common_grams", "common_words": ["is", "the"]}],
     "the quick fox is brown", words("the the_quick quick fox fox_is is is_brown brown")),
    ("decimal_digit", "whitespace", ["decimal_digit"],
     "१-one two-२ ३", words("1-one two-2 3")),
    ("dictionary_decompounder", "standard",
     [{"type": "dictionary_decompounder", "word_list": ["Donau", "dampf", "meer", "schiff"]}],
     "Donaudampfschiff", words("Donaudampfschiff Donau dampf schiff")),
    ("edge_ngram", "standard", [{"type": "edge_ngram", "min_gram": 1, "max_gram": 2}],
     "the quick brown fox jumps", words("t th q qu b br f fo j ju")),
    ("elision", "standard", ["elision"],
     "j’examine près du wharf", words("examine près du wharf")),
    ("fingerprint", "whitespace", ["fingerprint"],
     "zebra jumps over resting resting dog", ["dog jumps over resting zebra"]),
    ("keep_types", "standard", [{"type": "keep_types", "types": ["<NUM>"]}],
     "1 quick fox 2 lazy dogs", words("1 2")),
    ("keep_types exclude", "standard",
     [{"type": "keep_types", "types": ["<NUM>"], "mode": "exclude"}],
     "1 quick fox 2 lazy dogs", words("quick fox lazy dogs")),
    ("keep", "whitespace", [{"type": "keep", "keep_words": ["dog", "elephant", "fox"]}],
     "the quick fox jumps over the lazy dog", words("fox dog")),
    ("keyword_marker", "whitespace",
     [{"type": "keyword_marker", "keywords": ["jumping"]}, "stemmer"],
     "fox running and jumping", words("fox run and jumping")),
    ("keyword_repeat", "whitespace", ["keyword_repeat", "stemmer"],
     "fox running and jumping", words("fox fox running run and and jumping jump")),
    ("remove_duplicates", "whitespace", ["keyword_repeat", "stemmer", "remove_duplicates"],
     "fox running and jumping", words("fox running run and jumping jump")),
    ("kstem", "standard", ["kstem"], "the foxes jumping quickly", words("the fox jump quick")),
    ("length", "whitespace", [{"type": "length", "min": 0, "max": 4}],
     "the quick brown fox jumps over the lazy dog", words("the fox over the lazy dog")),
    ("limit", "standard", [{"type": "limit", "max_token_count": 2}],
     "quick fox jumps over lazy dog", words("quick fox")),
    ("lowercase", "standard", ["lowercase"], "THE Quick FoX JUMPs", words("the quick fox jumps")),
    ("ngram", "standard", ["ngram"],
     "Quick fox", words("Q Qu u ui i ic c ck k f fo o ox x")),
    ("pattern_replace", "whitespace",
     [{"type": "pattern_replace", "pattern": "(dog)", "replacement": "watch$1"}],
     "foxes jump lazy dogs", words("foxes jump lazy watchdogs")),
    ("porter_stem", "whitespace", ["porter_stem"],
     "the foxes jumping quickly", words("the fox jump quickli")),
    ("reverse", "standard", ["reverse"], "quick fox jumps", words("kciuq xof spmuj")),
    ("stemmer", "standard", ["stemmer"],
     "the foxes jumping quickly", words("the fox jump quickli")),
    ("stop", "standard", ["stop"],
     "a quick fox jumps over the lazy dog", words("quick fox jumps over lazy dog")),
    ("trim", "keyword", ["trim"], " fox ", ["fox"]),
    ("truncate", "whitespace", ["truncate"],
     "the quinquennial extravaganza carried on", words("the quinquenni extravagan carried on")),
    ("unique", "whitespace", ["unique"],
     "the quick fox jumps the lazy fox", words("the quick fox jumps lazy")),
    ("uppercase", "standard", ["uppercase"],
     "the Quick FoX JUMPs", words("THE QUICK FOX JUMPS")),
    ("word_delimiter_graph", "keyword", ["word_delimiter_graph"],
     "Neil's-Super-Duper-XL500--42+AutoCoder", words("Neil Super Duper XL 500 42 Auto Coder")),
    ("word_delimiter", "keyword", ["word_delimiter"],
     "Neil's-Super-Duper-XL500--42+AutoCoder", words("Neil Super Duper XL 500 42 Auto Coder")),
]  # fmt: skip

# id, filter, text, tokens: from the "Configurable parameters" of the page, keyword tokenizer.
PARAMETERS: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("graph catenate_all", {"type": "word_delimiter_graph", "catenate_all": True},
     "super-duper-xl-500", words("superduperxl500 super duper xl 500")),
    ("graph catenate_numbers", {"type": "word_delimiter_graph", "catenate_numbers": True},
     "01-02-03", words("010203 01 02 03")),
    ("graph catenate_words", {"type": "word_delimiter_graph", "catenate_words": True},
     "super-duper-xl", words("superduperxl super duper xl")),
    ("graph preserve_original", {"type": "word_delimiter_graph", "preserve_original": True},
     "super-duper-xl-500", words("super-duper-xl-500 super duper xl 500")),
    ("graph keeps case", {"type": "word_delimiter_graph", "split_on_case_change": False},
     "camelCase", ["camelCase"]),
    ("graph keeps numerics", {"type": "word_delimiter_graph", "split_on_numerics": False},
     "j2se", ["j2se"]),
    ("graph splits numerics", {"type": "word_delimiter_graph"}, "j2se", words("j 2 se")),
    ("graph possessive", {"type": "word_delimiter_graph"}, "O'Neil's", words("O Neil")),
    ("graph keeps possessive",
     {"type": "word_delimiter_graph", "stem_english_possessive": False},
     "O'Neil's", words("O Neil s")),
    ("graph without words", {"type": "word_delimiter_graph", "generate_word_parts": False},
     "xl-500", ["500"]),
    ("graph without numbers", {"type": "word_delimiter_graph", "generate_number_parts": False},
     "xl-500", ["xl"]),
    ("graph protected_words",
     {"type": "word_delimiter_graph", "protected_words": ["wi-fi"]}, "wi-fi", ["wi-fi"]),
    ("graph type_table",
     {"type": "word_delimiter_graph",
      "type_table": ["$ => DIGIT", ". => DIGIT", "\\u002C => DIGIT"]},
     "$1,000.50-off", words("$1,000.50 off")),
    ("asciifolding preserve_original", {"type": "asciifolding", "preserve_original": True},
     "açaí", words("acai açaí")),
    ("edge_ngram preserve_original",
     {"type": "edge_ngram", "max_gram": 2, "preserve_original": True}, "fox", words("f fo fox")),
    ("edge_ngram back", {"type": "edge_ngram", "max_gram": 2, "side": "back"},
     "fox", words("x ox")),
    ("edge_ngram defaults", {"type": "edge_ngram"}, "fox", words("f fo")),
    ("elision articles", {"type": "elision", "articles_case": True, "articles": ["l", "m", "t"]},
     "L'avion", ["avion"]),
    ("cjk_bigram defaults", {"type": "cjk_bigram"}, "fox", ["fox"]),
    ("keep ignoring case",
     {"type": "keep", "keep_words": ["fox"], "keep_words_case": True}, "FOX", ["FOX"]),
    ("length defaults", {"type": "length"}, "fox", ["fox"]),
    ("lowercase greek", {"type": "lowercase", "language": "greek"}, "ΣΟΦΟΣ", ["σοφοσ"]),
    ("lowercase turkish", {"type": "lowercase", "language": "turkish"}, "ISPARTA", ["ısparta"]),
    ("pattern_replace first only",
     {"type": "pattern_replace", "pattern": "o", "replacement": "0", "all": False},
     "foo", ["f0o"]),
    ("pattern_replace flags",
     {"type": "pattern_replace", "pattern": "DOG", "flags": "CASE_INSENSITIVE"}, "dogs", ["s"]),
    ("pattern_capture",
     {"type": "pattern_capture", "preserve_original": True,
      "patterns": ["(\\p{Ll}+|\\p{Lu}\\p{Ll}+|\\p{Lu}+)", "(\\d+)"]},
     "abc123def456", words("abc123def456 abc 123 def 456")),
    ("stemmer_override", {"type": "stemmer_override", "rules": ["running, runs => run"]},
     "running", ["run"]),
    ("truncate length", {"type": "truncate", "length": 5}, "quinquennial", ["quinq"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tokenizer", "filters", "text", "tokens"),
    [pytest.param(*case[1:], id=case[0]) for case in DOCUMENTED],
)
def test_filter_gives_its_documented_tokens(analyze, tokenizer, filters, text, tokens):
    assert analyze(text, tokenizer=tokenizer, filter=filters) == tokens


@pytest.mark.parametrize(
    ("token_filter", "text", "tokens"),
    [pytest.param(*case[1:], id=case[0]) for case in PARAMETERS],
)
def test_parameter_has_its_documented_effect(analyze, token_filter, text, tokens):
    assert analyze(text, tokenizer="keyword", filter=[token_filter]) == tokens


# language, word, stem: Snowball's and Lucene's own published vocabularies.
STEMS = [
    ("english", "running", "run"),
    ("light_english", "jumping", "jump"),
    ("lightEnglish", "jumping", "jump"),
    ("porter2", "generously", "generous"),
    ("minimal_english", "ponies", "pony"),
    ("possessive_english", "dog's", "dog"),
    ("german", "häuser", "haus"),
    ("light_german", "häuser", "haus"),
    ("minimal_german", "götter", "gott"),
    ("french", "continuellement", "continuel"),
    ("light_french", "chevaux", "cheval"),
    ("minimal_french", "chevaux", "cheval"),
    ("spanish", "chicas", "chic"),
    ("light_spanish", "chicas", "chic"),
    ("spanish_plural", "chicas", "chica"),
    ("italian", "abbandonata", "abbandon"),
    ("light_italian", "ragazzo", "ragazz"),
    ("portuguese", "quilométricas", "quilométr"),
    ("light_portuguese", "doutores", "doutor"),
    ("dutch", "lichamelijk", "licham"),
    ("swedish", "jaktkarlarne", "jaktkarl"),
    ("light_swedish", "äpplen", "äppl"),
    ("norwegian", "havnemyndighetene", "havnemynd"),
    ("light_norwegian", "kanonens", "kanon"),
    ("danish", "undersøgelse", "undersøg"),
    ("finnish", "edeltäjiinsä", "edeltäj"),
    ("hungarian", "babakocsijáért", "babakocs"),
    ("romanian", "ale", "ale"),
    ("russian", "вместе", "вмест"),
    ("light_russian", "книги", "книг"),
    ("czech", "pánové", "pán"),
    ("greek", "αγαπη", "αγαπ"),
    ("turkish", "kitaplar", "kitap"),
    ("arabic", "والحسن", "حسن"),
]


@pytest.mark.parametrize(
    ("language", "word", "stem"), [pytest.param(*case, id=case[0]) for case in STEMS]
)
def test_stemmer_knows_the_language(analyze, language, word, stem):
    token_filter = {"type": "stemmer", "language": language}

    assert analyze(word, tokenizer="keyword", filter=[token_filter]) == [stem]


def test_snowball_takes_a_language(analyze):
    token_filter = {"type": "snowball", "language": "German"}

    assert analyze("häuser", tokenizer="keyword", filter=[token_filter]) == ["haus"]


def test_stop_takes_named_word_lists(analyze):
    text = "der Hund and the cat"

    def kept(stopwords: str) -> list[str]:
        stop = {"type": "stop", "stopwords": stopwords, "ignore_case": True}
        return analyze(text, tokenizer="whitespace", filter=[stop])

    assert kept("_german_") == words("Hund and the cat")
    assert kept("_english_") == words("der Hund cat")
    assert kept("_none_") == words(text)


def test_unique_can_compare_within_one_position_only(analyze):
    filters = ["keyword_repeat", {"type": "unique", "only_on_same_position": True}]

    assert analyze("fox fox", tokenizer="whitespace", filter=filters) == ["fox", "fox"]


def test_configured_stemmer_leaves_excluded_words(analyze):
    token_filter = {"type": "french_stem", "stem_exclusion": ["chevaux"]}

    assert analyze("chevaux", tokenizer="keyword", filter=[token_filter]) == ["chevaux"]


REFUSED = [
    ("edge_ngram side", {"type": "edge_ngram", "side": "top"}, "invalid side"),
    (
        "keep_types mode",
        {"type": "keep_types", "types": ["a"], "mode": "some"},
        "mode can only be",
    ),
    ("lowercase language", {"type": "lowercase", "language": "klingon"}, "klingon"),
    ("ngram difference", {"type": "ngram", "min_gram": 1, "max_gram": 4}, "max_ngram_diff"),
    ("stemmer language", {"type": "stemmer", "language": "klingon"}, "Klingon"),
    ("synonyms set", {"type": "synonym", "synonyms_set": "mine"}, "synonyms API"),
    ("truncate without length", {"type": "truncate", "x": 1}, "length parameter"),
    ("cjk script", {"type": "cjk_bigram", "ignored_scripts": ["latin"]}, "latin"),
]


@pytest.mark.parametrize(
    ("token_filter", "said"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED]
)
def test_wrong_setting_is_refused_by_name(embedded_node, token_filter, said):
    body = {"text": "x", "tokenizer": "keyword", "filter": [token_filter]}

    status, answer = embedded_node.request("POST", "/_analyze", body)

    assert status == 400
    assert said in str(answer)


NORMALIZING = [
    ("asciifolding", "Café", "Cafe"),
    ("lowercase", "Café", "café"),
    ("uppercase", "Café", "CAFÉ"),
    ("trim", " Café ", "Café"),
    ("german_normalization", "weiß", "weiss"),
    ("decimal_digit", "१", "1"),
    ("cjk_width", "ｱ", "ア"),
    ("scandinavian_folding", "blåbär", "blabar"),
]


@pytest.mark.parametrize(
    ("name", "text", "token"), [pytest.param(*case, id=case[0]) for case in NORMALIZING]
)
def test_normalizer_may_use_the_filter(analyze, name, text, token):
    assert analyze(text, filter=[name]) == [token]


def test_normalizer_may_use_configured_filters(index, embedded_node):
    analysis = {
        "char_filter": {"dash": {"type": "mapping", "mappings": ["- => _"]}},
        "filter": {"fold": {"type": "asciifolding"}},
        "normalizer": {
            "code": {"type": "custom", "char_filter": ["dash"], "filter": ["lowercase", "fold"]}
        },
    }
    name = index(analysis)

    answer = embedded_node.must("POST", f"/{name}/_analyze", {"normalizer": "code", "text": "É-1"})

    assert [token["token"] for token in answer["tokens"]] == ["e_1"]


def test_normalizer_refuses_a_stemmer(embedded_node):
    body = {
        "settings": {
            "analysis": {"normalizer": {"bad": {"type": "custom", "filter": ["porter_stem"]}}}
        }
    }

    status, answer = embedded_node.request("PUT", "/analysis-refused", body)

    assert status == 400
    assert "porter_stem" in str(answer)
