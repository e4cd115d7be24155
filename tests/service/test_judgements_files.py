"""Judgement files: what is read, and what is refused with file, line and value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mappings.errors import InvalidQuery
from service.judgements.export import EXPORT_FORMATS, export_text
from service.judgements.files import read_judgements, read_list, read_text
from service.judgements.judgement_list import JudgementList, answerable
from service.judgements.remarks import remarks_on


@pytest.fixture
def write(tmp_path: Path):
    def file(content: str | bytes, name: str = "list.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return file


@pytest.mark.parametrize(
    "content",
    [
        "query,product_id,grade\nmouse,p1,3\nmouse,p2,0\nred cable,p1,1\n",
        "\ufeffgrade,product,query\r\n3,p1,mouse\r\n0,p2,mouse\r\n1,p1,red cable\r\n",
        "query,docid,rating\n mouse , p1 ,3.0\n\nmouse,p2,0\n,,\nred cable,p1,1\n",
        'Query,Title,Doc_ID,Rating\nmouse,"a, b\nc",p1,3\nmouse,,p2,0\n"red cable",,p1,1\n',
    ],
    ids=["ours", "bom, other order, crlf", "quepid's names, blanks", "more columns, capitals"],
)
def test_csv_in_its_forms(write, content):
    expected = {"mouse": {"p1": 3, "p2": 0}, "red cable": {"p1": 1}}
    assert read_judgements(write(content)) == expected


HEAD = "query,product_id,grade\n"


@pytest.mark.parametrize(
    ("content", "message", "field"),
    [
        ("", "list.csv: the header has no column query, nor product_id or product", "judgements"),
        (HEAD, "list.csv: has no judgement", "judgements"),
        (HEAD + "a,b,1\na,c,4\n", "list.csv, line 3: grade .* 0 to 3, got '4'", "grade"),
        (HEAD + "a,b,-1\n", "line 2: grade .* got '-1'", "grade"),
        (HEAD + "a,b,1.5\n", "line 2: grade .* got '1.5'", "grade"),
        (HEAD + "a,b,٣\n", "line 2: grade .* got '٣'", "grade"),
        (HEAD + "a,b,\n", "line 2: grade .* got ''", "grade"),
        (HEAD + "a,b\n", "line 2: grade .* got None", "grade"),
        (HEAD + "  ,b,1\n", "line 2: query is blank, got '  '", "query"),
        (HEAD + "a,,1\n", "line 2: product_id is blank, got ''", "product_id"),
        (HEAD + f"{'a' * 1001},b,1\n", "line 2: query is longer than 1000 char", "query"),
        (HEAD + f"a,{'b' * 513},1\n", "line 2: product_id is longer than 512 b", "product_id"),
        (HEAD + "a\0,b,1\n", "line 2: query holds a null character", "query"),
        (HEAD + "red, blue,p1,1\n", "line 2: has 4 cells for 3 columns", "judgements"),
        (HEAD + '"a,b,1\n', "line 2: is not CSV: unexpected end of data", "judgements"),
        ("query,grade\na,1\n", "no column product_id or product or docid", "judgements"),
        (HEAD.encode() + b"a,b,1\nb\xe9b\xe9,c,1\n", "line 3: is not UTF-8, got byte 0xe9", None),
        (
            HEAD + "a,b,1\nx,b,2\na,b,2\n",
            "list.csv, line 2 and line 4: product 'b' has grade 1 and grade 2 for 'a'",
            "grade",
        ),
    ],
)
def test_csv_that_is_not_sound_names_file_line_and_value(write, content, message, field):
    with pytest.raises(InvalidQuery, match=message) as caught:
        read_judgements(write(content))
    assert caught.value.message.startswith("list.csv")
    assert caught.value.field == (field or "judgements")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InvalidQuery, match="none.csv: cannot be read: No such file"):
        read_judgements(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("rule", "grades", "settled"),
    [
        ("max", "1 3 0", 3),
        ("last", "1 3 0", 0),
        ("mean", "1 3 0", 1),  # 4/3
        ("mean", "1 2", 2),  # 1.5, a half goes up
        ("mean", "0 0 1", 0),  # 1/3
        ("mean", "3 3 2 2 2 3", 3),  # 2.5
    ],
)
def test_contradictions_are_settled_by_the_rule(write, rule, grades, settled):
    rows = "".join(f"a,b,{grade}\n" for grade in grades.split())
    found = read_list(write(HEAD + rows), contradictions=rule)
    assert found.judgements == {"a": {"b": settled}}
    assert found.settled == 1


def test_rows_that_agree_are_counted_and_said(write):
    found = read_list(write(HEAD + "a,b,1\na,b,1\na,b,1\na,c,0\nz,c,0\n"))
    assert (found.duplicates, found.settled, found.count) == (2, 0, 3)
    said = {remark.code: remark.describe() for remark in remarks_on(found)}
    assert said == {
        "repeated": "2 rows that repeat another row",
        "no_relevant_product": "1 queries without a relevant product, which are not measured: 'z'",
    }
    assert answerable(found.judgements) == {"a": {"b": 1, "c": 0}}


@pytest.mark.parametrize(("best", "fine"), [(10, 10), (1, 1)])
def test_another_scale(write, best, fine):
    assert read_list(write(HEAD + f"a,b,{fine}"), max_grade=best).max_grade == best
    with pytest.raises(InvalidQuery, match=f"0 to {best}, got '{fine + 1}'"):
        read_list(write(HEAD + f"a,b,{fine + 1}"), max_grade=best)


@pytest.mark.parametrize("best", [0, 11])
def test_a_scale_that_is_not_allowed(write, best):
    with pytest.raises(InvalidQuery, match=f"max_grade: should be 1 to 10, got {best}"):
        read_list(write(HEAD + "a,b,1"), max_grade=best)


def test_trec_with_and_without_topics(write):
    qrels = write("1 0 p1 3\n\n1\t0\tp2 0\n2 0 p1 1\n", "a.qrels")
    assert read_list(qrels, form="trec").judgements == {"1": {"p1": 3, "p2": 0}, "2": {"p1": 1}}
    topics = write("1\tred mouse\n2\t cable\n3\tunused\n", "topics.tsv")
    found = read_list(qrels, form="trec", topics=topics).judgements
    assert found == {"red mouse": {"p1": 3, "p2": 0}, "cable": {"p1": 1}}


@pytest.mark.parametrize(
    ("qrels", "topics", "message"),
    [
        ("1 0 p1\n", None, "a.qrels, line 1: should be `query_id 0 product_id grade`, got '1 0 p"),
        ("1 0 p1 -2\n", None, "a.qrels, line 1: grade .* got '-2'"),
        ("1 0 p1 1\n2 0 p1 1\n", "1\tx\n", "a.qrels, line 2: query_id '2' is not in the topics"),
        ("1 0 p1 1\n", "1 x\n", "t.tsv, line 1: should be `query_id<TAB>query`, got '1 x'"),
        ("1 0 p1 1\n", "1\tx\n1\ty\n", "t.tsv, line 2: query_id '1' is 'x' further up, and 'y'"),
        ("\n", None, "a.qrels: has no judgement"),
    ],
)
def test_trec_that_is_not_sound(write, qrels, topics, message):
    path = write(qrels, "a.qrels")
    beside = None if topics is None else write(topics, "t.tsv")
    with pytest.raises(InvalidQuery, match=message):
        read_list(path, form="trec", topics=beside)


def test_topics_belong_to_trec_alone(write):
    with pytest.raises(InvalidQuery, match="only TREC files have them, not csv"):
        read_list(write(HEAD + "a,b,1"), topics=write("1\tx", "t.tsv"))


QUEPID = {"a": {"p1": 3, "p2": 0}, "-b": {"p1": 1}}


@pytest.mark.parametrize(
    ("content", "unrated"),
    [
        ("\nquery,docid,rating\na,p1,3\na,p2,0.0\n -b,p1,1\nnever rated\na,p3,\n", 2),
        (
            json.dumps(
                {
                    "queries": [
                        {"query": "a", "ratings": {"p1": 3, "p2": 0.0}},
                        {"query": "-b", "ratings": {"p1": 1}},
                        {"query": "never rated"},
                    ]
                }
            ),
            1,
        ),
        (
            json.dumps(
                {
                    "id_field": "id",
                    "index": "case",
                    "template": "template.json",
                    "queries": [
                        {
                            "placeholders": {"$query": "a"},
                            "relevant_documents": {"0.0": ["p2"], "3": ["p1"], "": ["p3"]},
                        },
                        {
                            "placeholders": {"$query": "-b"},
                            "relevant_documents": {"1": ["p1"]},
                        },
                    ],
                }
            ),
            1,
        ),
    ],
    ids=["basic csv", "ratings as json", "rated ranking evaluator"],
)
def test_quepids_exports(write, content, unrated):
    found = read_list(write(content), form="quepid")
    assert found.judgements == QUEPID
    assert found.unrated == unrated


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{\n"queries": [}', "list.csv, line 2: is not JSON: Expecting value"),
        ("[1]", r"list.csv: should be an object with a list of queries, got \[1\]"),
        ('{"queries": ["a"]}', r"queries\[0\]: should have query and ratings, or .* got 'a'"),
        ('{"queries": [{"query": "a", "ratings": {"p": 7}}]}', r"queries\[0\]: grade .* got '7'"),
        (
            '{"queries": [{"query": "a", "ratings": {"p": true}}]}',
            r"queries\[0\]: grade .* got 'True'",
        ),
        (
            '{"queries": [{"query": "\\ud800", "ratings": {"p": 1}}]}',
            r"queries\[0\]: query holds half of a surrogate pair",
        ),
        ('{"queries": []}', "list.csv: has no judgement"),
        ("[" * 100_000, "list.csv: is nested too deep"),
    ],
)
def test_quepids_json_that_is_not_sound(write, content, message):
    with pytest.raises(InvalidQuery, match=message):
        read_list(write(content), form="quepid")


def test_a_list_counts_its_judgements():
    assert JudgementList({"a": {"x": 1, "y": 0}, "b": {"x": 3}}).count == 3


def test_json_lines_are_read_and_name_the_line_that_is_wrong():
    good = '{"query":"mouse","product_id":"p1","grade":3}\n\n{"query":"a","docid":"b","rating":0}'
    assert read_text(good, "body", form="jsonl").judgements == {"mouse": {"p1": 3}, "a": {"b": 0}}
    for line, message in (
        ("{", "body, line 1: is not JSON"),
        ("[1]", "body, line 1: should be a JSON object"),
        ('{"query": "a", "product_id": 5, "grade": 1}', "line 1: product_id is blank"),
        ('{"query": "a", "product_id": "b", "grade": true}', "line 1: grade .* got 'True'"),
    ):
        with pytest.raises(InvalidQuery, match=message):
            read_text(line, "body", form="jsonl")


HOSTILE = {'=cmd|"x"': {'p,1"': 3, "p\u202e2": 0}, "red, <b>cable</b>": {"p\U0001f9e6": 1}}


def test_what_is_exported_is_read_again_the_same():
    for form in ("csv", "jsonl"):
        assert read_text(export_text(HOSTILE, form), "x", form=form).judgements == HOSTILE
    topics = dict(line.split("\t") for line in export_text(HOSTILE, "topics").splitlines())
    qrels = export_text(HOSTILE, "trec")
    assert read_text(qrels, "x", form="trec", queries=topics).judgements == HOSTILE


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_a_list_without_judgements_is_exported_too(form):
    assert export_text({}, form) == ("query,product_id,grade\n" if form == "csv" else "")


def test_trec_refuses_what_its_lines_cannot_hold():
    with pytest.raises(InvalidQuery, match="product 'a b', whose id has a space"):
        export_text({"q": {"a b": 1}}, "trec")
    with pytest.raises(InvalidQuery, match="query .* line break or tab"):
        export_text({"q\tr": {"a": 1}}, "topics")
