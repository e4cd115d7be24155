"""Files of records: what is readable is read, what is not is said."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from indexer import records
from indexer.records import RecordFile, SourceRecord
from mappings.errors import InvalidQuery


def read(path: Path) -> list[SourceRecord]:
    with RecordFile(path) as file:
        found = list(file)
        assert file.fraction_read == 1.0
    return found


def written(directory: Path, name: str, content: bytes) -> Path:
    path = directory / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.JSONL.gz"])
def test_json_lines_plain_and_compressed(tmp_path, name):
    content = b'\xef\xbb\xbf{"a": 1}\r\n\n{"a": "x:y", "b": [{"c": 2}]}'
    found = read(written(tmp_path, name, content))
    assert [(item.line, item.value) for item in found] == [
        (1, {"a": 1}),
        (3, {"a": "x:y", "b": [{"c": 2}]}),
    ]
    assert found[0].raw == '{"a": 1}'


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"a": 1', "is not JSON"),
        (b"\xff\xfe{", "is not UTF-8: byte 0xff at position 0"),
        (b'{"a": "\xc3"}', "is not UTF-8: byte 0xc3 at position 7"),
        (b"[1]", "should be a JSON object, not list"),
        (b"null", "should be a JSON object, not NoneType"),
        (b'{"a": 1, "a": 2}', "has the key 'a' more than once"),
        (b'{"a": {"b": "x:y", "b" :2}}', "has the key 'b' more than once"),
        (b'{"a": NaN}', "is not JSON"),
        (b'{"a": "\\ud800"}', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"a:": ' + b'{"a": ' * 1010 + b"1" + b"}" * 1011, "is n"),
        (b"\x00\x01\x02", "is not JSON"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_bad_line_is_said_and_its_neighbours_are_read(tmp_path, line, problem):
    before, bad, after = read(written(tmp_path, "a.jsonl", b'{"n": 1}\n' + line + b'\n{"n": 3}\n'))
    assert (before.value, after.value) == ({"n": 1}, {"n": 3})
    assert (bad.line, bad.value) == (2, None)
    assert bad.problem.startswith(problem)


def test_line_that_is_too_long_is_skipped_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "MAX_LINE_BYTES", 100)
    content = b'{"a": "' + b"x" * 1_000 + b'"}\n{"n": 2}\n' + b"y" * 500
    first, second, third = read(written(tmp_path, "a.jsonl", content))
    assert first.problem == third.problem == "the line is longer than 100 bytes"
    assert (second.line, second.value) == (2, {"n": 2})


def test_damaged_gzip_ends_with_a_record_that_says_so(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(b'{"n": %d}\n' % n for n in range(50_000)))[:-50])
    with RecordFile(path) as file:
        *good, last = file
    assert len(good) > 1_000
    assert "damaged from here on" in last.problem


def test_empty_files_hold_nothing(tmp_path):
    for name in ("a.jsonl", "a.csv", "b.jsonl.gz", "b.csv.gz"):
        with RecordFile(written(tmp_path, name, b"")) as file:
            assert list(file) == []


@pytest.mark.parametrize("delimiter", [b",", b";", b"\t"])
def test_csv_with_any_usual_delimiter(tmp_path, delimiter):
    content = b'\xef\xbb\xbfid,title\r\n1,"two\nlines, and a comma"\r\n\r\n2,caf\xc3\xa9\r\n'
    content = content.replace(b"id,", b"id" + delimiter)
    content = content.replace(b"1,", b"1" + delimiter).replace(b"2,", b"2" + delimiter)
    found = read(written(tmp_path, "a.csv", content))
    assert [(item.line, item.value) for item in found] == [
        (2, {"id": "1", "title": "two\nlines, and a comma"}),
        (5, {"id": "2", "title": "café"}),
    ]


def test_bad_csv_row_is_said_and_its_neighbours_are_read(tmp_path):
    content = b"id,title\n1,a\n2\n3,c,d\n4,\xff\n5,e\n"
    found = read(written(tmp_path, "a.csv", content))
    assert [(item.line, item.problem) for item in found] == [
        (2, ""),
        (3, "has 1 columns where the header has 2"),
        (4, "has 3 columns where the header has 2"),
        (5, "is not UTF-8"),
        (6, ""),
    ]
    assert found[3].raw == "4,\ufffd"


@pytest.mark.parametrize(
    ("content", "message"), [(b"id,id\n1,2\n", "'id' more than once"), (b"\xff,a\n", "not UTF-8")]
)
def test_unusable_csv_header_is_refused(tmp_path, content, message):
    with (
        RecordFile(written(tmp_path, "a.csv", content)) as file,
        pytest.raises(InvalidQuery, match=message),
    ):
        list(file)


def test_unknown_format_is_refused(tmp_path):
    with pytest.raises(InvalidQuery, match="cannot tell the format"):
        RecordFile(written(tmp_path, "a.xml", b""))
