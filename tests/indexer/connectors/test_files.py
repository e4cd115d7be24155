"""The files connector: what is new or has changed, and where a pass goes on."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from indexer.connectors import files
from indexer.connectors.base import Page, SourceContext
from indexer.connectors.files import FilesConnector, FilesOptions
from mappings.errors import MissingSetting
from mappings.feeds.field_map import read_map


def connector(folder: Path, path: str, mapping: str = "identity", **more) -> FilesConnector:
    table = {"connector": "files", "index": "shop", "path": path, "settle": 0, **more}
    context = SourceContext("feed", read_map(mapping), folder)
    return FilesConnector(FilesOptions.model_validate(table), context)


def write(path: Path, ids: range | list, *, at: int, **fields) -> Path:
    lines = [json.dumps({"id": str(n), "title": f"Mouse {n}", **fields}) for n in ids]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    os.utime(path, (at, at))
    return path


def ids(pages: list[Page]) -> list[str]:
    return [change.product_id for page in pages for change in page.changes]


def stored(cursor: object) -> dict:
    """A cursor as it comes back from where it was kept."""
    return json.loads(json.dumps(cursor))


def test_folder_is_read_from_the_oldest_file_on_and_then_only_what_is_new(tmp_path):
    write(tmp_path / "feed" / "b.jsonl", [3], at=100)
    write(tmp_path / "feed" / "a.jsonl", [1, 2], at=200)
    (tmp_path / "feed" / "notes.txt").write_text("no feed")
    pages = list(connector(tmp_path, "feed").changes(None))
    assert ids(pages) == ["3", "1", "2"]
    cursor = stored(pages[-1].cursor)
    assert list(connector(tmp_path, "feed").changes(cursor)) == []
    write(tmp_path / "feed" / "a.jsonl", [2], at=300)
    write(tmp_path / "feed" / "c.jsonl", [4], at=250)
    assert ids(list(connector(tmp_path, "feed").changes(cursor))) == ["4", "2"]


def test_pattern_takes_csv_and_gz(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("id,title,price\n1,Mouse,12.5\n")
    with gzip.open(tmp_path / "in" / "b.csv.gz", "wt") as file:
        file.write("id;title\n2;Cable\n")
    pages = list(connector(tmp_path, "in/*.csv*", "plain").changes(None))
    assert sorted(ids(pages)) == ["1", "2"]
    assert list(connector(tmp_path, str(tmp_path / "in" / "*.csv"), "plain").changes(None))


def test_pass_goes_on_behind_the_line_of_its_cursor(tmp_path):
    write(tmp_path / "a.jsonl", range(10), at=100)
    first, second, *_ = connector(tmp_path, "a.jsonl", page_size=3).changes(None)
    assert ids([first, second]) == ["0", "1", "2", "3", "4", "5"]
    rest = connector(tmp_path, "a.jsonl", page_size=3).changes(stored(second.cursor))
    assert ids(list(rest)) == ["6", "7", "8", "9"]


def test_file_that_changed_since_is_read_from_its_beginning(tmp_path):
    write(tmp_path / "a.jsonl", range(10), at=100)
    first, *_ = connector(tmp_path, "a.jsonl", page_size=3).changes(None)
    write(tmp_path / "a.jsonl", range(4), at=101)
    again = connector(tmp_path, "a.jsonl", page_size=3).changes(stored(first.cursor))
    assert ids(list(again)) == ["0", "1", "2", "3"]


def test_full_feed_takes_the_newest_file_and_knows_all_its_ids(tmp_path):
    write(tmp_path / "in" / "old.jsonl", range(20, 30), at=100)
    write(tmp_path / "in" / "new.jsonl", range(5), at=200)
    pages = list(connector(tmp_path, "in", full=True, page_size=2).changes(None))
    assert ids(pages) == ["0", "1", "2", "3", "4"]
    assert [page.all_ids is None for page in pages] == [True, True, False]
    assert pages[-1].all_ids.absent(["0", "4", "20"]) == ["20"]


def test_full_feed_that_goes_on_knows_also_the_ids_of_before(tmp_path):
    write(tmp_path / "a.jsonl", range(5), at=100)
    first, *_ = connector(tmp_path, "a.jsonl", full=True, page_size=2).changes(None)
    *_, last = connector(tmp_path, "a.jsonl", full=True).changes(stored(first.cursor))
    assert ids([last]) == ["2", "3", "4"]
    assert last.all_ids.absent(["0", "1", "2", "5"]) == ["5"]


def test_record_that_is_none_is_told_with_its_place_and_the_rest_goes_on(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id":"1","title":"a"}\n{"id":\n{"title":"x"}\n{"id":"2","title":"b"}\n')
    (page,) = connector(tmp_path, "a.jsonl", full=True).changes(None)
    assert ids([page]) == ["1", "2"]
    assert [one.place for one in page.unread] == ["a.jsonl, line 2", "a.jsonl, line 3", "a.jsonl"]
    assert page.all_ids is None  # whose record could not be read may be any product


def test_product_whose_record_cannot_be_read_is_no_less_there(tmp_path):
    (tmp_path / "a.csv").write_text("id,title,price\n1,Mouse,cheap\n2,Cable,3\n")
    (page,) = connector(tmp_path, "a.csv", "plain", full=True).changes(None)
    assert [(one.product_id, one.field) for one in page.unread] == [("1", "price")]
    assert page.all_ids.absent(["1", "2", "3"]) == ["3"]


def test_broken_file_is_told_and_those_behind_it_are_read(tmp_path):
    path = tmp_path / "in" / "a.csv"
    path.parent.mkdir()
    path.write_text("id,id\n1,2\n")
    os.utime(path, (50, 50))
    write(tmp_path / "in" / "b.jsonl", [1], at=100)
    pages = list(connector(tmp_path, "in").changes(None))
    assert ids(pages) == ["1"]
    assert pages[0].unread[0].place == "a.csv"
    assert list(connector(tmp_path, "in").changes(stored(pages[-1].cursor))) == []


@pytest.mark.parametrize("full", [False, True])
def test_file_that_cannot_be_opened_is_tried_again_and_deletes_nothing(
    tmp_path, monkeypatch, full
):
    write(tmp_path / "a.jsonl", [1], at=100)
    with monkeypatch.context() as patched:
        patched.setattr(files, "RecordFile", _refused)
        (page,) = list(connector(tmp_path, "a.jsonl", full=full).changes(None))
    assert "Permission denied" in page.unread[0].reason and page.all_ids is None
    cursor = stored(page.cursor)
    assert ids(list(connector(tmp_path, "a.jsonl", full=full).changes(cursor))) == ["1"]


def _refused(path: Path) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_version_is_the_time_of_the_shop(tmp_path):
    write(tmp_path / "a.jsonl", [1], at=100, updated_at="2026-03-01T12:00:00Z")
    (page,) = connector(tmp_path, "a.jsonl").changes(None)
    assert page.changes[0].version == 1_772_366_400 * 1_000_000
    (page,) = connector(tmp_path, "a.jsonl", versions=False).changes(None)
    assert page.changes[0].version is None


def test_file_that_is_just_being_written_is_let_settle(tmp_path):
    write(tmp_path / "a.jsonl", [1], at=100)
    slept: list[float] = []
    table = {"connector": "files", "index": "shop", "path": "a.jsonl", "settle": "5s"}
    context = SourceContext("feed", read_map("identity"), tmp_path)
    made = FilesConnector(
        FilesOptions.model_validate(table), context, sleep=slept.append, now=lambda: 103.0
    )
    list(made.changes(None))
    assert slept == [2.0]


def test_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingSetting, match=r"nowhere\.csv"):
        list(connector(tmp_path, "nowhere.csv").changes(None))
