"""Stored lists in a real Elasticsearch: whole or not at all, and found by name."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from mappings.cluster import connect
from mappings.errors import (
    ClusterUnavailable,
    Conflict,
    InvalidQuery,
    PermanentIndexingError,
)
from mappings.settings import SharedSettings
from service.judgements.judgement_list import JudgementList
from service.judgements.opening import open_judgements, open_list
from service.judgements.remarks import remark_on_index
from service.judgements.store import INDEX, JudgementStore

pytestmark = pytest.mark.cluster

SMALL = JudgementList({"mouse": {"p1": 3, "p2": 0}, "cable": {"p1": 1}}, source="small.csv")
OTHER = JudgementList({"red mouse": {"p9": 7}}, max_grade=10, source="other.csv", duplicates=2)


@pytest.fixture
def store(cluster: Elasticsearch) -> JudgementStore:
    return JudgementStore(cluster)


@pytest.fixture
def name(store: JudgementStore) -> Iterator[str]:
    """A name that no list has; the list of a test goes with it."""
    name = f"list-{secrets.token_hex(6)}"
    yield name
    if store.has(name):
        store.delete(name)


def rows(cluster: Elasticsearch, name: str) -> list[dict]:
    """All documents of a list, states and abandoned rows too."""
    cluster.indices.refresh(index=INDEX)
    found = cluster.search(index=INDEX, query={"term": {"list": name}}, size=10_000)
    return [hit["_source"] for hit in found["hits"]["hits"]]


def test_a_list_is_read_as_it_was_saved(store, name, cluster):
    state = store.save(name, SMALL)
    assert store.read(name).judgements == SMALL.judgements
    assert store.show(name) == state
    assert (state.judgements, state.queries, state.source) == (3, 2, "small.csv")
    assert state in store.lists()
    mapping = cluster.indices.get_mapping(index=INDEX)[INDEX]["mappings"]
    assert mapping["dynamic"] == "strict"


def test_a_list_of_several_pages_is_whole(store, name):
    grades = {f"p{number}": number % 4 for number in range(6_001)}
    store.save(name, JudgementList({"a": grades, "b": grades}))
    assert store.read(name).judgements == {"a": grades, "b": grades}


def test_replacing_needs_to_be_asked_for_and_leaves_nothing_behind(store, name, cluster):
    first = store.save(name, SMALL)
    with pytest.raises(InvalidQuery, match=f"there is a list {name!r} already") as caught:
        store.save(name, OTHER)
    assert caught.value.field == "name"
    assert store.read(name).judgements == SMALL.judgements
    second = store.save(name, OTHER, replace=True)
    found = store.read(name)
    assert (found.judgements, found.max_grade) == (OTHER.judgements, 10)
    assert second.revision != first.revision
    assert len(rows(cluster, name)) == 2  # the state and its one judgement


def test_a_write_that_fails_half_way_leaves_the_list_as_it_was(store, name, cluster):
    store.save(name, SMALL)
    many = {f"p{number}": 1 for number in range(700)}  # more than one request of the bulk writer
    bad = JudgementList({"a": many, "z": {"p": 1_000}})  # Elasticsearch's byte ends at 127
    with pytest.raises(PermanentIndexingError, match="refuses a judgement"):
        store.save(name, bad, replace=True)
    assert store.read(name).judgements == SMALL.judgements
    assert len(rows(cluster, name)) == 4


def test_an_import_that_died_is_cleared_by_a_later_one(store, name, cluster):
    store.save(name, SMALL)
    abandoned = {
        "kind": "judgement",
        "list": name,
        "revision": "dead",
        "query": "a",
        "product_id": "p",
        "grade": 1,
        "source": "x.csv",
    }
    cluster.index(index=INDEX, document={**abandoned, "imported_at": "2020-01-01T00:00:00Z"})
    assert store.read(name).judgements == SMALL.judgements
    store.save(name, OTHER, replace=True)
    assert {row["revision"] for row in rows(cluster, name)} == {store.show(name).revision}


def test_of_two_imports_at_once_one_is_refused(store, name, cluster):
    class Slow(JudgementStore):
        """Another import of the same list comes through while this one writes its rows."""

        def _write_rows(self, state, judgements):
            super()._write_rows(state, judgements)
            store.save(name, OTHER, replace=True)

    store.save(name, SMALL)
    with pytest.raises(InvalidQuery, match="somebody else has changed"):
        Slow(cluster).save(name, SMALL, replace=True)
    assert store.read(name).judgements == OTHER.judgements
    assert len(rows(cluster, name)) == 2


def test_a_deleted_list_is_gone_with_its_rows(store, name, cluster):
    store.save(name, SMALL)
    assert store.delete(name).judgements == 3
    assert rows(cluster, name) == []
    for ask in (store.show, store.read, store.delete):
        with pytest.raises(InvalidQuery, match=f"no list is named '{name}'; there is ") as caught:
            ask(name)
        assert caught.value.field == "judgements"


@pytest.mark.parametrize("bad", ["", "a/b", "Übung", "UPPER", "-a", "a" * 65, "a.csv"])
def test_names_that_are_not_allowed(store, bad):
    with pytest.raises(InvalidQuery, match="name: should be 1 to 64"):
        store.save(bad, SMALL)


def test_open_takes_a_file_or_a_name(store, name, cluster, tmp_path: Path, monkeypatch):
    store.save(name, OTHER)
    assert open_judgements(lambda: cluster, name) == OTHER.judgements
    assert open_list(lambda: cluster, name).max_grade == 10
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("query,product_id,grade\na,b,1\n")

    def never() -> Elasticsearch:
        raise AssertionError("a file needs no cluster")

    assert open_judgements(never, name) == {"a": {"b": 1}}
    assert open_judgements(never, tmp_path / name) == {"a": {"b": 1}}
    with pytest.raises(InvalidQuery, match="there is no file 'x/no.csv', and no stored list"):
        open_judgements(never, "x/no.csv")
    with pytest.raises(
        InvalidQuery, match="'nobody' is neither a file nor a stored list.*" + name
    ):
        open_judgements(lambda: cluster, "nobody")


def test_judged_products_that_the_index_lacks(cluster, shop):
    judgements = {"mouse": {"p001": 3, "nope": 1}, "cable": {"p002": 0, "ghost-0": 2}}
    (remark,) = remark_on_index(cluster, shop, judgements)
    assert remark.examples == ("ghost-0", "nope")  # ghost-0 is a tombstone
    assert remark.describe() == "2 products that are not in the index: 'ghost-0', 'nope'"
    assert remark_on_index(cluster, shop, {"mouse": {"p001": 3}}) == []


def test_single_grades_are_given_changed_and_taken_away(store, name, cluster):
    store.save(name, SMALL)
    assert store.grade(name, "mouse", "p3", 2, seen=None, source="ann") is None
    assert store.grade(name, "mouse", "p1", 1) == 3
    assert store.grade(name, "lamp", "p4", 0) is None
    assert store.grade(name, "cable", "p1", None) == 1
    assert store.grade(name, "cable", "p1", None) is None
    assert store.read(name).judgements == {"lamp": {"p4": 0}, "mouse": {"p1": 1, "p2": 0, "p3": 2}}
    shown = store.show(name)
    assert (shown.judgements, shown.queries) == (4, 2)
    assert shown in store.lists()
    assert [row["source"] for row in rows(cluster, name) if row.get("product_id") == "p3"] == [
        "ann"
    ]
    with pytest.raises(InvalidQuery, match="grade: should be a whole number from 0 to 3, got 4"):
        store.grade(name, "mouse", "p1", 4)
    with pytest.raises(InvalidQuery, match="no list is named 'nobody'"):
        store.grade("nobody", "mouse", "p1", 1)


def test_a_grade_that_was_not_seen_is_not_written_over(store, name):
    store.save(name, SMALL)
    store.grade(name, "mouse", "p3", 2, seen=None)
    with pytest.raises(Conflict, match="'p3' has grade 2 for 'mouse' by now"):
        store.grade(name, "mouse", "p3", 1, seen=None)
    with pytest.raises(Conflict, match="'p9' has no grade for 'mouse' by now"):
        store.grade(name, "mouse", "p9", 1, seen=0)
    assert store.grade(name, "mouse", "p3", 2, seen=None) == 2  # both say the same
    assert store.grade(name, "mouse", "p3", 1, seen=2) == 2


def test_judges_at_once_lose_nothing(store, name):
    store.save(name, JudgementList({}))
    mine = [{f"p{judge}-{number}": number % 4 for number in range(15)} for judge in range(4)]

    def judge(grades: dict[str, int]) -> None:
        for product_id, grade in grades.items():
            store.grade(name, "mouse", product_id, grade)
            store.grade(name, "shared", f"p{grade}", grade)

    threads = [threading.Thread(target=judge, args=(grades,)) for grades in mine]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = {product_id: grade for grades in mine for product_id, grade in grades.items()}
    expected = {"mouse": together, "shared": {f"p{grade}": grade for grade in range(4)}}
    assert store.read(name).judgements == expected


def test_what_is_graded_while_a_list_is_merged_is_kept(store, name, cluster):
    class Slow(JudgementStore):
        """A judge goes on while the merged rows are written."""

        def _write_rows(self, state, judgements):
            super()._write_rows(state, judgements)
            store.grade(name, "mouse", "p1", 2)
            store.grade(name, "mouse", "p5", 1)
            store.grade(name, "cable", "p1", None)

    store.save(name, SMALL)
    more = JudgementList({"mouse": {"p2": 3}, "lamp": {"p7": 2}})
    Slow(cluster).merge(name, more)
    assert store.read(name).judgements == {
        "lamp": {"p7": 2},
        "mouse": {"p1": 2, "p2": 3, "p5": 1},
    }


def test_a_grade_follows_a_switch_that_came_between(store, name, cluster):
    class Overtaken(JudgementStore):
        """The list is replaced once between a judge's look at it and the write."""

        done = False

        def _require(self, name):
            found = super()._require(name)
            if not self.done:
                self.done = True
                store.save(name, JudgementList({"new": {"p0": 1}}), replace=True)
            return found

    store.save(name, SMALL)
    Overtaken(cluster).grade(name, "mouse", "p8", 2, seen=None)
    assert store.read(name).judgements == {"mouse": {"p8": 2}, "new": {"p0": 1}}


def test_rows_of_an_earlier_release_are_graded_too(store, name, cluster, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("service.judgements.store.new_revision", lambda: secrets.token_hex(12))
        store.save(name, SMALL)
    assert store.grade(name, "mouse", "p1", 0) == 3
    assert store.read(name).judgements == {"mouse": {"p1": 0, "p2": 0}, "cable": {"p1": 1}}


def test_merging_makes_a_list_and_refuses_another_scale(store, name):
    assert store.merge(name, SMALL).judgements == 3
    with pytest.raises(InvalidQuery, match="has grades 0 to 3, got 0 to 10"):
        store.merge(name, OTHER)
    assert store.merge(name, JudgementList({"mouse": {"p1": 0}})).judgements == 3
    assert store.read(name).judgements["mouse"] == {"p1": 0, "p2": 0}


def test_a_cluster_that_is_away():
    with connect(SharedSettings(elasticsearch_url="http://127.0.0.1:9")) as client:
        store = JudgementStore(client)
        for ask in (store.lists, lambda: store.save("a", SMALL), lambda: store.read("a")):
            with pytest.raises(ClusterUnavailable):
                ask()
