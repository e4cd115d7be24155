"""Pages of other sites: what a browser sends for them is refused, what programs send goes on."""

from __future__ import annotations

import pytest

from service.access.scopes import Scope
from tests.service.access.conftest import bearer, offline_app

OURS = "http://localhost"  # what the test client asks for
SEARCH = "/v1/indexes/products/search"
LET_IN = 503  # past the guard: there is no cluster

CASES = {
    "a program": ({}, True),
    "the address bar": ({"Sec-Fetch-Site": "none"}, True),
    "our own page": ({"Sec-Fetch-Site": "same-origin", "Origin": OURS}, True),
    "our own page in an old browser": ({"Origin": OURS}, True),
    "a named origin": ({"Sec-Fetch-Site": "cross-site", "Origin": "https://shop.example"}, True),
    "another site": ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, False),
    "a site that hides its name": ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, False),
    "another site without an origin": ({"Sec-Fetch-Site": "cross-site"}, False),
    "another port here": ({"Sec-Fetch-Site": "same-site", "Origin": f"{OURS}:3000"}, False),
    "capitals": ({"Sec-Fetch-Site": "Cross-Site"}, False),
}


@pytest.fixture(scope="module")
def admin(key):
    return key(Scope.ADMIN)


@pytest.fixture(scope="module", params=[False, True], ids=["without keys", "with keys"])
def client(request, admin):
    keys = [admin] if request.param else None
    with offline_app(keys, service_origins="https://shop.example") as app:
        client = app.test_client()
        if request.param:
            client.environ_base["HTTP_AUTHORIZATION"] = bearer(admin)["Authorization"]
        yield client


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("case", CASES)
def test_what_may_change_something_comes_from_ours_alone(client, case, method):
    headers, is_let_in = CASES[case]
    path = "/v1/indexes/products/products/p1" if method != "POST" else SEARCH
    response = client.open(path, method=method, headers=headers, json={})
    assert (response.status_code == 403) is not is_let_in, response.text
    if not is_let_in:
        error = response.json["error"]
        assert error["field"] == "origin" and "SHELFWISE_SERVICE_ORIGINS" in error["message"]


def test_a_link_from_another_site_opens_a_page(client):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/studio/products/compare", headers=headers).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{OURS}:3000"])
def test_without_keys_a_foreign_origin_may_not_even_read(origin):
    with offline_app(None) as app:
        client = app.test_client()
        for method in ("GET", "POST"):
            response = client.open(SEARCH, method=method, headers={"Origin": origin})
            assert response.status_code == 403 and origin in response.json["error"]["message"]


def test_without_keys_a_name_that_somebody_lets_point_here_is_refused(key):
    with offline_app(None) as app:
        for host in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "10.0.0.1"):
            response = app.test_client().get(SEARCH, headers={"Host": host})
            assert response.status_code == 403 and response.json["error"]["field"] == "host", host
        for host in ("localhost:8080", "127.0.0.1", "[::1]:8080"):
            assert app.test_client().get(SEARCH, headers={"Host": host}).status_code == LET_IN
    admin = key(Scope.ADMIN)
    with offline_app([admin]) as app:  # behind a proxy any name may be right
        headers = {"Host": "search.example", **bearer(admin)}
        assert app.test_client().get(SEARCH, headers=headers).status_code == LET_IN
