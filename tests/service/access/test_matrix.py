"""Every route with keys of every scope, of other indexes, and without one."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.access.gate import keys_required
from service.access.scopes import Scope, needed_scope
from service.settings import ServiceSettings
from tests.service.access.conftest import bearer, offline_app

OPEN = {
    *("/healthz", "/readyz", "/openapi.json", "/docs", "/docs/start.js", "/docs/<name>"),
    *("/shop", "/shop/<shop_index:name>", "/shop-assets/<name>"),  # empty pages behind keys
    *("/studio", "/studio/<shop_index:name>", "/studio/<shop_index:name>/<page>"),
    "/studio-assets/<release>/<folder>/<name>",
    "/v1/webhooks/<name>",  # has signatures of its own
}
"""What asks for no key; anything else that does is a fault."""

PARTS = {"write:path": "_bulk", "read:path": "_mget", "any_path:path": "_mapping"}
"""What stands for a part of an address that may be only some words."""

EXPECTED = {
    "GET /": Scope.SEARCH,
    "POST /<shop:index>/_search": Scope.SEARCH,
    "POST /_msearch": Scope.SEARCH,
    "POST /_search": Scope.SEARCH,
    "POST /_search/scroll": Scope.SEARCH,
    "DELETE /_search/scroll": Scope.SEARCH,
    "POST /<shop:index>/_pit": Scope.SEARCH,
    "DELETE /_pit": Scope.SEARCH,
    "POST /<shop:index>/<read:path>": Scope.SEARCH,
    "POST /<shop:index>/<write:path>": Scope.WRITE,
    "PUT /<shop:index>/<any_path:path>": Scope.ADMIN,
    "DELETE /<shop:index>": Scope.ADMIN,
    "POST /v1/indexes/<index>/search": Scope.SEARCH,
    "GET /v1/indexes/<index>/search": Scope.SEARCH,
    "GET /v1/indexes/<index>/products/<product_id>": Scope.SEARCH,
    "GET /v1/indexes/<index>/products/<product_id>/similar": Scope.SEARCH,
    "GET /v1/indexes/<index>/suggest": Scope.SEARCH,
    "GET /shop/<shop_index:index>/results": Scope.SEARCH,
    "POST /shop/<shop_index:index>/results": Scope.SEARCH,
    "GET /shop/<shop_index:index>/photo": Scope.SEARCH,
    "GET /studio/<shop_index:index>/frame/indexes": Scope.ADMIN,
    "POST /v1/indexes/<index>/products": Scope.WRITE,
    "DELETE /v1/indexes/<index>/products": Scope.WRITE,
    "GET /v1/tasks/<task_id>": Scope.WRITE,
    "DELETE /v1/tasks/<task_id>": Scope.WRITE,
    "GET /v1/dead-letters": Scope.WRITE,
    "DELETE /v1/dead-letters/<letter_id>": Scope.ADMIN,
    "POST /v1/events": Scope.EVENTS,
    "POST /v1/indexes/<index>/reindex": Scope.ADMIN,
    "DELETE /v1/indexes/<index>/reindex": Scope.ADMIN,
    "GET /v1/indexes/<index>/weights": Scope.ADMIN,
    "POST /v1/indexes/<index>/weights/activate": Scope.ADMIN,
    "DELETE /v1/indexes/<index>/weights/<version>": Scope.ADMIN,
    "POST /v1/indexes/<index>/experiment": Scope.ADMIN,
    "GET /v1/indexes/<index>/experiment/report": Scope.ADMIN,
    "POST /v1/keys": Scope.ADMIN,
    "GET /v1/keys": Scope.ADMIN,
    "DELETE /v1/keys/<key_id>": Scope.ADMIN,
    "GET /metrics": Scope.METRICS,
}


@pytest.fixture(scope="module")
def keys(key):
    found = {scope: key(scope) for scope in Scope}
    return {**found, "elsewhere": key("admin", indexes=("other-*",))}


@pytest.fixture(scope="module")
def app(keys):
    # What is passed on to Elasticsearch depends on a setting besides: here all of it.
    with offline_app(list(keys.values()), service_pass_through="all") as app:
        yield app


def routes(app) -> list[tuple[str, str, Scope | None]]:
    return [
        (method, rule.rule, needed_scope(app.view_functions[rule.endpoint]))
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods - {"OPTIONS"})
    ]


def ask(app, method, rule, headers=None):
    path = re.sub(r"<([^>]+)>", lambda part: PARTS.get(part[1], "x1"), rule)
    return app.test_client().open(path, method=method, headers=headers or {}, json={})


def test_what_is_open_is_what_should_be(app):
    assert {rule for _, rule, scope in routes(app) if scope is None} == OPEN


def test_routes_need_the_scope_that_they_should(app):
    found = {f"{method} {rule}": scope for method, rule, scope in routes(app)}
    assert {name: found[name] for name in EXPECTED} == EXPECTED


def test_without_a_key_only_what_is_open_answers(app):
    for method, rule, scope in routes(app):
        response = ask(app, method, rule)
        assert (response.status_code == 401) is (scope is not None), (method, rule)
        if scope is not None:
            assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_opens_the_routes_of_its_scope_and_no_other(app, keys):
    for method, rule, needed in routes(app):
        for scope in Scope:
            response = ask(app, method, rule, bearer(keys[scope]))
            opens = needed is None or scope is needed or scope is Scope.ADMIN
            context = (method, rule, scope, response.status_code)
            assert response.status_code != 401, context
            assert (response.status_code != 403) is opens, context


def test_a_key_of_other_indexes_opens_no_route_of_an_index(app, keys):
    tried = [(method, rule) for method, rule, _ in routes(app) if "index>" in rule]
    assert len(tried) > 10
    for method, rule in tried:
        response = ask(app, method, rule, bearer(keys["elsewhere"]))
        assert response.status_code == 403, (method, rule)


@pytest.mark.parametrize(
    "broken", ["sw_000000000000_" + "A" * 43, "sw_x_y", "", "Bearer", "' or 1=1 --"]
)
def test_a_key_that_is_unknown_or_none_is_a_401_everywhere(app, broken):
    for method, rule, scope in routes(app):
        if scope is not None:
            response = ask(app, method, rule, {"Authorization": f"Bearer {broken}"})
            assert response.status_code == 401, (method, rule)


def test_right_id_with_another_secret_is_a_401(app, keys):
    text = keys[Scope.ADMIN].text
    forged = text[:-1] + ("A" if text[-1] != "A" else "B")
    response = ask(app, "GET", "/v1/keys", {"X-Api-Key": forged})
    assert response.status_code == 401


def test_expired_and_revoked_keys_are_answered_like_unknown_ones(key):
    past = datetime(2020, 1, 1, tzinfo=UTC)
    ended, revoked = key("admin"), key("admin")
    known = [
        replace(ended, key=replace(ended.key, expires_at=past)),
        replace(revoked, key=replace(revoked.key, revoked_at=past)),
    ]
    with offline_app(known) as app:
        bodies = set()
        for made in (*known, key("admin")):
            response = ask(app, "GET", "/v1/keys", bearer(made))
            assert response.status_code == 401
            bodies.add(response.json["error"]["message"])
    assert len(bodies) == 1


@pytest.fixture(scope="module")
def open_app():
    with offline_app(None) as app:
        yield app


class TestWithoutKeys:
    def test_loopback_asks_for_none(self, open_app):
        for method, rule, _ in routes(open_app):
            assert ask(open_app, method, rule).status_code not in (401, 429), (method, rule)

    @pytest.mark.parametrize(
        ("headers", "allowed"),
        [
            ({}, True),
            ({"Host": "127.0.0.1:8080"}, True),
            ({"Host": "[::1]:8080"}, True),
            ({"Host": "localhost:8080", "Origin": "http://localhost:8080"}, True),
            ({"Host": "shop.example"}, False),
            ({"Host": "127.0.0.1.evil.example"}, False),
            ({"Host": "localhost:8080", "Origin": "https://evil.example"}, False),
            ({"Host": "localhost:8080", "Origin": "http://localhost:9999"}, False),
            ({"Host": "localhost:8080", "Origin": "null"}, False),
        ],
        ids=str,
    )
    def test_pages_of_others_reach_nothing_through_a_browser_here(
        self, open_app, headers, allowed
    ):
        response = open_app.test_client().post("/v1/events", headers=headers, data="{}")
        assert (response.status_code != 403) is allowed

    def test_our_own_indexes_are_nobodys(self, open_app):
        path = "/v1/indexes/shelfwise-keys/search"
        assert open_app.test_client().get(path).status_code == 403


@pytest.mark.parametrize(
    ("host", "setting", "required"),
    [
        ("127.0.0.1", "auto", False),
        ("localhost", "auto", False),
        ("::1", "auto", False),
        ("127.0.0.1", "required", True),
        ("0.0.0.0", "auto", True),
        ("::", "auto", True),
        ("192.168.1.5", "auto", True),
        ("shop.example", "auto", True),
        ("", "auto", True),
    ],
)
def test_keys_are_off_on_loopback_alone(host, setting, required):
    settings = ServiceSettings(service_host=host, service_keys=setting)
    assert keys_required(settings) is required


def test_metrics_can_be_opened_by_a_setting(key):
    with offline_app([key("search")], service_metrics_open=True) as app:
        assert ask(app, "GET", "/metrics").status_code == 200
        assert ask(app, "GET", "/v1/keys").status_code == 401


def test_readiness_tells_those_without_a_key_no_more_than_a_code(app):
    checks = ask(app, "GET", "/readyz").json["checks"]
    assert {"elasticsearch", "redis"} <= set(checks)
    assert set(checks.values()) == {"cluster_unavailable", "queue_unavailable"}
