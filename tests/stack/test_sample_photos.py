"""The sample's photos: every product has some, they are drawn once, and a worker can read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedded.pictures.colours import COLOURS
from embedded.pictures.render import KINDS
from embedded.sample_catalogue import sample_photos, sample_products
from embedded.sample_photos import SamplePhoto, write_photos
from indexer.images.decoding import decode
from indexer.images.local_files import read_file

ENOUGH_FOR_SEVERAL_PROCESSES = 100


@pytest.fixture(scope="module")
def photos() -> list[SamplePhoto]:
    return sample_photos()


def test_every_product_has_one_to_three_photos_and_each_photo_a_product(photos):
    named = [product["images"] for product in sample_products()]
    assert {len(images) for images in named} == {1, 2, 3}
    assert {address for images in named for address in images} == {
        photo.address for photo in photos
    }
    assert len({photo.file for photo in photos}) == len(photos)


def test_every_photo_can_be_drawn(photos):
    assert {photo.kind for photo in photos} <= KINDS.keys()
    assert {photo.colour for photo in photos} <= COLOURS.keys()


def test_a_product_is_drawn_in_its_own_colour():
    colours = {photo.address: photo.colour for photo in sample_photos()}
    for product in sample_products():
        if (colour := product["attributes"].get("colour")) in COLOURS:
            assert {colours[address] for address in product["images"]} == {colour}


def test_variants_of_one_model_share_its_photos():
    images: dict[str, set[tuple[str, ...]]] = {}
    for product in sample_products():
        if "parent_id" in product:
            images.setdefault(product["parent_id"], set()).add(tuple(product["images"]))
    assert images and all(len(shared) == 1 for shared in images.values())


@pytest.mark.parametrize(
    ("words", "least"), [("Summer Dress, red", 1), ("Shoes", 6), ("Backpack", 6), ("Shirt", 20)]
)
def test_there_is_something_of_fashion_to_find(words: str, least: int):
    assert sum(words in product["title"] for product in sample_products()) >= least


def test_a_worker_reads_what_was_written(photos, tmp_path: Path):
    assert write_photos(photos[:3], tmp_path) == 3
    for photo in photos[:3]:
        fetched = read_file(photo.address, tmp_path, max_bytes=100_000)
        picture = decode(fetched.data)
        assert picture.size == (256, 256)
        assert (np.asarray(picture) < 200).any()


def test_photos_are_drawn_once_and_missing_ones_again(photos, tmp_path: Path):
    few = photos[:4]
    write_photos(few, tmp_path)
    before = {photo.file: (tmp_path / photo.file).read_bytes() for photo in few}
    assert write_photos(few, tmp_path) == 0
    (tmp_path / few[2].file).unlink()
    assert write_photos(few, tmp_path) == 1
    assert {photo.file: (tmp_path / photo.file).read_bytes() for photo in few} == before


def test_several_processes_draw_the_same_and_leave_nothing_half_done(photos, tmp_path: Path):
    many = photos[:ENOUGH_FOR_SEVERAL_PROCESSES]
    assert write_photos(many, tmp_path / "many") == len(many)
    files = {path.relative_to(tmp_path / "many").as_posix() for path in _files(tmp_path / "many")}
    assert files == {photo.file for photo in many}
    write_photos(many[:5], tmp_path / "few")
    for photo in many[:5]:
        one, other = (tmp_path / folder / photo.file for folder in ("many", "few"))
        assert one.read_bytes() == other.read_bytes()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
