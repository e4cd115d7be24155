"""Elasticsearch's published jars, pinned by SHA-256 and fetched through the Maven cache.

`java/jars-<version>.txt` lists every jar: the part that loads it (`server` or the name of a
module), its Maven coordinate and its hash. Rewrite it with `python -m embedded.jars <version>`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedded.cache import disk_full_explained
from embedded.errors import DownloadCorrupt, EmbeddedStackError, NetworkUnavailable

JAVA_DIRECTORY = Path(__file__).parent / "java"
SERVER = "server"
NETTY_MODULE = "transport-netty4"

_ENDPOINTS = {
    SERVER: "org.elasticsearch:elasticsearch:{version}",
    NETTY_MODULE: "org.elasticsearch.plugin:transport-netty4:{version}",
}
_READ_BYTES = 1 << 20
_DOWNLOAD_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Jar:
    """One pinned jar. part: `server`, or the module that loads it."""

    part: str
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Its name in a Maven repository, unique among the jars of one Elasticsearch."""
        return f"{self.artifact}-{self.version}.jar"


def lock_path(version: str) -> Path:
    """Give the file that pins the jars of one Elasticsearch version."""
    return JAVA_DIRECTORY / f"jars-{version}.txt"


def pinned_jars(version: str) -> list[Jar]:
    """Read the pinned jars of one Elasticsearch version, in class path order."""
    jars = []
    for line in lock_path(version).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            part, coordinate, sha256 = line.split()
            group, artifact, jar_version = coordinate.split(":")
            jars.append(Jar(part, group, artifact, jar_version, sha256))
    return jars


def fetch(jars: list[Jar], on_progress: Callable[[str], None]) -> dict[Jar, Path]:
    """Give each jar's path in the Maven cache, downloading what is missing there.

    Raises NetworkUnavailable, DownloadCorrupt or DiskFull.
    """
    from jgo.maven import MavenContext  # costs 0.2 s to import, and only a first start needs it

    context = MavenContext(timeout=_DOWNLOAD_TIMEOUT_SECONDS)
    paths: dict[Jar, Path] = {}
    for number, jar in enumerate(jars, start=1):
        cached = context.repo_cache / _repository_path(jar)
        if not (cached.is_file() and _sha256(cached) == jar.sha256):
            on_progress(f"downloading jar {number} of {len(jars)}: {jar.file_name}")
            cached.unlink(missing_ok=True)  # a broken download would count as cached for ever
            _download(context, jar, cached)
        paths[jar] = cached
    return paths


def _repository_path(jar: Jar) -> Path:
    return Path(*jar.group.split("."), jar.artifact, jar.version, jar.file_name)


def _download(context: object, jar: Jar, cached: Path) -> None:
    import requests  # jgo's own client, whose errors we translate

    component = context.project(jar.group, jar.artifact).at_version(jar.version)  # type: ignore[attr-defined]
    try:
        with disk_full_explained(cached):
            component.artifact().resolve()
    except EmbeddedStackError:
        cached.unlink(missing_ok=True)
        raise
    except (requests.RequestException, RuntimeError, OSError) as error:
        cached.unlink(missing_ok=True)
        raise NetworkUnavailable(
            f"Could not download {jar.file_name} from the Maven repository: {error}",
            "The embedded Elasticsearch is downloaded once (about 50 MB). Check the network and"
            " any proxy (HTTPS_PROXY), then start again; what is already there is kept.",
        ) from error
    actual = _sha256(cached)
    if actual != jar.sha256:
        cached.unlink(missing_ok=True)
        raise DownloadCorrupt(
            f"{jar.file_name} has SHA-256 {actual} instead of the pinned {jar.sha256}.",
            "Start again to download it anew. If it stays so, a proxy or a mirror changes files.",
        )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _resolve(version: str) -> list[Jar]:
    """Ask the repository for the current dependencies; the server's jars come first."""
    import jgo

    jars: list[Jar] = []
    for part, endpoint in _ENDPOINTS.items():
        for artifact in jgo.resolve(endpoint.format(version=version)):
            jar = Jar(
                part,
                artifact.groupId,
                artifact.artifactId,
                artifact.version,
                _sha256(Path(artifact.resolve())),
            )
            # A module sees the server's classes; a second copy of one is refused at start.
            if all(jar.file_name != known.file_name for known in jars):
                jars.append(jar)
    return jars


def _write_lock(version: str) -> None:
    lines = [f"# The jars of Elasticsearch {version}. Rewrite: python -m embedded.jars {version}"]
    lines += [
        f"{jar.part} {jar.group}:{jar.artifact}:{jar.version} {jar.sha256}"
        for jar in _resolve(version)
    ]
    lock_path(version).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for _version in sys.argv[1:]:
        _write_lock(_version)
