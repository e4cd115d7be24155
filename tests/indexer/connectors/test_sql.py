"""The sql connector on a real PostgreSQL: paging, late commits, deletes, and its limits."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from indexer.connectors.base import Page, SourceContext
from indexer.connectors.sql import SqlConnector, SqlOptions
from indexer.connectors.sql_database import Database
from mappings.errors import MissingSetting, SourceUnavailable
from mappings.feeds.field_map import parse_map
from mappings.feeds.versions import version_at

pytestmark = pytest.mark.stack

MAP = b"""{"fields": {"id": "id", "title": "name", "price": "price", "brand": "brand"},
           "attributes": [{"from": "attributes", "spread": true}]}"""
BEGINNING = datetime(2026, 3, 1, tzinfo=UTC)
QUERY = (
    "SELECT p.id, p.name, p.price, b.name AS brand, p.attributes, p.updated_at, p.deleted_at "
    "FROM products p LEFT JOIN brands b ON b.id = p.brand_id"
)


@pytest.fixture
def database(postgres, monkeypatch):
    """An engine on an empty shop, whose address is in SHOP_DB."""
    monkeypatch.setenv("SHOP_DB", postgres.url)
    engine = sa.create_engine(postgres.url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            """
            DROP TABLE IF EXISTS products, brands, removed;
            CREATE TABLE brands (id int PRIMARY KEY, name text);
            CREATE TABLE products (id int PRIMARY KEY, name text, price numeric(10, 2),
                brand_id int, attributes jsonb, updated_at timestamptz, deleted_at timestamptz);
            CREATE INDEX ON products (updated_at, id);
            CREATE TABLE removed (id int, updated_at timestamptz);
            INSERT INTO brands VALUES (1, 'Acme')
            """
        )
    yield engine
    engine.dispose()


def insert(connection, *ids: int, at: datetime = BEGINNING, name: str = "Mouse") -> None:
    connection.execute(
        sa.text(
            'INSERT INTO products VALUES (:id, :name, 12.50, 1, \'{"colour": "red"}\', :at) '
            "ON CONFLICT (id) DO UPDATE SET name = :name, updated_at = :at"
        ),
        [{"id": n, "at": at, "name": f"{name} {n}"} for n in ids],
    )


def connector(**more) -> SqlConnector:
    table = {
        "connector": "sql",
        "index": "shop",
        "url": "env:SHOP_DB",
        "query": QUERY,
        "overlap": 0,
        **more,
    }
    context = SourceContext("db", parse_map(MAP, where="shop.json"), None)
    return SqlConnector(SqlOptions.model_validate(table), context)


def run(cursor=None, **more) -> tuple[list[Page], dict]:
    with closing(connector(**more)) as made:
        pages = list(made.changes(cursor))
    return pages, json.loads(json.dumps(pages[-1].cursor))


def ids(pages: list[Page], operation: str = "upsert") -> list[str]:
    changes = [change for page in pages for change in page.changes]
    return [change.product_id for change in changes if change.operation == operation]


def test_rows_become_products_with_the_versions_of_their_times(database):
    with database.begin() as connection:
        insert(connection, 7, at=BEGINNING)
    pages, _ = run()
    (change,) = pages[0].changes
    assert change.fields == {
        "id": "7",
        "title": "Mouse 7",
        "price": 12.5,
        "brand": "Acme",
        "attributes": {"colour": "red"},
    }
    assert change.version == version_at(BEGINNING)


def test_all_rows_are_read_in_pages_and_then_only_the_changed_ones(database):
    with database.begin() as connection:
        # Many rows of one time, as a bulk import leaves them: pages must cut between them.
        insert(connection, *range(1, 26))
        insert(connection, *range(26, 31), at=BEGINNING + timedelta(seconds=1))
    pages, cursor = run(page_size=10)
    assert ids(pages) == [str(n) for n in range(1, 31)]
    assert max(len(page.changes) for page in pages) == 10
    assert ids(run(cursor)[0]) == []
    with database.begin() as connection:
        insert(connection, 3, 31, at=BEGINNING + timedelta(seconds=2), name="Cable")
    pages, _ = run(cursor)
    assert ids(pages) == ["3", "31"]


def test_pass_that_was_broken_off_goes_on_behind_its_last_row(database):
    with database.begin() as connection:
        insert(connection, *range(1, 26))
    made = connector(page_size=10)
    first = next(made.changes(None))
    made.close()
    pages, _ = run(json.loads(json.dumps(first.cursor)), page_size=10)
    assert ids(pages) == [str(n) for n in range(11, 26)]


def test_transaction_that_ends_late_is_not_missed(database):
    slow, fast = database.connect(), database.connect()
    try:
        insert(slow, 1, at=BEGINNING)  # stamped first, and not yet visible
        insert(fast, 2, at=BEGINNING + timedelta(seconds=5))
        fast.commit()
        pages, cursor = run(overlap=60)
        assert ids(pages) == ["2"]
        _, without = run(overlap=0)
        slow.commit()
        assert "1" in ids(run(cursor, overlap=60)[0])
        assert ids(run(without, overlap=0)[0]) == []  # what the overlap is for
    finally:
        slow.close()
        fast.close()


def test_soft_delete_column_deletes(database):
    with database.begin() as connection:
        insert(connection, 1, 2)
    _, cursor = run(deleted="deleted_at")
    with database.begin() as connection:
        later = BEGINNING + timedelta(hours=1)
        connection.execute(
            sa.text("UPDATE products SET deleted_at = :at, updated_at = :at WHERE id = 2"),
            {"at": later},
        )
    pages, _ = run(cursor, deleted="deleted_at")
    (change,) = pages[0].changes
    assert (change.operation, change.product_id) == ("delete", "2")
    assert change.version == version_at(later)


def test_table_of_deletes_has_a_place_of_its_own(database):
    query = "SELECT id, updated_at FROM removed"
    with database.begin() as connection:
        insert(connection, 1, 2, 3)
        connection.execute(sa.text("INSERT INTO removed VALUES (9, :at)"), {"at": BEGINNING})
    pages, cursor = run(deletes_query=query)
    assert (ids(pages), ids(pages, "delete")) == (["1", "2", "3"], ["9"])
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM products WHERE id = 2")
        later = BEGINNING + timedelta(seconds=1)
        connection.execute(sa.text("INSERT INTO removed VALUES (2, :at)"), {"at": later})
    pages, _ = run(cursor, deletes_query=query)
    assert (ids(pages), ids(pages, "delete")) == ([], ["2"])


def test_ids_are_compared_when_it_is_time(database):
    with database.begin() as connection:
        insert(connection, *range(1, 6))
        connection.exec_driver_sql("UPDATE products SET deleted_at = now() WHERE id = 5")
    pages, cursor = run(compare_ids_every="1h", deleted="deleted_at")
    assert pages[-1].all_ids.absent(["1", "4", "5", "6"]) == ["5", "6"]
    pages, _ = run(cursor, compare_ids_every="1h", deleted="deleted_at")
    assert all(page.all_ids is None for page in pages)
    pages, _ = run({**cursor, "compared_at": 0}, compare_ids_every="1h")
    assert pages[-1].all_ids is not None


def test_query_that_pages_itself_is_read_alike(database):
    with database.begin() as connection:
        insert(connection, *range(1, 26))
    query = (
        f"{QUERY} WHERE (p.updated_at, p.id) > (:since, :after_id) "
        "ORDER BY p.updated_at, p.id LIMIT :limit"
    )
    pages, cursor = run(query=query, page_size=10)
    assert ids(pages) == [str(n) for n in range(1, 26)]
    assert ids(run(cursor, query=query)[0]) == []


def test_row_that_is_no_product_is_told_and_the_rest_goes_on(database):
    with database.begin() as connection:
        insert(connection, 1, 2)
        connection.exec_driver_sql("UPDATE products SET price = 'NaN' WHERE id = 1")
    table = b'{"fields": {"id": "id", "title": "name", "price": {"from": "x", "number": true}}}'
    made = connector(query=QUERY.replace("p.price", "p.name AS x"))
    made._reader.mapping = parse_map(table, where="m.json")
    (page, _) = made.changes(None)
    made.close()
    assert [one.product_id for one in page.unread] == ["1", "2"]
    assert page.unread[0].place == "row 1"


def test_nothing_can_be_written(database, postgres, monkeypatch):
    with database.begin() as connection:
        insert(connection, 1)
    reader = Database("env:SHOP_DB", statement_seconds=5)
    with pytest.raises(MissingSetting, match="read-only transaction"):
        reader.read("DELETE FROM products RETURNING id", {})
    reader.close()
    with database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM products").scalar() == 1


def test_statement_that_takes_too_long_ends(database):
    reader = Database("env:SHOP_DB", statement_seconds=0.2)
    with pytest.raises(SourceUnavailable, match="statement timeout"):
        reader.read("SELECT pg_sleep(20)", {})
    reader.close()


def test_millions_of_rows_are_streamed(database):
    reader = Database("env:SHOP_DB", statement_seconds=5)
    rows = reader.stream("SELECT generate_series(1, 100000000) AS id")
    assert [next(rows)["id"] for _ in range(3)] == [1, 2, 3]  # all of them would take minutes
    rows.close()
    reader.close()


def test_database_that_is_away_is_temporary_and_its_password_stays_hidden(monkeypatch):
    monkeypatch.setenv("SHOP_DB", "postgresql+psycopg://shop:hunter2@127.0.0.1:9/shop")
    with pytest.raises(SourceUnavailable, match="env:SHOP_DB") as caught:
        run()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense hunter2", "nosuch+driver://u:hunter2@h/d"])
def test_address_that_is_none_says_so_and_stays_hidden(monkeypatch, url):
    monkeypatch.setenv("SHOP_DB", url)
    with pytest.raises(MissingSetting, match="env:SHOP_DB") as caught:
        run()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT id, name FROM products", "updated_at"),
        ("SELECT id, nmae, updated_at FROM products", "nmae"),
    ],
)
def test_query_that_does_not_fit_is_named(database, query, said):
    with database.begin() as connection:
        insert(connection, 1)
    with pytest.raises(MissingSetting, match=said):
        run(query=query)


def test_other_databases_are_read_too(tmp_path, monkeypatch):
    path = tmp_path / "shop.db"
    monkeypatch.setenv("SHOP_DB", f"sqlite:///{path}")
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE p (id text, name text, updated_at text)")
        rows = [{"id": f"p{n:02}", "at": f"2026-03-01 12:00:{n:02}"} for n in range(12)]
        connection.execute(sa.text("INSERT INTO p VALUES (:id, 'Mouse', :at)"), rows)
    pages, cursor = run(query="SELECT * FROM p", page_size=5)
    assert ids(pages) == [f"p{n:02}" for n in range(12)]
    assert pages[0].changes[0].version == version_at("2026-03-01T12:00:00Z")
    assert ids(run(cursor, query="SELECT * FROM p")[0]) == []
    reader = Database("env:SHOP_DB", statement_seconds=5)
    with pytest.raises((MissingSetting, SourceUnavailable), match="readonly"):
        reader.read("DELETE FROM p RETURNING id", {})
    reader.close()
    engine.dispose()
