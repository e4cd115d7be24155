"""Numbers of a measurement: percentiles, and ratios of medians with their uncertainty."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psutil

_RESAMPLES = 2_000
_SEED = 20_261_121


@dataclass(frozen=True)
class Spread:
    """Percentiles of a sample, in its unit."""

    p50: float
    p95: float
    count: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Ratio:
    """A ratio of two medians with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def spread(sample: Sequence[float]) -> Spread:
    """Return the percentiles; NaN of an empty sample."""
    if not sample:
        return Spread(float("nan"), float("nan"), 0)
    p50, p95 = np.percentile(sample, (50, 95))
    return Spread(float(p50), float(p95), len(sample))


def ratio_of_medians(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Return median(ours) / median(theirs); the interval is from resampling the queries.

    Both are in the order of the same queries, asked side by side, so that they are drawn
    together. Raises ValueError for lists of different length.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} times of ours cannot be paired with {len(theirs)}")
    pairs = np.array([ours, theirs])  # [2, queries]
    draws = np.random.default_rng(_SEED).integers(0, len(ours), (_RESAMPLES, len(ours)))
    medians = np.median(pairs[:, draws], axis=2)  # [2, resamples]
    low, high = np.quantile(medians[0] / medians[1], (0.025, 0.975))
    value = float(np.median(pairs[0]) / np.median(pairs[1]))
    return Ratio(value, float(low), float(high))


@dataclass(frozen=True)
class Memory:
    """Resident memory of processes in MB. pss: shared pages divided among their users, or None."""

    rss: float
    pss: float | None


def memory_of(process_id: int) -> Memory:
    """Return the memory of a command and its children.

    process_id: of the small process that watches over the command and does not count.
    """
    family = psutil.Process(process_id).children(recursive=True)
    rss = sum(process.memory_info().rss for process in family) / 1e6
    try:
        pss = sum(process.memory_full_info().pss for process in family) / 1e6
    except (AttributeError, psutil.AccessDenied):
        return Memory(rss, None)
    return Memory(rss, pss)


@dataclass(frozen=True)
class Clients:
    """What several clients at once have done."""

    seconds: float
    requests: int

    @property
    def rate(self) -> float:
        """Return requests a second, of all clients together."""
        return self.requests / self.seconds


def run_clients(count: int, work: Callable[[int], int]) -> Clients:
    """Run `work(number)` in that many threads; it returns its number of requests.

    The first exception of any of them is raised.
    """
    done = [0] * count
    errors: list[Exception] = []

    def one(number: int) -> None:
        try:
            done[number] = work(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return Clients(time.perf_counter() - start, sum(done))
