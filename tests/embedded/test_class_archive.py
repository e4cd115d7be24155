"""The archive of loaded classes: made by one node, used once whole, never half."""

import os
import time
from pathlib import Path

import pytest

from embedded.class_archive import ClassArchive
from embedded.jdk import Jdk


@pytest.fixture
def jdk(tmp_path: Path) -> Jdk:
    (tmp_path / "jdk").mkdir()
    (tmp_path / "jdk" / "release").write_text('JAVA_VERSION="25"')
    return Jdk(tmp_path / "jdk", 25, "25")


def written(options: list[str]) -> Path:
    """Write what the JVM would, and give where."""
    (path,) = [Path(o.split("=", 1)[1]) for o in options if o.startswith("-XX:ArchiveClasses")]
    path.write_bytes(b"archive")
    return path


def used(options: list[str]) -> list[Path]:
    prefix = "-XX:SharedArchiveFile="
    return [Path(o.removeprefix(prefix)) for o in options if o.startswith(prefix)]


def test_archive_is_used_once_it_is_kept(tmp_path, jdk):
    first = ClassArchive(tmp_path, jdk)
    partial = written(first.options(may_make=True))
    assert not ClassArchive(tmp_path, jdk).is_there

    first.keep()

    later = ClassArchive(tmp_path, jdk)
    assert later.is_there
    (path,) = used(later.options(may_make=True))
    assert path.read_bytes() == b"archive"
    assert not partial.exists()


def test_only_one_node_makes_it(tmp_path, jdk):
    assert ClassArchive(tmp_path, jdk).options(may_make=False) == []


def test_what_a_killed_node_wrote_is_discarded(tmp_path, jdk):
    archive = ClassArchive(tmp_path, jdk)
    partial = written(archive.options(may_make=True))

    archive.discard()

    assert not partial.exists()
    assert not archive.is_there


def test_two_processes_write_to_different_files(tmp_path, jdk):
    one = written(ClassArchive(tmp_path, jdk).options(may_make=True))
    other = written(ClassArchive(tmp_path, jdk).options(may_make=True))

    assert one != other


def test_node_that_made_none_leaves_none(tmp_path, jdk):
    archive = ClassArchive(tmp_path, jdk)

    archive.keep()

    assert not archive.is_there


def test_abandoned_pieces_are_cleared_but_not_fresh_ones(tmp_path, jdk):
    abandoned = written(ClassArchive(tmp_path, jdk).options(may_make=True))
    fresh = written(ClassArchive(tmp_path, jdk).options(may_make=True))
    two_hours_ago = time.time() - 7200
    os.utime(abandoned, (two_hours_ago, two_hours_ago))

    ClassArchive(tmp_path, jdk).keep()

    assert not abandoned.exists()
    assert fresh.exists()


def test_another_build_of_the_jvm_has_its_own(tmp_path, jdk):
    archive = ClassArchive(tmp_path, jdk)
    written(archive.options(may_make=True))
    archive.keep()

    (jdk.home / "release").write_text('JAVA_VERSION="25.0.1"')

    assert not ClassArchive(tmp_path, jdk).is_there
