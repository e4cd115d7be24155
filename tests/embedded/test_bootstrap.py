"""Making `.venv`: once, again after an interruption, and what is said when it cannot be."""

import ast
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from embedded import bootstrap

REPOSITORY = Path(__file__).parents[2]
SCRIPT = REPOSITORY / "embedded" / "bootstrap.py"

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "mini"
version = "1"
[tool.hatch.build.targets.wheel]
packages = ["mini"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with nothing to install but itself."""
    root = tmp_path / "repository"
    for folder in ("embedded", "mini", "requirements"):
        (root / folder).mkdir(parents=True)
    shutil.copy2(SCRIPT, root / "embedded")
    shutil.copy2(REPOSITORY / "requirements" / "uv.txt", root / "requirements")
    # Hashed and there already, so that the test needs nothing else from the registry.
    (root / "requirements" / "run.txt").write_text(_pinned("pluggy"))
    (root / "requirements" / "dev.txt").write_text(_pinned("pluggy"))
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "mini" / "__init__.py").write_text("")
    return root


def _pinned(package: str) -> str:
    text = (REPOSITORY / "requirements" / "uv.txt").read_text()
    lines = text[text.index(f"{package}==") :].splitlines()
    end = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
    return "\n".join(lines[: end + 1]) + "\n"


class FakeShell(bootstrap.Shell):
    """Notes what would be run; makes what `venv` makes; fails at one step if told to."""

    def __init__(self, root: Path, fails_at: str = "", output: str = "") -> None:
        self.root = root
        self.told: list[str] = []
        self.done: list[str] = []
        self.fails_at, self.output = fails_at, output
        super().__init__(root / "bootstrap.log", self.told.append)

    def run(self, doing, command, environ):
        self.tell(doing)
        if self.fails_at and self.fails_at in doing:
            return self.output
        self.done.append(doing)
        if "venv" in command:
            (self.root / ".venv" / "bin").mkdir(parents=True)
            (self.root / ".venv" / "pyvenv.cfg").write_text("")
            (self.root / ".venv" / "bin" / "python").symlink_to(sys.executable)
        return ""


@pytest.fixture
def enough_room(monkeypatch) -> None:
    monkeypatch.setattr(bootstrap, "NEEDED_BYTES", {"run": 0, "dev": 0})


STEPS = ["making .venv", "installing the installer", "installing the pinned", "installing Shelf"]


def test_syntax_is_understood_by_python_3_8():
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_it_needs_the_standard_library_only():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
        )
    }

    assert imported <= sys.stdlib_module_names


def test_steps_come_in_order_and_the_stamp_last(root, enough_room):
    shell = FakeShell(root)

    bootstrap.bootstrap(root, "dev", shell, {})

    assert [step for step, done in zip(STEPS, shell.done, strict=True) if step in done] == STEPS
    assert all(line.startswith("[") and " s] " in line for line in shell.told)
    assert bootstrap.is_up_to_date(root, "dev")


@pytest.mark.parametrize("step", STEPS)
def test_interrupted_run_is_not_up_to_date_and_goes_on(root, enough_room, step):
    with pytest.raises(bootstrap.BootstrapError):
        bootstrap.bootstrap(root, "run", FakeShell(root, step, "killed"), {})
    assert not bootstrap.is_up_to_date(root, "run")

    bootstrap.bootstrap(root, "run", FakeShell(root), {})

    assert bootstrap.is_up_to_date(root, "run")


@pytest.mark.parametrize(
    "changed", ["requirements/run.txt", "requirements/uv.txt", "pyproject.toml"]
)
def test_changed_input_is_not_up_to_date(root, enough_room, changed):
    bootstrap.bootstrap(root, "run", FakeShell(root), {})

    (root / changed).write_text("# changed\n")

    assert not bootstrap.is_up_to_date(root, "run")


def test_environment_with_tools_does_for_one_without(root, enough_room):
    bootstrap.bootstrap(root, "dev", FakeShell(root), {})
    assert bootstrap.is_up_to_date(root, "run")

    bootstrap.bootstrap(root, "run", FakeShell(root), {})
    assert not bootstrap.is_up_to_date(root, "dev")


@pytest.mark.parametrize("missing", ["pyvenv.cfg", "bin/python"])
def test_broken_environment_is_rebuilt(root, enough_room, missing):
    bootstrap.bootstrap(root, "run", FakeShell(root), {})
    (root / ".venv" / missing).unlink()
    shell = FakeShell(root)

    bootstrap.bootstrap(root, "run", shell, {})

    assert any("removing a broken" in line for line in shell.told)
    assert STEPS[0] in shell.done[0]


def test_damaged_stamp_counts_as_none(root, enough_room):
    bootstrap.bootstrap(root, "run", FakeShell(root), {})

    (root / ".venv" / bootstrap.STAMP).write_text("{")

    assert not bootstrap.is_up_to_date(root, "run")


# id, what the failed program prints, what the person is told.
FAILURES = [
    ("no ensurepip", "The virtual environment was not created successfully because ensurepip is"
     " not available.", "sudo apt-get install python3-venv"),
    ("no venv", "/usr/bin/python3: No module named venv", "sudo apt-get install python3-venv"),
    ("uv offline", "error: Failed to fetch: `https://index/simple/x/`\n  Caused by: error sending"
     " request for url", "Is this machine online?"),
    ("pip offline", "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No"
     " matching distribution found for uv==0.1", "Is this machine online?"),
    ("disk full", "error: failed to write: No space left on device (os error 28)",
     "not enough room"),
    ("hash mismatch", "error: Hash mismatch for `x==1`", "pinned by hash"),
    ("anything else", "error: something new", "while installing the pinned packages"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("output", "said"), [pytest.param(*case[1:], id=case[0]) for case in FAILURES]
)
def test_failure_is_explained_on_one_screen(root, enough_room, output, said):
    with pytest.raises(bootstrap.BootstrapError) as raised:
        bootstrap.bootstrap(root, "run", FakeShell(root, "pinned", output), {})

    message = str(raised.value)
    assert said in message
    assert output.splitlines()[-1] in message
    assert len(message.splitlines()) <= 24


def test_full_disk_is_noticed_before_anything_is_made(root, monkeypatch):
    monkeypatch.setattr(bootstrap, "NEEDED_BYTES", {"run": 10**18, "dev": 10**18})
    shell = FakeShell(root)

    with pytest.raises(bootstrap.BootstrapError, match="needed   about 1000000000 GB"):
        bootstrap.bootstrap(root, "run", shell, {})

    assert shell.done == []
    assert not (root / ".venv").exists()


def test_too_old_python_is_told_with_the_remedy(root, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))
    monkeypatch.setattr(bootstrap, "NEWER_PYTHONS", ())

    assert bootstrap.main(["--dev"], root) == 1

    assert "needs Python 3.11 or newer, but this is Python 3." in capsys.readouterr().err


def test_too_old_python_hands_over_to_a_newer_one(root, monkeypatch):
    called = []
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/somewhere/{name}")
    monkeypatch.setattr(bootstrap.subprocess, "call", lambda command: called.append(command) or 7)

    assert bootstrap.main(["--dev"], root) == 7

    assert called == [["/somewhere/python3.12", str(SCRIPT), "--dev"]]


def test_pips_own_variables_reach_uv():
    given = {
        "PIP_INDEX_URL": "i",
        "PIP_CERT": "c",
        "SSL_CERT_FILE": "kept",
        "VIRTUAL_ENV": "other",
    }

    environ = bootstrap.installer_environment(given)

    assert environ["UV_DEFAULT_INDEX"] == "i"
    assert environ["SSL_CERT_FILE"] == "kept"
    assert "VIRTUAL_ENV" not in environ


@pytest.mark.stack
def test_real_run_makes_it_and_the_next_does_nothing(root):
    script = root / "embedded" / "bootstrap.py"
    text = script.read_text().replace("6 * 10**9", "0")  # what this small one needs
    script.write_text(text)

    first = subprocess.run(
        [sys.executable, script, "--dev"], capture_output=True, text=True, check=False
    )
    started = time.monotonic()
    second = subprocess.run(
        [sys.executable, script, "--dev"], capture_output=True, text=True, check=False
    )
    took = time.monotonic() - started

    assert first.returncode == 0, first.stderr
    assert "done: .venv is ready" in first.stderr
    assert (second.returncode, second.stderr) == (0, "")
    assert took < 2  # 0.1 s on an idle machine; tests share theirs
    python = root / ".venv" / "bin" / "python"
    check = "import json, mini, pluggy; print(json.dumps([mini.__file__, pluggy.__version__]))"
    done = subprocess.run([python, "-c", check], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)[0] == str(root / "mini" / "__init__.py")
