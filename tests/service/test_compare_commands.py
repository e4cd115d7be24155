"""`shelfwise evaluate`, `compare` and `judgements` on a real Elasticsearch."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from embedded.elasticsearch import EmbeddedElasticsearch
from mappings.command_line import cli
from mappings.errors import InvalidQuery, UnknownIndex
from service.evaluation.means import mean
from service.evaluation.measures import Measure, per_query
from service.judgements.store import JudgementStore
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import TEMPLATE

pytestmark = pytest.mark.cluster
Invoke = Callable[..., Result]

QUERIES = ("wireless mouse", "gaming keyboard", "compact cable", "silent monitor", "headset")


def grade(query: str, product: dict) -> int:
    """3 where the title has all words, 1 for the kind alone, else 0."""
    words = query.split()
    if all(word in product["title"] for word in words):
        return 3
    return int(words[-1] in product["title"])


JUDGED = {
    query: {product["id"]: grade(query, product) for product in PRODUCTS[start::7]}
    for start, query in enumerate(QUERIES)
} | {"zzz": {"p000": 0}}


@pytest.fixture
def invoke(elasticsearch: EmbeddedElasticsearch, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("COLUMNS", "200")
    for name, value in {
        "SHELFWISE_ELASTICSEARCH_URL": elasticsearch.url,
        "SHELFWISE_TEXT_ENCODER": "hashing",
        "SHELFWISE_TEXT_TEMPLATE": TEMPLATE,
    }.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: object, fails: bool = False, answer: str = "") -> Result:
        result = CliRunner().invoke(cli, [str(part) for part in arguments], input=answer)
        assert (result.exit_code != 0) == fails, result.output or result.exception
        return result

    return call


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "judged.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("query", "product_id", "grade"))
        writer.writerows(
            (query, product_id, value)
            for query, grades in JUDGED.items()
            for product_id, value in grades.items()
        )
    return path


@pytest.fixture
def name(cluster) -> Iterator[str]:
    """A list's name; what is stored under it goes with the test."""
    name = f"list-{secrets.token_hex(4)}"
    yield name
    store = JudgementStore(cluster)
    if store.has(name):
        store.delete(name)


def ranked(search, **options) -> dict[str, list[str]]:
    return {
        query: [hit["id"] for hit in search(q=query, limit=100, **options)["hits"]]
        for query in JUDGED
    }


def test_evaluate_keeps_its_shape_and_its_four_measures(invoke, path, shop, search):
    report = json.loads(invoke("evaluate", "--index", shop, "--judgements", path, "--json").stdout)
    assert {key: value for key, value in report.items() if key != "systems"} == {
        "index": shop,
        "queries": 6,
        "queries_measured": 5,
        "judgements": sum(len(grades) for grades in JUDGED.values()),
        "gain": "2^grade - 1",
        "interval": "95 %, bootstrap over queries",
    }
    ways = ["bm25", "knn", "reciprocal_rank", "weighted_sum", "active"]
    assert list(report["systems"]) == ways
    for values in report["systems"].values():
        assert list(values) == ["ndcg@10", "ndcg@10_judged_only", "recall@100", "mrr@10"]
        assert all(set(one) == {"value", "low", "high"} for one in values.values())
    expected = per_query(JUDGED, ranked(search, weights={"lexical": 1}), [Measure("ndcg", 10)])
    found = report["systems"]["bm25"]["ndcg@10"]["value"]
    assert found == pytest.approx(mean(expected["ndcg@10"]).value)


def test_evaluate_measures_what_is_asked_for_and_writes_a_page(invoke, path, shop, tmp_path):
    page = tmp_path / "report.html"
    done = invoke(
        "evaluate", "--index", shop, "--judgements", path, "--only", "weighted_sum",
        "--measures", "map@100,err@10,coverage@10,f1@5_judged_only", "--html", page,
    )  # fmt: skip
    for column in ("map@100", "err@10", "coverage@10", "f1@5_judged_only"):
        assert column in done.stdout
    assert "weighted_sum" in done.stderr  # progress
    text = page.read_text("utf-8")
    assert "<svg" in text
    assert all(query in text for query in QUERIES)
    refused = invoke(
        "evaluate", "--index", shop, "--judgements", path, "--measures", "ndcg", fails=True
    )
    assert isinstance(refused.exception, InvalidQuery)


def test_compare_says_by_how_much_how_sure_and_why(invoke, path, shop, search, tmp_path):
    page = tmp_path / "compare.html"
    options = '{"weights": {"lexical": 1, "text_vector": 1}}'
    done = invoke(
        "compare", "knn", options, "--index", shop, "--judgements", path, "--json", "--html", page
    )
    report = json.loads(done.stdout)
    measure = Measure("ndcg", 10)
    a, b = (
        per_query(JUDGED, ranked(search, weights=weights), [measure])["ndcg@10"]
        for weights in ({"text_vector": 1}, {"lexical": 1, "text_vector": 1})
    )
    found = report["measures"]["ndcg@10"]
    assert found["a"] == pytest.approx(sum(a.values()) / 5)
    assert found["difference"]["value"] == pytest.approx((sum(b.values()) - sum(a.values())) / 5)
    assert found["wins"] + found["ties"] + found["losses"] == 5
    assert found["wins"] == sum(b[query] > a[query] + 1e-9 for query in a) > 0
    assert 0 < found["p_value"] <= 1
    gains = {one["query"]: one["difference"] for one in report["by_query"]}
    assert gains == pytest.approx({query: b[query] - a[query] for query in a})
    best = report["gained"][0]
    assert best["query"] == max(gains, key=gains.get)
    for move in best["moves"]:
        assert move["rank_a"] != move["rank_b"]
        assert move["grade"] == JUDGED[best["query"]][move["product_id"]]
        given = move["legs"].get("lexical", (0, 0))
        assert given[0] in (None, 0.0)  # A has no words
    assert any(move["leg"] == "lexical" for move in best["moves"])
    assert best["query"] in page.read_text("utf-8")
    shown = invoke("compare", "knn", options, "--index", shop, "--judgements", path).stdout
    assert "Gained most (ndcg@10):" in shown
    assert best["query"] in shown


def test_comparing_a_system_with_itself_finds_nothing(invoke, path, shop):
    done = invoke("compare", "bm25", "bm25", "--index", shop, "--judgements", path, "--json")
    report = json.loads(done.stdout)
    for found in report["measures"].values():
        assert (found["wins"], found["ties"], found["losses"]) == (0, 5, 0)
        assert found["p_value"] == 1
        assert found["difference"] == {"value": 0, "low": 0, "high": 0}
    assert report["gained"] == report["lost"] == []


def test_a_filter_of_a_system_holds_for_judged_products_too(invoke, path, shop):
    options = '{"filter": {"brand": "HP"}}'
    found = json.loads(
        invoke(
            "compare", "weighted_sum", options, "--index", shop, "--judgements", path, "--json",
            "--measures", "recall@100_judged_only",
        ).stdout
    )["measures"]["recall@100_judged_only"]  # fmt: skip
    brands = {product["id"]: product.get("brand") for product in PRODUCTS}
    right = {
        query: [one for one, value in grades.items() if value] for query, grades in JUDGED.items()
    }
    most = [sum(brands[one] == "HP" for one in ids) / len(ids) for ids in right.values() if ids]
    assert found["a"] > found["b"]
    assert found["b"] <= sum(most) / len(most) + 1e-9


def test_a_list_goes_in_by_file_and_is_used_by_name(invoke, path, name, shop, tmp_path):
    with path.open("a") as file:
        file.write(f"{QUERIES[0]},nowhere,2\n{QUERIES[0]},nowhere,2\n")
    done = invoke("judgements", "import", path, "--name", name, "--index", shop)
    total = sum(len(grades) for grades in JUDGED.values()) + 1
    assert done.stdout == f"stored {total} judgements of 6 queries as '{name}'\n"
    # The service of other tests, in this process, may log at any time.
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: 1 rows that repeat another row",
        "note: 1 queries without a relevant product, which are not measured: 'zzz'",
        "note: 1 products that are not in the index: 'nowhere'",
    ]
    assert name in invoke("judgements", "list").stdout
    listed = [
        json.loads(line)
        for line in invoke("judgements", "list", "--json").stdout.split("\n")
        if line
    ]
    assert [one["judgements"] for one in listed if one["name"] == name] == [total]
    shown = json.loads(invoke("judgements", "show", name).stdout)
    assert sum(shown["grades"].values()) == total
    assert shown["source"] == "judged.csv"
    by_name, by_path = (
        json.loads(
            invoke(
                "evaluate", "--index", shop, "--judgements", where, "--only", "bm25", "--json"
            ).stdout
        )
        for where in (name, path)
    )
    assert by_name["systems"] == by_path["systems"]
    copy = tmp_path / "copy.csv"
    invoke("judgements", "export", name, "--output", copy)
    invoke("judgements", "import", copy, "--name", name, fails=True)
    again = invoke("judgements", "import", copy, "--name", name, "--replace")
    assert again.stdout == done.stdout
    assert invoke("judgements", "export", name).stdout == copy.read_text()
    assert "Aborted" in invoke("judgements", "delete", name, answer="n\n", fails=True).output
    assert invoke("judgements", "delete", name, "--yes").stdout.startswith(f"deleted '{name}'")
    gone = invoke("judgements", "show", name, fails=True)
    assert isinstance(gone.exception, InvalidQuery)


def test_an_import_that_is_refused_stores_nothing(invoke, path, name, cluster):
    with path.open("a") as file:
        file.write("late,p001,9\n")
    refused = invoke("judgements", "import", path, "--name", name, fails=True)
    assert isinstance(refused.exception, InvalidQuery)
    assert "judged.csv, line" in str(refused.exception)
    assert not JudgementStore(cluster).has(name)
    invoke("judgements", "import", path, "--name", name, "--max-grade", 9)
    assert JudgementStore(cluster).read(name).max_grade == 9


def test_trec_goes_in_with_its_topics(invoke, name, cluster, tmp_path):
    (tmp_path / "a.qrels").write_text("1 0 p1 2\n1 0 p1 1\n")
    (tmp_path / "topics").write_text("1\tred mouse\n")
    invoke(
        "judgements", "import", tmp_path / "a.qrels", "--name", name, "--format", "trec",
        "--topics", tmp_path / "topics", "--contradictions", "max",
    )  # fmt: skip
    assert JudgementStore(cluster).read(name).judgements == {"red mouse": {"p1": 2}}


def test_unjudged_products_come_as_a_file_for_raters(invoke, path, shop, search, tmp_path):
    done = invoke(
        "judgements", "unjudged", "--index", shop, "--judgements", path,
        "--systems", "bm25,knn", "--limit", 12,
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 12
    assert list(rows[0]) == ["query", "product_id", "grade", "title", "rank_bm25", "rank_knn"]
    assert len({row["query"] for row in rows[:6]}) == 6
    words = ranked(search, weights={"lexical": 1})
    titles = {product["id"]: product["title"] for product in PRODUCTS}
    for row in rows:
        assert row["product_id"] not in JUDGED[row["query"]]
        assert row["grade"] == ""
        assert row["title"] == titles[row["product_id"]]
        place = words[row["query"]].index(row["product_id"]) + 1 if row["rank_bm25"] else None
        assert row["rank_bm25"] == ("" if place is None else str(place))
    filled = tmp_path / "filled.csv"
    with filled.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "grade": "1"} for row in rows)
    invoke("evaluate", "--index", shop, "--judgements", filled, "--only", "bm25")


def test_what_is_not_there_is_said(invoke, path, shop):
    missing = invoke("evaluate", "--index", "nope", "--judgements", path, fails=True)
    assert isinstance(missing.exception, UnknownIndex)
    nobody = invoke("evaluate", "--index", shop, "--judgements", "nobody", fails=True)
    assert "'nobody' is neither a file nor a stored list" in str(nobody.exception)
    system = invoke("compare", "bm25", "x", "--index", shop, "--judgements", path, fails=True)
    assert "got 'x'" in str(system.exception)
