"""Photos from a folder, and photos that stand in the product itself."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from pathlib import Path

import pytest

from indexer.images.addresses import AddressPolicy
from indexer.images.fetcher import FetchLimits, ImageFetcher
from indexer.images.inline_data import decode_base64
from mappings.errors import ImageRefused

PHOTO = b"\x89PNG photo"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of photos beside a secret."""
    (tmp_path / "secret.txt").write_bytes(b"secret")
    photos = tmp_path / "photos"
    (photos / "shoes").mkdir(parents=True)
    (photos / "shoes" / "red shoe.png").write_bytes(PHOTO)
    (photos / "a.png").write_bytes(PHOTO)
    return photos


@pytest.fixture
def fetcher(folder: Path) -> ImageFetcher:
    return ImageFetcher(AddressPolicy(), FetchLimits(max_bytes=100), file_directory=folder)


def reason_of(fetcher: ImageFetcher, url: str) -> str:
    with pytest.raises(ImageRefused) as caught:
        fetcher.fetch(url)
    return caught.value.reason


@pytest.mark.parametrize(
    "url",
    [
        "file:a.png",
        "file:shoes/red%20shoe.png",
        "file:shoes/red shoe.png",
        "file:./shoes/./red shoe.png",
        "file://{folder}/a.png",
        "FILE://localhost{folder}/shoes/red%20shoe.png",
    ],
)
def test_file_of_the_folder_is_read(fetcher, folder, url):
    fetched = fetcher.fetch(url.format(folder=folder))
    assert fetched.data == PHOTO
    assert fetched.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert fetched.content_type == ""


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "file:../secret.txt",
        "file:shoes/../../secret.txt",
        "file:shoes/../a.png",
        "file:%2e%2e/secret.txt",
        "file:..%2fsecret.txt",
        "file://{folder}/../secret.txt",
        "file://{folder}",
        "file://{folder}-other/a.png",
        "file:",
        "file:.",
        "file:shoes",
        "file://server/share/a.png",
        "file:a.png%00.jpg",
        "file:" + "a" * 300,
    ],
)
def test_path_that_leaves_the_folder_or_is_no_file_is_refused(fetcher, folder, url):
    assert reason_of(fetcher, url.format(folder=folder)) == "file_refused"


def test_symbolic_links_are_not_followed(fetcher, folder):
    (folder / "link.png").symlink_to(folder.parent / "secret.txt")
    (folder / "inside.png").symlink_to(folder / "a.png")
    (folder / "up").symlink_to(folder.parent)
    for url in ("file:link.png", "file:inside.png", "file:up/secret.txt"):
        assert reason_of(fetcher, url) == "file_refused"


def test_named_pipe_does_not_hold_the_worker(fetcher, folder):
    os.mkfifo(folder / "pipe.png")
    started = time.monotonic()
    assert reason_of(fetcher, "file:pipe.png") == "file_refused"
    assert time.monotonic() - started < 1


def test_file_is_limited_like_a_download(fetcher, folder):
    (folder / "fits.png").write_bytes(b"x" * 100)
    (folder / "large.png").write_bytes(b"x" * 101)
    (folder / "empty.png").write_bytes(b"")
    assert len(fetcher.fetch("file:fits.png").data) == 100
    assert reason_of(fetcher, "file:large.png") == "too_large"
    assert reason_of(fetcher, "file:empty.png") == "empty"
    assert reason_of(fetcher, "file:absent.png") == "not_found"


def test_without_a_folder_no_file_is_read(folder):
    fetcher = ImageFetcher(AddressPolicy(), FetchLimits())
    assert reason_of(fetcher, f"file://{folder}/a.png") == "file_refused"


ENCODED = base64.b64encode(b"\xfb\xff photo").decode()


@pytest.mark.parametrize(
    ("url", "data", "kind"),
    [
        (f"data:image/png;base64,{ENCODED}", b"\xfb\xff photo", "image/png"),
        (f"DATA:Image/PNG;name=a;BASE64,{ENCODED}", b"\xfb\xff photo", "image/png"),
        (f"data:;base64,{ENCODED.replace('+', '%2B')}", b"\xfb\xff photo", ""),
        ("data:image/gif,GIF%38%00", b"GIF8\0", "image/gif"),
    ],
    ids=["base64", "capitals", "base64 percent-encoded", "percent-encoded"],
)
def test_inline_photo_is_decoded(fetcher, url, data, kind):
    fetched = fetcher.fetch(url)
    assert (fetched.data, fetched.content_type) == (data, kind)
    assert len(fetched.url) < 120


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("data:image/png;base64", "data_invalid"),
        ("data:image/png;base64,a#b=", "data_invalid"),
        ("data:image/png;base64,QUJDR", "data_invalid"),
        ("data:image/png;base64,", "empty"),
        ("data:,", "empty"),
        ("data:image/png;base64," + "QUFB" * 34, "too_large"),
        ("data:image/png," + "%41" * 101, "too_large"),
        ("data:image/png," + "A" * 1_000_000, "too_large"),
    ],
    ids=[
        *("no comma", "no letter", "one letter over", "empty", "empty text"),
        *("102 bytes", "101 bytes", "far too long"),
    ],
)
def test_inline_photo_is_checked(fetcher, url, reason):
    assert reason_of(fetcher, url) == reason


def test_base64_forgives_blanks_padding_and_the_other_alphabet():
    for text in ("-_8gcGhvdG8", "+/8gcGhvdG8=", " +/8g\r\n cGhv\tdG8= "):
        assert decode_base64(text, max_bytes=8) == b"\xfb\xff photo"
    with pytest.raises(ImageRefused, match="larger than 7 bytes"):
        decode_base64("-_8gcGhvdG8", max_bytes=7)
    with pytest.raises(ImageRefused, match="not base64"):
        decode_base64("päng", max_bytes=7)


@pytest.mark.parametrize("url", ["", "a.png", "ftp://shop.example/a.png", "javascript:x", "//x/a"])
def test_other_kinds_of_address_are_refused(fetcher, url):
    assert reason_of(fetcher, url) == "scheme_refused"
