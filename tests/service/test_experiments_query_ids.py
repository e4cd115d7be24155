"""Query ids that tell who answered whom, and the codes of teams inside them."""

from __future__ import annotations

import random
import re

import pytest

from mappings.errors import MissingSetting
from service.events.event import Event
from service.events.pseudonyms import Pseudonyms
from service.weights.experiments import Experiment, Kind, Team
from service.weights.query_ids import QueryIds, QueryIdSigner, is_signed, plain_query_id
from service.weights.team_codes import MAX_CODE_BYTES, decode_team, encode_teams

KEY = b"a key that only the tests have"
IDS = QueryIds(KEY)
ANNA = Pseudonyms(KEY).client("anna")
BEN = Pseudonyms(KEY).client("ben")


def experiment(kind: Kind = "ab", numbers: tuple[int, int] = (3, 4)) -> Experiment:
    versions = (f"shop-{numbers[0]}", f"shop-{numbers[1]}")
    return Experiment(kind, versions, 0.5, "0011223344556677", "2026-01-02T03:04:05+00:00")


def teams_of(count: int, seed: int = 1) -> dict[str, Team]:
    chance = random.Random(seed)
    return {f"product-{number}": chance.choice(("A", "B")) for number in range(count)}


def encoded(teams: dict[str, Team]) -> tuple[bytes, bytes]:
    for number in range(100):
        salt = f"salt-{number}".encode()
        if (code := encode_teams(teams, salt)) is not None:
            return code, salt
    raise AssertionError("no salt serves")


@pytest.mark.parametrize("count", [1, 2, 24, 25, 47, 48, 100, 184, 185, 199, 200])
def test_every_product_of_a_page_is_read_with_its_team(count: int) -> None:
    for seed in range(5):
        teams = teams_of(count, seed)
        code, salt = encoded(teams)
        assert len(code) <= MAX_CODE_BYTES
        assert {product: decode_team(code, product, salt) for product in teams} == teams


def test_page_of_one_team_is_read_as_such() -> None:
    teams: dict[str, Team] = {f"p{number}": "B" for number in range(24)}
    code, salt = encoded(teams)
    assert {decode_team(code, product, salt) for product in teams} == {"B"}


def test_product_that_was_not_on_the_page_is_of_no_team() -> None:
    code, salt = encoded(teams_of(24))
    strangers = [decode_team(code, f"advert-{number}", salt) for number in range(2_000)]
    taken = sum(team is not None for team in strangers)
    # 7 bits of check: 2,000 / 128 = 15.6 expected, standard deviation 3.9.
    assert taken <= 15.6 + 5 * 3.9


@pytest.mark.parametrize("count", [0, 201])
def test_no_page_or_a_longer_one_has_no_code(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} products"):
        encode_teams(teams_of(count), b"salt")


@pytest.mark.parametrize("code", [b"", b"\x00", b"\x09abc", b"\x02abc", b"\x01", b"\x01" * 40])
def test_what_is_no_code_is_refused(code: bytes) -> None:
    with pytest.raises(ValueError, match="is no code of teams"):
        decode_team(code, "p", b"salt")


def test_salt_that_does_not_serve_is_told() -> None:
    # Rows of 16 bits with 8 spare columns fail now and then; what is solved is always right.
    teams = teams_of(8)
    outcomes = [encode_teams(teams, str(salt).encode()) for salt in range(3_000)]
    refused = sum(code is None for code in outcomes)
    assert 0 < refused < 3_000 / 20
    for salt, code in enumerate(outcomes):
        if code is not None:
            read = {name: decode_team(code, name, str(salt).encode()) for name in teams}
            assert read == teams


@pytest.mark.parametrize("arm", ["A", "B"])
def test_arm_is_read_back_for_the_client_who_got_it(arm: Team) -> None:
    query_id = IDS.sign("shop", experiment(), "anna", arm)
    answered = IDS.read("shop", query_id, ANNA)
    assert answered is not None
    assert (answered.kind, answered.versions, answered.arm) == ("ab", ("shop-3", "shop-4"), arm)
    assert answered.experiment_id == experiment().id
    assert answered.team_of("p") is None


def test_teams_are_read_back_for_the_client_who_got_them() -> None:
    teams = teams_of(24)
    query_id = IDS.sign("shop", experiment("interleave"), "anna", teams)
    answered = IDS.read("shop", query_id, ANNA)
    assert answered is not None and answered.arm is None
    assert {product: answered.team_of(product) for product in teams} == teams


def test_id_is_of_no_use_to_another_client_index_or_key() -> None:
    query_id = IDS.sign("shop", experiment(), "anna", "B")
    assert IDS.read("shop", query_id, BEN) is None
    assert IDS.read("other", query_id, ANNA) is None
    other = b"another key of sixteen bytes"
    assert QueryIds(other).read("shop", query_id, Pseudonyms(other).client("anna")) is None


def test_no_character_of_an_id_can_be_changed() -> None:
    query_id = IDS.sign("shop", experiment(), "anna", "A")
    for place, character in enumerate(query_id):
        changed = query_id[:place] + ("B" if character != "B" else "C") + query_id[place + 1 :]
        assert IDS.read("shop", changed, ANNA) is None, place
    assert IDS.read("shop", query_id, ANNA) is not None


def test_longest_id_fits_into_an_event() -> None:
    longest = experiment("interleave", (999_999_998, 999_999_999))
    for count in (24, 47, 200):
        query_id = IDS.sign("shop", longest, "anna", teams_of(count))
        assert len(query_id) <= 128
        assert is_signed(query_id)
        Event.model_validate(
            {
                "action_name": "search",
                "query_id": query_id,
                "client_id": "anna",
                "timestamp": "2026-01-02T03:04:05Z",
                "user_query": "mouse",
                "index": "shop",
            }
        )


def test_plain_ids_say_nothing() -> None:
    plain = plain_query_id()
    assert re.fullmatch("[0-9a-f]{24}", plain)
    assert not is_signed(plain)
    assert IDS.read("shop", plain, ANNA) is None


def test_ids_of_one_answer_differ() -> None:
    assert len({IDS.sign("shop", experiment(), "anna", "A") for _ in range(100)}) == 100


def test_without_a_key_a_search_goes_on_under_a_plain_id() -> None:
    def no_key() -> bytes:
        raise MissingSetting("SHELFWISE_SERVICE_EVENTS_KEY: is not set")

    signer = QueryIdSigner(no_key)
    assert not is_signed(signer.sign("shop", experiment(), "anna", "A"))
    with_key = QueryIdSigner(lambda: KEY).sign("shop", experiment(), "anna", "A")
    assert IDS.read("shop", with_key, ANNA) is not None


def test_experiment_is_told_by_its_salt() -> None:
    # As `printf 0011223344556677 | sha256sum` says.
    assert experiment().id == "d5d36959"
    assert experiment("ab").id == experiment("interleave", (7, 8)).id
