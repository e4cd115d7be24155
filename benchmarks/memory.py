"""Resident memory of the two programs after real work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmarks.measures import Memory
from benchmarks.report import Part, Sheet, Verdict, at_most
from benchmarks.searching import Growth

MOST_WEB_MB = 400.0


def memory_part(growths: Sequence[Growth], workers: Mapping[int, Memory]) -> Part:
    """Return the table and the verdict.

    workers: products to the worker's memory after it loaded them.
    """
    rows = [
        ("web process", f"{one.size:,}", f"{one.searches:,} searches", *_cells(one.memory))
        for one in growths
    ]
    rows += [
        ("worker", f"{size:,}", "their load", *_cells(memory)) for size, memory in workers.items()
    ]
    sheet = Sheet(
        "Memory, MB",
        ("process", "products", "after", "RSS", "PSS"),
        rows,
        "with children; pages shared between processes count in RSS for each",
    )
    verdicts: list[Verdict] = []
    if growths:
        most = max(growths, key=lambda one: one.memory.rss)
        target = f"RSS of the web process, {most.size:,} products"
        verdicts.append(at_most(target, most.memory.rss, MOST_WEB_MB, " MB"))
    return Part(
        "memory",
        [sheet],
        verdicts,
        {
            "web": [
                {"products": one.size, "searches": one.searches, **asdict(one.memory)}
                for one in growths
            ],
            "worker": [{"products": size, **asdict(memory)} for size, memory in workers.items()],
        },
    )


def _cells(memory: Memory) -> tuple[str, str]:
    return f"{memory.rss:,.0f}", "" if memory.pss is None else f"{memory.pss:,.0f}"
