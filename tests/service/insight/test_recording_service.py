"""A service as a process: what it was asked is there after it has ended."""

from __future__ import annotations

import json
import os
import secrets
from datetime import UTC, datetime

import pytest

from service.insight.insight import Insight
from service.insight.log_store import LogStore
from service.insight.time_range import TimeRange
from tests.service.conftest import TEMPLATE
from tests.service.test_web_server import Service

pytestmark = pytest.mark.stack


def test_searches_are_written_at_the_latest_when_the_processes_end(
    elasticsearch, redis_server, cluster, shop, tmp_path
):
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SHELFWISE_")},
        "SHELFWISE_ELASTICSEARCH_URL": elasticsearch.url,
        "SHELFWISE_REDIS_URL": redis_server.url,
        "SHELFWISE_TEXT_ENCODER": "hashing",
        "SHELFWISE_TEXT_TEMPLATE": TEMPLATE,
        "SHELFWISE_SERVICE_INDEXES": shop,
        "SHELFWISE_SERVICE_WORKERS": "2",
    }
    words = f"mouse {secrets.token_hex(4)}"
    service = Service(environ, tmp_path / "log")
    try:
        body = json.dumps({"q": words}).encode()
        for _ in range(7):
            assert service.ask("POST", f"/v1/indexes/{shop}/search", body)[0] == 200
        assert service.stop(timeout=15) == 0, service.log.read_text()
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()
    LogStore(cluster).refresh()
    span = TimeRange.parse("10m", None, now=datetime.now(UTC))
    rows = Insight(cluster).queries(shop, span).rows
    assert {row.query: row.searches for row in rows}[words] == 7
