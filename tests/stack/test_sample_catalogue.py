"""The sample catalogue is good enough to try a search on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from embedded.sample_catalogue import sample_products, write_sample_catalogue
from mappings.product import Product


@pytest.fixture(scope="module")
def products() -> list[Product]:
    return [Product.parse(product) for product in sample_products()]


def test_every_product_is_valid_and_has_its_own_id_and_title(products):
    assert len({product.id for product in products}) == len(products) > 300
    assert len({product.title for product in products}) == len(products)


def test_two_runs_give_the_same_products():
    assert sample_products() == sample_products()


def test_there_is_something_to_count_filter_and_sort_by(products):
    departments = {path.split(" > ")[0] for product in products for path in product.categories}
    attribute_names = {name for product in products for name in product.attributes}
    assert len(departments) >= 8
    assert len({product.brand for product in products}) >= 20
    assert len(attribute_names) >= 30
    assert {product.availability for product in products} > {"in_stock", "out_of_stock"}
    assert all(product.price and product.currency == "EUR" for product in products)


def test_variants_of_one_model_differ_in_size_alone(products):
    models = Counter(product.parent_id for product in products if product.parent_id)
    assert models and min(models.values()) >= 2
    for model in models:
        variants = [product for product in products if product.parent_id == model]
        assert len({variant.attributes["size"] for variant in variants}) == len(variants)
        assert len({(variant.price, variant.attributes["colour"]) for variant in variants}) == 1


def test_identifiers_are_valid_eans_of_no_real_article(products):
    for product in products:
        ean = product.identifiers[-1]
        weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(ean))
        assert len(ean) == 13 and ean.startswith("29") and weighted % 10 == 0


def test_a_file_that_is_there_already_is_left_alone(tmp_path: Path):
    path = write_sample_catalogue(tmp_path)
    before = path.stat().st_mtime_ns
    assert write_sample_catalogue(tmp_path) == path
    assert path.stat().st_mtime_ns == before
    assert len(path.read_text().splitlines()) == len(sample_products())
