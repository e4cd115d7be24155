"""Where things that several data directories share are kept, and how they are built once."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from embedded.errors import DiskFull

_OUT_OF_ROOM = (errno.ENOSPC, errno.EDQUOT)


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Give `shelfwise` under XDG_CACHE_HOME, or under `~/.cache` without it."""
    root = environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "shelfwise"


@contextmanager
def exclusive(lock_path: Path) -> Iterator[None]:
    """Hold a lock between processes: two first starts must not build the same thing at once."""
    lock_path.parent.mkdir(parents=True, exist_ok=True)
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def disk_full_explained(where: Path) -> Iterator[None]:
    """Turn the operating system's "no space left" into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in _OUT_OF_ROOM:
            raise DiskFull(
                f"No room left on the disk that holds {where}.",
                "Free about 500 MB there, or set XDG_CACHE_HOME and the data directory to a disk"
                " with room, and start again.",
            ) from error
        raise
