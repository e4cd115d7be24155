"""Pseudonyms, their key, and what is masked in a query."""

from __future__ import annotations

import hashlib
import hmac
import pickle
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mappings.errors import MissingSetting
from service.events.event_key import find_event_key
from service.events.pseudonyms import Pseudonyms, mask_query
from service.settings import ServiceSettings

KEY = b"sixteen bytes or more"


def test_client_is_hashed_by_hmac_sha256_under_the_key() -> None:
    expected = hmac.new(KEY, b"client\0anna", hashlib.sha256).hexdigest()
    assert Pseudonyms(KEY).client("anna") == expected


def test_hashes_differ_by_kind_and_by_key() -> None:
    one, other = Pseudonyms(KEY), Pseudonyms(KEY + b"!")
    hashes = {one.client("anna"), one.session("anna"), one.event(b"anna"), other.client("anna")}
    assert len(hashes) == 4
    assert one.key_id != other.key_id


def test_key_shows_neither_in_repr_nor_in_pickle() -> None:
    pseudonyms = Pseudonyms(KEY)
    assert KEY.decode() not in repr(pseudonyms)
    with pytest.raises(TypeError, match="secret"):
        pickle.dumps(pseudonyms)


@pytest.mark.parametrize(
    ("typed", "masked"),
    [
        ("logitech mouse", "logitech mouse"),
        ("mail anna.b+c@shop.example.de now", "mail [email] now"),
        ("<anna@example.de>,", "[email]"),
        ("mouse @ home", "mouse @ home"),
        ("anna@home", "anna@home"),
        ("4111 1111 1111 1111", "[number]"),
        ("call +49 (0)171-5551234!", "call [number]!"),
        ("12345678", "12345678"),
        ("123456789", "[number]"),
        ("٠١٢٣٤٥٦٧٨", "[number]"),
        ("tv 55 65 75", "tv 55 65 75"),
        ("rtx 4090 24 gb", "rtx 4090 24 gb"),
        ("  two  spaces ", "  two  spaces "),
        ("", ""),
    ],
)
def test_addresses_and_long_numbers_are_masked(typed: str, masked: str) -> None:
    assert mask_query(typed) == masked


@pytest.mark.parametrize(
    "text", ["a" * 1_000, "a@" * 500, "1 " * 500, "@" * 1_000, "12345678-x" * 100]
)
def test_masking_takes_no_long_time(text: str) -> None:
    started = time.perf_counter()
    for _ in range(100):
        mask_query(text)
    assert time.perf_counter() - started < 0.5  # 100 queries of the greatest length


def settings(folder: Path, **changes: object) -> ServiceSettings:
    return ServiceSettings.model_validate({"model_directory": str(folder / "models"), **changes})


def test_key_is_taken_from_the_setting_and_never_shown(tmp_path: Path) -> None:
    with_key = settings(tmp_path, service_events_key=KEY.decode())
    assert find_event_key(with_key) == KEY
    assert KEY.decode() not in repr(with_key)


def test_key_is_taken_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\n")
    assert find_event_key(settings(tmp_path, service_events_key_file=str(file))) == KEY


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "SHELFWISE_SERVICE_EVENTS_KEY: is not set"),
        ({"service_events_key": "short"}, "at least 16 bytes, got 5"),
        ({"service_events_key_file": "nowhere/key"}, "nowhere/key cannot be read"),
    ],
)
def test_without_a_usable_key_the_setting_is_named(
    tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(MissingSetting) as missing:
        find_event_key(settings(tmp_path, **changes))
    assert words in missing.value.message
    assert "short" not in missing.value.message
    assert list(tmp_path.iterdir()) == []


def test_local_stack_gets_a_key_of_its_own_that_only_its_owner_reads(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{}")
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: find_event_key(settings(tmp_path)), range(32)))
    assert len(keys) == 1
    (key,) = keys
    assert len(bytes.fromhex(key.decode())) == 32
    assert stat.S_IMODE((tmp_path / "events.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.key", "stack.json"]
