"""The Python client and the examples of docs/clients.md, against the real service over HTTP."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import orjson
import pytest
from werkzeug.serving import make_server

from mappings.client.errors import (
    NotAllowed,
    NotThere,
    RequestRefused,
    TaskUnfinished,
    Unavailable,
)
from mappings.client.requests import SearchOptions, SimilarOptions
from mappings.client.shelfwise import Shelfwise
from mappings.errors import MissingSetting
from mappings.outbox import Outbox
from mappings.task_records import BatchOutcome, Reject, connect
from service.api import similar
from service.search_request import SearchRequest
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import running_app

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text()
PACKAGES = {"node": "nodejs", "curl": "curl"}
KEY = "an events key for the tests"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_options_are_those_of_the_request():
    assert set(get_type_hints(SearchOptions)) == set(SearchRequest.model_fields) - {"q"}
    names = (similar.BY, *similar.TEXT_PARAMETERS, *similar.NUMBER_PARAMETERS)
    assert set(get_type_hints(SimilarOptions)) == {*names, *similar.JSON_PARAMETERS}


class Scripted:
    """Answers requests over HTTP as it is told, and keeps what came."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, dict[str, str], object]] = []
        self.requests: list[tuple[str, str, str]] = []

    def __call__(self, environ, start_response):
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], authorization))
        status, headers, body = self.answers.pop(0)
        start_response(status, [*headers.items(), ("Content-Type", "application/json")])
        return [body if isinstance(body, bytes) else orjson.dumps(body)]


@pytest.fixture
def scripted() -> Iterator[tuple[Scripted, str]]:
    script = Scripted()
    with serving(script) as address:
        yield script, address


class serving:
    """An application on a port of its own."""

    def __init__(self, app) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def client(address: str, slept: list[float] | None = None, **more) -> Shelfwise:
    made = Shelfwise(address, **more)
    made._http._sleep = (slept if slept is not None else []).append
    return made


def error(code: str, field: str | None = None) -> dict:
    about = {"code": code, "message": "because", "field": field, "request_id": "r1"}
    return {"error": about}


TASK = {
    "id": "t", "index": "shop", "state": "running", "total": 1, "done": 0, "indexed": 0,
    "unchanged": 0, "deleted": 0, "stale": 0, "missing": 0, "rejected": 0, "cancelled": 0,
    "rejects": [],
}  # fmt: skip


def test_busy_service_is_asked_again_after_the_time_that_it_asks_for(scripted):
    script, address = scripted
    script.answers = [
        ("503 Busy", {"Retry-After": "7"}, error("unavailable")),
        ("429 Slow", {}, error("too_many_requests")),
        ("200 OK", {}, TASK),
    ]
    slept: list[float] = []
    with client(address, slept, api_key="sw_a_b") as shop:
        assert shop.task("t").state == "running"
    assert 5.6 <= slept[0] <= 7
    assert 0.3 <= slept[1] <= 0.4
    assert script.requests == [("GET", "/v1/tasks/t", "Bearer sw_a_b")] * 3


def test_busy_service_is_not_asked_for_ever(scripted):
    script, address = scripted
    script.answers = [("503 Busy", {"X-Request-Id": "r1"}, error("unavailable"))] * 4
    with client(address) as shop, pytest.raises(Unavailable) as caught:
        shop.task("t")
    assert (caught.value.status, caught.value.request_id) == (503, "r1")
    assert len(script.requests) == 4


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad", RequestRefused),
        ("401 Who", NotAllowed),
        ("403 No", NotAllowed),
        ("404 Gone", NotThere),
        ("500 Oops", Unavailable),
    ],
)
def test_refusal_is_an_exception_that_says_why_and_is_not_repeated(scripted, status, kind):
    script, address = scripted
    script.answers = [(status, {"X-Request-Id": "r1"}, error("some_code", "filter.price"))]
    with client(address) as shop, pytest.raises(kind) as caught:
        shop.search("shop", "mouse")
    assert type(caught.value) is kind
    assert (caught.value.api_code, caught.value.field) == ("some_code", "filter.price")
    assert str(caught.value) == f"{status[:3]} some_code: because (request r1)"
    assert len(script.requests) == 1


def test_page_of_a_proxy_is_no_riddle(scripted):
    script, address = scripted
    script.answers = [("502 Bad Gateway", {}, b"<html>")] * 2
    with client(address, attempts=2) as shop, pytest.raises(Unavailable, match="502 unknown"):
        shop.task("t")


def test_service_that_is_not_there_is_unavailable_and_the_key_stays_hidden():
    shop = client("http://127.0.0.1:9", api_key="sw_secret")
    with pytest.raises(Unavailable, match="does not answer") as caught:
        shop.task("t")
    assert "sw_secret" not in f"{shop!r}{caught.value}"
    with pytest.raises(MissingSetting):
        Shelfwise("127.0.0.1:8080")


def test_wait_ends_with_the_task_or_with_the_patience(scripted):
    script, address = scripted
    script.answers = [("200 OK", {}, TASK), ("200 OK", {}, {**TASK, "state": "done", "done": 1})]
    clock = iter([0.0, *[1.0] * 10])
    with client(address) as shop:
        (task,) = shop.wait("t", clock=lambda: next(clock), sleep=lambda seconds: None)
        assert task.is_over
        script.answers = [("200 OK", {}, TASK)] * 5
        times = iter([0.0, 59.0, 61.0])
        with pytest.raises(TaskUnfinished, match="0 of 1 are done"):
            shop.wait("t", clock=lambda: next(times), sleep=lambda seconds: None)


@pytest.fixture(scope="module")
def address(elasticsearch, redis_server) -> Iterator[str]:
    with (
        running_app(
            elasticsearch.url, redis_server.url, service_events_key=KEY, service_threads=8
        ) as app,
        serving(app) as address,
    ):
        yield address


@pytest.fixture
def finishing(redis_server):
    """A worker's part: every batch that is queued is done, and says so."""

    def finish(task_ids, outcome: BatchOutcome) -> None:
        with connect(redis_server.url) as queue:
            outbox = Outbox(queue, lambda *_: None, ttl_seconds=600)
            outbox.finish({(task_id, 0): outcome for task_id in task_ids})

    return finish


@pytest.mark.cluster
class TestWithTheService:
    def test_rules_are_set_and_hold_for_the_next_search(self, address, small_shop):
        with Shelfwise(address) as client:
            assert client.rules(small_shop)["active"] is None
            rules = {"rules": [{"id": "last", "pin": ["p011"]}]}
            made = client.set_rules(small_shop, rules, if_version="none")
            assert client.rules(small_shop)["rules"] == rules
            assert client.search(small_shop, "mouse").hits[0].id == "p011"
            assert client.search(small_shop, "mouse", rules="off").hits[0].id != "p011"
            with pytest.raises(RequestRefused) as caught:
                client.set_rules(small_shop, {}, if_version="none")
            assert (caught.value.status, caught.value.api_code) == (409, "conflict")
            assert client.rules(small_shop)["active"] == made["version"]

    def test_search_has_types_and_pages_to_its_end(self, address, shop):
        with client(address) as service:
            answer = service.search(
                shop, "mouse", filter={"price": {"lt": 1_000}}, facets={"brand": 3}, limit=5
            )
            assert 0 < len(answer.hits) <= 5
            assert answer.total_is_exact
            assert answer.hits[0].legs["lexical"]["score"] > 0
            assert answer.hits[0].product["title"]
            assert answer.facets["brand"][0]["count"] > 0
            assert answer.raw["query_id"] == answer.query_id
            found = [hit.id for page in service.pages(shop, limit=50) for hit in page.hits]
            assert sorted(found) == sorted(product["id"] for product in PRODUCTS)
            similar = service.similar(shop, found[0], by="text", limit=3, filter={})
            assert found[0] not in [hit.id for hit in similar.hits]
            assert service.product(shop, found[0])["title"]
            with pytest.raises(NotThere):
                service.product(shop, "no such product")
            with pytest.raises(RequestRefused) as caught:
                service.search(shop, "x", limit=5_000)
            assert caught.value.field == "limit"

    def test_changes_are_sent_in_parts_and_followed(self, address, shop, finishing):
        products = [{"id": f"n{n}", "title": f"New {n}"} for n in range(520)]
        products[510] = {"id": "n510", "price": 5}
        with client(address) as service:
            accepted = service.upsert(shop, iter(products))
            assert (accepted.accepted, len(accepted.task_ids)) == (519, 2)
            (rejected,) = accepted.rejected
            assert (rejected.position, rejected.product_id, rejected.field) == (
                510,
                "n510",
                "title",
            )
            patched = service.patch(shop, [{"id": "n1", "price": 3}])
            deleted = service.delete(shop, ["n1", "n2"])
            assert (patched.accepted, deleted.accepted) == (1, 2)
            nothing = service.upsert(shop, [{"id": "x"}, {"id": "y"}])
            assert (nothing.accepted, len(nothing.rejected), nothing.task_ids) == (0, 2, ())
            reject = Reject("n1", "price", "too much", 0)
            outcome = BatchOutcome(rejected=1, rejects=(reject,))
            finishing(patched.task_ids, outcome)
            (task,) = service.wait(patched)
            assert (task.state, task.rejected_count) == ("done", 1)
            assert task.rejected[0].reason == "too much"

    def test_examples_in_python_do_what_they_say(self, address, shop, finishing, capsys):
        (example,) = blocks("python")
        example = example.replace("http://127.0.0.1:8080", address)
        example = example.replace('"products",', f'"{shop}",')
        waiting = example.replace("shop.wait(accepted)", "finish(accepted) or shop.wait(accepted)")
        assert waiting != example

        def finish(accepted) -> None:
            finishing(accepted.task_ids, BatchOutcome(indexed=2))

        exec(waiting, {"finish": finish})
        said = capsys.readouterr().out
        assert "2 indexed []" in said
        assert re.search(r"\d+ of \d+", said)

    def test_examples_of_curl_are_answered(self, address, shop):
        lines = [line for line in "".join(blocks("bash")).splitlines() if line]
        assert len(lines) == 5
        for line in lines:
            line = line.replace("http://127.0.0.1:8080", address)
            line = line.replace("/indexes/products/", f"/indexes/{shop}/")
            answer = orjson.loads(run("curl", *shlex.split(line)[1:]))
            assert "error" not in answer, (line, answer)
            assert "hits" in answer or answer["accepted"] == 1

    def test_example_in_javascript_searches_and_tells_of_the_click(self, address, shop, tmp_path):
        (example,) = blocks("javascript")
        said = node(tmp_path, example, address, shop)
        assert re.match(r"\d+ \[", said), said

    def test_front_end_that_speaks_elasticsearch_gets_its_envelope(self, address, shop, tmp_path):
        """What Searchkit sends for a search box, two facets and a page, as one _msearch."""
        words = {"query": "mouse", "fields": ["title^3", "description^1"]}
        should = [
            {"multi_match": {**words, "fuzziness": "AUTO:4,8"}},
            {"multi_match": {**words, "type": "bool_prefix"}},
        ]
        phrase = {"multi_match": {**words, "type": "phrase"}}
        body = {
            "query": {
                "bool": {
                    "filter": [{"range": {"price": {"lte": 1_000}}}],
                    "must": {"bool": {"should": [{"bool": {"should": should}}, phrase]}},
                }
            },
            "aggs": {
                "brand": {"terms": {"field": "brand", "size": 10}},
                "price": {"stats": {"field": "price"}},
            },
            "from": 0,
            "size": 5,
            "_source": {"includes": ["title", "brand", "price"]},
            "highlight": {"number_of_fragments": 5, "fields": {"title": {}}},
        }
        script = f"""
        const lines = [{{ index: process.env.SHELFWISE_INDEX }}, {orjson.dumps(body).decode()}];
        const answer = await fetch(`${{process.env.SHELFWISE_URL}}/_msearch`, {{
          method: "POST",
          headers: {{ "Content-Type": "application/json" }},
          body: lines.map((line) => JSON.stringify(line) + "\\n").join(""),
        }});
        console.log(JSON.stringify(await answer.json()));
        """
        (answer,) = orjson.loads(node(tmp_path, script, address, shop))["responses"]
        assert answer["status"] == 200, answer
        hits = answer["hits"]["hits"]
        assert 0 < len(hits) <= 5
        assert set(hits[0]["_source"]) <= {"title", "brand", "price"}
        assert any("<em>" in hit.get("highlight", {}).get("title", [""])[0] for hit in hits)
        assert answer["aggregations"]["brand"]["buckets"]
        assert answer["aggregations"]["price"]["max"] <= 1_000


def node(folder: Path, script: str, address: str, index: str) -> str:
    """What a script of Node says."""
    path = folder / "example.mjs"
    path.write_text(script)
    return run("node", str(path), SHELFWISE_URL=address, SHELFWISE_INDEX=index)


def run(name: str, *arguments: str, **more: str) -> str:
    """What a program says that every machine of a developer has."""
    program = shutil.which(name)
    if program is None:
        missing = f"no {name} on this machine: apt-get install {PACKAGES[name]}"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    env = {**os.environ, **more}
    done = subprocess.run(
        [program, *arguments], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
