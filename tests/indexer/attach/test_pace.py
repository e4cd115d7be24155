"""How often a shop's index is refreshed for us."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from elasticsearch import Elasticsearch

from indexer.attach.pace import SWITCHED_OFF_SECONDS, is_due, parse_interval, refresh_seconds
from tests.indexer.attach.shop import Shop, product

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("500ms", 0.5),
        ("1.5m", 90),
        ("1h", 3600),
        ("-1", SWITCHED_OFF_SECONDS),
        ("", 0),
        ("soon", 0),
    ],
)
def test_intervals_as_elasticsearch_writes_them(text, seconds):
    assert parse_interval(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-03-01T12:00:00+00:00", True),
        ("2026-03-01T12:00:01+00:00", False),
        ("2026-03-01T12:05:00+00:00", True),
        ("", True),
    ],
    ids=["just passed", "not yet", "clock was set back", "never"],
)
def test_turn_is_due_after_the_interval(at, due):
    assert is_due(at, 30, now=NOW) is due


@pytest.mark.cluster
def test_shop_that_has_its_index_refreshed_seldom_is_followed_as_seldom(
    shop: Shop, attach, catch_up, follower, exact_cluster: Elasticsearch
):
    shop.create().fill({"1": product(1)})
    attach(shop.name)
    done = catch_up(shop.name)
    shop.patch("1", produktname="Lampe")
    assert follower.has_news(done)
    exact_cluster.indices.put_settings(index=shop.name, settings={"index.refresh_interval": "1h"})
    assert refresh_seconds(exact_cluster, shop.name) == 3600
    assert not follower.has_news(done)
