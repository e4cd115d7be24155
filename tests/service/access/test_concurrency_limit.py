from __future__ import annotations

from service.access.concurrency_limit import CALM_SECONDS, ConcurrencyLimit

ALONE = 0.020
MANY = 2_000


class Machine:
    """Answers requests that get slower by a share for each other one beside them."""

    def __init__(self, *, slower: float, most: int = 8, refusals: int = 5) -> None:
        self.now = 0.0
        self.refusals = refusals
        self.slower = slower
        self.lowered = 0
        self.limit = ConcurrencyLimit(most, on_lowered=self._lower, clock=lambda: self.now)
        self.at_once = most
        self.seen: list[int] = []

    def _lower(self) -> None:
        self.lowered += 1

    def answer(self, requests: int, *, crowded: bool, kind: str = "search", own: float = ALONE):
        for _ in range(requests):
            beside = self.at_once - 1 if crowded else 0
            seconds = own * (1 + self.slower * beside)
            for _ in range(self.refusals if crowded else 0):
                self.limit.refused()
            self.now += seconds / (beside + 1)
            self.at_once = self.limit.ended(seconds, kind=kind, alone=not beside, overrun=crowded)
            self.seen.append(self.at_once)


def test_without_a_crowd_the_setting_is_the_limit():
    machine = Machine(slower=1.0)
    machine.answer(MANY, crowded=False)
    assert set(machine.seen) == {8}
    assert not machine.lowered


def test_where_requests_slow_each_other_a_crowd_lowers_the_limit_to_one():
    machine = Machine(slower=1.0)
    machine.answer(100, crowded=False)
    machine.answer(200, crowded=True)
    assert machine.lowered >= 3
    machine.seen.clear()
    machine.answer(MANY, crowded=True)
    assert sum(one == 1 for one in machine.seen) > 0.8 * MANY
    assert max(machine.seen) <= 2


def test_where_they_hardly_do_the_limit_stays():
    machine = Machine(slower=0.01)
    machine.answer(100, crowded=False)
    machine.answer(MANY, crowded=True)
    assert set(machine.seen) == {8}


def test_in_between_it_finds_how_many_are_fast_enough():
    machine = Machine(slower=0.08)  # 1.24 times as slow with three others, 1.32 with four
    machine.answer(100, crowded=False)
    machine.answer(400, crowded=True)
    machine.seen.clear()
    machine.answer(MANY, crowded=True)
    assert 2 <= min(machine.seen) and max(machine.seen) <= 5


def test_a_service_that_starts_in_a_crowd_learns_what_one_takes_by_itself():
    machine = Machine(slower=1.0)
    machine.answer(MANY, crowded=True)
    assert sum(one == 1 for one in machine.seen[-500:]) > 400


def test_when_the_crowd_has_gone_the_setting_is_the_limit_again():
    machine = Machine(slower=1.0)
    machine.answer(100, crowded=False)
    machine.answer(400, crowded=True)
    machine.answer(1, crowded=False)
    assert machine.at_once < 8
    machine.now += CALM_SECONDS + 1
    machine.answer(1, crowded=False)
    assert machine.at_once == 8


def test_a_slower_kind_of_request_is_no_crowd():
    machine = Machine(slower=0.0)
    machine.answer(100, crowded=False, kind="suggest", own=0.002)
    machine.answer(100, crowded=False, kind="photo", own=0.200)
    for _ in range(200):
        machine.answer(1, crowded=True, kind="suggest", own=0.002)
        machine.answer(1, crowded=True, kind="photo", own=0.200)
    assert set(machine.seen) == {8}


def test_when_all_has_become_slower_it_grows_again():
    machine = Machine(slower=0.0)
    machine.answer(100, crowded=False)
    machine.answer(1_000, crowded=True, own=3 * ALONE)  # a merge, a smaller cluster
    assert min(machine.seen) == 1
    machine.answer(12_000, crowded=True, own=3 * ALONE)
    assert machine.at_once > 4


def test_while_most_are_answered_more_are_worked_on_although_that_is_slower():
    machine = Machine(slower=0.4, refusals=0)
    machine.answer(100, crowded=False)
    machine.answer(400, crowded=True)
    machine.seen.clear()
    machine.answer(MANY, crowded=True)
    assert 2 <= min(machine.seen) and max(machine.seen) <= 4  # 1.4 to 2.2 times as slow
    machine.refusals = 5
    machine.answer(400, crowded=True)
    assert machine.at_once == 1
    machine.refusals = 0
    machine.answer(400, crowded=True)
    assert machine.at_once >= 2
