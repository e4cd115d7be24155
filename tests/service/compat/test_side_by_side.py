"""Searches of one request that run at the same time, within the turns of the service."""

from __future__ import annotations

import threading

import pytest
import structlog

from mappings.errors import InvalidQuery
from service.access.turns import Turns
from service.compat.multi_search import _side_by_side
from service.compat.side_by_side import MOST, side_by_side

SECONDS = 20


def turns(free: int) -> Turns:
    return Turns(free, room=5, wait_seconds=1)


def free_of(some: Turns) -> int:
    count = 0
    while some.take_spare():
        count += 1
    return count


def test_as_many_run_at_a_time_as_may_and_answers_keep_their_order():
    meeting = threading.Barrier(3)

    def wait_for_others(number: int) -> int:
        meeting.wait(SECONDS)  # breaks unless three are here at a time
        return number * 10

    assert side_by_side(wait_for_others, range(6), most=3) == [0, 10, 20, 30, 40, 50]


def test_no_more_run_at_a_time_than_the_service_has_turns_and_they_are_given_back():
    some = turns(1)  # besides the one that the request has
    running, most = [0], [0]
    lock, meeting = threading.Lock(), threading.Barrier(2)

    def search(number: int) -> int:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        meeting.wait(SECONDS)
        with lock:
            running[0] -= 1
        return number

    assert side_by_side(search, range(8), turns=some) == list(range(8))
    assert most == [2]
    assert free_of(some) == 1


def test_without_a_turn_to_spare_one_comes_after_the_other():
    threads: set[int] = set()
    side_by_side(lambda _: threads.add(threading.get_ident()), range(5), turns=turns(0))
    assert threads == {threading.get_ident()}


def test_turns_that_somebody_waits_for_are_not_spare():
    some = Turns(1, room=5, wait_seconds=SECONDS)
    assert some.take()
    waiting = threading.Thread(target=some.take)
    waiting.start()
    while not some._waiters:
        pass
    assert not some.take_spare()
    some.give_back()
    waiting.join()
    assert not some.take_spare()


def test_error_that_nobody_foresaw_is_raised_and_no_turn_is_lost():
    some = turns(2)

    def fail(number: int) -> None:
        raise ZeroDivisionError(number)

    with pytest.raises(ZeroDivisionError):
        side_by_side(fail, range(9), turns=some)
    assert free_of(some) == 2


def test_what_belongs_to_the_request_belongs_to_each_search():
    meeting = threading.Barrier(2)

    def bound(_: int) -> object:
        meeting.wait(SECONDS)
        return structlog.contextvars.get_contextvars().get("request_id")

    with structlog.contextvars.bound_contextvars(request_id="r1"):
        assert side_by_side(bound, range(2)) == ["r1", "r1"]


@pytest.mark.parametrize(("given", "most"), [(None, MOST), ("1", 1), ("500", MOST)])
def test_client_may_ask_for_fewer_at_a_time(given, most):
    assert _side_by_side(given) == most


@pytest.mark.parametrize("given", ["0", "-1", "many", "", "1.5"])
def test_number_at_a_time_that_is_none_is_named(given):
    with pytest.raises(InvalidQuery, match="max_concurrent_searches") as error:
        _side_by_side(given)
    assert error.value.field == "max_concurrent_searches"
