"""Preparing a home: pinned jars, one build for many, and what is said when something is amiss."""

import errno
import hashlib
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from embedded import jars, layout
from embedded.cache import cache_directory, disk_full_explained, exclusive
from embedded.elasticsearch import SUPPORTED_VERSIONS
from embedded.errors import DiskFull, DownloadCorrupt, NetworkUnavailable, PluginBuildFailed
from embedded.jdk import Jdk

REPOSITORY = Path(__file__).parents[2]
JAR = jars.Jar("server", "org.example", "thing", "1.0", hashlib.sha256(b"right").hexdigest())
NO_JDK = Jdk(Path("none"), 25, "25")


def silent(_: str) -> None:
    pass


@pytest.fixture
def maven(tmp_path, monkeypatch) -> Path:
    """An empty Maven cache of our own, and no way to fill it."""
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing listens there
    return tmp_path / "m2/org/example/thing/1.0/thing-1.0.jar"


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_every_jar_is_pinned_and_named_once(version):
    pinned = jars.pinned_jars(version)

    assert len({jar.file_name for jar in pinned}) == len(pinned)
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in pinned)
    assert {jar.part for jar in pinned} == {"server", "transport-netty4"}
    assert ("elasticsearch", version) in {(jar.artifact, jar.version) for jar in pinned}


def test_cached_jar_needs_no_network(maven):
    put(maven, b"right")

    assert jars.fetch([JAR], silent) == {JAR: maven}


def test_broken_cached_jar_is_not_used(maven):
    put(maven, b"half")

    with pytest.raises(NetworkUnavailable, match=r"thing-1\.0\.jar"):
        jars.fetch([JAR], silent)

    assert not maven.exists()


def test_unreachable_registry_is_told_with_the_remedy(maven):
    told: list[str] = []

    with pytest.raises(NetworkUnavailable, match="Check the network"):
        jars.fetch([JAR], told.append)

    assert told == ["downloading jar 1 of 1: thing-1.0.jar"]


def test_downloaded_jar_must_have_the_pinned_hash(maven, monkeypatch):
    class Artifact:
        def resolve(self) -> None:
            put(maven, b"wrong")

    class Context:
        repo_cache = maven.parents[4]

        def project(self, group, artifact):
            return self

        def at_version(self, version):
            return self

        def artifact(self):
            return Artifact()

    monkeypatch.setattr("jgo.maven.MavenContext", lambda timeout: Context())

    with pytest.raises(DownloadCorrupt, match=JAR.sha256):
        jars.fetch([JAR], silent)

    assert not maven.exists()


def test_full_disk_is_told_with_the_remedy(tmp_path):
    with (
        pytest.raises(DiskFull, match="XDG_CACHE_HOME"),
        disk_full_explained(tmp_path),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_other_failures_of_the_disk_stay_what_they_are(tmp_path):
    with pytest.raises(PermissionError), disk_full_explained(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_cache_folder_follows_the_convention(tmp_path):
    assert cache_directory({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "shelfwise"
    assert cache_directory({}) == Path.home() / ".cache" / "shelfwise"


def test_each_version_compiles_its_own_shims():
    common = {file.name for file in jars.JAVA_DIRECTORY.glob("*.java")}
    for version in SUPPORTED_VERSIONS:
        files = layout.sources(version)
        shims = {file.name for file in files if file.parent != jars.JAVA_DIRECTORY}
        assert {file.name for file in files} == common | shims
        assert shims == {"Bundles.java", "VersionedPlugin.java"}


def test_java_sources_stay_short():
    for file in jars.JAVA_DIRECTORY.rglob("*.java"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 400, file.name


def test_finished_layout_is_used_again(tmp_path):
    version = SUPPORTED_VERSIONS[0]
    done = tmp_path / f"elasticsearch-{version}-{layout._digest(version)}"
    done.mkdir()

    assert layout.prepare_layout(version, NO_JDK, tmp_path, silent) == done


def test_compiler_errors_are_shown_and_leave_no_layout(tmp_path, monkeypatch):
    compiler = tmp_path / "jdk/bin/javac"
    put(compiler, b"#!/bin/sh\necho 'Bundles.java:7: error: nonsense' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setattr(layout.jars, "fetch", lambda pinned, on_progress: {})
    cache = tmp_path / "cache"

    with pytest.raises(PluginBuildFailed, match=r"Bundles\.java:7: error: nonsense"):
        layout.prepare_layout(
            SUPPORTED_VERSIONS[0], Jdk(tmp_path / "jdk", 25, "25"), cache, silent
        )

    assert not [path for path in cache.glob("elasticsearch-*") if path.suffix != ".partial"]


HOLDER = """
import sys, time
from pathlib import Path
from embedded.cache import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(1)
"""


def test_two_processes_do_not_build_at_once(tmp_path):
    lock = tmp_path / "layout.lock"
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        started = time.monotonic()
        with exclusive(lock):
            waited = time.monotonic() - started

    assert waited > 0.5
