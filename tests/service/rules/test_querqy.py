"""Querqy's formats: what becomes of each line, and what is said of what cannot be taken."""

from __future__ import annotations

import time

import pytest

from mappings.errors import InvalidQuery
from service.rules.querqy import read_querqy
from service.rules.querqy_draft import FULL_BOOST
from service.rules.rule import MAX_RULES, RuleSet

FILE = """\
\ufeff# Electronics, kept by the search team

personal computer =>
  SYNONYM: pc
  synonym(0.5): desktop computer   # weaker
  DOWN(50): software
  @_id: "ID1"
  @_log: "computers, 2026-03-01"

"notebook" =>
\tUP(10): * price:[350 TO 450]
\tDOWN(500): * category:Accessories
\tFILTER: apple -case
\tFILTER: * {"bool": {"must_not": [{"term": {"brand.keyword": "HP"}}]}}
\t@{
\t  _id: 'ID 2',
\t  enabled: false,
\t  priority: 100,
\t  "tenant": ["t1", 't2',],
\t}@

cheap iphone unlocked =>
  DELETE: cheap Unlocked
the =>
  DELETE
15\\" tv =>
  UP: * brand:(HP OR "Dell Inc.")
"""


def raw(text: str, format_="querqy") -> dict:
    return read_querqy(text, format_).rules.to_json()


def only_rule(instruction: str, given: str = "laptop") -> dict:
    found = read_querqy(f"{given} =>\n  {instruction}\n")
    assert [remark for remark in found.remarks if not remark.taken] == []
    (rule,) = found.rules.to_json()["rules"]
    return {name: rule[name] for name in rule if name not in ("id", "when")}


def test_file_of_a_shop_becomes_rules_and_synonyms():
    found = read_querqy(FILE)
    rules = {rule["when"]["queries"][0]: rule for rule in found.rules.to_json()["rules"]}
    assert rules["personal computer"] == {
        "id": "ID1",
        "note": "computers, 2026-03-01",
        "when": {"queries": ["personal computer"], "match": "contains"},
        "bury": [{"products": {"words": "software"}, "strength": 0.63}],
    }
    notebook = rules["notebook"]
    assert notebook["when"] == {"queries": ["notebook"]}, "exact is the default"
    assert notebook["enabled"] is False
    assert notebook["only"] == [{"words": "apple", "filter": {"not": {"brand": "HP"}}}]
    assert notebook["hide"] == [{"words": "case"}]
    (boost,) = notebook["boost"]
    assert boost["products"] == {"filter": {"price": {"gte": 350, "lte": 450}}}
    (bury,) = notebook["bury"]
    assert bury == {"products": {"filter": {"categories": "Accessories"}}, "strength": 1.0}
    assert rules["cheap iphone unlocked"]["replace"] == {"cheap iphone unlocked": "iphone"}
    assert rules["the"]["replace"] == {"the": ""}
    assert rules['15" tv']["boost"][0]["products"]["filter"] == {"brand": ["HP", "Dell Inc."]}
    synonyms = [(one.words, one.to, one.weight) for one in found.rules.synonyms]
    assert synonyms == [
        (("personal computer",), ("pc",), 1.0),
        (("personal computer",), ("desktop computer",), 0.5),
    ]
    (remark,) = found.remarks
    assert (remark.line, remark.taken) == (10, True)
    assert "priority, tenant" in remark.reason


@pytest.mark.parametrize(
    ("given", "match"),
    [("a b", "contains"), ('"a b', "start"), ('"a b"', "exact"), ('  "  a   b  "', "exact")],
)
def test_quotes_say_where_in_a_query_the_input_stands(given, match):
    (rule,) = read_querqy(f"{given} =>\n UP: x").rules.rules
    assert (rule.when.queries, rule.when.match) == (("a b",), match)


@pytest.mark.parametrize(
    ("instruction", "part"),
    [
        ("FILTER: apple", {"only": [{"words": "apple"}]}),
        ("FILTER: +apple +phone", {"only": [{"words": "apple phone"}]}),
        ("FILTER: -case", {"hide": [{"words": "case"}]}),
        ("FILTER: * -brand:HP", {"hide": [{"filter": {"brand": "HP"}}]}),
        (
            'FILTER: * brand:"Acme & Co" AND price:{* TO 20]',
            {"only": [{"filter": {"all": [{"brand": "Acme & Co"}, {"price": {"lte": 20}}]}}]},
        ),
        ("FILTER: * attributes.colour:red", {"only": [{"filter": {"attributes.colour": "red"}}]}),
        ("FILTER: * identifiers:*", {"only": [{"filter": {"identifiers": {"exists": True}}}]}),
        (
            'FILTER: * {"terms": {"product_id": ["p1", "p2"]}}',
            {"only": [{"filter": {"id": ["p1", "p2"]}}]},
        ),
        (
            'FILTER: * {"bool": {"should": [{"term": {"brand": {"value": "A"}}}, '
            '{"range": {"price": {"gt": 5}}}]}}',
            {"only": [{"filter": {"any": [{"brand": "A"}, {"price": {"gt": 5}}]}}]},
        ),
    ],
)
def test_right_hand_sides_become_selections(instruction, part):
    assert only_rule(instruction) == part


@pytest.mark.parametrize(
    ("factor", "strength"), [("", 0.11), ("(5)", 0.29), ("(100)", 0.74), ("(9999)", 1.0)]
)
def test_factors_become_strengths(factor, strength):
    assert only_rule(f"UP{factor}: x")["boost"][0]["strength"] == strength
    assert FULL_BOOST == 500


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("SYNONYM:", "nothing after the colon"),
        ("SYNONYM(x): pc", "is no number"),
        ("SYNONYM(-1): pc", "is not above 0"),
        ("UP(nan): pc", "is not above 0"),
        ("SYNONYM: sofa $1", "wildcard"),
        ("DECORATE: REDIRECT /faq", "DECORATE"),
        ("UP: -case", "are not moved"),
        ("UP: title:apple", "a word in one field"),
        ("UP: * title:apple", "no product field 'title'"),
        ("UP: * price:[cheap TO dear]", "filter.price"),
        ("UP: * {broken", "is no JSON"),
        ('UP: * {"match": {"brand": "HP"}}', "only term, terms, range"),
        ("UP: * brand:H*", "wildcards"),
        ("UP: * brand:HP OR brand:Acme", "only field:value"),
        ("FILTER: * %%price%%", "parameters"),
        ("DELETE: dear", "is no word of the input"),
        ("REDIRECT: /x", "is no instruction"),
        ("mobiles => mobile", "querqy-replace"),
        ("@_id", "is no property"),
        ("@{ a: 1", "}@ is missing"),
        ("@{ a: [ }@", "no object of properties"),
        ("UP: " + "x" * 201, "200 characters"),
    ],
)
def test_line_that_cannot_be_taken_is_named_and_the_rest_of_its_block_is_taken(line, reason):
    found = read_querqy(f"# head\ncheap laptop =>\n  FILTER: laptop\n  {line}\n")
    (remark,) = [one for one in found.remarks if not one.taken]
    assert remark.line == 4
    assert remark.text == line
    assert reason in remark.reason
    assert [rule.only[0].words for rule in found.rules.rules] == ["laptop"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("sofa*", "wildcard"),
        ('faq"', "has to end with"),
        ("notebook AND NOT bag", "AND, OR or NOT"),
        ("???", "no letter or digit"),
        ("", "is empty"),
    ],
)
def test_input_that_cannot_be_taken_leaves_out_its_block_alone(given, reason):
    found = read_querqy(f"{given} =>\n  UP: x\n  DELETE\nlaptop =>\n  UP: y\n")
    (remark,) = found.remarks
    assert remark.line == 1
    assert reason in remark.reason
    assert [rule.when.queries for rule in found.rules.rules] == [("laptop",)]


@pytest.mark.parametrize(
    "line",
    [
        "UP(" + " " * 9_000 + ": y",
        "UP: * " + '{"bool":{"must":' * 600,
        "UP: * " + 'a:"' * 3_000,
        "@a: " + "[" * 9_000,
        "@" + " " * 9_000 + "a",
        "UP" + " " * 9_000 + "y",
        "UP: x" * 5_000,
    ],
    ids=["blanks", "json", "quotes", "lists", "property", "instruction", "long"],
)
def test_line_made_to_take_long_is_read_in_no_time_and_left_out(line):
    began = time.perf_counter()
    (remark,) = read_querqy(f"laptop =>\n  FILTER: x\n  {line}\n").remarks
    assert remark.line == 3
    assert time.perf_counter() - began < 2


def test_synonym_of_a_whole_query_is_not_widened_to_every_query():
    found = read_querqy('"apple" =>\n  SYNONYM: iphone\n')
    assert found.rules == RuleSet()
    assert "wherever their words stand" in found.remarks[0].reason


def test_instruction_before_any_input_and_input_without_instructions_are_named():
    found = read_querqy("UP: x\nlaptop =>\n")
    assert [(one.line, one.taken) for one in found.remarks] == [(1, False), (2, False)]


def test_same_file_gives_the_same_ids_and_each_once():
    text = "laptop =>\n UP: x\nlaptop =>\n DOWN: y\nL'Oréal \u202e\U0001f9f4 =>\n UP: z\n"
    ids = [rule.id for rule in read_querqy(text).rules.rules]
    assert ids == [rule.id for rule in read_querqy(text).rules.rules]
    assert len(set(ids)) == 3
    assert ids[1] == f"{ids[0]}-2"
    assert ids[2].startswith("l-oreal-")


def test_markup_stays_text():
    given = "<script>alert(1)</script>"
    (rule,) = read_querqy(f"{given} =>\n  UP: <b>{given}</b>\n").rules.rules
    assert rule.when.queries == (given,)
    assert rule.boost[0].products.words == f"<b>{given}</b>"


def test_replacements_become_rules_that_replace():
    found = read_querqy(
        "# typos\nmobiles; ombile; mo bile => mobile\nthe =>\n+ => plus\n*hpone => $1phone\nx\n",
        "querqy-replace",
    )
    typos, the = found.rules.rules
    assert typos.when.queries == ("mobiles", "ombile", "mo bile")
    assert typos.replace == {"mobiles": "mobile", "ombile": "mobile", "mo bile": "mobile"}
    assert the.replace == {"the": ""}
    assert [one.line for one in found.remarks] == [4, 5, 6]


def test_more_rules_than_a_set_holds_are_refused():
    text = "".join(f"word{number} =>\n UP: x\n" for number in range(MAX_RULES + 1))
    with pytest.raises(InvalidQuery, match="5000") as caught:
        read_querqy(text)
    assert caught.value.field == "text"
