"""Photos of a shop's own index: fetched from its addresses, encoded, written under our field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from indexer.attach.detaching import detach
from indexer.attach.photo_counts import photo_counts
from indexer.attach.photo_state import (
    MOST_PHOTOS,
    encoder_mark,
    image_addresses,
    is_settled,
    read_state,
    state_update,
)
from indexer.photos.encoders import ImageEncoderPool
from indexer.photos.photo_state import PhotoState, carried
from mappings.attachments import OWN_FIELD, Attachments
from tests.indexer.attach.photo_world import PATHS, RULES, filled
from tests.indexer.attach.shop import product
from tests.indexer.photos_shop import CountingEncoder, jpeg, shade

MODES = pytest.mark.parametrize("mode", ["in_place", "companion"])
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.cluster
@MODES
def test_photos_are_found_and_all_else_stays_as_it_was(shop, attach, catch_up, work, mode):
    filled(shop, work)
    attach(shop.name, mode, fields=PATHS, photos=work.encoder.spec)
    done = catch_up(shop.name)
    assert work.server.requests == []  # words do not wait for photos
    assert work.run(shop.name) == 5
    catch_up(shop.name)
    assert shop.differences(done.target) == []
    assert shop.differences() == []
    assert [one["position"] for one in work.own(shop, "3")["photos"]] == [0, 1]
    assert work.nearest(shop.name, 7) == "3"
    assert photo_counts(work.client, done) == {"photos_due": 0, "photos_faulty": 0}
    assert len(work.encoder.sizes) == 10
    if mode == "in_place":  # the text, the photos, and then it comes to rest
        versions = [shop.client.get(index=shop.name, id=one)["_version"] for one in "05"]
        assert versions == [3, 2]


@pytest.mark.cluster
@MODES
def test_change_of_words_keeps_photos_and_a_new_address_is_fetched(
    shop, attach, catch_up, work, mode
):
    filled(shop, work)
    attach(shop.name, mode, fields=PATHS, photos=work.encoder.spec)
    catch_up(shop.name)
    work.run(shop.name)
    work.server.requests.clear()
    shop.patch("1", produktname="Lampe")
    shop.patch("2", bilder=[shop.shadow["2"]["bilder"][1], work.photo(40)])
    shop.patch("3", bilder=[])
    catch_up(shop.name)
    assert len(work.own(shop, "2")["photos"]) == 1  # what stays is found all the while
    work.run(shop.name)
    assert work.server.paths == ["/40.jpg"]
    assert [one["position"] for one in work.own(shop, "2")["photos"]] == [0, 1]
    assert len(work.own(shop, "1")["photos"]) == 2
    assert not work.own(shop, "3").get("photos")
    assert work.nearest(shop.name, 40) == "2"
    assert shop.differences(Attachments(work.client).get(shop.name).target) == []


@pytest.mark.cluster
def test_broken_photo_is_marked_and_a_late_one_is_tried_again(shop, attach, catch_up, work):
    work.server.serve("/gone.jpg", b"", status=404)
    work.server.serve("/late.jpg", b"", status=503)
    work.server.serve("/text.jpg", b"<html>no photo</html>")
    broken = [work.server.url(f"/{name}.jpg") for name in ("gone", "late", "text")]
    shop.create().fill(
        {"1": product(1, bilder=[*broken, work.photo(1)]), "2": product(2, bilder="bild.jpg")}
    )
    attach(shop.name, fields=PATHS, photos=work.encoder.spec)
    attachment = catch_up(shop.name)
    assert work.run(shop.name) == 2
    own = work.own(shop, "1")
    assert [one["position"] for one in own["photos"]] == [3]
    assert sorted(own["photo_problems"]) == ["format_refused", "not_found", "unavailable"]
    work.client.indices.refresh(index=shop.name)
    assert photo_counts(work.client, attachment) == {"photos_due": 1, "photos_faulty": 1}
    assert work.run(shop.name) == 0  # not before its time
    work.server.serve("/late.jpg", jpeg(shade(2)))
    work.now += timedelta(seconds=RULES.backoff_seconds)
    assert work.run(shop.name) == 1
    assert [one["position"] for one in work.own(shop, "1")["photos"]] == [1, 3]
    catch_up(shop.name)
    assert shop.differences() == []


@pytest.mark.cluster
def test_photo_over_which_workers_die_is_given_up_and_harms_no_other(shop, attach, catch_up, work):
    filled(shop, work, 3)
    attach(shop.name, fields=PATHS, photos=work.encoder.spec)
    catch_up(shop.name)
    for _ in range(3):  # three workers that began and never ended
        work.hints.begin(f"attached:{shop.name}", ["0"])
    assert work.run(shop.name) == 2
    assert work.own(shop, "0")["photo_problems"] == ["worker_died"]
    assert len(work.own(shop, "1")["photos"]) == 2
    assert work.hints.starts(f"attached:{shop.name}", ["0"]) == {"0": 0}


@pytest.mark.cluster
def test_write_of_the_shop_while_its_photos_are_fetched_is_not_undone(
    shop, attach, catch_up, work, monkeypatch
):
    filled(shop, work, 2)
    attach(shop.name, fields=PATHS, photos=work.encoder.spec)
    catch_up(shop.name)
    encode = work.encoder.encode_images

    def encode_late(images):
        shop.patch("0", lager=99)
        return encode(images)

    monkeypatch.setattr(work.encoder, "encode_images", encode_late)
    assert work.run(shop.name) == 0
    monkeypatch.undo()
    assert work.run(shop.name) == 1
    assert shop.differences() == []


@pytest.mark.cluster
def test_other_encoder_of_photos_makes_all_of_them_anew(shop, attach, catch_up, work):
    filled(shop, work, 3)
    attach(shop.name, fields=PATHS, photos=work.encoder.spec)
    catch_up(shop.name)
    work.run(shop.name)
    work.encoder = CountingEncoder("2")
    attachment = attach(shop.name, fields=PATHS, photos=work.encoder.spec)
    assert "replaced by another encoder's" in attachment.unready
    catch_up(shop.name)
    assert not work.own(shop, "0")["photos"]
    work.photos._encoders = ImageEncoderPool(lambda spec: work.encoder)
    assert work.run(shop.name) == 2
    assert len(work.encoder.sizes) == 4
    assert shop.differences() == []


@pytest.mark.cluster
def test_detach_takes_photos_out_again(shop, attach, catch_up, work):
    filled(shop, work)
    attach(shop.name, fields=PATHS, photos=work.encoder.spec)
    catch_up(shop.name)
    work.run(shop.name)
    done = detach(work.client, Attachments(work.client).set_detaching(shop.name))
    assert done.cleaned == 6
    assert all(OWN_FIELD not in source for source in shop.sources(shop.name).values())
    assert shop.differences() == []
    assert any("shelfwise.photos" in text for text in done.stays)


def test_addresses_are_those_of_all_paths_each_once():
    source = {"a": ["x.jpg", " //cdn.example/y.jpg "], "b": {"c": "x.jpg"}, "d": 5}
    paths = {"images": ("a", "b.c", "d")}
    assert image_addresses(source, paths) == ["x.jpg", "https://cdn.example/y.jpg"]
    many = {"a": [f"{number}.jpg" for number in range(MOST_PHOTOS + 5)]}
    assert len(image_addresses(many, paths)) == MOST_PHOTOS


def _own(state: PhotoState, mark: str = "m") -> dict:
    return {name: value for name, value in state_update(state, mark).items() if value is not None}


def test_state_of_another_encoder_or_spoilt_by_somebody_counts_as_none():
    due = carried(["x"], [], now=NOW, rules=RULES)
    assert read_state(_own(due), "m") == due
    assert read_state(_own(due), "other") == PhotoState()
    assert read_state({**_own(due), "photos_due_at": "soon"}, "m") == PhotoState()
    # As of a shop that writes back what Elasticsearch 9 shows.
    assert read_state({**_own(due), "photos": [{"position": 0}]}, "m") == due


SETTLED: dict[str, tuple[Callable[[dict], dict], bool]] = {
    "as it is": (lambda own: own, True),
    "never looked at": (lambda own: {}, False),
    "with a photo too many": (lambda own: {**own, "photos": [{"position": 0}]}, False),
    "due later": (lambda own: {**own, "photos_due_at": "2027-01-01T00:00:00+00:00"}, False),
    "due earlier": (lambda own: {**own, "photos_due_at": "2025-01-01T00:00:00+00:00"}, True),
}


@pytest.mark.parametrize(("spoil", "expected"), SETTLED.values(), ids=SETTLED)
def test_document_is_written_only_when_it_does_not_say_what_it_should(spoil, expected):
    wanted = carried(["x"], [], now=NOW, rules=RULES)
    own = spoil(_own(wanted))
    assert is_settled(own, read_state(own, "m"), wanted) is expected


def test_marks_of_encoders_differ():
    assert encoder_mark(CountingEncoder("1").spec) != encoder_mark(CountingEncoder("2").spec)
