"""What a run measures and how thoroughly: one frozen value that every part gets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).parents[1]
PARTS = (
    *("load", "motion", "scale", "search", "memory", "overload", "pass-through"),
    *("relevance", "photos", "peers"),
)
SIZES = (1_000, 5_000, 20_000, 100_000)
FEED = 200_000
"""Lines of the long feed unless `--feed-lines` says otherwise."""
QUANTIZED = 50_000
"""Products of an index of each quantization."""
LARGEST_LOAD = 20_000
"""Products that are loaded through the encoder unless `--full` asks for all sizes."""


@dataclass(frozen=True)
class Effort:
    """How often everything is asked.

    first_searches: once, until Elasticsearch's virtual machine has compiled what it runs, so
    that the first size is not the slowest. warm_up: for each size. threads: clients at once.
    """

    first_searches: int
    warm_up: int
    searches: int
    concurrent_searches: int
    memory_searches: int
    peer_products: int
    peer_warm_up: int
    peer_queries: int
    threads: int = 8


THOROUGH = Effort(
    first_searches=1_500,
    warm_up=300,
    searches=300,
    concurrent_searches=800,
    memory_searches=1_000,
    peer_products=20_000,
    peer_warm_up=300,
    peer_queries=400,
)
QUICK = Effort(
    first_searches=200,
    warm_up=60,
    searches=60,
    concurrent_searches=160,
    memory_searches=300,
    peer_products=2_000,
    peer_warm_up=50,
    peer_queries=60,
)


@dataclass(frozen=True)
class Plan:
    """The options of a run.

    state: folder of what is kept between runs (vectors, exports, peers) and of servers' data.
    data, peers: the shared folders, which may be absent.
    """

    parts: frozenset[str]
    sizes: tuple[int, ...]
    effort: Effort
    full: bool
    state: Path
    data: Path
    peers: Path
    console: Console
    feed_lines: int
    quantized_products: int
    overload_seconds: float = 60.0

    def say(self, text: str) -> None:
        """Show what is being done."""
        self.console.print(f"[dim]  {text}[/]", highlight=False)

    @property
    def is_quick(self) -> bool:
        """Return whether few of everything will do."""
        return self.effort == QUICK

    @property
    def load_sizes(self) -> tuple[int, ...]:
        """Return the sizes that are loaded through the encoder."""
        return tuple(size for size in self.sizes if self.full or size <= LARGEST_LOAD)
