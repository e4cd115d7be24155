"""What passes between the programs."""

from __future__ import annotations

import orjson
import pytest

from mappings.errors import ProductRejected
from mappings.product_changes import MAX_VERSION, ProductChange, check_version

CHANGES = [
    ProductChange("upsert", "1", {"id": "1", "title": "Mouse"}, 3),
    ProductChange("patch", "é/ 2", {"price": None, "attributes": {"a": None}}),
    ProductChange("delete", "3", {}, 0),
    ProductChange("delete", "4", {}),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.operation)
def test_message_round_trip_over_json(change):
    message = orjson.loads(orjson.dumps(change.to_message()))
    assert ProductChange.from_message(message) == change


@pytest.mark.parametrize("version", [None, 0, 1, MAX_VERSION])
def test_sound_version_comes_back(version):
    assert check_version(version) == version


@pytest.mark.parametrize("version", [-1, MAX_VERSION + 1, 1.0, "1", True, [], 1e300], ids=repr)
def test_bad_version_is_refused_with_its_value(version):
    with pytest.raises(ProductRejected, match="version: ") as caught:
        check_version(version, product_id="p")
    assert (caught.value.field, caught.value.product_id) == ("version", "p")
    assert repr(version)[:20] in str(caught.value)
