"""The elasticsearch connector on a real cluster: everything first, then what has changed."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime

import pytest

from indexer.connectors.base import SourceContext
from indexer.connectors.elasticsearch_index import ElasticsearchConnector, ElasticsearchOptions
from mappings.errors import MissingSetting, SourceUnavailable, UnknownIndex
from mappings.feeds.field_map import parse_map
from mappings.feeds.versions import version_at

pytestmark = pytest.mark.cluster

MAP = b'{"fields": {"id": "sku", "title": "name", "price": {"from": "cents", "scale": 0.01}}}'


@pytest.fixture
def shop(cluster):
    """Name of an index as a shop has it, empty."""
    name = f"legacy-{secrets.token_hex(4)}"
    fields = {"sku": "keyword", "name": "text", "changed": "date", "gone": "boolean"}
    properties = {field: {"type": kind} for field, kind in fields.items()}
    cluster.indices.create(index=name, mappings={"properties": properties})
    yield name
    cluster.indices.delete(index=name)


def write(cluster, shop, *numbers: int, at: str = "2026-03-01T12:00:00Z", **more) -> None:
    operations = []
    for n in numbers:
        operations += [{"index": {"_id": f"d{n}"}}]
        operations += [{"sku": f"s{n}", "name": f"Mouse {n}", "cents": n, "changed": at, **more}]
    cluster.bulk(index=shop, operations=operations, refresh=True)


@pytest.fixture
def run(elasticsearch, shop):
    """One pass, with the cursor as it comes back from where it was kept."""

    def pages_of(cursor=None, *, at_most=None, **more):
        table = {
            "connector": "elasticsearch",
            "index": "products",
            "url": elasticsearch.url,
            "source_index": shop,
            "overlap": 0,
            **more,
        }
        context = SourceContext("legacy", parse_map(MAP, where="m.json"), None)
        made = ElasticsearchConnector(ElasticsearchOptions.model_validate(table), context)
        pages = []
        for page in made.changes(cursor):
            pages.append(page)
            if len(pages) == at_most:
                break
        made.close()
        return pages, json.loads(json.dumps(pages[-1].cursor))

    return pages_of


def ids(pages, operation="upsert") -> list[str]:
    changes = [change for page in pages for change in page.changes]
    return sorted(change.product_id for change in changes if change.operation == operation)


def test_everything_is_read_once_and_then_what_has_changed(cluster, shop, run):
    write(cluster, shop, *range(7))
    pages, cursor = run(updated_at="changed", page_size=3)
    assert ids(pages) == [f"s{n}" for n in range(7)]
    first = pages[0].changes[0]
    assert first.version == version_at("2026-03-01T12:00:00Z")
    assert first.fields["price"] == int(first.product_id[1:]) / 100
    assert ids(run(cursor, updated_at="changed")[0]) == []
    write(cluster, shop, 3, 9, 10, 11, at="2026-03-01T12:00:00.001Z")
    pages, cursor = run(cursor, updated_at="changed", page_size=2)
    assert ids(pages) == ["s10", "s11", "s3", "s9"]
    assert ids(run(cursor, updated_at="changed")[0]) == []


def test_change_that_becomes_visible_late_is_read_within_the_overlap(cluster, shop, run):
    write(cluster, shop, 1, at="2026-03-01T12:00:10Z")
    _, cursor = run(updated_at="changed", overlap=60)
    _, cursor = run(cursor, updated_at="changed", overlap=60)
    write(cluster, shop, 2, at="2026-03-01T12:00:05Z")
    assert "s2" in ids(run(cursor, updated_at="changed", overlap=60)[0])


def test_whole_read_goes_on_where_it_was_broken_off(cluster, shop, run):
    write(cluster, shop, *range(9))
    first, cursor = run(at_most=1, page_size=4)
    rest, end = run(cursor, page_size=4)
    assert sorted(ids(first) + ids(rest)) == [f"s{n}" for n in range(9)]
    assert end == {}


def test_whole_read_begins_anew_when_its_point_in_time_is_gone(cluster, shop, run):
    write(cluster, shop, *range(9))
    _, cursor = run(at_most=1, page_size=4)
    cluster.close_point_in_time(id=cursor["point"])
    assert ids(run(cursor, page_size=4)[0]) == [f"s{n}" for n in range(9)]


def test_query_and_flag_decide_what_is_a_product(cluster, shop, run):
    write(cluster, shop, 1, 2)
    write(cluster, shop, 3, gone=True)
    only = {"bool": {"must_not": {"term": {"sku": "s1"}}}}
    pages, _ = run(query=only, deleted="gone", updated_at="changed")
    assert (ids(pages), ids(pages, "delete")) == (["s2"], ["s3"])


def test_ids_are_compared_when_it_is_time(cluster, shop, run):
    write(cluster, shop, 1, 2)
    write(cluster, shop, 3, gone=True)
    how = {"compare_ids_every": "1h", "deleted": "gone"}
    pages, cursor = run(**how)
    assert pages[-1].all_ids.absent(["s1", "s2", "s3", "s4"]) == ["s3", "s4"]
    assert datetime.now(UTC).timestamp() - cursor["compared_at"] < 60
    assert all(page.all_ids is None for page in run(cursor, **how)[0])


def test_document_without_an_id_is_told_and_stops_the_comparison(cluster, shop, run):
    write(cluster, shop, 1)
    cluster.index(index=shop, id="odd", document={"name": "No sku"}, refresh=True)
    pages, _ = run(compare_ids_every="1h")
    assert ids(pages) == ["s1"]
    unread = [one for page in pages for one in page.unread]
    assert {one.place for one in unread} == {f"{shop}, document odd"}
    assert all(page.all_ids is None for page in pages)


def test_index_that_is_not_there_is_named(run):
    with pytest.raises(UnknownIndex, match="nowhere"):
        run(source_index="nowhere")


def test_cluster_that_is_away_is_temporary_and_says_that_it_is_the_sources(run):
    with pytest.raises(SourceUnavailable, match="the source's index"):
        run(url="http://127.0.0.1:9")


def test_query_that_is_none_is_no_fault_of_our_cluster(run):
    with pytest.raises(MissingSetting, match="cannot be read as configured"):
        run(query={"nonsense": {}})


def test_key_that_is_not_there_is_named(run):
    with pytest.raises(MissingSetting, match="env:NO_SUCH_KEY"):
        run(api_key="env:NO_SUCH_KEY")
