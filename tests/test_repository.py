"""Rules of the tree that no other tool checks."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from docs.write_settings import settings_page
from mappings.command_line import COMMANDS, cli

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 400
README_CODE_LINE = 25


def tracked(*patterns: str) -> list[Path]:
    """Files that are or would be committed."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for line in done.stdout.splitlines() if (path := ROOT / line).is_file()]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def shell_lines(text: str) -> list[str]:
    """Commands in the shell blocks of a Markdown text, continued lines joined."""
    blocks = re.findall(r"```(?:bash|sh|console)\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    commands = [line.removeprefix("$ ").split("  #")[0].strip() for line in lines]
    return [line for line in commands if line and not line.startswith("#")]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))


def test_no_python_file_is_longer_than_the_limit():
    long = {
        str(path.relative_to(ROOT)): count
        for path in tracked("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert not long


def test_no_file_names_a_path_of_somebodys_machine():
    found = [
        str(path.relative_to(ROOT))
        for path in tracked("*.py", "*.md", "*.toml", "*.yml", "Makefile", ".ci/run")
        if path != Path(__file__) and re.search(r"/(work|farm|Users)/", path.read_text("utf-8"))
    ]
    assert not found


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", ".ci/run"),
        *("docs/architecture.md", "docs/decisions.md", "docs/operations.md", "docs/settings.md"),
    ],
)
def test_a_file_that_readers_look_for_is_there(name: str):
    assert (ROOT / name).stat().st_size > 0


def test_help_is_the_default_target_and_names_every_other():
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"make ([a-z]+)\s", shown)) >= make_targets() >= {"run", "test", "check"}


def test_the_readme_shows_code_in_its_first_lines():
    head = read("README.md").splitlines()[:README_CODE_LINE]
    assert any(line.startswith("```") for line in head)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/operations.md"])
def test_commands_in_the_documents_exist(document: str):
    context = click.Context(cli)
    for line in shell_lines(read(document)):
        for target in re.findall(r"\bmake ([a-z]+)", line):
            assert target in make_targets(), line
        for name in re.findall(r"\bshelfwise ([a-z-]+)\b", line):
            assert name in COMMANDS, line
            command = cli.get_command(context, name)
            options = {text for option in command.params for text in option.opts}
            for subcommand in getattr(command, "commands", {}).values():
                options |= {text for option in subcommand.params for text in option.opts}
            used = re.findall(r"(--[a-z-]+)", line.split(f"shelfwise {name}")[1])
            assert set(used) <= options | {"--help"}, line


def test_the_page_of_settings_is_current():
    assert read("docs/settings.md") == settings_page(), "run make docs"


def test_links_between_documents_lead_somewhere():
    for path in tracked("*.md"):
        for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_ci_runs_the_commands_that_the_readme_names():
    commands = read(".ci/run")
    for target in ("make check", "make test"):
        assert target in commands and target in read("README.md") + read("CONTRIBUTING.md")


def test_the_package_has_the_licence_that_it_names():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert project["license"] == "Apache-2.0" and "Apache License" in read("LICENSE")


def test_pinned_packages_name_no_index():
    for path in tracked("requirements/*.txt"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*--(extra-)?index-url|https?://", text, re.MULTILINE)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(read("docker-compose.yml"))


class TestCompose:
    """What can be said of docker-compose.yml without a Docker engine."""

    def test_every_service_is_watched_and_restarted(self, compose):
        dockerfile = read("Dockerfile")
        for name, service in compose["services"].items():
            assert service["restart"] == "unless-stopped", name
            stage = service.get("build", {}).get("target")
            if stage is None:
                assert service["healthcheck"]["test"], name
            else:
                body = dockerfile.split(f" AS {stage}\n")[1].split("\nFROM ")[0]
                assert "HEALTHCHECK" in body and "USER shelfwise" in body, name

    def test_nothing_runs_as_root(self, compose):
        for name, service in compose["services"].items():
            assert service.get("build") or service.get("user") not in (None, "root", "0"), name

    def test_ports_are_published_on_loopback_alone(self, compose):
        published = [
            port for service in compose["services"].values() for port in service.get("ports", [])
        ]
        assert published and all(port.startswith("127.0.0.1:") for port in published)

    def test_volumes_and_dependencies_are_declared(self, compose):
        for service in compose["services"].values():
            for volume in service["volumes"]:
                is_folder = volume.startswith("${SHELFWISE_SYNC_FOLDER:-./sync}:")
                assert is_folder or volume.split(":")[0] in compose["volumes"]
            for needed, how in service.get("depends_on", {}).items():
                assert needed in compose["services"] and how == {"condition": "service_healthy"}

    def test_a_gpu_is_asked_for_only_in_its_profile(self, compose):
        with_gpu = [name for name, service in compose["services"].items() if "deploy" in service]
        assert with_gpu == ["gpu-worker"]
        assert compose["services"]["gpu-worker"]["profiles"] == ["gpu"]

    def test_every_variable_is_in_the_example_environment(self):
        wanted = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", read("docker-compose.yml")))
        given = set(re.findall(r"^([A-Z_]+)=", read(".env.example"), re.MULTILINE))
        assert wanted == given

    def test_what_the_dockerfile_copies_reaches_the_builder(self):
        allowed = {line.strip("!/") for line in read(".dockerignore").splitlines() if "!" in line}
        copied = re.findall(r"^COPY (?!--from)(.+) \S+$", read("Dockerfile"), re.MULTILINE)
        names = {name.strip("/") for line in copied for name in line.split()}
        assert names == allowed and all((ROOT / name).exists() for name in names)
