"""Settings of the worker and of the loader."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from mappings.product_changes import LANES, Lane
from mappings.settings import SharedSettings


def parse_lanes(text: str) -> tuple[Lane, ...]:
    """Return the lanes of a text such as `fast,changes`, in order of priority.

    Raises ValueError that names what is no lane.
    """
    named = {part.strip() for part in text.split(",")}
    if unknown := named - set(LANES):
        raise ValueError(
            f"should name lanes of {', '.join(LANES)}, divided by commas, got {min(unknown)!r}"
        )
    return tuple(lane for lane in LANES if lane in named)


def _check_lanes(text: str) -> str:
    return ",".join(parse_lanes(text))


class IndexerSettings(SharedSettings):
    """What the worker adds to the shared settings; each is `SHELFWISE_INDEXER_<NAME>`."""

    program_prefix: ClassVar[str] = "INDEXER_"

    indexer_device: str = Field(
        "auto", description="Where the encoder runs: `auto`, `cpu`, `cuda` or `cuda:1`."
    )
    indexer_encode_batch_size: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="Texts in one run of the encoder; its own choice if unset.",
    )
    indexer_products_per_task: int = Field(
        256, ge=1, le=5000, description="Products of a load that travel and are written together."
    )
    indexer_gather_milliseconds: int = Field(
        200,
        ge=0,
        le=10_000,
        description="How old a small batch of the API becomes while others join it, to be encoded "
        "and written together; 0 takes each alone.",
    )
    indexer_tasks_in_flight: int = Field(
        8, ge=1, le=1000, description="Batches of a load that may wait in Redis at one time."
    )
    indexer_vector_cache_entries: int = Field(
        20_000,
        ge=0,
        le=10_000_000,
        description="Vectors of texts that Redis keeps for all workers, about 35 MB of it at 384 "
        "dims; 0 switches that off.",
    )
    indexer_lanes: Annotated[str, AfterValidator(_check_lanes)] = Field(
        ",".join(LANES),
        description="Queues that a worker takes batches from, divided by commas: `fast` (what no "
        "encoder reads), `changes`, `bulk` (loads); the first of these with a batch comes first. "
        "A worker of `fast` alone loads no encoder.",
    )
    indexer_pool: Literal["threads", "solo", "prefork"] = Field(
        "threads",
        description="How the worker runs tasks; `prefork` cannot use a GPU.",
    )
    indexer_concurrency: int = Field(
        2, ge=1, le=64, description="Tasks at one time: one is encoded while another is written."
    )
    indexer_max_attempts: int = Field(
        20, ge=1, le=1000, description="Attempts for a batch while Elasticsearch is away."
    )
    indexer_max_deliveries: int = Field(
        5, ge=1, le=100, description="Starts of a batch that may end with the worker's death."
    )
    indexer_backoff_seconds: float = Field(
        1.0,
        gt=0,
        le=60,
        description="Wait before the second attempt; doubled for each further one.",
    )
    indexer_max_backoff_seconds: float = Field(
        60.0, gt=0, le=3600, description="Longest wait between two attempts."
    )
    indexer_visibility_timeout_seconds: int = Field(
        300,
        ge=1,
        description="After this long the batch of a worker that was killed goes to another one; "
        "longer than the slowest batch and than the longest wait between attempts.",
    )
    indexer_niceness: int = Field(
        10,
        ge=0,
        le=19,
        description="How far a worker with an encoder steps back for other programs on its "
        "machine, as in `nice`; searches keep their speed beside a load.",
    )
    indexer_tombstone_days: int = Field(
        7,
        ge=1,
        le=3650,
        description="How long a deleted product is remembered, so that no late delivery brings it "
        "back.",
    )
    indexer_janitor_seconds: float = Field(
        15.0,
        gt=0,
        le=600,
        description="How often the workers look for batches whose messages were lost; one that "
        "nobody has begun twice as long after the visibility timeout is sent again.",
    )
    indexer_load_refresh_seconds: int = Field(
        30, ge=1, le=3600, description="Refresh interval of an index while a load runs into it."
    )
    indexer_patience_seconds: float = Field(
        600.0, ge=0, description="How long a load waits for Redis or for a worker before it fails."
    )
