"""`shelfwise run` from the first start to the last process: real servers, no model."""

from __future__ import annotations

import base64
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from embedded import ports
from embedded.sample_catalogue import sample_photos, sample_products
from embedded.sample_photos import write_photos
from embedded.stack import Stack, StackOptions
from embedded.stack_state import StackState
from tests.stack.conftest import RUNNING, STOP_SECONDS, RunningStack, Starter, ask, write_catalogue

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

PRODUCTS = 60


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the tests of this module: the first one that starts on it loads."""
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalogue(tmp_path_factory.mktemp("shop") / "My Shop.jsonl", count=PRODUCTS)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the products' photos."""
    folder = tmp_path_factory.mktemp("photos")
    named = {image for product in sample_products()[:PRODUCTS] for image in product["images"]}
    write_photos([photo for photo in sample_photos() if photo.address in named], folder)
    return folder


@pytest.fixture
def start_shop(start: Starter, state: Path, catalogue: Path, photos: Path, free_port: int):
    arguments = ["--state", str(state), "--port", str(free_port), "--heap", "512m"]
    environ = {
        "SHELFWISE_IMAGE_ENCODER": "hashing-image",
        "SHELFWISE_INDEXER_IMAGE_DIRECTORY": str(photos),
    }
    return lambda *more: start(*arguments, "--catalogue", str(catalogue), *more, **environ)


def used_ports(state: Path, service_port: int) -> list[int]:
    remembered = json.loads((state / "stack.json").read_text())["ports"]
    return [service_port, *remembered.values()]


def assert_gone(stack: RunningStack, state: Path, service_port: int) -> None:
    assert stack.survivors() == []
    assert all(ports.is_free(port) for port in used_ports(state, service_port))


def readme_answer(port: int, index: str) -> dict[str, Any]:
    """What the README's first curl, which asks in words, gives of this stack and index."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    command = re.findall(r"^curl .*?(?=\n```)", readme, re.MULTILINE | re.DOTALL)[0]
    for old, new in ((":8080/", f":{port}/"), ("/products/", f"/{index}/"), ("plane", "mouse")):
        assert old in command
        command = command.replace(old, new)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_start_loads_and_answers_and_sigterm_leaves_nothing(start_shop, state, free_port):
    stack = start_shop()
    stack.wait_for(RUNNING)
    assert f"{PRODUCTS} records in" in stack.output and "Traceback" not in stack.output
    assert stack.child("worker --lanes fast").is_running()
    assert stack.child("worker --lanes changes,bulk").is_running()
    answer = ask(free_port, "my-shop", {"q": "wireless mouse", "facets": {"brand": 5}})
    assert "Mouse" in answer["hits"][0]["product"]["title"] and answer["facets"]["brand"]
    assert readme_answer(free_port, "my-shop")["hits"]
    stack.send(signal.SIGTERM)
    assert stack.wait_ended() == 0
    assert "Stopped." in stack.output
    assert_gone(stack, state, free_port)


def test_photos_are_encoded_by_a_worker_of_their_own_and_found_by_photo(
    start_shop, photos, free_port
):
    stack = start_shop()
    stack.wait_for(RUNNING)
    assert stack.child("worker --lanes photos").is_running()
    product = sample_products()[20]
    photo = photos / product["images"][0].removeprefix("file:")
    body = {"image": {"base64": base64.b64encode(photo.read_bytes()).decode()}, "limit": 1}
    (hit,) = ask(free_port, "my-shop", body)["hits"]
    assert hit["photo"]["address"] == product["images"][0]


def test_a_second_start_keeps_the_data_and_two_interrupts_stop_it(start_shop, state, free_port):
    stack = start_shop()
    stack.wait_for(RUNNING)
    assert (
        "Loading" not in stack.output and f"{PRODUCTS} products are in 'my-shop'" in stack.output
    )
    stack.send(signal.SIGINT, signal.SIGINT)
    assert stack.wait_ended() == 0
    assert "Traceback" not in stack.output
    assert_gone(stack, state, free_port)


def test_a_dead_service_is_started_again_and_a_dead_elasticsearch_ends_the_stack(
    start_shop, state, free_port
):
    stack = start_shop()
    stack.wait_for(RUNNING)
    stack.child("shelfwise serve").kill()
    stack.wait_for("Started it again (1 of 3)")
    assert "The service ended with exit code" in stack.output
    stack.child("org.elasticsearch").kill()
    assert stack.wait_ended() == 1
    assert "Elasticsearch has ended by itself" in stack.output and "make run" in stack.output
    assert_gone(stack, state, free_port)


def test_children_end_when_the_stack_is_killed(start_shop, state, free_port):
    stack = start_shop()
    stack.wait_for(RUNNING)
    stack.send(signal.SIGKILL)
    stack.wait_ended()
    assert stack.survivors(STOP_SECONDS) == []


def test_an_interrupted_load_is_finished_by_the_next_start(
    start: Starter, state, free_port, tmp_path
):
    big = write_catalogue(tmp_path / "big.jsonl", count=400, copies=20)
    arguments = ["--state", str(state), "--port", str(free_port), "--heap", "512m"]
    stack = start(*arguments, "--catalogue", str(big), SHELFWISE_INDEXER_PRODUCTS_PER_TASK="50")
    stack.wait_for("Loading big.jsonl")
    stack.send(signal.SIGINT)
    assert stack.wait_ended() == 0
    assert "Stopped." in stack.output and "Traceback" not in stack.output
    assert_gone(stack, state, free_port)
    assert StackState(state).loaded("9.5.3", "big") is None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, True),
        ({"SHELFWISE_TEXT_ENCODER": "minilm"}, True),
        ({"SHELFWISE_TEXT_ENCODER": "hashing"}, False),
        ({"SHELFWISE_TEXT_ENCODER": "hashing", "SHELFWISE_IMAGE_ENCODER": "tower"}, True),
        ({"SHELFWISE_IMAGE_ENCODER": ""}, False),
    ],
    ids=["default", "minilm", "another text encoder", "asked for", "none asked for"],
)
def test_photos_are_encoded_where_words_can_find_them_or_when_asked(
    environ: dict[str, str], expected: bool, tmp_path: Path
):
    assert Stack(StackOptions(tmp_path), print, environ).has_photos is expected
