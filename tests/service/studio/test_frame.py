"""The studio's frame over HTTP: shells without data, pieces for admins, files that are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from service.access.scopes import Scope, needed_scope
from service.studio.assets import folders, release
from service.studio.registry import PAGES
from tests.service.access.conftest import bearer, key, offline_app  # noqa: F401 - a fixture

NAMES = [page.name for page in PAGES]


@pytest.fixture(scope="module")
def offline() -> Iterator[FlaskClient]:
    with offline_app(None) as app:
        yield app.test_client()


def test_the_setting_hides_everything():
    with offline_app(None, service_studio=False) as app:
        client = app.test_client()
        for path in (
            "/studio",
            "/studio/products",
            f"/studio-assets/{release()}/studio/studio.js",
        ):
            response = client.get(path)
            assert response.status_code >= 400 and response.mimetype == "application/json"


def test_the_studio_shows_photos_without_the_shop_page():
    with offline_app(None, service_shop_page=False) as app:
        client = app.test_client()
        assert client.get("/studio/products/compare").status_code == 200
        assert client.get("/shop/products/photo?id=p&position=0").status_code == 503


def test_an_index_leads_to_its_first_page(offline):
    led = offline.get("/studio/products")
    assert led.status_code == 302 and led.headers["Location"] == f"/studio/products/{NAMES[0]}"
    assert offline.get("/studio/products/none").status_code == 404
    assert offline.get("/studio").status_code == 503  # the cluster is away, and a page says so
    for path in ("/studio/_search", "/studio/_doc/1"):  # of an index that has this name
        assert offline.get(path).mimetype == "application/json"


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_is_open_and_its_policy_strict(offline, name):
    response = offline.get(f"/studio/products/{name}")
    assert response.status_code == 200 and response.mimetype == "text/html"
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "script-src 'self'" in policy
    assert not re.search(r"\sstyle=|\son[a-z]+=|<script(?! type=\"module\" src=)", response.text)
    for address in re.findall(r'(?:src|href)="(/studio-assets/[^"]+)"', response.text):
        found = offline.get(address)
        assert found.status_code == 200 and "immutable" in found.headers["Cache-Control"], address
    assert f"<h1>{next(one.title for one in PAGES if one.name == name)}</h1>" in response.text


def test_only_shells_and_files_are_open(key):  # noqa: F811
    admin, search = key(Scope.ADMIN, indexes=("products",)), key(Scope.SEARCH)
    with offline_app([admin, search]) as app:
        scopes = {
            rule.rule: needed_scope(app.view_functions[rule.endpoint])
            for rule in app.url_map.iter_rules()
            if rule.rule.startswith("/studio/<shop_index:index>/")
        }
        assert set(scopes.values()) == {Scope.ADMIN}
        client = app.test_client()
        assert "products" not in client.get("/studio").text
        page = client.get("/studio/products/compare")
        assert page.status_code == 200 and 'data-needs-key="yes"' in page.text
        pieces = "/studio/products/frame/indexes"
        assert client.get(pieces).status_code == 401
        assert client.get(pieces, headers=bearer(search)).status_code == 403
        assert client.get(pieces, headers=bearer(admin)).status_code == 503  # let in
        other = "/studio/other/frame/indexes"
        assert client.get(other, headers=bearer(admin)).status_code == 403


def test_files_of_another_release_are_checked_anew(offline):
    for folder, assets in folders().items():
        for name in assets:
            named = offline.get(f"/studio-assets/{release()}/{folder}/{name}")
            assert "immutable" in named.headers["Cache-Control"]
            old = offline.get(f"/studio-assets/0123456789abcdef/{folder}/{name}")
            assert old.headers["Cache-Control"] == "no-cache" and old.data == named.data
    for path in ("studio/none.js", "none/studio.js", "studio/../views.py", "studio/__init__.py"):
        assert offline.get(f"/studio-assets/{release()}/{path}").status_code == 404


def test_lists_of_all_indexes_are_for_keys_of_all_indexes(key):  # noqa: F811
    one = key(Scope.ADMIN, indexes=("products",))
    with offline_app([one]) as app:
        client = app.test_client()
        for part in ("judged?list=a", "sides?q=lamp&list=a"):
            response = client.get(f"/studio/products/compare/{part}", headers=bearer(one))
            assert response.status_code == 403 and "'*'" in response.text, response.text


def test_a_post_that_only_reads_is_no_act_on_record(tmp_path):
    record = tmp_path / "acts.jsonl"
    with offline_app(None, audit_file=str(record)) as app:
        client = app.test_client()
        read = client.post("/studio/products/compare/effect", json={"a": {"q": 0}, "b": {"q": 1}})
        assert read.status_code == 200 and not record.exists()
        client.delete("/v1/indexes/products/reindex")
        assert "reindex" in record.read_text()
