"""What a document keeps of its photos, and what becomes of that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from indexer.photos.photo_state import (
    LONGEST_WAIT_SECONDS,
    Failure,
    Photo,
    PhotoFault,
    PhotoRules,
    PhotoState,
    Taken,
    carried,
    hash_address,
    missing,
    photo_fields,
    photo_update,
    places_of,
    read_photos,
    revived,
    settled,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RULES = PhotoRules(fresh=timedelta(days=30), max_attempts=3, backoff_seconds=10)
GONE = Failure("not_found", "is not there", lasting=True)
AWAY = Failure("unavailable", "does not answer", lasting=False)


def photo(address: str, position: int = 0, *, days_ago: float = 1) -> Photo:
    vector = np.array([1, 0, position], dtype=np.float32)
    fetched_at = NOW - timedelta(days=days_ago)
    return Photo(position, hash_address(address), f"content of {address}", vector, fetched_at)


def fault(address: str, position: int = 0, *, lasting: bool, code: str = "code") -> PhotoFault:
    return PhotoFault(position, hash_address(address), code, "why", lasting, NOW)


def taken(*addresses: str) -> dict:
    vector = np.array([0, 1, 0], dtype=np.float32)
    return {hash_address(one): Taken(f"content of {one}", vector) for one in addresses}


def failed(failure: Failure, *addresses: str) -> dict:
    return {hash_address(one): failure for one in addresses}


def addresses_of(photos, images) -> list[str]:
    names = {hash_address(image): image for image in images}
    return [names[one.address_hash] for one in photos]


def test_state_is_read_back_from_the_document_that_keeps_it():
    state = PhotoState(
        (photo("a", 0), replace(photo("b", 2), fetched_at=None)),
        (fault("c", 1, lasting=False, code="x"), fault("d", 3, lasting=True, code="w")),
        attempts=2,
        due_at=NOW + timedelta(seconds=20),
    )
    document = photo_fields(state)
    assert document["photo_problems"] == ["w", "x"]
    again = read_photos(document)
    assert again.faults == state.faults
    assert (again.attempts, again.due_at) == (2, state.due_at)
    for one, other in zip(again.photos, state.photos, strict=True):
        np.testing.assert_array_equal(one.vector, other.vector)
        assert replace(one, vector=other.vector) == other


def test_nothing_is_kept_of_nothing():
    assert photo_fields(PhotoState()) == {}
    assert set(photo_update(PhotoState()).values()) == {None}
    assert read_photos(photo_update(PhotoState())) == PhotoState()


def test_new_product_with_photos_is_due_at_once():
    state = carried(["a", "b"], [], now=NOW, rules=RULES)
    assert state == PhotoState(due_at=NOW)
    assert list(missing(["a", "b"], state, now=NOW, rules=RULES).values()) == ["a", "b"]


def test_photos_of_addresses_that_stay_are_carried_to_their_new_places():
    before = PhotoState((photo("a", 0), photo("b", 1), photo("c", 2)))
    after = carried(["c", "a"], [before], now=NOW, rules=RULES)
    assert addresses_of(after.photos, "abc") == ["c", "a"]
    assert [one.position for one in after.photos] == [0, 1]
    assert after.due_at is None
    np.testing.assert_array_equal(after.photos[0].vector, before.photos[2].vector)


def test_address_that_comes_twice_is_one_photo():
    assert list(places_of(["a", "b", "a"]).values()) == [0, 1]
    state = carried(["a", "b", "a"], [PhotoState((photo("a"),))], now=NOW, rules=RULES)
    assert [one.position for one in state.photos] == [0]
    assert list(missing(["a", "b", "a"], state, now=NOW, rules=RULES).values()) == ["b"]


@pytest.mark.parametrize(
    ("images", "before", "due", "wanted"),
    [
        pytest.param(["a"], PhotoState((photo("a"),)), None, [], id="all there"),
        pytest.param(["a", "b"], PhotoState((photo("a"),)), NOW, ["b"], id="one is new"),
        pytest.param(["a"], PhotoState((photo("a", days_ago=31),)), NOW, ["a"], id="old photo"),
        pytest.param(
            ["a"],
            PhotoState((replace(photo("a"), fetched_at=None),)),
            NOW,
            ["a"],
            id="photo of unknown age",
        ),
        pytest.param(
            ["a"], PhotoState(faults=(fault("a", lasting=True),)), None, [], id="lasting fault"
        ),
        pytest.param(
            ["a"],
            PhotoState(
                faults=(fault("a", lasting=False),), attempts=2, due_at=NOW + timedelta(hours=1)
            ),
            NOW + timedelta(hours=1),
            [],
            id="waits for another try",
        ),
        pytest.param(
            ["a", "b"],
            PhotoState(
                faults=(fault("a", lasting=False),), attempts=2, due_at=NOW + timedelta(hours=1)
            ),
            NOW,
            ["a", "b"],
            id="new address brings the failed one forward",
        ),
        pytest.param(
            ["b"],
            PhotoState(faults=(fault("a", lasting=False),), due_at=NOW),
            NOW,
            ["b"],
            id="swap",
        ),
        pytest.param([], PhotoState((photo("a"),), due_at=NOW), None, [], id="no photos any more"),
    ],
)
def test_work_is_due_when_a_photo_is_missing(images, before, due, wanted):
    state = carried(images, [before], now=NOW, rules=RULES)
    assert state.due_at == due
    assert list(missing(images, state, now=NOW, rules=RULES).values()) == wanted


def test_photos_of_another_version_fill_the_gaps():
    own = PhotoState((photo("a", 0),), due_at=NOW)
    other = PhotoState((photo("a", 5), photo("b", 6)))
    state = carried(["a", "b"], [own, other], now=NOW, rules=RULES)
    assert addresses_of(state.photos, "ab") == ["a", "b"]
    assert state.due_at is None


def test_broken_photo_leaves_its_neighbours_and_is_not_tried_again():
    images = ["a", "b", "c"]
    state = PhotoState(due_at=NOW)
    after = settled(images, state, taken("a", "c") | failed(GONE, "b"), now=NOW, rules=RULES)
    assert addresses_of(after.photos, images) == ["a", "c"]
    assert [(one.position, one.code, one.lasting) for one in after.faults] == [
        (1, "not_found", True)
    ]
    assert (after.attempts, after.due_at) == (1, None)


def test_wait_doubles_and_the_last_attempt_makes_the_fault_lasting():
    state, now, waits = PhotoState(due_at=NOW), NOW, []
    for _ in range(RULES.max_attempts - 1):
        state = settled(["a"], state, failed(AWAY, "a"), now=now, rules=RULES)
        assert state.due_at is not None and not state.faults[0].lasting
        waits.append((state.due_at - now).total_seconds())
        assert missing(["a"], state, now=state.due_at - timedelta(seconds=1), rules=RULES) == {}
        now = state.due_at
    assert waits == [10, 20]
    last = settled(["a"], state, failed(AWAY, "a"), now=now, rules=RULES)
    assert (last.due_at, last.faults[0].lasting, last.attempts) == (None, True, 3)


def test_wait_has_a_limit_and_a_server_may_ask_for_a_longer_one():
    state = PhotoState(attempts=40, due_at=NOW)
    patient = replace(RULES, max_attempts=100)
    after = settled(["a"], state, failed(AWAY, "a"), now=NOW, rules=patient)
    assert after.due_at == NOW + timedelta(seconds=LONGEST_WAIT_SECONDS)
    asked = replace(AWAY, retry_after_seconds=600.0)
    after = settled(["a"], PhotoState(due_at=NOW), failed(asked, "a"), now=NOW, rules=RULES)
    assert after.due_at == NOW + timedelta(seconds=600)


def test_success_ends_the_count_of_attempts():
    state = PhotoState(faults=(fault("a", lasting=False),), attempts=2, due_at=NOW)
    after = settled(["a"], state, taken("a"), now=NOW, rules=RULES)
    assert (after.faults, after.attempts, after.due_at) == ((), 0, None)


def test_what_was_not_begun_in_time_stays_due():
    state = PhotoState(due_at=NOW - timedelta(minutes=1))
    after = settled(["a", "b"], state, taken("a"), now=NOW, rules=RULES)
    assert addresses_of(after.photos, "ab") == ["a"]
    assert (after.due_at, after.attempts) == (NOW, 0)
    assert list(missing(["a", "b"], after, now=NOW, rules=RULES).values()) == ["b"]


@pytest.mark.parametrize(("failure", "kept"), [(AWAY, ["a"]), (GONE, [])], ids=["away", "gone"])
def test_old_photo_stays_while_its_server_is_away_and_goes_with_its_address(failure, kept):
    state = PhotoState((photo("a", days_ago=90),), due_at=NOW)
    after = settled(["a"], state, failed(failure, "a"), now=NOW, rules=RULES)
    assert addresses_of(after.photos, "a") == kept
    assert len(after.faults) == 1


def test_photos_of_addresses_that_went_meanwhile_are_not_kept():
    state = PhotoState((photo("a"),), due_at=NOW)
    after = settled(["b"], state, taken("a", "b"), now=NOW, rules=RULES)
    assert addresses_of(after.photos, "ab") == ["b"]


@pytest.mark.parametrize(
    ("codes", "left", "due"),
    [((), [], NOW), (("x",), ["y"], NOW), (("z",), ["x", "y"], None)],
    ids=["all", "one code", "no such code"],
)
def test_retry_forgets_faults_so_that_their_photos_are_tried(codes, left, due):
    faults = (fault("a", 0, lasting=True, code="x"), fault("b", 1, lasting=True, code="y"))
    state = revived(["a", "b"], PhotoState(faults=faults), codes=frozenset(codes), now=NOW)
    assert [one.code for one in state.faults] == left
    assert state.due_at == due
