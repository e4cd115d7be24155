"""The cache of photos on disk: what is asked again, what is kept, and who may write into it."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import time
from pathlib import Path

import pytest

from indexer.images.cache import CachedImageFetcher, ImageCache, fetcher_from_settings
from indexer.images.cache_folder import CacheFolder
from indexer.images.fetched import FetchedImage
from indexer.images.fetcher import ImageFetcher
from indexer.settings import IndexerSettings
from mappings.errors import ImageRefused, ImageUnavailable
from tests.indexer.images.photo_server import respond

URL = "https://photos.test/a.png"
NOON = 1_800_000_000.0


class Clock:
    """Seconds since 1970, as the test sets them."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> ImageCache:
    return ImageCache(tmp_path / "images", max_bytes=1_000_000, clock=clock)


@pytest.fixture
def cached(server, make_fetcher, cache) -> CachedImageFetcher:
    """Copies are fresh for 60 seconds."""
    return CachedImageFetcher(make_fetcher(server), cache, fresh_seconds=60.0)


def image_of(data: bytes, url: str = URL) -> FetchedImage:
    return FetchedImage.of(data, content_type="image/png", url=url, etag='"1"')


def files_of(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and path.name != "lock"]


def size_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in files_of(directory))


def test_fresh_copy_is_used_without_asking(server, cached, clock):
    server.serve("/a", ETag='"1"', Content_Type="image/png")
    first = cached.fetch(server.url("/a"))
    clock.now += 59.9
    assert cached.fetch(server.url("/a")) == first
    assert server.paths == ["/a"]


def revalidating(handler) -> None:
    unmodified = handler.headers.get("If-None-Match") == '"1"'
    respond(b"" if unmodified else b"photo", 304 if unmodified else 200, ETag='"1"')(handler)


def test_older_copy_is_asked_about_and_fresh_again_when_unchanged(server, cached, clock):
    server.routes["/a"] = revalidating
    url = server.url("/a")
    first = cached.fetch(url)
    clock.now += 60
    assert cached.fetch(url) == first
    assert [headers.get("If-None-Match") for _, headers in server.requests] == [None, '"1"']
    clock.now += 59
    assert cached.fetch(url) == first
    assert len(server.requests) == 2
    assert len(set(server.peers)) == 1  # an answer without a body leaves the connection usable


def test_last_modified_is_sent_back(server, cached, clock):
    date = "Sat, 21 Nov 2026 10:00:00 GMT"
    server.serve("/a", Last_Modified=date)
    for _ in range(2):
        cached.fetch(server.url("/a"))
        clock.now += 100
    assert [headers.get("If-Modified-Since") for _, headers in server.requests] == [None, date]


def test_changed_photo_takes_the_place_of_the_copy(server, cached, clock):
    server.serve("/a", b"old", ETag='"1"')
    cached.fetch(server.url("/a"))
    server.serve("/a", b"new", ETag='"2"')
    clock.now += 61
    assert cached.fetch(server.url("/a")).data == b"new"
    assert cached.fetch(server.url("/a")).etag == '"2"'
    assert len(server.requests) == 2


def test_copy_never_hides_a_fault(server, cached, clock):
    server.serve("/a", ETag='"1"')
    cached.fetch(server.url("/a"))
    clock.now += 61
    for status, error in ((404, ImageRefused), (500, ImageUnavailable)):
        server.serve("/a", b"", status)
        with pytest.raises(error):
            cached.fetch(server.url("/a"))


def test_mark_of_one_address_is_not_shown_to_another(server, cached, clock):
    """The old target's mark must not let the new target say that nothing has changed."""
    server.routes["/a"] = respond(b"", 302, Location="/one")
    server.routes["/one"] = server.routes["/two"] = revalidating
    cached.fetch(server.url("/a"))
    server.routes["/a"] = respond(b"", 302, Location="/two")
    clock.now += 61
    cached.fetch(server.url("/a"))
    marks = [(path, headers.get("If-None-Match")) for path, headers in server.requests]
    assert marks == [("/a", None), ("/one", None), ("/a", None), ("/two", None)]


def test_same_content_is_kept_once_and_found_by_its_digest(cache, tmp_path):
    for name in "abc":
        cache.keep(f"https://photos.test/{name}", image_of(b"x" * 10_000))
    assert len([path for path in files_of(tmp_path) if path.suffix != ".json"]) == 1
    assert size_of(tmp_path) < 12_000
    digest = hashlib.sha256(b"x" * 10_000).hexdigest()
    assert cache.content(digest) == b"x" * 10_000
    assert cache.content("0" * 64) is None


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 65])
def test_digest_that_is_none_is_refused(cache, digest):
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        cache.content(digest)


def test_files_and_inline_photos_are_not_kept(cached, tmp_path):
    assert cached.fetch("data:image/png,x").data == b"x"
    assert files_of(tmp_path) == []


def test_photos_used_longest_ago_go_first(tmp_path):
    directory = tmp_path / "images"
    folder = CacheFolder(directory, max_bytes=10_000)
    names = [f"{number:02}name" for number in range(7)]
    for number, name in enumerate(names):
        folder.write(name, b"x" * 1000)
        os.utime(directory / name[:2] / name, (number, number))
    assert folder.read(names[0]) == b"x" * 1000  # used now, so the youngest
    folder.write("07name", b"x" * 1000)
    assert size_of(directory) == 8000  # four fifths are left alone
    folder.write("08name", b"x" * 1000)
    assert size_of(directory) == 8000
    assert folder.read(names[1]) is None
    assert folder.read(names[0]) == b"x" * 1000


def test_limit_holds_over_many_photos(tmp_path):
    directory = tmp_path / "images"
    cache = ImageCache(directory, max_bytes=100_000)
    chance = random.Random(7)
    for number in range(300):
        cache.keep(f"{URL}?{number}", image_of(chance.randbytes(chance.randint(1, 9_000))))
        assert size_of(directory) <= 100_000
    assert size_of(directory) > 60_000


def test_photo_larger_than_the_cache_is_left_out(tmp_path):
    cache = ImageCache(tmp_path / "images", max_bytes=1000)
    cache.keep(URL, image_of(b"x" * 801))
    assert cache.find(URL) is None
    cache.keep(URL, image_of(b"y" * 500))
    assert cache.find(URL) is not None


def test_damaged_content_is_a_miss_and_removed(cache, tmp_path):
    cache.keep(URL, image_of(b"photo"))
    [path] = [path for path in files_of(tmp_path) if path.suffix != ".json"]
    path.write_bytes(b"")
    assert cache.find(URL) is None
    assert not path.exists()


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b'{"sha256": "../../etc"}', b'{"sha256": 3}', b"\xff"]
)
def test_damaged_address_is_a_miss(cache, tmp_path, text):
    cache.keep(URL, image_of(b"photo"))
    [path] = [path for path in files_of(tmp_path) if path.suffix == ".json"]
    path.write_bytes(text)
    assert cache.find(URL) is None


def test_symbolic_links_are_neither_read_nor_written_through(tmp_path):
    directory = tmp_path / "images"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "aafile").write_bytes(b"secret")
    folder = CacheFolder(directory, max_bytes=1000)
    folder.write("bbfile", b"photo")
    (directory / "aa").symlink_to(outside)
    (directory / "bb" / "bblink").symlink_to(outside / "aafile")
    for act in (
        lambda: folder.read("aafile"),
        lambda: folder.write("aafile", b"mine"),
        lambda: folder.read("bblink"),
    ):
        with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
            act()
    folder.write("bblink", b"mine")  # the link itself is replaced
    assert folder.read("bblink") == b"mine"
    CacheFolder(directory, max_bytes=1).shrink()
    assert (outside / "aafile").read_bytes() == b"secret"


def test_folder_that_cannot_be_used_costs_the_copy_and_not_the_fetch(
    server, make_fetcher, tmp_path
):
    (tmp_path / "images").write_bytes(b"a file where the folder should be")
    cache = ImageCache(tmp_path / "images", max_bytes=1000)
    cached = CachedImageFetcher(make_fetcher(server), cache, fresh_seconds=60.0)
    server.serve("/a")
    for _ in range(2):
        assert cached.fetch(server.url("/a")).data == b"photo"
    assert len(server.requests) == 2


def test_folder_itself_may_be_a_link_to_another_disk(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "images").symlink_to(tmp_path / "disk")
    folder = CacheFolder(tmp_path / "images", max_bytes=1000)
    folder.write("aafile", b"photo")
    assert folder.read("aafile") == b"photo"


def test_files_are_readable_by_their_owner_alone(cache, tmp_path):
    cache.keep(URL, image_of(b"photo"))
    assert {path.stat().st_mode & 0o777 for path in files_of(tmp_path)} == {0o600}
    assert (tmp_path / "images").stat().st_mode & 0o777 == 0o700


def test_what_a_killed_process_left_is_cleared_after_an_hour(tmp_path):
    folder = CacheFolder(tmp_path, max_bytes=1000)
    folder.write("aafile", b"photo")
    old, young = tmp_path / "aa" / "old.part", tmp_path / "aa" / "young.part"
    for path in (old, young):
        path.write_bytes(b"half")
    an_hour_ago = time.time() - 3601
    os.utime(old, (an_hour_ago, an_hour_ago))
    folder.shrink()
    assert (old.exists(), young.exists(), folder.read("aafile")) == (False, True, b"photo")


@pytest.mark.parametrize("name", ["", "ab", "../etc", "a/b/c", "ab\0c"])
def test_name_that_is_a_path_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="should be letters"):
        CacheFolder(tmp_path, max_bytes=1000).write(name, b"x")


def _share(directory: Path, number: int, wrong: multiprocessing.SimpleQueue) -> None:
    cache = ImageCache(directory, max_bytes=200_000)
    chance = random.Random(number)
    for _ in range(150):
        key = chance.randrange(40)
        url, data = f"{URL}?{key}", random.Random(key).randbytes(8_000 + key)
        found = cache.find(url)
        if found is not None and found[0].data != data:
            wrong.put(url)
        cache.keep(url, image_of(data))
    wrong.put(None)


def test_processes_share_a_folder_without_torn_files_and_within_the_limit(tmp_path):
    start = multiprocessing.get_context("spawn")
    wrong = start.SimpleQueue()
    workers = [start.Process(target=_share, args=(tmp_path, n, wrong)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert [wrong.get() for _ in workers] == [None, None, None]
    assert 100_000 < size_of(tmp_path) <= 200_000
    assert not list(tmp_path.rglob("*.part"))


def test_cache_is_off_unless_it_has_a_size(tmp_path):
    assert isinstance(fetcher_from_settings(IndexerSettings()), ImageFetcher)
    settings = IndexerSettings(
        indexer_image_cache_megabytes=1, indexer_image_cache_directory=str(tmp_path / "images")
    )
    assert isinstance(fetcher_from_settings(settings), CachedImageFetcher)
    assert not (tmp_path / "images").exists()  # nothing is made before it is needed
