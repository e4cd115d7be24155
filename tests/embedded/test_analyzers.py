"""The analyzers give what Elasticsearch's reference shows, or what it rebuilds them from."""

from typing import Any

import pytest

pytestmark = pytest.mark.cluster

SENTENCE = "The 2 QUICK Brown-Foxes jumped over the lazy dog's bone."


def words(text: str) -> list[str]:
    return text.split()


# analyzer, text, tokens: from the "Example output" of the analyzer's page in the reference.
DOCUMENTED = [
    ("fingerprint", "Yes yes, Gödel said this sentence is consistent and.",
     ["and consistent godel is said sentence this yes"]),
    ("keyword", SENTENCE, [SENTENCE]),
    ("pattern", SENTENCE, words("the 2 quick brown foxes jumped over the lazy dog s bone")),
    ("simple", SENTENCE, words("the quick brown foxes jumped over the lazy dog s bone")),
    ("standard", SENTENCE, words("the 2 quick brown foxes jumped over the lazy dog's bone")),
    ("stop", SENTENCE, words("quick brown foxes jumped over lazy dog s bone")),
    ("whitespace", SENTENCE, words("The 2 QUICK Brown-Foxes jumped over the lazy dog's bone.")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("analyzer", "text", "tokens"), [pytest.param(*case, id=case[0]) for case in DOCUMENTED]
)
def test_analyzer_gives_its_documented_tokens(analyze, analyzer, text, tokens):
    assert analyze(text, analyzer=analyzer) == tokens


# id, settings, text, tokens: from the "Example configuration" of the analyzer's page.
CONFIGURED: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("fingerprint", {"type": "fingerprint", "stopwords": "_english_"},
     "Yes yes, Gödel said this sentence is consistent and.",
     ["consistent godel said sentence yes"]),
    ("pattern", {"type": "pattern", "pattern": "\\W|_", "lowercase": True},
     "John_Smith@foo-bar.com", words("john smith foo bar com")),
    ("stop", {"type": "stop", "stopwords": ["the", "over"]}, SENTENCE,
     words("quick brown foxes jumped lazy dog s bone")),
    ("english stopwords", {"type": "english", "stopwords": ["running"]},
     "the running dogs", words("the dog")),
    ("english stem_exclusion", {"type": "english", "stem_exclusion": ["organization"]},
     "the organization's dogs", words("organization dog")),
    ("german named stopwords", {"type": "german", "stopwords": "_none_"},
     "der Hund", words("der hund")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "text", "tokens"), [pytest.param(*case[1:], id=case[0]) for case in CONFIGURED]
)
def test_configured_analyzer_gives_its_documented_tokens(
    index, embedded_node, settings, text, tokens
):
    name = index({"analyzer": {"mine": settings}})

    answer = embedded_node.must("POST", f"/{name}/_analyze", {"analyzer": "mine", "text": text})

    assert [token["token"] for token in answer["tokens"]] == tokens


def rebuilt(language: str, stemmer: str, *, first: tuple[Any, ...] = (), last: tuple = ()):
    """Give the filters from which the reference's page "Language analyzers" rebuilds one."""
    stop = {"type": "stop", "stopwords": f"_{language}_"}
    stem = {"type": "stemmer", "language": stemmer}
    return [*first, "lowercase", *last, stop, stem]


def elision(*articles: str) -> dict[str, Any]:
    return {"type": "elision", "articles_case": True, "articles": list(articles)}


FRENCH = elision(*words("l m t qu n s j d c jusqu quoiqu lorsqu puisqu"))
ITALIAN = elision(
    *words("c l all dall dell nell sull coll pell gl agl dagl degl negl sugl un m t s v d")
)
CATALAN = elision(*words("d l m n s t"))
POSSESSIVE = {"type": "stemmer", "language": "possessive_english"}
GREEK_LOWERCASE = {"type": "lowercase", "language": "greek"}
TURKISH_LOWERCASE = {"type": "lowercase", "language": "turkish"}

# language, the filters that the reference rebuilds its analyzer from, a sentence.
REBUILT: list[tuple[str, list[Any], str]] = [
    ("catalan", rebuilt("catalan", "catalan", first=(CATALAN,)),
     "L'home i les dones treballaven a l'escola"),
    ("czech", rebuilt("czech", "czech"), "Mladí pánové šli do velkého města"),
    ("danish", rebuilt("danish", "danish"), "Undersøgelsen af de gamle huse er ikke færdig"),
    ("dutch", [
        "lowercase", {"type": "stop", "stopwords": "_dutch_"},
        {"type": "stemmer_override",
         "rules": ["fiets=>fiets", "bromfiets=>bromfiets", "ei=>eier", "kind=>kinder"]},
        {"type": "stemmer", "language": "dutch"}],
     "De kinderen speelden met een fiets in het lichamelijke huis"),
    ("english", rebuilt("english", "english", first=(POSSESSIVE,)),
     "The quick foxes' owner's dogs were running generously"),
    ("finnish", rebuilt("finnish", "finnish"), "Vanhat talot ja niiden edeltäjät olivat suuria"),
    ("french", rebuilt("french", "light_french", first=(FRENCH,)),
     "L'homme n'aime pas les chevaux qu'il continuellement voit"),
    ("german", [
        "lowercase", {"type": "stop", "stopwords": "_german_"}, "german_normalization",
        {"type": "stemmer", "language": "light_german"}],
     "Die häuser der alten Stadt sind weiß und schön gewesen"),
    ("greek", [
        GREEK_LOWERCASE, {"type": "stop", "stopwords": "_greek_"},
        {"type": "stemmer", "language": "greek"}],
     "Η αγάπη των ανθρώπων για τα βιβλία"),
    ("hungarian", rebuilt("hungarian", "hungarian"), "A babakocsijáért jöttek az öreg házakból"),
    ("italian", rebuilt("italian", "light_italian", first=(ITALIAN,)),
     "L'uomo abbandonata nella casa dell'amico con i ragazzi"),
    ("norwegian", rebuilt("norwegian", "norwegian"), "Havnemyndighetene og de gamle husene"),
    ("portuguese", rebuilt("portuguese", "light_portuguese"),
     "Os doutores e as meninas estavam nas casas"),
    ("russian", rebuilt("russian", "russian"), "Вместе с силой электромагнитной энергии"),
    ("spanish", rebuilt("spanish", "light_spanish"), "Las chicas estaban en las casas viejas"),
    ("swedish", rebuilt("swedish", "swedish"), "Jaktkarlarne och de gamla husen"),
    ("turkish", [
        "apostrophe", TURKISH_LOWERCASE, {"type": "stop", "stopwords": "_turkish_"},
        {"type": "stemmer", "language": "turkish"}],
     "Istanbul'daki KİTAPLAR ve evlerimiz"),
    ("arabic", [
        "lowercase", "decimal_digit", {"type": "stop", "stopwords": "_arabic_"},
        "arabic_normalization", {"type": "stemmer", "language": "arabic"}],
     "والحسن في البيت ١٢"),
    ("cjk", ["cjk_width", "lowercase", "cjk_bigram",
             {"type": "stop", "stopwords": words(
                 "a and are as at be but by for if in into is it no not of on or s such t that "
                 "the their then there these they this to was will with www")}],
     "東京都は、日本の首都であり the ＡＢＣ shop"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "filters", "text"), [pytest.param(*case, id=case[0]) for case in REBUILT]
)
def test_language_analyzer_equals_its_documented_rebuild(analyze, language, filters, text):
    tokens = analyze(text, analyzer=language)

    assert tokens == analyze(text, tokenizer="standard", filter=filters)
    assert tokens


OTHER_LANGUAGES = words(
    "armenian basque bengali brazilian bulgarian estonian galician hindi indonesian irish latvian"
    " lithuanian persian romanian serbian sorani thai"
)


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_language_analyzer_exists_plain_and_configured(index, embedded_node, language):
    settings = {"type": language, "stopwords": ["nothing"], "stem_exclusion": ["shop2000"]}
    name = index({"analyzer": {"mine": settings}})

    for analyzer in (language, "mine"):
        body = {"analyzer": analyzer, "text": "shop2000"}
        answer = embedded_node.must("POST", f"/{name}/_analyze", body)
        assert len(answer["tokens"]) == 1
