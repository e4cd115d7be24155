"""The file of the sources: every mistake is named before anything is read."""

from __future__ import annotations

import pytest

from indexer.connectors.registry import CONNECTORS, find_connector
from indexer.connectors.sync_config import read_sources
from mappings.errors import MissingSetting

FILES = 'connector = "files"\nindex = "shop"\npath = "feed.jsonl"\n'
SQL = 'connector = "sql"\nindex = "shop"\nurl = "env:SHOP_DB"\nquery = "SELECT * FROM products"\n'


def write(tmp_path, text):
    path = tmp_path / "sync.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", CONNECTORS)
def test_every_connector_has_options_and_makes_itself(name):
    kind = find_connector(name)
    assert {"connector", "index", "map", "every"} <= set(kind.options.model_fields)
    assert kind.options.__doc__
    assert callable(kind.make)


def test_sources_are_read_with_their_maps_beside_the_file(tmp_path):
    (tmp_path / "shop.json").write_text('{"fields": {"id": "sku", "title": "name"}}')
    text = f'[sources.feed]\n{FILES}map = "shop.json"\nevery = "5m"\n[sources.db]\n{SQL}'
    feed, database = read_sources(write(tmp_path, text))
    assert (feed.name, feed.options.every, feed.context.mapping.name) == ("feed", 300, "shop")
    assert (database.name, database.context.mapping.name) == ("db", "identity")
    assert [one.name for one in read_sources(tmp_path / "sync.toml", ["db"])] == ["db"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"has no table \[sources\.NAME\]"),
        ('[sources.x]\nindex = "shop"', r"sources\.x: connector None: should be one of files"),
        ('[sources.x]\nconnector = "ftp"', "connector 'ftp'"),
        ('[sources.x]\nconnector = "files"\nindex = "shop"', r"sources\.x\.path: Field required"),
        (f'[sources.x]\n{FILES}speed = 1', r"sources\.x\.speed"),
        (f'[sources.x]\n{FILES}map = "no.json"', r"sources\.x: no field map"),
        (f"[sources.x]\n{FILES}max_delete = 2", r"sources\.x\.max_delete"),
        (f"[sources.x]\n{FILES.replace('shop', 'Shop!')}", r"sources\.x\.index"),
        (f"[sources.x]\n{SQL.replace('env:SHOP_DB', 'pg://u:pw@h/d')}", r"sources\.x\.url"),
        (f'[sources.x]\n{SQL}ids_query = "SELECT 1"', "ids_query: is of no use"),
        (f"[sources.x]\n{FILES}full = true\n[sources.y]\n{SQL}", "would delete the products"),
    ],
)  # fmt: skip
def test_mistake_is_named_with_its_source(tmp_path, text, said):
    with pytest.raises(MissingSetting, match=said) as caught:
        read_sources(write(tmp_path, text))
    assert "pw" not in str(caught.value)


def test_source_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingSetting, match="no source 'other'; there are x"):
        read_sources(write(tmp_path, f"[sources.x]\n{FILES}"), ["other"])
