"""Lay an Elasticsearch home out once per version: jars, modules and our compiled plugin.

    elasticsearch-9.5.3-<digest>/
      lib/                        the server's jars
      node.jar                    the launcher (EmbeddedNode)
      modules/transport-netty4/   HTTP and transport
      plugins/shelfwise/          the analysis components and GET /

Many nodes and data directories share one layout; nothing in it changes after it is built.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from embedded import jars
from embedded.cache import disk_full_explained, exclusive
from embedded.errors import PluginBuildFailed
from embedded.jdk import Jdk

PLUGIN_NAME = "shelfwise"
NODE_MAIN_CLASS = "shelfwise.node.EmbeddedNode"

_FORMAT = "1"  # raise it when this module lays things out differently
_JAVA_RELEASE = "21"
_NODE_PACKAGE = "shelfwise/node/"
_UNUSED_DAYS_KEPT = 14

_PLUGIN_DESCRIPTOR = """\
description=Analysis components and the root endpoint that the published server lacks
version={version}
name={name}
classname=shelfwise.plugin.EmbeddedPlugin
java.version={java}
elasticsearch.version={version}
"""


def prepare_layout(
    version: str, jdk: Jdk, cache: Path, on_progress: Callable[[str], None]
) -> Path:
    """Give the finished layout of a version, building it when it is not there yet.

    Raises NetworkUnavailable, DownloadCorrupt, DiskFull or PluginBuildFailed.
    """
    layout = cache / f"elasticsearch-{version}-{_digest(version)}"
    with disk_full_explained(cache):
        if not layout.is_dir():
            with exclusive(cache / "layout.lock"):
                if not layout.is_dir():
                    _build(layout, version, jdk, on_progress)
                    _remove_unused(cache, version, keep=layout)
        os.utime(layout)  # so that cleaning up knows which layouts are in use
    return layout


def sources(version: str) -> list[Path]:
    """Give the Java files for a version: the common ones and the shims of its major version."""
    major = version.split(".")[0]
    folders = (jars.JAVA_DIRECTORY, jars.JAVA_DIRECTORY / f"v{major}")
    return [file for folder in folders for file in sorted(folder.glob("*.java"))]


def _digest(version: str) -> str:
    digest = hashlib.sha256(_FORMAT.encode())
    for file in (*sources(version), jars.lock_path(version)):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _build(layout: Path, version: str, jdk: Jdk, on_progress: Callable[[str], None]) -> None:
    partial = layout.with_name(layout.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by an interrupted start
    on_progress(f"preparing Elasticsearch {version} (only the first time)")
    fetched = jars.fetch(jars.pinned_jars(version), on_progress)
    module = partial / "modules" / jars.NETTY_MODULE
    for jar, path in fetched.items():
        _link(path, (partial / "lib" if jar.part == jars.SERVER else module) / jar.file_name)
    _unpack_module_files(module)
    on_progress("compiling the analysis plugin")
    _compile(partial, version, jdk)
    partial.rename(layout)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)


def _unpack_module_files(module: Path) -> None:
    """Put a module's descriptor beside its jars; its own jar carries it."""
    prefix = f"META-INF/es-plugins/{module.name}/"
    for jar in module.glob("*.jar"):
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                if name.startswith(prefix) and not name.endswith("/"):
                    (module / Path(name).name).write_bytes(archive.read(name))


def _compile(partial: Path, version: str, jdk: Jdk) -> None:
    classes = partial / "classes"
    class_path = os.pathsep.join(str(jar) for jar in sorted((partial / "lib").glob("*.jar")))
    command = [str(jdk.javac), "--release", _JAVA_RELEASE, "-proc:none", "-nowarn"]
    command += ["-cp", class_path, "-d", str(classes), *map(str, sources(version))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise PluginBuildFailed(
            f"{jdk.javac} could not compile the plugin for Elasticsearch {version}:\n"
            f"{done.stderr.strip()}",
            "If you changed embedded/java, mend it; else report this with the lines above.",
        )
    files = [file for file in classes.rglob("*.class")]
    is_node = [file.relative_to(classes).as_posix().startswith(_NODE_PACKAGE) for file in files]
    plugin = partial / "plugins" / PLUGIN_NAME
    plugin.mkdir(parents=True)
    _write_jar(partial / "node.jar", classes, _where(files, is_node, wanted=True))
    _write_jar(plugin / f"{PLUGIN_NAME}.jar", classes, _where(files, is_node, wanted=False))
    (plugin / "plugin-descriptor.properties").write_text(
        _PLUGIN_DESCRIPTOR.format(version=version, name=PLUGIN_NAME, java=_JAVA_RELEASE),
        encoding="utf-8",
    )
    shutil.rmtree(classes)


def _where(files: list[Path], flags: list[bool], *, wanted: bool) -> list[Path]:
    return [file for file, flag in zip(files, flags, strict=True) if flag is wanted]


def _write_jar(jar: Path, classes: Path, files: Iterable[Path]) -> None:
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            archive.write(file, file.relative_to(classes).as_posix())


def _remove_unused(cache: Path, version: str, *, keep: Path) -> None:
    oldest_kept = time.time() - _UNUSED_DAYS_KEPT * 24 * 3600
    for other in cache.glob(f"elasticsearch-{version}-*"):
        if other != keep and other.stat().st_mtime < oldest_kept:
            shutil.rmtree(other, ignore_errors=True)
