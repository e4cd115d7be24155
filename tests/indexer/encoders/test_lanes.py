"""Lanes: every piece of work is done once, on several threads, and a failure is heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch

from indexer.encoders.lanes import MOST_LANES, Lanes, Surroundings

PLAIN = Surroundings("plain", nullcontext)


@pytest.fixture(autouse=True)
def _torch_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_every_piece_is_done_once_by_all_lanes() -> None:
    lanes = Lanes(3)
    together = threading.Barrier(3, timeout=10)
    done: list[int] = []

    def action(piece: int) -> None:
        if piece < 3:
            together.wait()  # passes only when three lanes are at work at the same time
        done.append(piece)

    lanes.run(range(50), action, PLAIN)
    assert sorted(done) == list(range(50))


def test_the_lanes_share_the_cores() -> None:
    assert (Lanes(2).count, torch.get_num_threads()) == (2, 1)
    assert (Lanes(4 * MOST_LANES).count, torch.get_num_threads()) == (MOST_LANES, 4)
    assert Lanes(1).count == 1


def test_each_lane_has_its_surroundings_around_all_of_its_pieces() -> None:
    entered: list[int] = []
    inside = threading.local()

    @contextmanager
    def around() -> Iterator[None]:
        entered.append(threading.get_ident())
        inside.here = True
        yield
        inside.here = False

    lanes = Lanes(2)
    surroundings = Surroundings("mine", around)
    lanes.run(range(20), lambda _: None if inside.here else pytest.fail("outside"), surroundings)
    assert 1 <= len(entered) <= 2


def test_the_shortest_work_comes_first() -> None:
    lanes = Lanes(1)
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def long(piece: int) -> None:
        begun.set()
        go_on.wait(10)
        done.append(f"long {piece}")

    slow = threading.Thread(target=lanes.run, args=(range(5), long, PLAIN))
    slow.start()
    begun.wait(10)
    short = threading.Thread(target=lanes.run, args=([0], lambda _: done.append("short"), PLAIN))
    short.start()
    while len(lanes._calls) < 2:
        time.sleep(0.001)
    go_on.set()
    slow.join(10)
    short.join(10)
    assert done[:2] == ["long 0", "short"]
    assert len(done) == 6


def test_a_failure_is_raised_and_the_next_work_is_done() -> None:
    lanes = Lanes(2)
    done: list[int] = []

    def action(piece: int) -> None:
        if piece == 1:
            raise ValueError("piece 1")
        done.append(piece)

    with pytest.raises(ValueError, match="piece 1"):
        lanes.run(range(1000), action, PLAIN)
    lanes.run([5000], action, PLAIN)
    assert done[-1] == 5000


def test_no_work_is_done_at_once() -> None:
    Lanes(2).run([], lambda _: pytest.fail("there is nothing"), PLAIN)
