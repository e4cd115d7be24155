"""Searches that go on without a part: an encoder that fails, a leg that is too slow."""

from __future__ import annotations

import time

import pytest

from indexer.encoders.hashing import HashingEncoder
from mappings.errors import EncoderFailed, EncoderUnavailable
from mappings.index_lifecycle import LiveIndex
from service.deadlines import BoundedTextEncoder, Deadline, TooSlow
from service.photo_vectors import PhotoVectors
from service.query_encoders import LOOK_AGAIN_SECONDS, QueryEncoders
from service.query_photos import QueryPhoto
from service.search_request import SearchRequest
from service.search_watch import SearchWatch
from service.settings import ServiceSettings
from tests.service.conftest import TEMPLATE, running_app
from tests.service.slow_vectors import slow_vectors

LEG_SECONDS = 2.0
"""Long enough for a cold cluster on a busy machine, once it was warmed up."""


class BreakableEncoder:
    """The hashing encoder, until it is told otherwise."""

    def __init__(self) -> None:
        self._encoder = HashingEncoder(template=TEMPLATE)
        self.spec = self._encoder.spec
        self.seconds = 0.0
        self.is_broken = False

    def encode(self, texts):
        time.sleep(self.seconds)
        if self.is_broken:
            raise RuntimeError("out of memory, while encoding wireless mouse")
        return self._encoder.encode(texts)


@pytest.fixture
def encoder(monkeypatch) -> BreakableEncoder:
    encoder = BreakableEncoder()
    monkeypatch.setattr("service.query_encoders.load_query_encoder", lambda *_, **__: encoder)
    return encoder


def metric(app, text: str) -> bool:
    return text in app.test_client().get("/metrics").text


@pytest.mark.cluster
@pytest.mark.parametrize("fault", ["broken", "slow"])
def test_encoder_that_fails_leaves_the_words(elasticsearch, redis_server, shop, encoder, fault):
    settings = {"service_leg_timeout_seconds": LEG_SECONDS, "service_query_cache_entries": 0}
    with running_app(elasticsearch.url, redis_server.url, **settings) as app:
        client, path = app.test_client(), f"/v1/indexes/{shop}/search"
        client.post(path, json={"q": "wireless mouse"})  # a cold cluster may take its time
        sound = client.post(path, json={"q": "wireless mouse"}).json
        assert sound["warnings"] == [] and "text_vector" in sound["hits"][0]["legs"]
        encoder.is_broken, encoder.seconds = fault == "broken", 4.0 if fault == "slow" else 0
        response = client.post(path, json={"q": "wireless mouse"})
        assert response.status_code == 200, response.text
        (warning,) = response.json["warnings"]
        assert warning.startswith("text_vector: the encoder 'hashing'")
        assert "mouse" not in warning
        assert list(response.json["hits"][0]["legs"]) == ["lexical"]
        reason = "slow" if fault == "slow" else "encoder_failed"
        labels = f'index="{shop}",leg="text_vector",reason="{reason}"'
        assert metric(app, f"shelfwise_dropped_legs_total{{{labels}}} 1.0")
        only = client.post(path, json={"q": "mouse", "weights": {"text_vector": 1}})
        assert only.status_code == 503, "no leg is left that the request weighs"
        assert only.json["error"]["code"] == "encoder_failed"
        encoder.is_broken, encoder.seconds = False, 0
        assert client.post(path, json={"q": "wireless mouse"}).json["warnings"] == []


@pytest.mark.cluster
@pytest.mark.parametrize("mode", ["precise", "fast"])
def test_slow_legs_are_dropped_at_their_deadline_and_named(
    elasticsearch, redis_server, shop, mode
):
    settings = {"service_leg_timeout_seconds": LEG_SECONDS}
    with (
        slow_vectors(elasticsearch.url) as proxy,
        running_app(proxy.url, redis_server.url, **settings) as app,
    ):
        client, path = app.test_client(), f"/v1/indexes/{shop}/search"
        started = time.monotonic()
        answer = client.post(path, json={"q": "wireless mouse", "mode": mode}).json
        assert time.monotonic() - started < 10 * LEG_SECONDS
        assert answer["warnings"] == ["text_vector: not done within 2000 ms; left out"]
        assert answer["hits"] and list(answer["hits"][0]["legs"]) == ["lexical"]
        assert proxy.held == 1, "the words' own requests have no vectors"
        assert proxy.hung_up.wait(5), "the slow request is ended, not left to run"
        reason = 'leg="text_vector",reason="slow"'
        assert metric(app, f'dropped_legs_total{{index="{shop}",{reason}}} 1.0')
        vectors = {"text_vector": [0.1] * HashingEncoder(template=TEMPLATE).spec.dims}
        proxy.is_slow = False
        sound = client.post(path, json={"q": "wireless mouse", "mode": mode}).json
        assert sound["warnings"] == [] and "text_vector" in sound["hits"][0]["legs"]
        assert client.post(path, json={"vectors": vectors}).status_code == 200


@pytest.mark.cluster
def test_page_after_a_degraded_one_is_still_that_of_the_query(elasticsearch, redis_server, shop):
    settings = {"service_leg_timeout_seconds": LEG_SECONDS}
    with (
        slow_vectors(elasticsearch.url) as proxy,
        running_app(proxy.url, redis_server.url, **settings) as app,
    ):
        client, path = app.test_client(), f"/v1/indexes/{shop}/search"
        body = {"q": "wireless mouse", "limit": 3}
        first = client.post(path, json=body).json
        assert first["warnings"]
        proxy.is_slow = False
        after = client.post(path, json={**body, "cursor": first["cursor"]})
        assert after.status_code == 200, after.text
        assert after.json["warnings"] == []


class SlowPhotos:
    """Photos that take their time to come."""

    def read(self, photo, uploads):
        time.sleep(0.3)
        return QueryPhoto(b"photo", "digest", None, "image.url")


@pytest.mark.parametrize("words", [{"q": "lamp"}, {}], ids=["with words", "alone"])
def test_photo_that_comes_too_late_is_waited_for_only_without_words(words):
    photos = PhotoVectors(None, SlowPhotos(), Deadline(0.05, threads=1))
    live = LiveIndex("shop", "shop-v1", {"image_vector": HashingEncoder().spec})
    request = SearchRequest.parse({**words, "image": {"url": "http://photos.test/1.jpg"}})
    watch = SearchWatch()
    photo = photos.read(live, request, {}, watch)
    assert (photo is None) == bool(words)
    assert [(one.leg, one.reason) for one in watch.dropped] == (
        [("image_vector", "slow")] if words else []
    )


def test_encoder_that_is_not_here_is_looked_for_again_after_a_while(monkeypatch):
    now, looks = [0.0], []
    settings = ServiceSettings(text_encoder="hashing", text_template=TEMPLATE)
    encoders = QueryEncoders(settings, deadline=Deadline(0, threads=1), clock=lambda: now[0])
    spec = HashingEncoder(template="{title}").spec
    live = LiveIndex("shop", "shop-v1", {"text_vector": spec})

    def load(name, **options):
        looks.append(now[0])
        if now[0] < LOOK_AGAIN_SECONDS:
            raise EncoderUnavailable("no file of it")
        return HashingEncoder(template="{title}")

    monkeypatch.setattr("service.query_encoders.load_query_encoder", load)
    found = []
    for seconds in (0.0, 1.0, LOOK_AGAIN_SECONDS - 1, LOOK_AGAIN_SECONDS + 1):
        now[0] = seconds
        found.append(encoders.get(live))
    assert [one.absent for one in found] == [("text_vector",)] * 3 + [()]
    assert found[-1].text.spec == spec
    assert looks == [0.0, LOOK_AGAIN_SECONDS + 1]


def test_deadline_gives_up_a_call_and_passes_on_what_it_raises():
    deadline = Deadline(0.05, threads=1)
    assert deadline.call(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        deadline.call(lambda: 1 // 0)
    with pytest.raises(TooSlow, match="50 ms"):
        deadline.call(lambda: time.sleep(0.2))
    with pytest.raises(TooSlow):
        deadline.call(lambda: 3)  # the only thread still hangs
    assert Deadline(0, threads=1).call(lambda: 3) == 3


def test_bounded_encoder_tells_slow_from_broken():
    encoder = BreakableEncoder()
    bounded = BoundedTextEncoder(encoder, Deadline(0.05, threads=2))
    assert bounded.encode(["a"]).shape == (1, encoder.spec.dims)
    encoder.is_broken = True
    with pytest.raises(EncoderFailed) as broken:
        bounded.encode(["a"])
    encoder.seconds = 0.2
    with pytest.raises(EncoderFailed) as slow:
        bounded.encode(["a"])
    assert (broken.value.is_slow, slow.value.is_slow) == (False, True)
