"""What a local stack remembers between two starts: its data, ports, and what was loaded."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embedded import ports
from embedded.errors import DirectoryInUse, DiskFull

_FIRST_PORTS = {"elasticsearch": 20_000, "redis": 25_000}
_PORT_COUNT = 5_000
"""Below what systems give to outgoing connections, and above the servers' usual ports, which a
shop's developer may have in use."""

_NEEDED_BYTES = 500 * 2**20
_READ_BYTES = 2**20


class StackState:
    """The folder of one local stack.

    elasticsearch.<version>/, redis/, models/, logs/, stack.json, environment
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()

    @property
    def redis_directory(self) -> Path:
        """Data of the embedded Redis."""
        return self.directory / "redis"

    @property
    def model_directory(self) -> Path:
        """Exported query encoders."""
        return self.directory / "models"

    @property
    def log_directory(self) -> Path:
        """Output of our own programs, a file each."""
        return self.directory / "logs"

    @property
    def environment_path(self) -> Path:
        """Shell file with the settings by which other commands reach this stack."""
        return self.directory / "environment"

    def elasticsearch_directory(self, version: str) -> Path:
        """Return where one version's data is: an older one could not read a newer one's."""
        return self.directory / f"elasticsearch-{version}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other stacks out of the folder for as long as the block lasts.

        Raises DirectoryInUse when another runs on it, DiskFull when there is no room to begin.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.seek(0)
                raise DirectoryInUse(
                    f"Another stack runs on {self.directory} (process {lock.read().strip()}).",
                    "Use that one, or stop it with Ctrl-C in its terminal and start again.",
                ) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            self._require_room()
            yield

    def _require_room(self) -> None:
        free = shutil.disk_usage(self.directory).free
        if free < _NEEDED_BYTES:
            raise DiskFull(
                f"Only {free / 2**20:.0f} MB are free on the disk that holds {self.directory}.",
                f"Make room for {_NEEDED_BYTES / 2**20:.0f} MB there, or keep the data elsewhere:"
                " make run STATE=/path/on/another/disk",
            )

    def port(self, server: str) -> int:
        """Return a free port for a server, the same as last time whenever possible.

        Each folder prefers a port of its own: two stacks that start at one time would both
        find a fixed one free.
        """
        digest = hashlib.blake2b(str(self.directory).encode()).digest()
        own = _FIRST_PORTS[server] + int.from_bytes(digest, "big") % _PORT_COUNT
        remembered = self._read().get("ports", {}).get(server)
        for port in (remembered, own):
            if isinstance(port, int) and ports.is_free(port):
                return port
        return ports.pick_free(1)[0]

    def remember_ports(self, chosen: Mapping[str, int]) -> None:
        """Use the same ports next time."""
        self._write({**self._read(), "ports": dict(chosen)})

    def loaded(self, version: str, index: str) -> str | None:
        """Return the fingerprint of what was last loaded into an index, None for nothing."""
        found = self._read().get("loaded", {}).get(version, {}).get(index)
        return found if isinstance(found, str) else None

    def remember_loaded(self, version: str, index: str, fingerprint: str | None) -> None:
        """Note what an index holds; None while a load is under way, which may be cut off."""
        state = self._read()
        state.setdefault("loaded", {}).setdefault(version, {})[index] = fingerprint
        self._write(state)

    def write_environment(self, variables: Mapping[str, str]) -> None:
        """Write the shell file that `environment_path` names."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
        self.environment_path.write_text("".join(lines), encoding="utf-8")

    def _read(self) -> dict[str, Any]:
        try:
            state = json.loads((self.directory / "stack.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write(self, state: Mapping[str, Any]) -> None:
        path = self.directory / "stack.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)


def fingerprint(catalogue: Path, map_name: str | None, settings: Sequence[str]) -> str:
    """Return a digest of a catalogue's content, the map that reads it, and settings."""
    digest = hashlib.blake2b(digest_size=16)
    for path in (catalogue, Path(map_name) if map_name else None):
        if path is not None and path.is_file():
            with path.open("rb") as file:
                while block := file.read(_READ_BYTES):
                    digest.update(block)
    digest.update(json.dumps([map_name, *settings]).encode())
    return digest.hexdigest()
