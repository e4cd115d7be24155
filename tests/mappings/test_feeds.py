"""What connectors and webhooks share: references to secrets, the TOML file, versions by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import BaseModel, ConfigDict

from mappings.errors import MissingSetting
from mappings.feeds.references import SecretReference, read_secret
from mappings.feeds.sources_file import SOURCES, WEBHOOKS, Seconds, check_table, read_tables
from mappings.feeds.versions import version_at, with_version
from mappings.product_changes import ProductChange


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    every: Seconds = 60.0
    password: SecretReference = "env:NONE"


def test_secret_is_read_from_environment_or_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("of a file\n")
    assert read_secret("env:KEY", environ={"KEY": " of the environment "}) == "of the environment"
    assert read_secret(f"file:{file}") == "of a file"


@pytest.mark.parametrize("reference", ["env:NOT_THERE", "file:/nowhere/key"])
def test_secret_that_is_not_there_names_its_reference(reference):
    with pytest.raises(MissingSetting, match=reference):
        read_secret(reference, environ={})


def test_inline_secret_is_refused_and_not_repeated():
    with pytest.raises(MissingSetting, match=r"sources\.shop\.password: should be env:NAME") as e:
        check_table(Table, {"password": "hunter2"}, where="sources.shop")
    assert "hunter2" not in str(e.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("30s", 30), ("5m", 300), ("2h", 7_200), ("1d", 86_400), (7, 7)],
)
def test_times_have_units(text, seconds):
    assert check_table(Table, {"every": text}, where="x").every == seconds


@pytest.mark.parametrize("text", ["soon", "5", "-1s", "5 w", ""])
def test_time_that_is_none_is_refused_with_its_place(text):
    with pytest.raises(MissingSetting, match=r"x\.every"):
        check_table(Table, {"every": text}, where="x")


def test_unknown_key_is_named():
    with pytest.raises(MissingSetting, match=r"x\.evry"):
        check_table(Table, {"evry": "1s"}, where="x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sources", "is not TOML"),
        ("[source.x]", "unknown table 'source'"),
        ("sources = 1", "should be tables"),
        ("[sources]\nx = 1", "should be a table"),
        ("[sources.'No Name']", "a name has"),
    ],
)
def test_file_that_cannot_be_used_says_why(tmp_path, text, said):
    path = tmp_path / "sync.toml"
    path.write_text(text)
    with pytest.raises(MissingSetting, match=said):
        read_tables(path, SOURCES)


def test_file_holds_sources_and_webhooks(tmp_path):
    path = tmp_path / "sync.toml"
    path.write_text('[sources.shop]\nconnector = "files"\n[webhooks.shop]\nkind = "shopify"\n')
    assert read_tables(path, SOURCES) == {"shop": {"connector": "files"}}
    assert read_tables(path, WEBHOOKS) == {"shop": {"kind": "shopify"}}
    with pytest.raises(MissingSetting, match="cannot be read"):
        read_tables(tmp_path / "other.toml", SOURCES)


def test_version_is_microseconds_since_1970_whatever_the_zone():
    time = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)
    expected = 1_772_366_400 * 1_000_000 + 250
    there = time.astimezone(timezone(timedelta(hours=-5)))
    assert version_at(time) == version_at(there) == expected
    assert version_at(time.replace(tzinfo=None)) == expected
    assert version_at("2026-03-01T07:00:00.000250-05:00") == expected
    assert version_at("2026-03-01T12:00:00.000250Z") == expected
    assert version_at(1_772_366_400) == expected - 250


@pytest.mark.parametrize("time", [None, "", "yesterday", "1969-01-01", float("nan"), True, -1])
def test_what_is_no_time_gives_no_version(time):
    assert version_at(time) is None


def test_version_of_its_own_wins():
    assert with_version(ProductChange("delete", "1", {}, 5), 10).version == 5
    assert with_version(ProductChange("delete", "1", {}), 10).version == 10_000_000
