"""What fine-tuning takes from a catalogue: labels, phrases, parts, and what it refuses."""

from __future__ import annotations

import pytest

from indexer.finetune.phrases import phrases, singular
from indexer.finetune.shop_products import ShopProduct, find_labels, shop_product, usable
from indexer.finetune.split import part_of, split_products
from mappings.errors import InvalidQuery

SKIRT = {
    "id": "1",
    "title": "Palm Tree White Skirts",
    "brand": "Palm Tree",
    "categories": ["Apparel > Bottomwear > Skirts"],
    "attributes": {"Base Colour": "White", "Pattern": "Printed", "year": 2011},
    "images": ["a.jpg"],
    "parent_id": "g",
}


def test_labels_are_recognised_by_name_and_by_the_last_category():
    other = {**SKIRT, "id": "2", "attributes": {"Base Colour": "Red", "Pattern": "Solid"}}
    names = find_labels([SKIRT, other])
    product = shop_product(SKIRT, names)
    assert (product.kind, product.colour, product.brand) == ("Skirts", "White", "Palm Tree")
    assert (product.facets, product.group, product.photos) == (("Printed",), "g", ("a.jpg",))


def test_a_shop_may_name_its_own_attributes():
    names = find_labels([SKIRT], kind="Pattern", colour="Base Colour")
    assert shop_product(SKIRT, names).kind == "Printed"


def test_an_attribute_that_nobody_has_is_refused_by_name():
    with pytest.raises(InvalidQuery, match="colour: no product has an attribute 'shade'") as error:
        find_labels([SKIRT], colour="shade")
    assert error.value.field == "colour"


@pytest.mark.parametrize("value", ["NA", "-", "", None, 7, True, []], ids=str)
def test_what_says_nothing_is_no_label(value):
    fields = {**SKIRT, "attributes": {"colour": value}}
    assert shop_product(fields, find_labels([fields])).colour == ""


def test_phrases_are_what_customers_type():
    product = shop_product(SKIRT, find_labels([SKIRT], colour="Base Colour"))
    assert phrases(product) == [
        "white skirts",
        "white skirt",
        "white",
        "skirts",
        "skirt",
        "palm tree skirts",
        "palm tree white skirts",
    ]


def test_a_product_without_a_kind_has_no_phrases():
    assert phrases(ShopProduct("1", "1", "Something", colour="Red", brand="X")) == []


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("shirts", "shirt"),
        ("casual shoes", "casual shoe"),
        ("dresses", "dress"),
        ("watches", "watch"),
        ("accessories", "accessory"),
        ("ties", "tie"),
        ("glass", "glass"),
        ("jewellery", "jewellery"),
    ],
)
def test_singular_of_what_shops_sell(plural, one):
    assert singular(plural) == one


def products(count: int, *, variants: int = 1) -> list[ShopProduct]:
    return [ShopProduct(f"p{n}", f"g{n // variants}", "t", photos=("a",)) for n in range(count)]


def test_no_parts_share_a_parent():
    everything = products(600, variants=3)
    split = split_products(everything, seed=4)
    parts = [
        {everything[row].group for row in part}
        for part in (split.learned, split.stopping, split.held_out)
    ]
    assert sum(len(part) for part in parts) == len(set.union(*parts)) == 200
    rows = [*split.learned, *split.stopping, *split.held_out]
    assert sorted(rows) == list(range(600))
    assert 0.12 < len(split.held_out) / 600 < 0.28


def test_a_product_stays_in_its_part_when_others_come():
    few, many = products(50), products(500)
    held_out = {few[row].id for row in split_products(few).held_out}
    assert held_out <= {many[row].id for row in split_products(many).held_out}
    assert {part_of("g1", seed=seed) for seed in range(40)} > {"learned"}


@pytest.mark.parametrize("count", [1, 2], ids=["one product", "two products"])
def test_too_few_products_are_refused(count):
    with pytest.raises(InvalidQuery, match="too few to learn from"):
        split_products(products(count))


def test_only_products_with_title_and_photo_are_used():
    kept = usable(
        [
            ShopProduct("b", "b", "Title", photos=("x",)),
            ShopProduct("a", "a", "Title", photos=("x",)),
            ShopProduct("c", "c", "", photos=("x",)),
            ShopProduct("d", "d", "Title"),
        ]
    )
    assert [one.id for one in kept] == ["a", "b"]
