"""Settings of the worker and of the loader."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from indexer.images.networks import parse_networks, parse_ports
from mappings.product_changes import LANES, Lane
from mappings.settings import SharedSettings

PHOTOS_AHEAD_SECONDS = 3.0
"""256 photos from a disk take half a second of two cores, where nothing else runs."""


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


def _check_networks(text: str) -> str:
    parse_networks(text)
    return text


def _check_ports(text: str) -> str:
    parse_ports(text)
    return text


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
        "encoder reads), `changes`, `bulk` (loads), `photos`; the first of these with a batch "
        "comes first. A worker of `fast` alone loads no encoder, one of `photos` only that of "
        "photos.",
    )
    indexer_finetunes: bool = Field(
        True,
        description="Whether a worker with the lane `photos` also does the fine-tunings that the "
        "API is asked for, one at a time in a process of its own (about 1.5 GB, all cores).",
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
    indexer_metrics_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="Port on which the worker or `shelfwise sync` answers Prometheus, without a "
        "key; 0 for none.",
    )
    indexer_metrics_host: str = Field(
        "127.0.0.1",
        description="Address on which the worker or `shelfwise sync` answers Prometheus.",
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
    indexer_attached_seconds: float = Field(
        2.0,
        gt=0,
        le=3600,
        description="How often the workers look for changes in attached indexes; with the index's "
        "refresh interval the lag of their vectors.",
    )
    indexer_load_refresh_seconds: int = Field(
        30, ge=1, le=3600, description="Refresh interval of an index while a load runs into it."
    )
    indexer_patience_seconds: float = Field(
        600.0, ge=0, description="How long a load waits for Redis or for a worker before it fails."
    )
    indexer_image_allowed_networks: Annotated[str, AfterValidator(_check_networks)] = Field(
        "",
        description="Networks that photos are fetched from although they are private, loopback or "
        "otherwise special, divided by commas, e.g. `10.1.0.0/16`. An address of cloud metadata "
        "must be named by itself.",
    )
    indexer_image_allowed_ports: Annotated[str, AfterValidator(_check_ports)] = Field(
        "80,443", description="Ports that photos are fetched from, divided by commas."
    )
    indexer_image_ca_certs: str | None = Field(
        None,
        description="Path of a CA bundle that is trusted for photos besides the system's.",
    )
    indexer_image_directory: str | None = Field(
        None,
        description="The only folder that `file:` addresses of photos may name; none if unset.",
    )
    indexer_image_max_bytes: int = Field(
        20_000_000, ge=1, le=1_000_000_000, description="Largest photo, after decompression."
    )
    indexer_image_max_pixels: int = Field(
        50_000_000,
        ge=1,
        le=89_000_000,
        description="Width times height of the largest photo; each pixel takes up to 13 bytes of "
        "the worker's memory.",
    )
    indexer_image_timeout_seconds: float = Field(
        20.0,
        gt=0,
        le=600,
        description="Longest time for one photo, with redirects, waits and further attempts.",
    )
    indexer_image_attempts: int = Field(
        3, ge=1, le=20, description="Attempts for a photo that cannot be fetched for now."
    )
    indexer_image_connections_per_host: int = Field(
        4, ge=1, le=256, description="Photos that one worker fetches from one host at a time."
    )
    indexer_image_delay_milliseconds: int = Field(
        20,
        ge=0,
        le=60_000,
        description="How long a worker waits from one photo of a host to the next one.",
    )
    indexer_image_cache_directory: str = Field(
        ".shelfwise/images",
        description="Folder of the photos' cache; the workers of one machine may share it.",
    )
    indexer_image_cache_megabytes: int = Field(
        0,
        ge=0,
        le=10_000_000,
        description="Size of the cache of photos in millions of bytes; 0 keeps none.",
    )
    indexer_image_cache_fresh_seconds: float = Field(
        3600.0,
        ge=0,
        description="How long a photo of the cache is used before its server is asked again.",
    )
    indexer_photo_threads: int = Field(
        8, ge=1, le=256, description="Photos that one worker fetches and decodes at a time."
    )
    indexer_photo_batch_size: int = Field(
        64,
        ge=1,
        le=4096,
        description="Photos, of one or more products, in one run of the encoder.",
    )
    indexer_photos_ahead_seconds: float | None = Field(
        None,
        ge=0,
        le=60,
        description="How long a worker holds products back, those of 256 photos at a time, to "
        "write them together with their photos, which saves Elasticsearch the second write; what "
        "is not there by then follows. 0 writes at once. If unset: 3 where the worker has the "
        "lane `photos` too, else 0.",
    )
    indexer_photo_products_per_task: int = Field(
        64, ge=1, le=5000, description="Products whose photos a worker takes on together."
    )
    indexer_photo_max_attempts: int = Field(
        10,
        ge=1,
        le=1000,
        description="Attempts for the photos of a product that cannot be fetched for now; then "
        "they are given up until `shelfwise photos retry`.",
    )
    indexer_photo_backoff_seconds: float = Field(
        30.0,
        gt=0,
        le=3600,
        description="Wait before the second attempt for a photo; doubled for each further one, an "
        "hour at most.",
    )
    indexer_photo_fresh_days: float = Field(
        30.0,
        gt=0,
        le=36_500,
        description="How long a photo whose address stays is not fetched again when its product "
        "is written anew.",
    )


def photos_ahead_seconds(settings: IndexerSettings) -> float:
    """Return how long a worker's products wait for their photos, 0 for not at all."""
    lanes = set(parse_lanes(settings.indexer_lanes))
    if not lanes & {"changes", "bulk"}:
        return 0.0
    seconds = settings.indexer_photos_ahead_seconds
    if seconds is None:
        return PHOTOS_AHEAD_SECONDS if "photos" in lanes else 0.0
    return seconds
