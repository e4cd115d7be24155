"""What is missing or in the way is said in one screen, with the remedy, and nothing is left."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from embedded.stack_state import StackState
from tests.stack.conftest import RunningStack, Starter

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

SCREEN_LINES = 24


def assert_explained(stack: RunningStack, *words: str) -> None:
    assert stack.wait_ended() == 1
    for word in words:
        assert word in stack.output
    assert "Traceback" not in stack.output
    assert len(stack.output.splitlines()) <= SCREEN_LINES
    assert stack.survivors() == []


@pytest.fixture
def options(tmp_path: Path, free_port: int) -> list[str]:
    return ["--state", str(tmp_path / "state"), "--port", str(free_port)]


def test_a_taken_port_is_named_with_who_has_it_and_another_one(start: Starter, options, free_port):
    with socket.create_server(("127.0.0.1", free_port)):
        stack = start(*options)
        assert_explained(stack, f"Port {free_port}", "process", f"make run PORT={free_port + 1}")


def test_a_missing_jdk_is_named_with_where_to_get_one(start: Starter, options, tmp_path):
    stack = start(*options, SHELFWISE_JAVA_HOME=str(tmp_path))
    assert_explained(stack, "no full JDK", "JDK 21", "SHELFWISE_JAVA_HOME")


def test_a_catalogue_that_is_not_there_is_named(start: Starter, options, tmp_path):
    stack = start(*options, "--catalogue", str(tmp_path / "nothing.jsonl"))
    assert_explained(stack, "nothing.jsonl", "cannot be read", "make run CATALOGUE=")


def test_a_second_stack_on_the_same_folder_is_refused(start: Starter, options, tmp_path):
    with StackState(tmp_path / "state").held():
        stack = start(*options)
        assert_explained(stack, "Another stack runs", "Ctrl-C")
        assert "Stopped" not in stack.output  # that one runs on


def test_a_folder_that_cannot_be_made_is_named(start: Starter, free_port, tmp_path):
    (tmp_path / "file").write_text("")
    stack = start("--state", str(tmp_path / "file" / "state"), "--port", str(free_port))
    assert_explained(stack, str(tmp_path / "file"))


@pytest.mark.timeout(300)
def test_a_catalogue_of_something_else_is_refused_by_the_loader(start: Starter, options, tmp_path):
    path = tmp_path / "poem.txt"
    path.write_text("Tyger, tyger, burning bright\n")
    stack = start(*options, "--heap", "512m", "--catalogue", str(path))
    assert stack.wait_ended() == 1
    assert "cannot tell the format" in stack.output and "was not loaded" in stack.output
    assert "Traceback" not in stack.output
    assert stack.survivors() == []
