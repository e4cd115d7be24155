"""What an overloaded service does: whom it answers, how fast, and how soon it is itself again.

The rate that it sustains is measured with as many clients as there are cores. Then
requests arrive at several times that rate, evenly, whatever becomes of those before them.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

from benchmarks.arrivals import Sent, collect, send_at_rate
from benchmarks.catalogue import Catalogue
from benchmarks.filling import fill_index, recall_vectors
from benchmarks.http_client import JsonClient
from benchmarks.measures import Spread, run_clients, spread
from benchmarks.plan import Plan
from benchmarks.queries import query_texts, requests
from benchmarks.report import Part, Sheet, Verdict, at_most
from benchmarks.stack import BenchStack
from mappings.index_lifecycle import drop_index

TIMES = 5.0
UNLOADED_SHARE = 0.2
"""Of the sustained rate: so few requests that they hardly meet."""
MOST_SLOWER = 2.0
MOST_RECOVERY_SECONDS = 10.0
MOST_GROWTH = 1.1
_PRODUCTS = 5_000
_BODIES = 400
_WARM_SECONDS = 20.0
_FEWEST = 20
"""Requests of which a percentile is taken."""
_INDEX = "overload"


def measure_overload(plan: Plan, stack: BenchStack, catalogue: Catalogue) -> Part:
    """Fill an index, find the rate that the service sustains, and send five times as much."""
    texts = query_texts(catalogue, plan.data)
    encoder = recall_vectors(catalogue, _PRODUCTS, plan.state)
    with stack.client() as client:
        fill_index(
            client,
            _INDEX,
            catalogue.changes(_PRODUCTS),
            encoder,
            {"text_vector": encoder.spec},
            total=_PRODUCTS,
            console=plan.console,
        )
        try:
            return _measure(plan, stack, list(requests(texts, catalogue))[:_BODIES])
        finally:
            drop_index(client, _INDEX)


def _measure(plan: Plan, stack: BenchStack, bodies: Sequence[bytes]) -> Part:
    clients = os.cpu_count() or 2
    short = 10.0 if plan.is_quick else 30.0
    path = f"/v1/indexes/{_INDEX}/search"
    with stack.service() as (port, process_id):
        plan.say(f"overload: warming up, {clients} clients")
        # Until the dictionary is learned and Elasticsearch's machine has compiled what it runs.
        for _ in range(1 if plan.is_quick else 2):
            _sustained(port, path, bodies, clients, _WARM_SECONDS)
        rate = _sustained(port, path, bodies, clients, short)
        calm = max(rate * UNLOADED_SHARE, _FEWEST / short)
        plan.say(f"overload: {rate:.0f} searches a second are sustained; now {calm:.0f}")
        before = collect(send_at_rate(port, path, bodies, rate=calm, seconds=short))
        plan.say(f"overload: {TIMES * rate:.0f} a second for {plan.overload_seconds:.0f} s")
        sender = send_at_rate(port, path, bodies, rate=TIMES * rate, seconds=plan.overload_seconds)
        memory = _memory_during(plan.overload_seconds, process_id)
        under = collect(sender)
        plan.say("overload: back to few searches")
        after = collect(send_at_rate(port, path, bodies, rate=calm, seconds=short))
    return _part(rate, before, under, after, memory)


def _sustained(
    port: int, path: str, bodies: Sequence[bytes], clients: int, seconds: float
) -> float:
    end = time.monotonic() + seconds

    def ask(number: int) -> int:
        done = 0
        with JsonClient(f"http://127.0.0.1:{port}") as client:
            while time.monotonic() < end:
                client.post(path, bodies[(number + done * clients) % len(bodies)])
                done += 1
        return done

    return run_clients(clients, ask).rate


def _memory_during(seconds: float, process_id: int) -> list[float]:
    """Return the MB of the service's processes, once a second."""
    family = psutil.Process(process_id).children(recursive=True)
    end = time.monotonic() + seconds
    seen = []
    while time.monotonic() < end:
        seen.append(sum(one.memory_info().rss for one in family) / 1e6)
        time.sleep(1.0)
    return seen


def _part(
    rate: float,
    before: Sequence[Sent],
    under: Sequence[Sent],
    after: Sequence[Sent],
    memory: Sequence[float],
) -> Part:
    unloaded, accepted = _accepted(before), _accepted(under)
    slower = accepted.p95 / unloaded.p95
    recovery = recovery_seconds(after, MOST_SLOWER * unloaded.p95)
    growth = max(memory[len(memory) // 4 :]) / memory[len(memory) // 4]
    others = {
        status: count
        for status, count in _statuses(under).items()
        if status not in ("200", "503 with Retry-After")
    }
    rows = [
        _row("few", before),
        _row(f"{TIMES:g} times what is sustained", under),
        _row("few again", after),
    ]
    note = f"{rate:.1f} searches a second are sustained; memory {memory[0]:.0f} MB at the start"
    columns = ("requests", "a second", "answered", "refused", "p50 ms", "p95 ms")
    return Part(
        "overload",
        [Sheet("Overload", columns, rows, note)],
        [
            Verdict("overload: other answers than 200 and 503", "none", str(others), not others),
            at_most("overload: p95 of the answered, times the unloaded", slower, MOST_SLOWER, ""),
            at_most("overload: memory from a quarter on", growth, MOST_GROWTH, " times"),
            at_most("overload: back to normal", recovery, MOST_RECOVERY_SECONDS, " s"),
        ],
        {
            "sustained_rate": rate,
            "times": TIMES,
            "unloaded": _numbers(before),
            "overload": _numbers(under),
            "after": _numbers(after),
            "slower": slower,
            "recovery_seconds": recovery,
            "memory_mb": [round(value, 1) for value in memory],
        },
    )


def recovery_seconds(after: Sequence[Sent], slowest: float) -> float:
    """Return the second from which on every request is answered, and within so many ms.

    One in twenty may be slower, as of a 95th percentile. Infinite when that never comes.
    """
    ends = int(max(one.at for one in after)) + 1
    for second in range(ends):
        rest = [one for one in after if one.at >= second]
        slow = sum(one.milliseconds > slowest for one in rest)
        if all(one.is_accepted for one in rest) and slow <= 0.05 * len(rest):
            return float(second)
    return float("inf")


def _accepted(sent: Sequence[Sent]) -> Spread:
    return spread([one.milliseconds for one in sent if one.is_accepted])


def _statuses(sent: Sequence[Sent]) -> Mapping[str, int]:
    names = (
        "503 with Retry-After"
        if one.status == 503 and one.says_when
        else str(one.status or f"no answer: {one.failure}")
        for one in sent
    )
    return Counter(names)


def _numbers(sent: Sequence[Sent]) -> dict[str, Any]:
    refused = [one.milliseconds for one in sent if one.status == 503]
    return {
        "requests": len(sent),
        "statuses": dict(_statuses(sent)),
        "answered": _accepted(sent).to_json(),
        "refused": spread(refused).to_json() if refused else None,
    }


def _row(name: str, sent: Sequence[Sent]) -> tuple[str, ...]:
    found = _accepted(sent)
    seconds = max(one.at for one in sent) or 1.0
    answered = sum(one.is_accepted for one in sent)
    refused = sum(one.status == 503 for one in sent)
    return (
        name,
        f"{len(sent) / seconds:.0f}",
        f"{answered:,}",
        f"{refused:,}",
        f"{found.p50:.1f}",
        f"{found.p95:.1f}",
    )
