"""Photos from one folder of the worker's machine, and from nowhere else on it."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from indexer.images.failures import refused
from indexer.images.fetched import FetchedImage

_CHUNK_BYTES = 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK a named pipe would hold the worker until somebody writes.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_file(url: str, directory: Path | None, *, max_bytes: int) -> FetchedImage:
    """Read `file:///photos/a.jpg` (inside the directory) or `file:a.jpg` (relative to it).

    directory: the only folder that is read; None allows none.
    Raises ImageRefused when the path leaves the folder, goes through a symbolic link, is no
    regular file, is larger than max_bytes, empty, unreadable or absent.
    """
    if directory is None:
        raise refused(url, "no folder of photos is set", "file_refused")
    parts = _parts_below(url, directory)
    try:
        data = _read_below(directory, parts, max_bytes + 1)
    except FileNotFoundError as error:
        raise refused(url, "there is no such file", "not_found") from error
    except (OSError, ValueError) as error:
        raise refused(
            url, "is no readable file of the folder of photos", "file_refused"
        ) from error
    if len(data) > max_bytes:
        raise refused(url, f"is larger than {max_bytes:,} bytes", "too_large")
    if not data:
        raise refused(url, "is empty", "empty")
    return FetchedImage.of(data, content_type="", url=url)


def _parts_below(url: str, directory: Path) -> tuple[str, ...]:
    try:
        split = urlsplit(url)
        path = PurePosixPath(unquote(split.path, errors="strict"))
    except ValueError as error:
        raise refused(url, "is no address", "address_invalid") from error
    if split.netloc not in ("", "localhost"):
        raise refused(url, "is a file of another machine", "file_refused")
    if path.is_absolute():
        if not path.is_relative_to(directory.absolute()):
            raise refused(url, "is outside the folder of photos", "file_refused")
        path = path.relative_to(directory.absolute())
    if ".." in path.parts or not path.parts:
        raise refused(url, "is outside the folder of photos", "file_refused")
    return path.parts


def _read_below(directory: Path, parts: tuple[str, ...], most: int) -> bytes:
    # Step by step from the folder's own descriptor: a check of the whole path beforehand could
    # be true when it is made and false when the file is opened.
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        opened = os.open(parts[-1], _FILE, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a regular file")
        return _read(opened, status.st_size, most)
    finally:
        os.close(opened)


def _read(opened: int, size: int, most: int) -> bytes:
    """Return the bytes of a file, `most` of them at most, also of one that grows meanwhile.

    A read of `most` would have a buffer of so many bytes made for it, 20 MB for a photo of 20 kB,
    which takes about as long as decoding the photo.
    """
    data = os.read(opened, min(size + 1, most))
    while len(data) not in (size, most) and (
        more := os.read(opened, min(_CHUNK_BYTES, most - len(data)))
    ):
        data += more
    return data
