"""Where a pass begins, so that nothing which became visible late is missed, nor read for ever."""

from __future__ import annotations

import json

from indexer.connectors.trail import Trail


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def again(trail: Trail, clock: Clock, overlap: float = 60) -> Trail:
    """The trail as the next process has it."""
    return Trail(json.loads(json.dumps(trail.to_json())), overlap=overlap, clock=clock)


def test_first_pass_begins_at_the_beginning():
    assert Trail(None, overlap=60).start is None


def test_pass_that_was_broken_off_goes_on_at_its_very_place():
    clock = Clock()
    trail = Trail(None, overlap=60, clock=clock)
    trail.reached([5, "b"])
    assert again(trail, clock).start == [5, "b"]


def test_place_is_read_behind_only_when_it_was_reached_an_overlap_ago():
    clock = Clock()
    trail = Trail(None, overlap=60, clock=clock)
    trail.reached([5])
    trail.ended()
    clock.now += 30
    trail = again(trail, clock)
    assert trail.start is None  # what is stamped before 5 may not be visible yet
    trail.reached([5])
    trail.reached([9])
    trail.ended()
    clock.now += 31
    trail = again(trail, clock)
    trail.ended()
    assert again(trail, clock).start == [5]  # 61 s old; 9 is 31 s old


def test_source_that_rests_is_read_behind_its_newest_place():
    clock = Clock()
    trail = Trail(None, overlap=60, clock=clock)
    trail.reached([5])
    trail.ended()
    for _ in range(3):
        clock.now += 30
        trail = again(trail, clock)
        trail.reached([5])
        trail.ended()
    assert again(trail, clock).start == [5]


def test_reading_once_more_never_takes_the_beginning_back():
    clock = Clock()
    trail = Trail(None, overlap=60, clock=clock)
    for place in ([1], [7]):
        trail.reached(place)
        clock.now += 61
    trail.ended()
    assert trail.start == [7]
    trail.reached([9])
    trail.ended()
    clock.now += 10
    trail.reached([8])  # became visible late
    trail.reached([9])
    trail.ended()
    clock.now += 100
    trail.ended()
    assert trail.start == [9]


def test_without_an_overlap_the_newest_place_counts_at_once():
    trail = Trail(None, overlap=0)
    trail.reached([3])
    trail.ended()
    assert trail.start == [3]


def test_long_pass_keeps_few_notes():
    clock = Clock()
    trail = Trail(None, overlap=60, clock=clock)
    for place in range(10_000):
        trail.reached([place])
        clock.now += 0.1
    trail.ended()
    assert len(trail.to_json()["seen"]) <= 12
    (start,) = trail.start
    assert 9_300 < start <= 9_400  # what was reached 60 s ago
