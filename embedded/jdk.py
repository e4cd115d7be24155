"""Find a JDK that can run Elasticsearch and compile its plugin, or fetch one."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import JdkMissing

OLDEST_USABLE = 21  # Elasticsearch 9 is compiled for it
_FETCHED_VERSION = "25"
_HOW_TO_MEND = (
    f"Install a full JDK {OLDEST_USABLE} or newer (a JRE is not enough: javac is needed), for"
    " example the package openjdk-21-jdk or temurin-25-jdk, or point SHELFWISE_JAVA_HOME at one."
)

# Globs below the root: Debian and Fedora, Homebrew, macOS, SDKMAN.
_USUAL_FOLDERS = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
)
_USUAL_FOLDERS_AT_HOME = (
    "Library/Java/JavaVirtualMachines/*/Contents/Home",
    ".sdkman/candidates/java/*",
    ".jdks/*",
)


@dataclass(frozen=True)
class Jdk:
    """A full JDK. version: its feature release, such as 25; build: the whole version string."""

    home: Path
    version: int
    build: str

    @property
    def java(self) -> Path:
        """The launcher."""
        return self.home / "bin" / "java"

    @property
    def javac(self) -> Path:
        """The compiler."""
        return self.home / "bin" / "javac"


def find_jdk(
    environ: Mapping[str, str] = os.environ,
    *,
    root: Path = Path("/"),
    fetch: Callable[[str], Path] | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Jdk:
    """Give the first usable JDK: SHELFWISE_JAVA_HOME, JAVA_HOME, PATH, usual folders, download.

    root: where the usual folders are looked for. fetch: gives the home of a downloaded JDK of a
    version; cjdk when None. Raises JdkMissing with what was looked at.
    """
    asked_for = environ.get("SHELFWISE_JAVA_HOME")
    if asked_for:
        jdk = inspect_jdk(Path(asked_for))
        if jdk is None or jdk.version < OLDEST_USABLE:
            raise JdkMissing(
                f"SHELFWISE_JAVA_HOME={asked_for} holds {_description(jdk)}.", _HOW_TO_MEND
            )
        return jdk
    seen: list[Jdk] = []
    for home in _candidate_homes(environ, root):
        jdk = inspect_jdk(home)
        if jdk is not None and jdk.version >= OLDEST_USABLE:
            return jdk
        if jdk is not None and jdk not in seen:
            seen.append(jdk)
    on_progress(f"no JDK {OLDEST_USABLE}+ found here, downloading JDK {_FETCHED_VERSION} (200 MB)")
    return _fetched(fetch or _fetch_with_cjdk, seen)


def inspect_jdk(home: Path) -> Jdk | None:
    """Give the JDK in this folder, or None where there is none or it lacks java or javac."""
    try:
        release = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    build = re.search(r'^JAVA_VERSION="?([^"\n]+)', release, re.MULTILINE)
    version = build and re.match(r"(?:1\.)?(\d+)", build.group(1))
    if not build or not version:
        return None
    jdk = Jdk(home, int(version.group(1)), build.group(1))
    return jdk if os.access(jdk.java, os.X_OK) and os.access(jdk.javac, os.X_OK) else None


def _candidate_homes(environ: Mapping[str, str], root: Path) -> Iterator[Path]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"])
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    if on_path:
        yield Path(on_path).resolve().parent.parent
    patterns = [pattern.lstrip("/") for pattern in _USUAL_FOLDERS]
    homes = [home for pattern in patterns for home in root.glob(pattern)]
    if environ.get("HOME"):
        at_home = Path(environ["HOME"])
        homes += [home for pattern in _USUAL_FOLDERS_AT_HOME for home in at_home.glob(pattern)]
    usable = [jdk for home in homes if (jdk := inspect_jdk(home)) is not None]
    # The newest first, and the path so that two of one version are always tried in one order.
    yield from (jdk.home for jdk in sorted(usable, key=lambda jdk: (-jdk.version, str(jdk.home))))


def _fetched(fetch: Callable[[str], Path], seen: list[Jdk]) -> Jdk:
    try:
        home = fetch(_FETCHED_VERSION)
    except Exception as error:
        # A download fails in many ways (cjdk's, requests', the operating system's), all with
        # the same remedy.
        raise JdkMissing(
            f"No JDK {OLDEST_USABLE}+ found ({_list(seen)}), and downloading one failed:"
            f" {_first_line(error)}",
            _HOW_TO_MEND,
        ) from error
    jdk = inspect_jdk(home)
    if jdk is None:
        raise JdkMissing(f"The JDK downloaded to {home} cannot be used.", _HOW_TO_MEND)
    return jdk


def _fetch_with_cjdk(version: str) -> Path:
    import cjdk  # comes with jgo; only a machine without a JDK needs it

    return Path(cjdk.java_home(vendor="temurin", version=version, progress=sys.stderr.isatty()))


def _description(jdk: Jdk | None) -> str:
    return f"JDK {jdk.build}, which is too old" if jdk else "no full JDK (bin/java and bin/javac)"


def _list(seen: list[Jdk]) -> str:
    return "only " + ", ".join(f"{jdk.build} in {jdk.home}" for jdk in seen) if seen else "none"


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
