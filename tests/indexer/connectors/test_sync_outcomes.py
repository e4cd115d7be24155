"""What `shelfwise sync --once` says when a source ends in a way that nobody has foreseen."""

from __future__ import annotations

from collections import Counter

from indexer.connectors import sync
from indexer.connectors.runner import PassSummary
from indexer.connectors.sync_config import read_sources
from indexer.settings import IndexerSettings

CONFIG = """
[sources.{first}]
connector = "files"
index = "a"
path = "."

[sources.{second}]
connector = "files"
index = "b"
path = "."
"""


def test_fault_of_one_source_leaves_the_word_on_the_others(tmp_path, monkeypatch):
    def run_pass(source, parts, stop, *, max_share) -> PassSummary:
        if source.name == "broken":
            raise ValueError("nobody foresaw password=hunter2")
        return PassSummary(source.name, "b", is_complete=True, counts=Counter(indexed=3))

    monkeypatch.setattr(sync, "run_pass", run_pass)
    path = tmp_path / "sync.toml"
    path.write_text(CONFIG.format(first="broken", second="whole"))
    said: list[str] = []
    status = sync.sync_once(
        IndexerSettings.from_environment({}), read_sources(path), say=said.append
    )
    assert status == sync.EXIT_FAILED
    assert said[0] == "broken: failed: unforeseen: ValueError"
    assert said[1].startswith("whole -> b: ") and "3 indexed" in said[1]
