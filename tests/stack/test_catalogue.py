"""Which file is loaded, and into which index."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from embedded import sample_catalogue
from embedded.catalogue import CatalogueUnusable, choose_catalogue
from embedded.sample_catalogue import INDEX_NAME, sample_photos, sample_products
from mappings.feeds.field_map import choose_map, shipped_maps
from mappings.index_names import check_index_name


def index_of(path: Path, *, map_name: str | None = None, index: str | None = None) -> str:
    chosen = choose_catalogue(
        path, map_name=map_name, index=index, sample_directory=path.parent / "state"
    )
    return chosen.index


def write_record(path: Path, record: dict[str, str]) -> Path:
    path.write_text(json.dumps(record) + "\n")
    return path


def test_without_a_file_our_sample_is_loaded_with_its_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    few = sample_photos()[:3]
    monkeypatch.setattr(sample_catalogue, "sample_photos", lambda: few)
    chosen = choose_catalogue(None, map_name=None, index=None, sample_directory=tmp_path)
    assert chosen.index == INDEX_NAME
    first = json.loads(chosen.path.read_text().splitlines()[0])
    assert first == sample_products()[0]
    assert chosen.photos and chosen.photos.is_absolute()
    assert (chosen.photos / first["images"][0].removeprefix("file:")).is_file()


def test_a_sample_that_cannot_be_written_is_told_with_its_folder(tmp_path: Path):
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(CatalogueUnusable, match="state"):
        choose_catalogue(None, map_name=None, index=None, sample_directory=tmp_path / "state")


def test_the_photos_of_a_catalogue_that_is_not_ours_are_left_to_its_owner(tmp_path: Path):
    path = write_record(tmp_path / "a.jsonl", {"id": "1", "title": "a"})
    chosen = choose_catalogue(path, map_name=None, index=None, sample_directory=tmp_path)
    assert chosen.photos is None


@pytest.mark.parametrize("name", [name for name, item in shipped_maps().items() if item.index])
def test_the_index_of_a_recognised_file_is_the_one_that_the_loader_would_choose(
    name: str, tmp_path: Path
):
    record = {column: "1" for column in shipped_maps()[name].detect} | {"id": "1", "title": "a"}
    path = write_record(tmp_path / "products.jsonl", record)
    assert index_of(path) == choose_map(record, is_text=False).index == name
    as_csv = tmp_path / "export.csv.gz"
    as_csv.write_bytes(gzip.compress(";".join(record).encode() + b"\n"))
    assert index_of(as_csv) == name
    unrecognised = write_record(tmp_path / "other.jsonl", {"id": "1", "title": "a"})
    assert index_of(unrecognised, map_name=name) == name


@pytest.mark.parametrize(
    ("file", "index"),
    [
        ("My Shop.csv", "my-shop"),
        ("été_2024.jsonl.gz", "t-_2024"),
        ("products.jsonl", "catalogue"),
        ("products-v2.jsonl", "catalogue"),
        ("orders-write.csv", "catalogue"),
        ("店.jsonl", "catalogue"),
    ],
)
def test_any_other_file_gives_an_index_of_its_name(file: str, index: str, tmp_path: Path):
    path = write_record(tmp_path / file, {"id": "1", "title": "a"})
    assert index_of(path) == check_index_name(index)


def test_a_named_index_is_used_as_it_is(tmp_path: Path):
    path = write_record(tmp_path / "a.jsonl", {"id": "1", "title": "a"})
    assert index_of(path, index="shop") == "shop"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"{not json", b"{}\n", b"\x1f\x8b"])
def test_a_file_that_cannot_be_read_is_left_to_the_loader(content: bytes, tmp_path: Path):
    path = tmp_path / "odd.jsonl"
    path.write_bytes(content)
    assert index_of(path) == "odd"


def test_a_folder_is_no_catalogue(tmp_path: Path):
    with pytest.raises(CatalogueUnusable, match="cannot be read"):
        index_of(tmp_path)
