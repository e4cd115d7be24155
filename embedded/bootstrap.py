"""Make `.venv` in the repository's root: `python3 embedded/bootstrap.py [--dev]`.

Run by whatever `python3` there is, so it uses the standard library only and the syntax of Python
3.8, in which it can still say that 3.11 is needed. It does nothing when all is up to date.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

OLDEST_PYTHON = (3, 11)
NEWER_PYTHONS = ("python3.12", "python3.11", "python3.13", "python3.14")
REPORT_SECONDS = 5.0
SHOWN_LOG_LINES = 8
STAMP = "bootstrap-stamp.json"

# Measured, rounded up: the packages on disk, without what the installer caches elsewhere.
NEEDED_BYTES = {"run": 6 * 10**9, "dev": 6 * 10**9}

HELP: dict[str, str] = {
    "python": """Shelfwise needs Python 3.11 or newer, but this is {found}.

  Debian, Ubuntu   sudo apt-get install python3.11 python3.11-venv
  Fedora           sudo dnf install python3.12
  macOS            brew install python@3.12

Then run:  python3.11 {script}""",
    "venv": """This Python ({found}) cannot make virtual environments: {detail}.

  Debian, Ubuntu   sudo apt-get install python3-venv   (or python3.11-venv)

Other systems: install Python from python.org, or `brew install python@3.12`.
Then run the same command again.""",
    "network": """The package registry does not answer, and something must still be downloaded.

  - Is this machine online? Does a company proxy stand between?
      export HTTPS_PROXY=http://proxy.example:3128
  - Does your company have its own package index or certificate?
      export UV_DEFAULT_INDEX=...   SSL_CERT_FILE=/path/to/ca.pem

What is already downloaded is kept: run the same command again later.""",
    "disk": """There is not enough room on the disk that holds {root}.

  needed   about {needed:.0f} GB     free   {free:.1f} GB

Free some room, or move the installer's cache: export UV_CACHE_DIR=/other/disk/uv
Then run the same command again.""",
    "hash": """A downloaded package is not the one that is pinned by hash.

A proxy or a company index that rebuilds packages does this, and so may a broken download:
  rm -r "$(uv cache dir)"   and run the same command again.
If it stays so, somebody between you and the registry changes packages.""",
    "other": """Installing failed while {doing}. The whole output is in {log}.

Run the same command again; if it fails in the same way, report the lines above.""",
}

_SIGNS: list[tuple[str, str]] = [
    ("disk", r"no space left|disk quota|os error 28\b|errno 28\b"),
    ("hash", r"hash mismatch|do not match the hashes|hashes? .*mismatch"),
    ("venv", r"ensurepip is not available|no module named '?(venv|ensurepip)"),
    (
        "network",
        r"failed to (fetch|download)|error sending request|could not connect|connection"
        r" (refused|reset|error)|newconnectionerror|max retries|name resolution|timed out"
        r"|network is unreachable|dns error|proxyerror|no matching distribution",
    ),
]


class BootstrapError(Exception):
    """Why it stopped, as a text for a person."""


class Shell:
    """Runs commands one after the other, telling how long each takes."""

    def __init__(self, log: Path, tell: Callable[[str], None]) -> None:
        self.log = log
        self._tell = tell
        self._started = time.monotonic()

    def run(self, doing: str, command: list[str], environ: dict[str, str]) -> str:
        """Run a command to its end; return "" or, after a failure, what it printed."""
        self.tell(doing)
        started = next_report = time.monotonic()
        with self.log.open("wb") as sink:
            process = subprocess.Popen(  # noqa: S603
                command, stdout=sink, stderr=subprocess.STDOUT, env=environ
            )
            try:
                while process.poll() is None:
                    if time.monotonic() - next_report > REPORT_SECONDS:
                        next_report = time.monotonic()
                        self.tell(f"{doing} (for {next_report - started:.0f} s)")
                    time.sleep(0.05)
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if process.returncode == 0:
            return ""
        return self.log.read_text(encoding="utf-8", errors="replace") or "no output"

    def tell(self, message: str) -> None:
        """Show a line with the time since the start."""
        self._tell(f"[{time.monotonic() - self._started:5.1f} s] {message}\n")


def explain(output: str, doing: str, root: Path, log: Path) -> BootstrapError:
    """Give one screen of help for what a failed command printed."""
    text = output.lower()
    cause = next((cause for cause, sign in _SIGNS if re.search(sign, text)), "other")
    help_text = _help(cause, root, doing=doing, log=str(log), detail="ensurepip is missing")
    last = "\n".join("  " + line for line in output.strip().splitlines()[-SHOWN_LOG_LINES:])
    return BootstrapError(f"{last}\n\n{help_text}")


def wanted_stamp(root: Path, kind: str) -> dict[str, str]:
    """Say what an up-to-date environment was made from."""
    digest = hashlib.sha256()
    for name in ("requirements/uv.txt", f"requirements/{kind}.txt", "pyproject.toml"):
        digest.update((root / name).read_bytes() + b"\0")
    return {"kind": kind, "inputs": digest.hexdigest(), "python": sys.version, "root": str(root)}


def is_up_to_date(root: Path, kind: str) -> bool:
    """Whether the environment was finished from the same inputs and its Python is there."""
    # The one with the tools has everything that the other has.
    enough = [wanted_stamp(root, either) for either in {kind, "dev"}]
    try:
        stamp = json.loads((root / ".venv" / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return stamp in enough and _python(root).exists()


def bootstrap(root: Path, kind: str, shell: Shell, environ: dict[str, str]) -> None:
    """Make or bring up to date the environment; raise BootstrapError where that fails."""
    wanted = wanted_stamp(root, kind)
    venv = root / ".venv"
    if (venv / STAMP).exists():
        (venv / STAMP).unlink()  # while we work, it is not up to date

    def must(doing: str, command: list[str]) -> None:
        output = shell.run(doing, command, environ)
        if output:
            raise explain(output, doing, root, shell.log)

    if not _is_usable(root):
        _require_room(root, kind)
        if venv.exists():
            shell.tell("removing a broken or outdated .venv")
            shutil.rmtree(str(venv))
        must(f"making .venv with Python {_version()}", [sys.executable, "-m", "venv", str(venv)])
    python = str(_python(root))
    requirements = root / "requirements"
    must(
        "installing the installer (uv)",
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        + ["--require-hashes", "--no-deps", "-r", str(requirements / "uv.txt")],
    )
    uv = [python, "-m", "uv", "pip", "install", "--no-progress", "--python", python]
    must(
        "installing the pinned packages",
        uv + ["--require-hashes", "-r", str(requirements / f"{kind}.txt")],
    )
    must(
        "installing Shelfwise itself",
        uv + ["--no-deps", "--no-build-isolation", "--editable", str(root)],
    )
    finished = venv / (STAMP + ".new")
    finished.write_text(json.dumps(wanted), encoding="utf-8")
    finished.replace(venv / STAMP)  # last and at once: an interrupted run leaves no stamp
    shell.tell("done: .venv is ready")


def main(arguments: list[str] | None = None, root: Path | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description="Make or bring up to date Shelfwise's .venv.")
    parser.add_argument("--dev", action="store_true", help="with the tools for tests and checks")
    kind = "dev" if parser.parse_args(arguments).dev else "run"
    root = root or Path(__file__).resolve().parent.parent
    if sys.version_info < OLDEST_PYTHON:
        return _hand_over_or_complain(arguments, root)
    if is_up_to_date(root, kind):
        return 0
    shell = Shell(Path(tempfile.gettempdir()) / f"shelfwise-bootstrap-{os.getpid()}.log", _say)
    try:
        bootstrap(root, kind, shell, installer_environment(dict(os.environ)))
    except BootstrapError as error:
        _say(f"\n{error}\n")
        return 1
    except OSError as error:
        help_text = explain(str(error), "preparing .venv", root, shell.log)
        _say(f"\n{help_text}\n")
        return 1
    except KeyboardInterrupt:
        _say("\ninterrupted; run the same command again to go on\n")
        return 130
    shell.log.unlink()
    return 0


def installer_environment(environ: dict[str, str]) -> dict[str, str]:
    """Tell uv what pip is told by its own variables: uv does not read them."""
    for pip_name, uv_name in (
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("PIP_CERT", "SSL_CERT_FILE"),
    ):
        if pip_name in environ:
            environ.setdefault(uv_name, environ[pip_name])
    # An active environment of the user's must not be the one that is changed.
    environ.pop("VIRTUAL_ENV", None)
    environ.pop("PYTHONHOME", None)
    environ.pop("PYTHONPATH", None)
    return environ


def _hand_over_or_complain(arguments: list[str] | None, root: Path) -> int:
    """Go on with a newer Python of this machine, if there is one."""
    for name in NEWER_PYTHONS:
        newer = shutil.which(name)
        if newer:
            command = [newer, str(Path(__file__).resolve())]
            return subprocess.call(command + (sys.argv[1:] if arguments is None else arguments))  # noqa: S603
    _say(_help("python", root) + "\n")
    return 1


def _is_usable(root: Path) -> bool:
    """Whether .venv is an environment of this very Python that can run pip."""
    python = _python(root)
    if not (root / ".venv" / "pyvenv.cfg").is_file() or not python.exists():
        return False
    check = "import sys, pip; sys.stdout.write(sys.version)"
    try:
        done = subprocess.run(  # noqa: S603
            [str(python), "-c", check], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.decode() == sys.version


def _require_room(root: Path, kind: str) -> None:
    if shutil.disk_usage(str(root)).free < NEEDED_BYTES[kind]:
        raise BootstrapError(_help("disk", root, kind=kind))


def _help(cause: str, root: Path, kind: str = "dev", **values: str) -> str:
    return HELP[cause].format(
        found=f"Python {_version()}, {sys.executable}",
        script="embedded/bootstrap.py",
        root=root,
        needed=NEEDED_BYTES[kind] / 1e9,
        free=shutil.disk_usage(str(root)).free / 1e9,
        **values,
    )


def _python(root: Path) -> Path:
    folder = "Scripts" if os.name == "nt" else "bin"
    return root / ".venv" / folder / ("python.exe" if os.name == "nt" else "python")


def _version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
