"""A file of webhooks that cannot work is told before any process starts."""

from __future__ import annotations

import pytest

from mappings.errors import MissingSetting
from service.bootstrap import check_before_start
from service.settings import ServiceSettings

TOML = """
[webhooks.shop]
kind = "shopify"
index = "products"
secret = "env:NOBODY_SETS_THIS"
"""


def test_webhook_without_its_secret_stops_the_start(tmp_path):
    path = tmp_path / "hooks.toml"
    path.write_text(TOML)
    settings = ServiceSettings.from_environment({"SHELFWISE_SERVICE_WEBHOOKS": str(path)})
    with pytest.raises(MissingSetting, match="env:NOBODY_SETS_THIS: is not set"):
        check_before_start(settings)
