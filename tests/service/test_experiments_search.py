"""Searches while an experiment runs, on a real Elasticsearch."""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from werkzeug.test import TestResponse

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from mappings.index_lifecycle import create_index
from service.events.pseudonyms import Pseudonyms
from service.fusion.linear import CalibratedFeatures, LinearModel
from service.ranking.features import DEFAULT_CALIBRATIONS, NAMES
from service.search_request import SearchRequest
from service.weights.experiments import Experiment, Kind, takes_part
from service.weights.query_ids import QueryIds, is_signed
from service.weights.store import WEIGHTS_INDEX, WeightsStore
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import TEMPLATE, Search, fill, running_app, services_of

pytestmark = pytest.mark.cluster
KEY = "a key that only the tests have"
A, B = {"lexical": 0.5, "price_relative": -0.4}, {"text_vector": 0.9, "words_in_title": 0.3}


def document(index: str, weights: dict[str, float], **changes: Any) -> dict[str, Any]:
    scale = CalibratedFeatures({name: DEFAULT_CALIBRATIONS[name] for name in NAMES})
    model = LinearModel(scale, np.array([weights.get(name, 0.0) for name in NAMES]))
    return {
        "index": index,
        "fusion": "weighted_sum",
        "model": model.to_json(),
        "training": {"source": "hand"},
        **changes,
    }


def post(app: Flask, index: str, **body: object) -> TestResponse:
    return app.test_client().post(f"/v1/indexes/{index}/search", json=body)


@pytest.fixture(scope="module")
def trial_shop(cluster: Elasticsearch) -> Iterator[str]:
    """An index of its own: an experiment would answer the searches of other tests."""
    name = f"trial-{secrets.token_hex(4)}"
    live = create_index(cluster, name, {"text_vector": HashingEncoder(template=TEMPLATE).spec})
    fill(cluster, name, PRODUCTS)
    yield name
    cluster.indices.delete(index=live.index)


@pytest.fixture(scope="module")
def trial_app(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis, trial_shop: str
) -> Iterator[Flask]:
    with running_app(
        elasticsearch.url,
        redis_server.url,
        service_events_key=KEY,
        service_index_cache_seconds=60,
    ) as app:
        # Two seconds in a service; the tests begin and end many experiments.
        services_of(app).searcher._preparer.rankings._ttl_seconds = 0.1  # type: ignore[attr-defined]
        yield app


@pytest.fixture(scope="module")
def ask(trial_app: Flask, trial_shop: str) -> Search:
    def ask(**body: object) -> dict[str, Any]:
        response = post(trial_app, trial_shop, **body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.get_json()
        return answer

    return ask


@pytest.fixture(scope="module")
def store(cluster: Elasticsearch) -> WeightsStore:
    return WeightsStore(cluster)


@pytest.fixture(scope="module")
def versions(store: WeightsStore, trial_shop: str) -> tuple[str, str]:
    return store.save(document(trial_shop, A)), store.save(document(trial_shop, B))


Run = Callable[..., Any]


@pytest.fixture
def run(trial_app: Flask, trial_shop: str, store: WeightsStore, versions: tuple[str, str]) -> Run:
    """Run an experiment for the length of a block, seen by the service."""
    rankings = services_of(trial_app).searcher._preparer.rankings

    def seen(what: Experiment | None) -> None:
        deadline = time.monotonic() + 10
        while rankings.current(trial_shop).experiment != what:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    @contextmanager
    def run(
        kind: Kind, share: float = 0.5, compared: tuple[str, str] = versions
    ) -> Iterator[Experiment]:
        salt = "a salt of the tests"
        experiment = Experiment(kind, compared, share, salt, "2026-01-02T03:04:05+00:00")
        store.start_experiment(trial_shop, experiment)
        try:
            seen(experiment)
            yield experiment
        finally:
            store.stop_experiment(trial_shop)
            seen(None)

    return run


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in answer["hits"]]


def client_of(experiment: Experiment, *, takes: bool) -> str:
    names = (f"client-{number}" for number in range(1_000))
    return next(name for name in names if takes_part(experiment, name) is takes)


def test_share_of_2000_clients_gets_b_and_keeps_it(
    trial_app: Flask, trial_shop: str, ask: Search, run: Run, versions: tuple[str, str]
) -> None:
    preparer = services_of(trial_app).searcher._preparer

    def arm(client: str) -> str:
        request = SearchRequest.parse({"q": "mouse", "client_id": client})
        return preparer.prepare(trial_shop, request).weights_version

    clients = [f"client-{number}" for number in range(2_000)]
    with run("ab", 0.3):
        first = [arm(client) for client in clients]
        assert [arm(client) for client in clients] == first
        for client, version in list(zip(clients, first, strict=True))[:50]:
            assert ask(q="wireless", limit=1, client_id=client)["weights_version"] == version
    assert set(first) == set(versions)
    # Five standard deviations of 600 expected: sqrt(2,000 * 0.3 * 0.7) = 20.5.
    assert abs(first.count(versions[1]) - 600) < 5 * math.sqrt(2_000 * 0.3 * 0.7)


def test_each_arm_answers_with_its_own_ranking_and_says_so(
    ask: Search, run: Run, versions: tuple[str, str], trial_shop: str
) -> None:
    named = [ask(q="wireless mouse", weights_version=version) for version in versions]
    assert ids_of(named[0]) != ids_of(named[1])
    ids = QueryIds(KEY.encode())
    with run("ab") as experiment:
        for takes, expected, arm in ((False, named[0], "A"), (True, named[1], "B")):
            client = client_of(experiment, takes=takes)
            answer = ask(q="wireless mouse", client_id=client)
            assert answer["weights_version"] == expected["weights_version"]
            assert answer["hits"] == expected["hits"]
            pseudonym = Pseudonyms(KEY.encode()).client(client)
            answered = ids.read(trial_shop, answer["query_id"], pseudonym)
            assert answered is not None
            assert (answered.arm, answered.versions) == (arm, versions)
            assert answered.experiment_id == experiment.id


def test_what_is_asked_for_by_name_is_not_in_the_experiment(
    ask: Search, run: Run, versions: tuple[str, str]
) -> None:
    with run("ab", 1.0):
        in_it = ask(q="mouse", client_id="anna")
        assert in_it["weights_version"] == versions[1] and is_signed(in_it["query_id"])
        for options in (
            {"weights_version": versions[0]},
            {"weights_version": "default"},
            {"weights": {"lexical": 1.0}},
            {"fusion": "reciprocal_rank"},
            {"mode": "fast"},
            {"sort": [{"price": "asc"}]},
            {"q": ""},
        ):
            answer = ask(**{"q": "mouse", "client_id": "anna", **options})
            assert answer["weights_version"] != versions[1], options
            assert not is_signed(answer["query_id"]), options
        for nobody in ({}, {"client_id": None}, {"client_id": ""}):
            answer = ask(q="mouse", **nobody)
            assert answer["weights_version"] == versions[0]
            assert not is_signed(answer["query_id"]), "who has no id is not counted"


def test_client_is_part_of_no_cursor_and_pages_stay_in_the_arm(
    ask: Search, run: Run, versions: tuple[str, str]
) -> None:
    with run("ab") as experiment:
        for takes, version in ((False, versions[0]), (True, versions[1])):
            client = client_of(experiment, takes=takes)
            whole = ids_of(ask(q="model", weights_version=version, limit=60))
            paged: list[str] = []
            cursor: dict[str, Any] = {}
            for _ in range(6):
                answer = ask(q="model", client_id=client, limit=10, **cursor)
                assert answer["weights_version"] == version
                paged += ids_of(answer)
                cursor = {"cursor": answer["cursor"]}
            assert paged == whole
            ask(q="model", client_id="somebody else", limit=10, **cursor)


def test_interleaved_list_is_drafted_from_both_rankings(
    ask: Search, run: Run, versions: tuple[str, str]
) -> None:
    options: dict[str, Any] = {"q": "wireless mouse", "limit": 40, "explain": True}
    by_version = {one: ask(**options, weights_version=one) for one in versions}
    alone = {
        version: {hit["id"]: hit for hit in answer["hits"]}
        for version, answer in by_version.items()
    }
    with run("interleave", 1.0):
        answer = ask(**options, client_id="anna")
    assert answer["weights_version"] == "+".join(versions)
    places = dict.fromkeys(versions, 0)
    seen: set[str] = set()
    for place, hit in enumerate(answer["hits"], start=1):
        version = hit["team"]
        order = ids_of(by_version[version])
        # Its team's best product that is not in the list yet.
        best = next(product for product in order if product not in seen)
        assert hit["id"] == best
        seen.add(best)
        places[version] += 1
        assert abs(places[versions[0]] - places[versions[1]]) <= 1
        own = alone[version][best]
        assert hit["score"] == pytest.approx(own["score"], abs=1e-6)
        assert hit["legs"].keys() == own["legs"].keys()
        assert hit["features"].keys() == own["features"].keys()
        assert hit["explanation"].startswith(f"Number {place}")


def test_pages_of_an_interleaved_list_repeat_and_drop_nothing(
    trial_app: Flask, ask: Search, run: Run, versions: tuple[str, str]
) -> None:
    with run("interleave", 1.0):
        found = ask(q="model", client_id="anna", limit=200, rank_window_size=60)
        whole = [(hit["id"], hit.get("team")) for hit in found["hits"]]
        assert len(whole) == 200
        assert all(team in versions for _, team in whole[:60])
        assert {team for _, team in whole[60:]} == {None}, "nobody picks behind the window"
        paged: list[tuple[str, str | None]] = []
        cursor: dict[str, Any] = {}
        while len(paged) < 200:
            page = ask(q="model", client_id="anna", limit=7, rank_window_size=60, **cursor)
            paged += [(hit["id"], hit.get("team")) for hit in page["hits"]]
            cursor = {"cursor": page["cursor"]}
            # As in another web process, which has not kept the window.
            services_of(trial_app).searcher._windows._windows.clear()
        assert paged[:200] == whole
        by_offset = ask(q="model", client_id="anna", limit=7, offset=7, rank_window_size=60)
        assert [(hit["id"], hit["team"]) for hit in by_offset["hits"]] == whole[7:14]


def test_teams_are_balanced_over_clients(
    ask: Search, run: Run, versions: tuple[str, str], trial_shop: str
) -> None:
    tops: Counter[str] = Counter()
    ids = QueryIds(KEY.encode())
    with run("interleave", 1.0):
        for number in range(100):
            client = f"client-{number}"
            answer = ask(q="wireless mouse", client_id=client, limit=24, fields=["title"])
            hits = answer["hits"]
            tops[hits[0]["team"]] += 1
            counts = Counter(hit["team"] for hit in hits)
            assert abs(counts[versions[0]] - counts[versions[1]]) <= 1
            pseudonym = Pseudonyms(KEY.encode()).client(client)
            answered = ids.read(trial_shop, answer["query_id"], pseudonym)
            assert answered is not None
            teams = {hit["id"]: "AB"[versions.index(hit["team"])] for hit in hits}
            assert {product: answered.team_of(product) for product in teams} == teams
    assert abs(tops[versions[0]] - 50) < 5 * math.sqrt(100 * 0.25)


def test_who_does_not_take_part_gets_a_plainly(
    ask: Search, run: Run, versions: tuple[str, str]
) -> None:
    with run("interleave", 0.5) as experiment:
        for client in (client_of(experiment, takes=False), None):
            answer = ask(q="mouse", client_id=client)
            assert answer["weights_version"] == versions[0]
            assert not any("team" in hit for hit in answer["hits"])
            assert not is_signed(answer["query_id"])


@pytest.mark.parametrize("kind", ["ab", "interleave"])
def test_arm_that_cannot_rank_ends_nothing_but_the_comparison(
    kind: Kind,
    ask: Search,
    run: Run,
    store: WeightsStore,
    trial_shop: str,
    trial_app: Flask,
    versions: tuple[str, str],
) -> None:
    broken = store.save(document(trial_shop, B, model={"weights": {"lexical": 1.0}}))
    telemetry = services_of(trial_app).telemetry

    def counted() -> float:
        name = f'shelfwise_weights_fallback_total{{index="{trial_shop}",reason="broken"}} '
        lines = telemetry.exposition().decode().splitlines()
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    before = counted()
    with run(kind, 1.0, (versions[0], broken)):
        answer = ask(q="mouse", client_id="anna")
        assert (
            answer["weights_version"]
            == ask(q="mouse", weights_version="default")["weights_version"]
        )
        assert not is_signed(answer["query_id"])
        assert counted() == before + 1
    store.activate(trial_shop, versions[0])
    try:
        with run(kind, 1.0, (versions[1], broken)):
            answer = ask(q="mouse", client_id="anna")
            assert answer["weights_version"] == versions[0], "what is active answers"
    finally:
        store.deactivate(trial_shop)


def test_arm_that_was_trained_on_another_encoder_is_not_compared(
    ask: Search, run: Run, store: WeightsStore, trial_shop: str, versions: tuple[str, str]
) -> None:
    training = {"source": "hand", "encoders": {"text_vector": {"name": "another"}}}
    foreign = store.save(document(trial_shop, B, training=training))
    with run("ab", 1.0, (versions[0], foreign)):
        answer = ask(q="mouse", client_id="anna")
        assert answer["weights_version"] not in (foreign, versions[0])


@pytest.mark.parametrize("client_id", ["x" * 257, 7, ["anna"]], ids=["long", "number", "list"])
def test_bad_client_id_is_refused_by_field(
    trial_app: Flask, trial_shop: str, client_id: object
) -> None:
    response = post(trial_app, trial_shop, q="mouse", client_id=client_id)
    assert response.status_code == 400
    assert response.get_json()["error"]["field"] == "client_id"


def test_client_id_is_no_parameter_of_an_address(trial_app: Flask, trial_shop: str) -> None:
    path = f"/v1/indexes/{trial_shop}/search?q=mouse&client_id=anna"
    assert trial_app.test_client().get(path).status_code == 400


def test_client_id_is_neither_logged_nor_stored(
    ask: Search,
    run: Run,
    cluster: Elasticsearch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    trial_app: Flask,
) -> None:
    name = f"visitor-{secrets.token_hex(8)}"
    with caplog.at_level(logging.DEBUG), run("interleave", 1.0):
        answer = ask(q="mouse", client_id=name, limit=5)
        kept = repr(services_of(trial_app).searcher._windows._windows)
    said = "".join(capsys.readouterr()) + caplog.text + kept + repr(answer)
    assert name not in said
    stored = cluster.search(index=f"{WEIGHTS_INDEX},trial-*", q=f'"{name}"')
    assert stored["hits"]["total"]["value"] == 0


def test_without_a_key_the_experiment_answers_uncounted(
    elasticsearch: EmbeddedElasticsearch,
    redis_server: EmbeddedRedis,
    run: Run,
    trial_shop: str,
    versions: tuple[str, str],
) -> None:
    with (
        run("ab", 1.0),
        running_app(elasticsearch.url, redis_server.url) as app,
    ):
        answer = post(app, trial_shop, q="mouse", client_id="anna").get_json()
    assert answer["weights_version"] == versions[1]
    assert not is_signed(answer["query_id"])
