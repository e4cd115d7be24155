"""The pages over HTTP: who is led where, what is escaped, and which photos are shown."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient
from PIL import Image

from indexer.encoders.hashing import HashingEncoder
from mappings.index_lifecycle import create_index
from service.access.scopes import Scope
from service.pages.assets import read_assets
from tests.service.access.conftest import bearer, key, offline_app  # noqa: F401 - a fixture
from tests.service.conftest import TEMPLATE, fill, running_app

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def picture(size: tuple[int, int] = (900, 300)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, "JPEG", exif=b"Exif\0\0secret place")
    return file.getvalue()


@pytest.fixture(scope="module")
def offline() -> Iterator[FlaskClient]:
    with offline_app(None) as app:
        yield app.test_client()


def test_a_browser_is_led_from_the_root_and_nobody_else(offline):
    led = offline.get("/", headers=BROWSER)
    assert led.status_code == 302 and led.headers["Location"] == "/shop"
    for accept in ("application/json", "*/*", "application/vnd.elasticsearch+json"):
        assert offline.get("/", headers={"Accept": accept}).status_code != 302


def test_a_cluster_that_is_away_is_said_on_a_page(offline):
    for path in ("/shop", "/shop/products", "/shop/products/results?q=lamp"):
        response = offline.get(path)
        assert response.status_code == 503 and response.mimetype == "text/html"
        assert "Just now this cannot be answered" in response.text


def test_the_setting_hides_everything():
    with offline_app(None, service_shop_page=False) as app:
        client = app.test_client()
        for path in ("/shop", "/shop/products", "/shop-assets/shop.css"):
            response = client.get(path)
            assert response.status_code >= 400 and response.mimetype == "application/json"
        assert client.get("/", headers=BROWSER).status_code != 302


def test_behind_keys_a_page_is_empty_until_its_script_brings_one(key):  # noqa: F811
    search = key(Scope.SEARCH, indexes=("products",))
    with offline_app([search]) as app:
        client = app.test_client()
        page = client.get("/shop/products?q=lamp")
        assert page.status_code == 200 and "asks for an API key" in page.text
        assert "<main" not in page.text
        assert "products" not in client.get("/shop").text
        results = "/shop/products/results?q=lamp"
        assert client.get(results).status_code == 401
        # Let in, and then the cluster is away.
        assert client.get(results, headers=bearer(search)).status_code == 503
        assert client.get("/shop/other/results", headers=bearer(search)).status_code == 403
        assert client.get("/shop/products/photo?id=p&position=0").status_code == 401


def test_the_policy_allows_no_inline_scripts_and_no_framing(offline):
    policy = offline.get("/shop/products").headers["Content-Security-Policy"]
    rules = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", sorted(read_assets("service.pages")))
def test_files_of_the_page_are_kept_by_browsers_while_they_are_the_same(offline, name):
    first = offline.get(f"/shop-assets/{name}")
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "no-cache" and first.data
    again = offline.get(f"/shop-assets/{name}", headers={"If-None-Match": tag})
    assert again.status_code == 304
    named = offline.get(f"/shop-assets/{name}?v={tag.strip(chr(34))}")
    assert "immutable" in named.headers["Cache-Control"]
    assert offline.get("/shop-assets/../views.py").status_code == 404


@pytest.mark.parametrize("crop", ["1,2", "a,b,c,d", "nan,0,1,1", "0,0,0,0", "-1,0,1,1"])
def test_a_box_that_is_none_is_a_400(offline, crop):
    form = {"photo": (io.BytesIO(picture()), "a.jpg"), "crop": crop}
    response = offline.post("/shop/products/results", data=form)
    # A box of four numbers is looked at when the search is, which needs the cluster.
    assert response.status_code == (503 if crop.count(",") == 3 and crop[0] in "0-" else 400)


@pytest.fixture
def photo_shop(cluster: Elasticsearch, index_name: str) -> str:
    data = "data:image/jpeg;base64," + base64.b64encode(picture((40, 20))).decode()
    images = [
        *("file:in/a.jpg", "file:../secret.jpg", "file:/etc/passwd", "https://shop.example/a.jpg"),
        *(data, "file:link.jpg", "file:text.jpg", "file:none.jpg"),
    ]
    product = {"id": "p/1 ?", "title": "Lamp", "images": images}
    create_index(cluster, index_name, {"text_vector": HashingEncoder(template=TEMPLATE).spec})
    fill(cluster, index_name, [product])
    return index_name


@pytest.mark.cluster
def test_only_photos_of_the_product_below_the_folder_are_shown(
    photo_shop, elasticsearch, redis_server, tmp_path: Path
):
    folder = tmp_path / "photos"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "a.jpg").write_bytes(picture())
    (folder / "text.jpg").write_text("root:x:0:0")
    (folder / "unnamed.jpg").write_bytes(picture())
    (tmp_path / "secret.jpg").write_bytes(picture())
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    shown = {}
    settings = {"service_photo_directory": str(folder)}
    with running_app(elasticsearch.url, redis_server.url, **settings) as app:
        client = app.test_client()
        # As the page writes it.
        page = client.get(f"/shop/{photo_shop}").text
        assert f"/shop/{photo_shop}/photo?id=p%2F1+%3F&amp;position=0" in page
        for product_id in ("ghost-0", "none", ""):
            gone = client.get(f"/shop/{photo_shop}/photo?id={product_id}&position=0")
            assert gone.status_code == 404
        for position in range(9):
            query = {"id": "p/1 ?", "position": position}
            response = client.get(f"/shop/{photo_shop}/photo", query_string=query)
            if response.status_code == 200:
                shown[position] = response.data
            else:
                assert response.status_code == 404, response.text
    assert set(shown) == {0, 4}
    with Image.open(io.BytesIO(shown[0])) as image:
        assert image.format == "WEBP" and image.size == (400, 133)
        assert "exif" not in image.info and b"secret" not in shown[0]
    with Image.open(io.BytesIO(shown[4])) as image:
        assert image.size == (40, 20)


@pytest.mark.cluster
def test_photos_are_kept_by_browsers(cluster, index_name, elasticsearch, redis_server, tmp_path):
    (tmp_path / "a.jpg").write_bytes(picture())
    create_index(cluster, index_name, {"text_vector": HashingEncoder(template=TEMPLATE).spec})
    fill(cluster, index_name, [{"id": "p1", "title": "Lamp", "images": ["file:a.jpg"]}])
    settings = {"service_photo_directory": str(tmp_path)}
    with running_app(elasticsearch.url, redis_server.url, **settings) as app:
        client = app.test_client()
        path = f"/shop/{index_name}/photo?id=p1&position=0"
        first = client.get(path)
        assert first.mimetype == "image/webp" and "max-age" in first.headers["Cache-Control"]
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304 and not again.data
        for wrong in ("1", "-1", "x", "0x0", "9999"):
            assert (
                client.get(f"/shop/{index_name}/photo?id=p1&position={wrong}").status_code == 404
            )
        # Elasticsearch's own address for an index of that name is none of ours.
        assert client.get("/shop/_search").mimetype != "text/html"
