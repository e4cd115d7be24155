"""The official JavaScript clients, unchanged, against Elasticsearch and through Shelfwise."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from embedded.cache import cache_directory, exclusive
from embedded.elasticsearch import EmbeddedElasticsearch
from tests.service.compat.judging import judge
from tests.service.compat.recorded import RECORDED

pytestmark = [pytest.mark.cluster, pytest.mark.stack]

HERE = Path(__file__).parent
SOURCES = HERE / "javascript"
LEAST_NODE = 20
SECONDS = 120

# Its knn has a vector that is made in the test of the Python client.
ASKED = [case for case in RECORDED if "vector" not in case]


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where the clients are installed, by the lock file, outside of this folder."""
    problem = _problem()
    if problem:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(problem)
        pytest.skip(problem)
    digest = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = cache_directory() / f"javascript-clients-{digest}"
    with exclusive(folder.with_suffix(".lock")):
        done = folder / "installed"
        if not done.exists():
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SOURCES / name, folder)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=folder, check=True, timeout=SECONDS, capture_output=True)
            done.touch()
    shutil.copy(SOURCES / "ask.mjs", folder)
    return folder


def _problem() -> str:
    """What is missing for Node's clients, empty for nothing."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return f"no node and npm on this machine: install Node.js {LEAST_NODE} or newer"
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(found.strip().lstrip("v").partition(".")[0]) < LEAST_NODE:
        return f"node is {found.strip()}, the clients need {LEAST_NODE} or newer"
    return ""


@pytest.mark.parametrize("package", ["elasticsearch8", "elasticsearch9"])
def test_every_recorded_body_is_answered_in_the_same_envelope(
    package: str,
    node_modules: Path,
    elasticsearch: EmbeddedElasticsearch,
    address: str,
    names: dict[str, str],
    tmp_path: Path,
) -> None:
    if package == "elasticsearch9" and elasticsearch.version.startswith("8."):
        pytest.skip("the client of 9 does not speak to 8")
    bodies = tmp_path / "bodies.json"
    bodies.write_text(json.dumps(ASKED))
    command = ["node", "ask.mjs", package, elasticsearch.url, address, str(bodies)]
    done = subprocess.run(
        [*command, json.dumps(names)],
        cwd=node_modules,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    direct, through = answers.pop("info")
    assert through == direct
    assert list(answers) == [case["name"] for case in ASKED]
    failed = {}
    for case in ASKED:
        direct, through = answers[case["name"]]
        note = through.pop("note")
        try:
            judge(case["treated"], _plain(direct), _plain(through), note)
        except AssertionError as error:
            failed[case["name"]] = str(error)
    assert failed == {}


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer as the test of the Python client has it."""
    answer.pop("note", None)
    found: dict[str, Any] = answer if "status" in answer else answer["body"]
    return found
