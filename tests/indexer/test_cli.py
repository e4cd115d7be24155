"""The index commands, and what a load shows."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from indexer.load_progress import ProgressLines
from mappings.command_line import cli
from mappings.errors import InvalidQuery, MissingSetting, UnknownIndex
from tests.indexer.programs import environment


@pytest.fixture
def invoke(elasticsearch, monkeypatch):
    for name, value in environment(elasticsearch.url, "redis://127.0.0.1:9/0").items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["index", *arguments])

    return call


@pytest.mark.cluster
def test_index_is_created_listed_and_dropped(invoke, index_name):
    made = invoke("create", index_name)
    assert (made.exit_code, f"{index_name}-v1" in made.output) == (0, True)
    assert "hashing (text_vector, 256 dims)" in made.output
    assert invoke("create", index_name).exit_code == 0
    assert index_name in invoke("list").output
    kept = invoke("drop", index_name)
    assert (kept.exit_code, "--yes" in str(kept.exception)) == (1, True)
    assert invoke("drop", index_name, "--yes").exit_code == 0
    assert isinstance(invoke("drop", index_name, "--yes").exception, UnknownIndex)


@pytest.mark.cluster
def test_index_for_the_shops_own_vectors(invoke, index_name):
    made = invoke(
        "create", index_name, "--own-vectors", "text_vector=16", "--own-vectors", "image_vector=32"
    )
    assert "external (image_vector, 32 dims), external (text_vector, 16 dims)" in made.output


@pytest.mark.cluster
@pytest.mark.parametrize("text", ["text_vector", "text_vector=0", "text_vector=x", "title=3"])
def test_own_vectors_that_cannot_be_are_refused(invoke, index_name, text):
    assert isinstance(invoke("create", index_name, "--own-vectors", text).exception, InvalidQuery)


@pytest.mark.cluster
def test_misspelt_setting_stops_the_start(invoke, monkeypatch):
    monkeypatch.setenv("SHELFWISE_INDEXER_CONCURENCY", "2")
    failed = invoke("list")
    assert isinstance(failed.exception, MissingSetting)
    assert "SHELFWISE_INDEXER_CONCURENCY: no such setting" in str(failed.exception)


def test_lines_tell_rate_and_time_left_now_and_then():
    now, lines = [100.0], []
    progress = ProgressLines(lines.append, "shop", clock=lambda: now[0])
    for second, done, expected in [(1, 10, None), (5, 100, None), (7, 150, 900), (10, 500, 1_500)]:
        now[0] = 100.0 + second
        progress.update(done, expected)
    progress.note("waiting")
    assert lines == [
        "shop: 100 records, 20/s",
        "shop: 500 of about 1,500 records, 50/s, 20 s left",
        "shop: waiting",
    ]
