"""Vectors in the shop's own documents, and the shop writing all the while."""

from __future__ import annotations

import pytest

from indexer.attach.feed import ChangeFeed
from indexer.attach.follower import Follower, FollowerParts
from indexer.attach.progress import Progress
from indexer.documents import text_digest
from mappings.attachments import OWN_FIELD, Attachments
from tests.indexer.attach.shop import Shop, product, writes_going_on
from tests.indexer.conftest import RecordingEncoder

pytestmark = pytest.mark.cluster


def products(count: int) -> dict[str, dict]:
    return {str(number): product(number) for number in range(count)}


def text_of(document: dict) -> str:
    texts = document.get("beschreibung", {})
    return f"{document['produktname']}. {texts.get('lang', texts.get('kurz', ''))}".strip()


def require_right(shop: Shop, encoder: RecordingEncoder) -> None:
    """Every document has the vector of its own words, and is otherwise as the shop wrote it."""
    assert shop.differences() == []
    found = shop.vectors()
    assert set(found) == set(shop.shadow)
    for name, own in found.items():
        words = shop.shadow[name]["produktname"]
        assert own["text_hash"] == text_digest(encoder.spec, words), name


@pytest.fixture
def encoder() -> RecordingEncoder:
    encoder = RecordingEncoder()
    encoder.spec = type(encoder.spec)("recording", "1", 8, template="{title}")
    return encoder


def test_every_document_gets_the_vector_of_its_text_and_keeps_all_else(
    shop, attach, catch_up, encoder
):
    shop.create().fill(products(120))
    # A write that went through these would fail, for there are no such pipelines.
    pipelines = {"index.default_pipeline": "not-there", "index.final_pipeline": "not-there"}
    shop.client.indices.put_settings(index=shop.name, settings=pipelines)
    attach(shop.name)
    done = catch_up(shop.name)
    require_right(shop, encoder)
    progress = Progress.from_json(done.progress)
    assert (done.state, progress.done, progress.expected) == ("following", 120, 120)
    assert shop.nearest(encoder.vector("Maus 7 kabellos").tolist(), k=1) == ["7"]


def test_nothing_is_encoded_twice_nor_written_again_when_nothing_has_changed(
    shop, attach, catch_up, encoder
):
    shop.create().fill(products(30))
    attach(shop.name)
    catch_up(shop.name)
    versions = {name: shop.client.get(index=shop.name, id=name)["_version"] for name in "012"}
    assert set(versions.values()) == {2}
    encoder.texts.clear()
    shop.patch("0", lager=99)
    catch_up(shop.name)
    assert encoder.texts == []
    assert shop.client.get(index=shop.name, id="0")["_version"] == 3
    require_right(shop, encoder)


def test_whatever_the_shop_writes_is_found_by_its_new_words(shop, attach, catch_up, encoder):
    shop.create().fill(products(8))
    attach(shop.name)
    catch_up(shop.name)
    shop.write("1", product(1, produktname="Lampe"))
    shop.patch("2", produktname="Stuhl")
    shop.write_back("3", produktname="Tisch")
    shop.write("neu", product(3, produktname="Schrank"))
    shop.delete("4")
    # Read with the hash and written without the vector, which 9.x does not show.
    own = {"text_hash": shop.vectors()["5"]["text_hash"]}
    shop.client.index(index=shop.name, id="5", document={**shop.shadow["5"], OWN_FIELD: own})
    shop.patch("6", produktname=None)
    catch_up(shop.name)
    wordless = shop.shadow.pop("6")
    assert "6" not in shop.vectors()
    for word, name in {"Lampe": "1", "Stuhl": "2", "Tisch": "3", "Schrank": "neu"}.items():
        assert shop.nearest(encoder.vector(word).tolist(), k=1) == [name]
    assert shop.differences() == ["6"]
    shop.write("6", {**wordless, "produktname": "wieder da"})
    catch_up(shop.name)
    require_right(shop, encoder)


def test_a_write_of_the_shop_in_the_middle_of_a_page_is_not_undone(
    shop, attach, catch_up, encoder, monkeypatch
):
    """The shop writes between our reading and our writing, each time."""
    shop.create().fill(products(20))
    attach(shop.name)
    original = encoder.encode

    def encode(texts):
        if len(shop.shadow["4"]["produktname"]) < 40:
            shop.write("4", product(4, produktname=shop.shadow["4"]["produktname"] + " neu"))
        return original(texts)

    monkeypatch.setattr(encoder, "encode", encode)
    catch_up(shop.name)
    require_right(shop, encoder)


def test_writes_of_all_kinds_while_it_is_attached_and_followed(
    shop, attach, catch_up, follower, encoder, exact_cluster
):
    shop.create().fill(products(400))
    attach(shop.name)
    with writes_going_on(shop) as done:
        while len(done) < 150:
            follower.turn(Attachments(exact_cluster).get(shop.name))
    assert {"create", "rewrite", "patch", "back", "delete"} == set(done)
    catch_up(shop.name)
    require_right(shop, encoder)


def test_a_turn_that_is_broken_off_goes_on_where_it_was(
    shop, attach, catch_up, encoder, exact_cluster
):
    shop.create().fill(products(150))
    attachment = attach(shop.name)
    parts = FollowerParts(exact_cluster, lambda _: encoder, page_size=50, is_over=lambda: True)
    stopped = Follower(parts).turn(attachment)
    assert (stopped.state, len(encoder.texts)) == ("backfilling", 50)
    catch_up(shop.name)
    assert len(encoder.texts) == 150
    require_right(shop, encoder)


def test_alias_that_moves_to_a_new_index_is_followed_without_encoding_again(
    shop, attach, catch_up, encoder, exact_cluster
):
    """As of a shop that fills a new index each night."""
    first = Shop(exact_cluster, f"{shop.name}-1").create().fill(products(40))
    exact_cluster.indices.put_alias(index=first.name, name=shop.name)
    attach(shop.name)
    catch_up(shop.name)
    encoder.texts.clear()
    second = Shop(exact_cluster, f"{shop.name}-2").create().fill(products(41))
    exact_cluster.indices.update_aliases(
        actions=[
            {"remove": {"index": first.name, "alias": shop.name}},
            {"add": {"index": second.name, "alias": shop.name}},
        ]
    )
    done = catch_up(shop.name)
    assert (done.state, done.progress["index"]) == ("following", second.name)
    assert encoder.texts == ["Maus 40 kabellos"]
    require_right(second, encoder)


def test_other_encoder_of_the_same_size_encodes_all_anew(shop, attach, catch_up, encoder):
    shop.create().fill(products(10))
    attach(shop.name)
    catch_up(shop.name)
    encoder.texts.clear()
    encoder.spec = type(encoder.spec)("recording", "2", 8, template="{title}")
    assert "being replaced by another encoder's" in attach(shop.name).unready
    assert catch_up(shop.name).unready == ""
    assert len(encoder.texts) == 10
    require_right(shop, encoder)


def test_text_that_cannot_be_encoded_is_counted_and_harms_no_other(
    shop, attach, catch_up, encoder
):
    shop.create().fill(products(10))
    encoder.poison = "Maus 4 "
    attach(shop.name)
    progress = Progress.from_json(catch_up(shop.name).progress)
    assert progress.refused == 1
    assert progress.refusal.startswith("4: text cannot be encoded")
    assert set(shop.vectors()) == {str(number) for number in range(10) if number != 4}
    assert shop.differences() == []


def test_point_in_time_that_expires_before_its_first_page_skips_nothing(
    shop, attach, catch_up, encoder, exact_cluster, monkeypatch
):
    shop.create().fill(products(60))
    attach(shop.name)
    open_point = ChangeFeed._open_point
    opened: list[str] = []

    def open_and_lose(feed: ChangeFeed, shard: str) -> str:
        point = open_point(feed, shard)
        if len(opened) < 3:
            exact_cluster.close_point_in_time(id=point)
        opened.append(point)
        return point

    monkeypatch.setattr(ChangeFeed, "_open_point", open_and_lose)
    catch_up(shop.name)
    assert len(opened) > 3
    require_right(shop, encoder)
