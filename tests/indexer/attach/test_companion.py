"""An index of ours that is a copy of the shop's with vectors, and is kept in step."""

from __future__ import annotations

import pytest

from indexer.attach import companion_index
from indexer.attach.follower import Follower, FollowerParts
from indexer.documents import text_digest
from mappings.attachments import OWN_FIELD, Attachments
from mappings.errors import AttachRefused
from tests.indexer.attach.shop import Shop, product, writes_going_on
from tests.indexer.conftest import RecordingEncoder

pytestmark = pytest.mark.cluster


@pytest.fixture
def encoder() -> RecordingEncoder:
    encoder = RecordingEncoder()
    encoder.spec = type(encoder.spec)("recording", "1", 8, template="{title}")
    return encoder


def products(count: int) -> dict[str, dict]:
    return {str(number): product(number) for number in range(count)}


def require_in_step(shop: Shop, companion: str, encoder: RecordingEncoder) -> None:
    assert shop.differences(companion) == []
    found = shop.vectors(companion)
    assert set(found) == set(shop.shadow)
    for name, own in found.items():
        words = shop.shadow[name]["produktname"]
        assert own["text_hash"] == text_digest(encoder.spec, words), name


def test_companion_is_like_the_index_and_the_index_is_only_read(
    shop, attach, catch_up, encoder, exact_cluster
):
    shop.create().fill(products(60))
    before = exact_cluster.indices.get(index=shop.name)[shop.name]
    done = attach(shop.name, "companion")
    done = catch_up(shop.name)
    require_in_step(shop, done.target, encoder)
    after = exact_cluster.indices.get(index=shop.name)[shop.name]
    assert after == before
    assert all(exact_cluster.get(index=shop.name, id=i)["_version"] == 1 for i in shop.shadow)
    ours = exact_cluster.indices.get(index=done.target)[done.target]
    for name, body in before["mappings"]["properties"].items():
        assert ours["mappings"]["properties"][name] == body
    words = exact_cluster.indices.analyze(
        index=done.target, field="produktname", text="Große MAUS"
    )
    assert [token["token"] for token in words["tokens"]] == ["große", "maus"]
    assert done.target not in exact_cluster.indices.get(index="*")
    assert OWN_FIELD not in exact_cluster.get(index=shop.name, id="1")["_source"]


def test_companion_follows_writes_deletes_and_new_fields(
    shop, attach, catch_up, encoder, exact_cluster, monkeypatch
):
    monkeypatch.setattr(companion_index, "_LISTED_AT_ONCE", 4)  # so that ranges are halved
    shop.create().fill(products(60))
    attach(shop.name, "companion")
    companion = catch_up(shop.name).target
    encoder.texts.clear()
    shop.patch("1", lager=77)
    shop.write("2", product(2, produktname="Lampe"))
    for name in ("3", "31", "59"):
        shop.delete(name)
    shop.delete("4")
    shop.write("4", product(4, produktname="wieder da"))
    exact_cluster.indices.put_mapping(index=shop.name, properties={"farbe": {"type": "keyword"}})
    shop.patch("5", farbe="rot")
    catch_up(shop.name)
    require_in_step(shop, companion, encoder)
    assert sorted(encoder.texts) == ["Lampe", "wieder da"]
    assert shop.nearest(encoder.vector("Lampe").tolist(), companion, k=1) == ["2"]
    found = exact_cluster.search(index=companion, query={"term": {"farbe": "rot"}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["5"]


def test_writes_of_all_kinds_while_the_companion_is_filled_and_followed(
    shop, attach, catch_up, follower, encoder, exact_cluster
):
    shop.create().fill(products(300))
    attach(shop.name, "companion")
    with writes_going_on(shop) as done:
        while len(done) < 100:
            follower.turn(Attachments(exact_cluster).get(shop.name))
    require_in_step(shop, catch_up(shop.name).target, encoder)


def test_alias_that_moves_gets_a_new_companion_while_the_old_one_answers(
    shop, attach, catch_up, encoder, exact_cluster
):
    first = Shop(exact_cluster, f"{shop.name}-1").create().fill(products(60))
    exact_cluster.indices.put_alias(index=first.name, name=shop.name)
    attach(shop.name, "companion")
    old = catch_up(shop.name).target
    encoder.texts.clear()
    second = Shop(exact_cluster, f"{shop.name}-2").create().fill(products(61))
    exact_cluster.indices.delete(index=first.name)
    exact_cluster.indices.put_alias(index=second.name, name=shop.name)
    parts = FollowerParts(exact_cluster, lambda _: encoder, page_size=10, is_over=lambda: True)
    between = Follower(parts).turn(Attachments(exact_cluster).get(shop.name))
    assert (between.target, between.unready) == (old, "")
    assert len(shop.nearest(encoder.vector("Maus").tolist(), old)) == 3
    done = catch_up(shop.name)
    assert (done.state, encoder.texts) == ("following", ["Maus 60 kabellos"])
    assert done.target != old
    assert not exact_cluster.indices.exists(index=old)
    require_in_step(second, done.target, encoder)


def test_filtered_alias_gets_no_companion(shop, attach, exact_cluster):
    inner = Shop(exact_cluster, f"{shop.name}-1").create()
    exact_cluster.indices.put_alias(
        index=inner.name, name=shop.name, filter={"term": {"lager": 1}}
    )
    with pytest.raises(AttachRefused, match="has filter, which a companion would not follow"):
        attach(shop.name, "companion")
