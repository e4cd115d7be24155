"""What is learned from a small catalogue, and what a query says by it."""

from __future__ import annotations

import math
import random
import time

import pytest

from service.filters.compiler import compile_filter
from service.search_results import AttributeMatch, UnderstoodQuery
from service.understanding import learning
from service.understanding.dictionary import Dictionary
from service.understanding.filters import as_filter, remaining_words
from service.understanding.learning import learn
from service.understanding.parser import understand
from service.understanding.spelling import Spelling


def shoe(title, brand="Nike", category="Footwear > Shoes > Running Shoes", **attributes):
    return {
        "title": title,
        "brand": brand,
        "categories": [category],
        "attributes": attributes,
    }


CATALOGUE = [
    *[shoe(f"Nike Men Air Max {n} Red", colour="Red", gender="Men") for n in (90, 95, 97)],
    *[shoe("Nike Women Revolution Blue", colour="Blue", gender="Women") for _ in range(3)],
    *[shoe("Adidas Men Blue Runner", "adidas", colour="Blue", gender="Men") for _ in range(3)],
    *[
        shoe("Puma Women Red Court", "Puma", "Footwear > Shoes > Casual Shoes", colour="Red")
        for _ in range(3)
    ],
    *[
        shoe("Red leather phone case", None, "Accessories > Phone Covers", colour="Red")
        for _ in range(3)
    ],
    shoe("Trolley for travel", "Case", "Accessories > Luggage", size="17 inch", ports=4, new=True),
]
PRODUCTS = len(CATALOGUE)
DICTIONARY = learn(CATALOGUE)


def matched(text, dictionary=DICTIONARY):
    return {(one.text, one.field, one.value) for one in understand(text, dictionary).matches}


def idf(having):
    return math.log((PRODUCTS + 1) / (having + 1)) / math.log(PRODUCTS + 1)


def test_weight_is_share_times_probability_times_damped_idf():
    # "adidas": 3 products, all under brand, 3 titles that all belong to the brand.
    [meaning] = DICTIONARY.meanings("adida")
    assert (meaning.field, meaning.values, meaning.count) == ("brand", (("adidas", 3),), 3)
    probability = (3 + 2.0 * 1.0 / 2) / (3 + 2.0)
    assert meaning.weight == pytest.approx(1.0 * probability * (0.5 + 0.5 * idf(3)), abs=1e-4)


def test_word_that_is_mostly_something_else_is_no_brand():
    # "case" is in 3 titles of other brands: P = (0 + 1) / (3 + 2) and a third less by idf.
    weight = 1.0 * (1 / 5) * (0.5 + 0.5 * idf(1))
    assert weight > learning.MIN_WEIGHT
    [meaning] = DICTIONARY.meanings("case")
    assert meaning.weight == pytest.approx(weight, abs=1e-4)
    often = learn([*CATALOGUE, *[shoe("Phone case", None, "Accessories") for _ in range(20)]])
    # P = 1 / (23 + 2) = 0.04, below the limit whatever its idf.
    assert often.meanings("case") == ()
    assert matched("phone case", often) == set()


def test_share_counts_products_that_have_the_value_elsewhere():
    products = [
        *[shoe(f"Thing {n}", material="Cotton") for n in range(6)],
        *[shoe(f"Thing {n}", lining="Cotton") for n in range(2)],
    ]
    meanings = {one.field: one for one in learn(products).meanings("cotton")}
    # No title says it: P is half of the share.
    scale = 0.5 + 0.5 * math.log(9 / 7) / math.log(9)
    assert meanings["attributes.material"].weight == pytest.approx(0.75 * 0.375 * scale, abs=1e-4)
    assert "attributes.lining" not in meanings  # 0.25 * 0.125 is below 0.1


def test_numbers_flags_measurements_and_long_values_are_no_phrases():
    product = shoe("Thing", size="17 inch", code="4711", new=True, ports=4, letter="M")
    product["attributes"]["resolution"] = "1440 x 900"
    product["attributes"]["story"] = "five words are too many"
    fields = {one.field for found in learn([product]).phrases.values() for one in found}
    assert fields == {"brand", "categories"}


def test_level_of_a_category_stands_for_every_path_that_has_it():
    [meaning] = DICTIONARY.meanings("shoe")
    assert dict(meaning.values) == {
        "Footwear > Shoes > Running Shoes": 9,
        "Footwear > Shoes > Casual Shoes": 3,
    }
    assert meaning.count == 12


def test_spellings_of_one_value_are_all_kept():
    products = [shoe("a", colour="Navy Blue"), shoe("b", colour="NAVY BLUE")]
    found = matched("navy blue", learn(products))
    assert found == {
        ("navy blue", "attributes.colour", "Navy Blue"),
        ("navy blue", "attributes.colour", "NAVY BLUE"),
    }


def test_rarity_is_the_scaled_idf_of_title_brand_and_categories():
    # "red" is in the titles of 3 + 3 + 3 products.
    assert DICTIONARY.rarity("Red") == pytest.approx(idf(9))
    assert DICTIONARY.rarity("turquoise") == 1.0
    assert learn([shoe("x"), shoe("x")]).rarity("x") == 0.0


def test_query_is_understood_as_a_whole():
    found = understand("Red Nike shoes size 42 under 3000", DICTIONARY)
    assert found.words == ("red", "nike", "shoes", "size", "42")
    assert {(one.text, one.field) for one in found.matches} == {
        ("red", "attributes.colour"),
        ("nike", "brand"),
        ("shoes", "categories"),
    }
    assert found.most_price == 3000


def test_longer_phrase_is_preferred():
    assert matched("running shoes") == {
        ("running shoes", "categories", "Footwear > Shoes > Running Shoes")
    }


def test_heavier_phrase_is_preferred_to_an_overlapping_one():
    products = [
        *[shoe("Puma flip flops", "Puma", "Footwear > Flip Flops") for _ in range(8)],
        shoe("Puma flip model", "Puma", "Footwear > Sandals", variant="Puma Flips"),
        *[shoe("Nike runner") for _ in range(9)],
    ]
    dictionary = learn(products)
    assert "pumaflip" in dictionary.phrases
    assert {(text, field) for text, field, _ in matched("puma flip flops", dictionary)} == {
        ("puma", "brand"),
        ("flip flops", "categories"),
    }


def test_words_of_a_measurement_name_no_value():
    products = [shoe("Inch by inch", "Inch") for _ in range(3)]
    assert matched("17 inch", learn(products)) == set()
    assert matched("inch", learn(products)) == {("inch", "brand", "Inch")}


def test_max_behind_a_name_is_a_price_only_with_a_currency():
    assert understand("nike air max 90", DICTIONARY).most_price is None
    assert understand("nike air max 90", DICTIONARY).words == ("nike", "air", "max", "90")
    assert understand("nike air max 90 max 90 eur", DICTIONARY).most_price == 90
    assert understand("shoes men max 90", DICTIONARY).most_price == 90
    assert understand("nike air max 90", None).most_price == 90


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("adiddas shoes", "adidas shoes"),
        ("nkie shoes under 50 eur", "nike shoes under 50 eur"),  # two letters changed places
        ("Revoluton", "revolution"),
        ("leahter phoen", "leather phone"),
        ("revloutoin", "revolution"),  # two edits of ten letters
        ("whomen", "women"),
    ],
)
def test_misspelt_word_is_corrected(text, corrected):
    found = understand(text, DICTIONARY)
    assert found.corrected == corrected
    assert set(found.words) <= set(corrected.split())


def test_word_of_the_language_is_left_alone_though_the_catalogue_lacks_it():
    assert understand("rad shoes, leathers", DICTIONARY).corrected is None
    assert understand("leahter", DICTIONARY).corrected == "leather"
    assert understand("leahter", DICTIONARY, is_word={"leahter"}.__contains__).corrected is None


def test_name_of_a_flag_that_is_set_is_a_word_of_the_catalogue():
    flagged = learn([*CATALOGUE, shoe("Sock", waterproff=True, leathr=False)])
    assert flagged.knows("waterproff")
    assert not flagged.knows("leathr")


@pytest.mark.parametrize(
    "text",
    [
        "nike",
        "shoe",  # the catalogue has it as "Shoes"
        "rde",  # three letters
        "nikee4",  # a digit
        '"adiddas" shoes',
        "trvel",  # "travel" is in one product only
        "zzzzzzzz",
        "phonecase covers phonecovers",  # written together
        "lazzer",  # two edits of "leather"'s neighbours need seven letters
    ],
)
def test_word_is_left_alone(text):
    found = understand(text, DICTIONARY)
    assert found.corrected is None


def test_word_of_a_description_or_an_attribute_alone_is_left_alone():
    product = {**shoe("Something", lining="Nikel plated"), "description": "A nikke of gold"}
    dictionary = learn([*CATALOGUE, product])
    assert understand("nikel nikke", dictionary).corrected is None
    assert understand("nikel nikke", DICTIONARY).corrected == "nike nike"


def test_word_between_two_others_is_corrected_only_to_a_clearly_more_frequent_one():
    assert Spelling({"case": 30, "cake": 10}).correct("cave") == "case"
    assert Spelling({"case": 29, "cake": 10}).correct("cave") is None
    # A nearer word comes first, however rare it is beside the farther one.
    assert Spelling({"headset": 3, "handset": 900}).correct("headsetz") == "headset"


@pytest.mark.parametrize("length", [4, 31, 32, 33, 2_000])
def test_word_of_any_length_can_be_asked_for(length):
    spelling = Spelling({"a" * 30: 5, "b" * 5: 5})
    assert spelling.correct("a" * length) == ("a" * 30 if length in (31, 32) else None)


def test_spelling_agrees_with_comparing_every_word():
    chance = random.Random(4)
    words = ["".join(chance.choices("abcdeé", k=chance.randint(4, 9))) for _ in range(800)]
    counts = {word: chance.choice((3, 5, 50)) for word in words}
    spelling = Spelling(counts)
    asked = ["".join(chance.choices("abcdeé", k=chance.randint(4, 9))) for _ in range(150)]
    expected = {word: _plainly_corrected(word, counts) for word in asked}
    assert {word: spelling.correct(word) for word in asked} == expected
    assert sum(found is not None for found in expected.values()) > 10


def _plainly_corrected(word, counts):
    for distance in range(1, 3 if len(word) >= 7 else 2):
        near = sorted((w for w in counts if _osa(word, w) <= distance), key=lambda w: -counts[w])
        if near:
            clear = len(near) == 1 or counts[near[0]] >= 3 * counts[near[1]]
            return near[0] if clear else None
    return None


def _osa(one, other):
    """The textbook's table."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, start=1):
        rows.append([i])
        for j, b in enumerate(other, start=1):
            least = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                least = min(least, rows[i - 2][j - 2] + 1)
            rows[i].append(least)
    return rows[-1][-1]


def test_dictionary_survives_json():
    copy = Dictionary.from_json(DICTIONARY.to_json())
    assert copy == DICTIONARY
    assert copy.fingerprint == DICTIONARY.fingerprint
    assert learn(CATALOGUE[1:]).fingerprint != DICTIONARY.fingerprint
    with pytest.raises(ValueError, match="format 1 expected, got 0"):
        Dictionary.from_json({**DICTIONARY.to_json(), "format": 0})


def test_most_frequent_phrases_and_words_stay_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(learning, "MAX_PHRASES", 2)
    monkeypatch.setattr(learning, "MAX_WORDS", 1)
    small = learn(CATALOGUE)
    assert set(small.phrases) == {"footwear", "shoe"}
    assert set(small.words) == {"footwear"}
    assert small.size_bytes < DICTIONARY.size_bytes


def test_empty_catalogue_has_nothing_to_say():
    found = understand("red shoes", learn([]))
    assert (found.rarity, found.matches, found.corrected) == ((1.0, 1.0), (), None)


def test_filter_has_brand_category_and_price():
    found = understand("red nike running shoes 20-40 eur", DICTIONARY)
    raw = as_filter(found)
    assert raw == {
        "brand": ["Nike"],
        "categories": ["Footwear > Shoes > Running Shoes"],
        "price": {"gte": 20.0, "lte": 40.0},
    }
    assert len(compile_filter(raw)) == 3
    assert remaining_words(found) == ("red",)


def test_filter_by_a_level_takes_everything_under_it():
    assert as_filter(understand("shoes", DICTIONARY)) == {"categories": ["Footwear > Shoes"]}


def test_words_remain_when_the_filter_says_them_all():
    assert remaining_words(understand("nike shoes", DICTIONARY)) == ("nike", "shoes")
    assert remaining_words(understand("under 20", DICTIONARY)) == ()


def match(field, value, text, weight=0.6):
    return AttributeMatch(field, value, text, weight)


def test_two_brands_are_alternatives():
    found = understand("nike adidas", DICTIONARY)
    assert as_filter(found) == {"brand": ["Nike", "adidas"]}


@pytest.mark.parametrize(
    ("women", "shoes", "expected"),
    [
        (["Women > Shoes", "Women > Bags"], ["Men > Shoes", "Women > Shoes"], ["Women > Shoes"]),
        (["Women > Bags"], ["Men > Shoes"], ["Women", "Men > Shoes"]),
    ],
    ids=["agree", "disagree"],
)
def test_categories_are_those_that_all_words_agree_on(women, shoes, expected):
    matches = [match("categories", path, "women") for path in women]
    matches += [match("categories", path, "shoes") for path in shoes]
    assert as_filter(UnderstoodQuery(matches=tuple(matches))) == {"categories": expected}


def test_words_of_more_paths_than_are_kept_name_the_levels_that_they_mean():
    women = [match("categories", f"Women > {kind} > Sale", "women") for kind in range(64)]
    sale = [match("categories", f"Women > {kind} > Sale", "sale") for kind in range(30, 94)]
    raw = as_filter(UnderstoodQuery(matches=(*women, *sale)))
    of_women, of_sale = raw["all"]
    assert of_women == {"categories": ["Women"]}
    assert of_sale == {"categories": [f"Women > {kind} > Sale" for kind in range(30, 94)]}
    assert len(compile_filter(raw)) == 2


def test_words_that_name_brand_and_category_keep_both():
    matches = (match("brand", "Diesel", "diesel"), match("categories", "Fuel > Diesel", "diesel"))
    raw = as_filter(UnderstoodQuery(words=("diesel", "can"), matches=matches))
    assert raw == {"all": [{"any": [{"brand": ["Diesel"]}, {"categories": ["Fuel > Diesel"]}]}]}
    assert len(compile_filter(raw)) == 1


def test_uncertain_match_and_other_attributes_are_no_filter():
    matches = (match("brand", "Case", "case", 0.24), match("attributes.colour", "Red", "red"))
    found = UnderstoodQuery(words=("red", "case"), matches=matches)
    assert as_filter(found) == {}
    assert remaining_words(found) == ("red", "case")


def test_six_misspelt_words_are_corrected_quickly_among_200_000():
    chance = random.Random(1)
    letters = "etaoinshrdlcumwfgypbvk"
    counts: dict[str, int] = {}
    while len(counts) < 200_000:
        counts["".join(chance.choices(letters, k=chance.randint(5, 12)))] = chance.randint(3, 99)
    spelling = Spelling(counts)
    asked = ["lenovoo", "keybord", "headphnes", "wirless", "monitorr", "laptpo"]
    fastest = math.inf
    for _ in range(20):
        started = time.perf_counter()
        for word in asked:
            spelling.correct(word)
        fastest = min(fastest, time.perf_counter() - started)
    # 1 ms is what a search can afford; a busy machine gets some more before this fails.
    assert fastest < 0.003, f"{fastest * 1e3:.2f} ms"
