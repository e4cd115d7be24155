"""A folder of small files that several processes share: whole files, no symbolic links, a limit.

Files are written under another name and renamed, so that a reader sees all of a file or none.
Each file is opened by its folder's descriptor and never through a link, so whoever can write
into the folder cannot make a worker read or overwrite what lies outside.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC

_UNFINISHED = ".part"
_LOCK_NAME = "lock"
_UNFINISHED_SECONDS = 3600.0
"""After so long a file under another name is what a killed process has left."""

_KEPT_SHARE = 0.8
_UNCOUNTED_SHARE = 0.05
"""The folder is counted when this process has written this share of the limit since the last
time, and cut to _KEPT_SHARE: so the limit holds for four processes, and each further one may
exceed it by this share."""


@dataclass(frozen=True)
class _File:
    used: float
    size: int
    name: str


class CacheFolder:
    """Keeps files by name until the limit pushes out those that were used longest ago.

    max_bytes: the sizes of all files together, 1 or more. Names are letters and digits, 3 or
    more, and a dot; the first two choose a subfolder. Thread-safe. Every method raises OSError
    when the disk does not do what it is asked.
    """

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._written = 0
        self._lock = threading.Lock()

    def read(self, name: str) -> bytes | None:
        """Return a file's content and note its use; None if it is not there."""
        try:
            with self._subfolder(name) as folder:
                opened = os.open(name, _READ, dir_fd=folder)
                with os.fdopen(opened, "rb") as file:
                    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                        raise OSError(f"{name} is not a regular file")
                    # Access times are switched off or rare on most disks; this one is ours.
                    os.utime(file.fileno())
                    return file.read()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Put a file there, in the place of one that has the name; too large ones are left out."""
        if len(content) > self._max_bytes * _KEPT_SHARE:
            return
        with self._subfolder(name, make=True) as folder:
            unfinished = f"{secrets.token_hex(8)}{_UNFINISHED}"
            opened = os.open(unfinished, _WRITE, 0o600, dir_fd=folder)
            try:
                with os.fdopen(opened, "wb") as file:
                    file.write(content)
                os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(unfinished, dir_fd=folder)
                raise
        with self._lock:
            self._written += len(content)
            due = self._written >= self._max_bytes * _UNCOUNTED_SHARE
            if due:
                self._written = 0
        if due:
            self.shrink()

    def remove(self, name: str) -> None:
        """Take a file away if it is there."""
        with contextlib.suppress(FileNotFoundError), self._subfolder(name) as folder:
            os.unlink(name, dir_fd=folder)

    def shrink(self) -> None:
        """Remove what was used longest ago, if all is more than four fifths of the limit."""
        with self._alone() as root:
            files = sorted(self._files(root), key=lambda file: (file.used, file.name))
            total = sum(file.size for file in files)
            for file in files:
                if total <= self._max_bytes * _KEPT_SHARE:
                    break
                self.remove(file.name)
                total -= file.size

    @contextlib.contextmanager
    def _root(self) -> Iterator[int]:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The operator may have made the folder itself a link to a larger disk.
        root = os.open(self._directory, _FOLDER & ~os.O_NOFOLLOW)
        try:
            yield root
        finally:
            os.close(root)

    @contextlib.contextmanager
    def _subfolder(self, name: str, *, make: bool = False) -> Iterator[int]:
        if not name.replace(".", "").isalnum() or len(name) < 3:
            raise ValueError(f"name: {name!r} should be letters, digits and dots, 3 or more")
        with self._root() as root:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name[:2], 0o700, dir_fd=root)
            folder = os.open(name[:2], _FOLDER, dir_fd=root)
            try:
                yield folder
            finally:
                os.close(folder)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[int]:
        with self._root() as root:
            lock = os.open(_LOCK_NAME, _LOCK, 0o600, dir_fd=root)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield root
            finally:
                os.close(lock)

    def _files(self, root: int) -> Iterator[_File]:
        for part in os.listdir(root):
            try:
                folder = os.open(part, _FOLDER, dir_fd=root)
            except OSError:
                continue  # the lock, or something that is not ours
            try:
                yield from self._files_of(folder)
            finally:
                os.close(folder)

    def _files_of(self, folder: int) -> Iterator[_File]:
        for name in os.listdir(folder):
            try:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue  # another process has removed or renamed it
            if not stat.S_ISREG(found.st_mode):
                continue
            if not name.endswith(_UNFINISHED):
                yield _File(found.st_mtime, found.st_size, name)
            elif found.st_mtime < time.time() - _UNFINISHED_SECONDS:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
