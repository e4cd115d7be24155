"""Photos of a shop's own index that could not be had: listed, and tried again by a person."""

from __future__ import annotations

import json
from itertools import count

import pytest
from click.testing import CliRunner

from indexer.attach import faulty_photos
from indexer.attach.faulty_photos import faulty_documents, retry_photos
from indexer.attach.guarded_bulk import send_guarded
from indexer.photos.commands import photos
from mappings.errors import ClusterOverloaded, InvalidQuery
from tests.indexer.attach.photo_world import PATHS
from tests.indexer.attach.shop import product
from tests.indexer.photos_shop import jpeg, shade

pytestmark = pytest.mark.cluster
MODES = pytest.mark.parametrize("mode", ["in_place", "companion"])


@pytest.fixture
def broken(shop, attach, catch_up, work):
    """Attach a shop of which one product lacks two of its photos, and another one of one."""

    def broken(mode: str = "in_place"):
        work.server.serve("/gone.jpg", b"", status=404)
        work.server.serve("/text.jpg", b"<html>no photo</html>")
        gone, text = (work.server.url(f"/{name}.jpg") for name in ("gone", "text"))
        shop.create().fill(
            {
                "1": product(1, bilder=[gone, work.photo(1), text]),
                "2": product(2, bilder=[text]),
                "3": product(3, bilder=[work.photo(3)]),
            }
        )
        attach(shop.name, mode, fields=PATHS, photos=work.encoder.spec)
        attachment = catch_up(shop.name)
        assert work.run(shop.name) == 3
        return attachment

    return broken


@MODES
def test_what_is_not_there_is_listed_and_tried_again_by_code(shop, catch_up, work, broken, mode):
    attachment = broken(mode)
    found = {one.document_id: one for one in faulty_documents(work.client, attachment)}
    assert sorted(found) == ["1", "2"]
    assert {fault.code for fault in found["1"].state.faults} == {"not_found", "format_refused"}
    some = faulty_documents(work.client, attachment, codes=["not_found"])
    assert [one.document_id for one in some] == ["1"]

    work.server.serve("/gone.jpg", jpeg(shade(40)))
    work.server.serve("/text.jpg", jpeg(shade(41)))
    assert retry_photos(work.client, attachment, codes=["not_found"]) == 1
    catch_up(shop.name)  # what follows the shop's writes leaves ours as it is
    assert work.run(shop.name) == 1
    assert [one["position"] for one in work.own(shop, "1")["photos"]] == [0, 1]
    assert work.own(shop, "1")["photo_problems"] == ["format_refused"]
    assert work.nearest(shop.name, 40) == "1"

    assert retry_photos(work.client, attachment) == 2
    assert work.run(shop.name) == 2
    assert retry_photos(work.client, attachment) == 0
    assert [one["position"] for one in work.own(shop, "1")["photos"]] == [0, 1, 2]
    catch_up(shop.name)
    assert shop.differences(attachment.target) == []
    assert shop.differences() == []


def test_a_document_that_the_shop_writes_meanwhile_is_read_again(shop, work, broken, monkeypatch):
    attachment = broken()
    times = []

    def interrupted(client, index, writes):
        times.append(len(writes))
        if len(times) == 1:
            shop.patch("2", produktname="Lampe")
        return send_guarded(client, index, writes)

    monkeypatch.setattr(faulty_photos, "send_guarded", interrupted)
    assert retry_photos(work.client, attachment) == 2
    assert times == [2, 1]
    assert shop.differences() == []


def test_documents_that_are_written_all_the_time_are_an_error(shop, work, broken, monkeypatch):
    attachment, round_number = broken(), count()

    def overtaken(client, index, writes):
        number = next(round_number)
        for name in ("1", "2"):
            shop.patch(name, produktname=f"Lampe {number}")
        return send_guarded(client, index, writes)

    monkeypatch.setattr(faulty_photos, "send_guarded", overtaken)
    with pytest.raises(ClusterOverloaded, match="all the time"):
        retry_photos(work.client, attachment)


def test_without_photos_there_is_nothing_to_list(shop, work, attach, catch_up):
    shop.create().fill({"1": product(1)})
    attach(shop.name)
    attachment = catch_up(shop.name)
    with pytest.raises(InvalidQuery, match="attached without photos"):
        retry_photos(work.client, attachment)


def test_the_commands_know_attached_indexes(shop, work, broken, elasticsearch, monkeypatch):
    broken()
    monkeypatch.setenv("SHELFWISE_ELASTICSEARCH_URL", elasticsearch.url)
    call = CliRunner().invoke
    listed = call(photos, ["list", "--index", shop.name, "--code", "not_found", "--json"])
    (row,) = [json.loads(line) for line in listed.output.splitlines()]
    assert (row["product"], row["position"], row["code"]) == ("1", 0, "not_found")
    assert row["address"] == work.server.url("/gone.jpg")
    table = call(photos, ["list", "--index", shop.name]).output
    assert f"{shop.name}: 0 documents with photos to be done, 2 that lack some for good" in table
    work.server.serve("/gone.jpg", jpeg(shade(40)))
    done = call(photos, ["retry", "--index", shop.name])
    assert done.output == f"{shop.name}: the photos of 2 products are tried again\n"
    assert work.run(shop.name) == 2
    assert work.own(shop, "2")["photo_problems"] == ["format_refused"]
