"""Rules over HTTP, in a real Elasticsearch and Redis."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.access.scopes import Scope, needed_scope
from service.api import rules, rules_trials

pytestmark = pytest.mark.cluster
HOSTILE = "<script>alert(1)</script> \"'` \u202eevil\u202c \U0001f9e8"


class Shop:
    """The paths of one index."""

    def __init__(self, client: FlaskClient, index: str) -> None:
        self.client = client
        self.base = f"/v1/indexes/{index}"

    def ask(self, method: str, path: str, *, status: int = 200, **options: Any) -> dict[str, Any]:
        response = self.client.open(f"{self.base}{path}", method=method, **options)
        assert response.status_code == status, response.text
        answer: dict[str, Any] = response.json
        return answer

    def first(self, **body: Any) -> list[str]:
        answer = self.ask("POST", "/search", json={"q": "keyboard", "limit": 3, **body})
        return [hit["id"] for hit in answer["hits"]]


@pytest.fixture
def shop_api(client: FlaskClient, small_shop: str) -> Shop:
    return Shop(client, small_shop)


@pytest.fixture
def kept_api(client: FlaskClient, shop: str) -> Shop:
    """The shop that no test may change: for what is refused."""
    return Shop(client, shop)


def pin(name: str, *ids: str) -> dict[str, Any]:
    return {"id": name, "when": {"queries": ["keyboard"]}, "pin": list(ids)}


def test_every_view_is_for_admins(app: Flask):
    for name, view in app.view_functions.items():
        if name.partition(".")[0] in (rules.blueprint.name, rules_trials.blueprint.name):
            assert needed_scope(view) is Scope.ADMIN, name


def test_rule_holds_from_the_next_search_on_and_a_rollback_ends_it(shop_api: Shop):
    assert shop_api.ask("GET", "/rules")["active"] is None
    plain = shop_api.first()
    changed = shop_api.ask("PUT", "/rules/first", json=pin("first", "p008"))
    assert changed["warnings"] == []
    assert shop_api.first() == ["p008", *plain[:2]]
    shop_api.ask("PUT", "/rules/first", json=pin("first", "p009", "p008"))
    assert shop_api.first() == ["p009", "p008", plain[0]]
    shop_api.ask("POST", "/rules/rollback")
    assert shop_api.first() == ["p008", *plain[:2]]
    shop_api.ask("DELETE", "/rules/first")
    assert shop_api.first() == plain
    shop_api.ask("DELETE", "/rules/first", status=404)
    shop_api.ask("POST", "/rules/activate", json={"version": changed["version"]})
    assert shop_api.first() == ["p008", *plain[:2]]
    shop_api.ask("POST", "/rules/activate", json={"version": None})
    assert shop_api.first() == plain


def test_whole_set_is_kept_read_and_listed_with_hostile_words_as_they_are(shop_api: Shop):
    rule = {**pin("r1", "p001"), "note": HOSTILE, "replace": {HOSTILE: ""}}
    synonym = {"id": "s1", "words": [HOSTILE, "x"]}
    body = {"rules": [rule], "synonyms": [synonym]}
    draft = shop_api.ask("PUT", "/rules?activate=false&note=draft", json=body)
    assert draft["active"] is None
    version = draft["version"]
    found = shop_api.ask("GET", f"/rules/versions/{version}")
    assert (found["rules"], found["note"]) == (body, "draft")
    shop_api.ask("PUT", "/rules", json=body)
    answer = shop_api.ask("GET", "/rules")
    assert answer["rules"] == body
    assert [one["active"] for one in answer["versions"]] == [True, False]
    assert shop_api.ask("GET", "/rules/r1") == rule
    assert shop_api.ask("GET", "/synonyms/s1") == synonym
    shop_api.ask("DELETE", f"/rules/versions/{version}")
    shop_api.ask("GET", f"/rules/versions/{version}", status=404)
    refused = shop_api.ask("DELETE", f"/rules/versions/{answer['active']}", status=400)
    assert "answers searches" in refused["error"]["message"]


def test_change_of_rules_that_changed_meanwhile_is_a_409(shop_api: Shop):
    first = shop_api.ask("PUT", "/rules/a?if_version=none", json=pin("a", "p001"))["version"]
    shop_api.ask("PUT", f"/synonyms/b?if_version={first}", json={"words": ["x", "y"]})
    refused = shop_api.ask("DELETE", f"/rules/a?if_version={first}", status=409)
    assert (refused["error"]["code"], refused["error"]["field"]) == ("conflict", "if_version")
    shop_api.ask("DELETE", "/synonyms/b")
    assert [one["id"] for one in shop_api.ask("GET", "/rules")["rules"]["rules"]] == ["a"]


def test_product_that_is_not_there_is_a_warning_and_no_error(shop_api: Shop):
    changed = shop_api.ask("PUT", "/rules/a", json=pin("a", "p001", HOSTILE))
    assert changed["warnings"] == [f"not in the index: {HOSTILE!r}"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/rules", {"rules": [{"id": "a"}]}, "rules.0"),
        ("/rules/a", {"id": "b", "pin": ["p1"]}, "id"),
        ("/rules/a%20b", {"pin": ["p1"]}, "id"),
        ("/rules/a", {"pin": ["p1"], "nope": 1}, "nope"),
        ("/rules/a", {"hide": [{"filter": {"nope": 1}}]}, "hide.0.filter"),
        ("/synonyms/a", {"words": ["x"]}, "body"),
        ("/rules?activate=yes", {}, "activate"),
        ("/rules?nope=1", {}, "nope"),
    ],
)
def test_malformed_rules_are_refused_by_field(kept_api: Shop, path, body, field):
    refused = kept_api.ask("PUT", path, json=body, status=400)
    assert refused["error"]["field"] == field
    assert kept_api.ask("GET", "/rules")["versions"] == []


def test_preview_shows_what_would_move_and_changes_nothing(shop_api: Shop):
    body = {
        "rules": {"rules": [{**pin("a", "p008"), "hide": [{"ids": ["p000"]}]}]},
        "search": {"q": "keyboard"},
    }
    answer = shop_api.ask("POST", "/rules/preview", json=body)
    before, after = ([hit["id"] for hit in answer[side]["hits"]] for side in ("before", "after"))
    assert after[0] == "p008"
    assert "p000" in before
    assert "p000" not in after
    assert "p000" in answer["hidden"]
    assert all(after[one["to"] - 1] == before[one["from"] - 1] for one in answer["moved"])
    assert shop_api.ask("GET", "/rules")["versions"] == []
    shop_api.ask("PUT", "/rules", json=body["rules"])
    none = shop_api.ask("POST", "/rules/preview", json={**body, "rules": None})
    assert [hit["id"] for hit in none["before"]["hits"]] == after
    assert [hit["id"] for hit in none["after"]["hits"]] == before


def test_import_takes_what_it_can_in_one_version_and_names_the_rest(shop_api: Shop):
    shop_api.ask("PUT", "/rules/mine", json=pin("mine", "p001"))
    text = "laptop =>\n  SYNONYM: notebook\n  DECORATE: x\nkeyboard =>\n  UP: gaming\n"
    tried = shop_api.ask("POST", "/rules/import?dry_run=true", data=text)
    assert (tried["version"], tried["taken"]) == (None, {"rules": 1, "synonyms": 1})
    refused = shop_api.ask("POST", "/rules/import?strict=true", data=text, status=400)
    assert refused["error"]["message"].startswith("line 3: DECORATE")
    assert len(shop_api.ask("GET", "/rules")["versions"]) == 1
    done = shop_api.ask("POST", "/rules/import", json={"format": "querqy", "text": text})
    assert (done["left_out"], done["remarks"][0]["line"]) == (1, 3)
    kept = shop_api.ask("GET", "/rules")
    assert kept["active"] == done["version"]
    assert [one["id"] for one in kept["rules"]["rules"]][0] == "mine"
    again = shop_api.ask("POST", "/rules/import", data=text)
    assert again["version"] == done["version"], "nothing is new"
    shop_api.ask("POST", "/rules/import?mode=replace", data=text)
    replaced = shop_api.ask("GET", "/rules")["rules"]
    assert (len(replaced["rules"]), len(replaced["synonyms"])) == (1, 1)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"data": b"\xff"}, "body"),
        ({"data": " "}, "text"),
        ({"json": {"text": 1}}, "text"),
        ({"json": {"text": "x", "nope": 1}}, "nope"),
        ({"json": {"text": "x", "format": "smui"}}, "format"),
        ({"data": "x", "query_string": {"mode": "add"}}, "mode"),
    ],
)
def test_malformed_import_is_refused_by_field(kept_api: Shop, options, field):
    refused = kept_api.ask("POST", "/rules/import", status=400, **options)
    assert refused["error"]["field"] == field


def test_rules_of_an_unknown_index_are_a_404(client: FlaskClient):
    for method, path in (("GET", "/rules"), ("PUT", "/rules"), ("POST", "/rules/rollback")):
        refused = Shop(client, "nowhere").ask(method, path, json={}, status=404)
        assert refused["error"]["code"] == "unknown_index"
