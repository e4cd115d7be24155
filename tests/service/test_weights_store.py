"""Versions of the weights in a real Elasticsearch."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from mappings import cluster as cluster_client
from mappings.errors import ClusterUnavailable, InvalidQuery, UnknownWeights
from mappings.settings import SharedSettings
from service.weights.experiments import Experiment
from service.weights.store import WEIGHTS_INDEX, WeightsStore

pytestmark = pytest.mark.cluster
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """A second later at every look."""

    def __init__(self) -> None:
        self.seconds = 0

    def __call__(self) -> datetime:
        self.seconds += 1
        return START + timedelta(seconds=self.seconds)


@pytest.fixture
def store(cluster: Elasticsearch) -> WeightsStore:
    return WeightsStore(cluster, now=Clock())


@pytest.fixture
def name() -> str:
    return f"test-{secrets.token_hex(6)}"


def document(index: str, **changes: object) -> dict[str, Any]:
    return {
        "index": index,
        "fusion": "weighted_sum",
        "model": {"weights": {"bm25": 0.6}},
        "training": {"source": "hand"},
        **changes,
    }


def experiment(*versions: str) -> Experiment:
    first, second = versions
    return Experiment("ab", (first, second), 0.5, "salt", "2026-01-02T03:04:05Z")


def test_version_comes_back_as_it_was_saved(store, name):
    odd = {"": 1, "a.b": [2, {"c": None}], "a": {"b": 1e-300}, "deep": {"x": {"y": {"z": "ü"}}}}
    given = document(
        name,
        model=odd,
        features=["bm25", "price"],
        training={"source": "clicks", "fingerprint": "0a" * 32, "queries": 3, "pairs": 8, "x": {}},
        metrics={"ndcg@10": {"value": 0.8, "low": 0.7}},
        note="über",
    )
    version = store.save(given)
    assert version == f"{name}-1"
    assert store.get(name, version) == given | {
        "version": version,
        "created_at": "2026-01-02T03:04:06.000+00:00",
    }


def test_versions_are_numbered_by_index_and_listed_newest_first_without_models(store, name):
    other = f"{name}-1"  # its versions are named test-..-1-1: no other index's
    for index in (name, other, name, name):
        store.save(document(index))
    listed = store.list(name)
    assert [one["version"] for one in listed] == [f"{name}-3", f"{name}-2", f"{name}-1"]
    assert all("model" not in one and one["index"] == name for one in listed)
    assert [one["version"] for one in store.list(other)] == [f"{other}-1"]
    assert store.list("no-such") == []


def test_tenth_version_is_listed_before_the_ninth(store, name):
    for _ in range(10):
        store.save(document(name))
    assert [one["version"] for one in store.list(name)][:2] == [f"{name}-10", f"{name}-9"]


def test_index_of_versions_is_hidden_and_strict(cluster, store, name):
    store.save(document(name))
    found = cluster.indices.get(index=WEIGHTS_INDEX)[WEIGHTS_INDEX]
    assert found["settings"]["index"]["hidden"] == "true"
    assert found["mappings"]["dynamic"] == "strict"
    properties = found["mappings"]["properties"]
    for field in ("model", "metrics", "training"):
        assert properties[field] == {"type": "object", "enabled": False}
    assert WEIGHTS_INDEX not in cluster.indices.get(index="*")


def test_many_savers_at_once_each_get_a_number_of_their_own(elasticsearch, cluster, name):
    savers, each = 6, 4
    together = Barrier(savers)

    def save(saver: int) -> list[str]:
        settings = SharedSettings(elasticsearch_url=elasticsearch.url)
        with cluster_client.connect(settings) as client:
            own = WeightsStore(client)
            together.wait()
            return [own.save(document(name, note=f"{saver}/{turn}")) for turn in range(each)]

    with ThreadPoolExecutor(savers) as pool:
        saved = dict(enumerate(pool.map(save, range(savers))))
    store = WeightsStore(cluster)
    numbers = sorted(
        int(version.rpartition("-")[2]) for some in saved.values() for version in some
    )
    assert numbers == list(range(1, savers * each + 1))
    for saver, versions in saved.items():
        for turn, version in enumerate(versions):
            assert store.get(name, version)["note"] == f"{saver}/{turn}"


def test_first_savers_of_a_new_cluster_do_not_meet_an_index_without_mapping(cluster, name):
    together = Barrier(4)

    def save(_: int) -> str:
        together.wait()
        return WeightsStore(cluster, name=f"{name}-weights").save(document(name))

    try:
        with ThreadPoolExecutor(4) as pool:
            saved = set(pool.map(save, range(4)))
        mapping = cluster.indices.get_mapping(index=f"{name}-weights")[f"{name}-weights"]
    finally:
        cluster.options(ignore_status=404).indices.delete(index=f"{name}-weights")
    assert saved == {f"{name}-{number}" for number in (1, 2, 3, 4)}
    assert mapping["mappings"]["dynamic"] == "strict"


def test_unknown_version_is_named_with_near_ones(store, name):
    for _ in range(4):
        store.save(document(name))
    with pytest.raises(UnknownWeights) as caught:
        store.get(name, f"{name}-44")
    assert caught.value.field == "version"
    assert f"no weights version '{name}-44'" in str(caught.value)
    assert f"{name}-4" in str(caught.value).partition("near are")[2]


@pytest.mark.parametrize("version", ["", "..", "state:{name}", "{name}-0", "{name}-x", "other-1"])
def test_what_can_be_no_version_is_unknown(store, name, version):
    store.save(document(name))
    asked = version.format(name=name)
    with pytest.raises(UnknownWeights, match="no weights version"):
        store.get(name, asked)
    with pytest.raises(UnknownWeights, match="no weights version"):
        store.activate(name, asked)


def test_version_of_another_index_is_unknown(store, name):
    store.save(document(name))
    with pytest.raises(UnknownWeights, match="'empty' has none"):
        store.get("empty", f"{name}-1")


def test_activations_and_rollbacks_are_remembered_with_time_and_who(store, name):
    for _ in range(3):
        store.save(document(name))
    assert store.state(name).active is None
    store.activate(name, f"{name}-1", who="ann")
    store.activate(name, f"{name}-3", who="bob")
    assert store.activate(name, f"{name}-3", who="eve") == store.state(name), "nothing changed"
    store.rollback(name, who="ann")
    state = store.state(name)
    assert state.active == f"{name}-1"
    assert [(one.action, one.version, one.who) for one in state.history] == [
        ("activate", f"{name}-1", "ann"),
        ("activate", f"{name}-3", "bob"),
        ("rollback", f"{name}-1", "ann"),
    ]
    assert [one.at for one in state.history] == sorted({one.at for one in state.history})
    assert store.rollback(name).active is None, "before the first one the default answered"
    with pytest.raises(InvalidQuery, match="nothing was active before 'the default'"):
        store.rollback(name)


def test_deactivated_index_goes_back_to_its_version_by_rollback(store, name):
    store.activate(name, store.save(document(name)))
    assert store.deactivate(name, who="ann").active is None
    assert len(store.deactivate(name).history) == 2, "a second time changes nothing"
    assert store.rollback(name).active == f"{name}-1"


def test_deleted_version_is_gone_and_its_number_never_comes_back(store, name):
    for _ in range(3):
        store.save(document(name))
    store.delete(name, f"{name}-3")
    with pytest.raises(UnknownWeights):
        store.get(name, f"{name}-3")
    with pytest.raises(UnknownWeights):
        store.delete(name, f"{name}-3")
    assert store.state(name).deleting == ()
    assert store.save(document(name)) == f"{name}-4"


def test_rollback_passes_over_a_deleted_version(store, name):
    for _ in range(3):
        store.activate(name, store.save(document(name)))
    store.delete(name, f"{name}-2")
    assert store.rollback(name).active == f"{name}-1"


def test_version_in_use_is_not_deleted(store, name):
    first, second, third = (store.save(document(name)) for _ in range(3))
    store.activate(name, first)
    store.start_experiment(name, experiment(second, third))
    for version in (first, second, third):
        with pytest.raises(InvalidQuery, match="answers searches") as caught:
            store.delete(name, version)
        assert caught.value.field == "version"
        assert store.get(name, version)["version"] == version


def test_version_whose_delete_was_cut_off_cannot_become_active(cluster, store, name):
    version = store.save(document(name))
    state = store.state(name)
    body = {"kind": "state", **state.to_json(), "deleting": [version]}
    cluster.index(index=WEIGHTS_INDEX, id=f"state:{name}", document=body)
    with pytest.raises(UnknownWeights):
        store.activate(name, version)
    store.delete(name, version)  # a second attempt ends it
    assert store.list(name) == [] and store.state(name).deleting == ()


def test_activation_and_delete_at_once_never_leave_a_missing_version_active(cluster, name):
    store = WeightsStore(cluster)
    for _ in range(8):
        version = store.save(document(name))
        together = Barrier(2)

        def attempt(change, version=version, together=together) -> bool:
            together.wait()
            try:
                change(name, version)
            except (InvalidQuery, UnknownWeights):
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(attempt, (store.activate, store.delete)))
        assert sorted(done) == [False, True]
        if done[0]:
            assert store.state(name).active == store.get(name, version)["version"]
        assert store.deactivate(name).active is None


def test_experiment_is_started_once_and_stopped(store, name):
    first, second = store.save(document(name)), store.save(document(name))
    asked = experiment(first, second)
    assert store.start_experiment(name, asked).experiment == asked
    assert store.state(name).experiment == asked
    with pytest.raises(InvalidQuery, match="runs already"):
        store.start_experiment(name, experiment(second, first))
    with pytest.raises(InvalidQuery, match="an experiment of"):
        store.activate(name, first)
    assert store.stop_experiment(name) == asked
    assert store.state(name).experiment is None
    with pytest.raises(InvalidQuery, match="no experiment runs"):
        store.stop_experiment(name)
    with pytest.raises(UnknownWeights):
        store.start_experiment(name, experiment(first, f"{name}-9"))


@pytest.mark.parametrize("brake", ["rollback", "deactivate"])
def test_rollback_and_deactivation_end_an_experiment(store, name, brake):
    first, second = store.save(document(name)), store.save(document(name))
    store.activate(name, first)
    store.start_experiment(name, experiment(first, second))
    state = getattr(store, brake)(name)
    assert (state.active, state.experiment) == (None, None)


def test_model_of_two_megabytes_is_kept(store, name):
    model = {"trees": [0.123456789] * 170_000}
    assert store.get(name, store.save(document(name, model=model)))["model"] == model


def test_cluster_that_is_away_is_said_to_be():
    with cluster_client.connect(SharedSettings(elasticsearch_url="http://127.0.0.1:9")) as client:
        for ask in (WeightsStore(client).state, WeightsStore(client).list):
            with pytest.raises(ClusterUnavailable):
                ask("products")


def test_bad_index_name_is_refused_before_anything_is_asked(store):
    for ask in (store.state, store.list, store.rollback):
        with pytest.raises(InvalidQuery, match="'NO'"):
            ask("NO")
