"""Keep the classes that a node has loaded, so that the next node starts in half the time.

The JVM writes the archive when a node ends in good order, which costs that one stop a few
seconds; the archive belongs to one layout and one build of the JVM.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from embedded.jdk import Jdk

_ABANDONED_SECONDS = 3600.0
_QUIET = "-Xlog:cds=off,cds+dynamic=off"


class ClassArchive:
    """The archive of one layout and JVM: used when it is there, else to be made by one node."""

    def __init__(self, layout: Path, jdk: Jdk) -> None:
        build = hashlib.sha256((jdk.home / "release").read_bytes()).hexdigest()[:12]
        self._path = layout / f"classes-{jdk.version}-{build}.jsa"
        # The JVM does not write it at once, so each process has its own until it is whole.
        self._partial = self._path.with_suffix(f".{os.getpid()}-{time.monotonic_ns()}.partial")

    @property
    def is_there(self) -> bool:
        """Whether nodes can use it."""
        return self._path.exists()

    def options(self, *, may_make: bool) -> list[str]:
        """Give the JVM options that use the archive, or else make it where that is allowed."""
        if self.is_there:
            return [_QUIET, f"-XX:SharedArchiveFile={self._path}"]
        return [_QUIET, f"-XX:ArchiveClassesAtExit={self._partial}"] if may_make else []

    def keep(self) -> None:
        """Put the archive that a node has made in its place; call it once that node has ended."""
        if self._partial.exists():
            self._partial.replace(self._path)
        for left in self._path.parent.glob("*.partial"):
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                left.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what a node that was killed has written."""
        self._partial.unlink(missing_ok=True)
