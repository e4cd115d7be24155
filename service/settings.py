"""Settings of the search service, read once from the environment."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from indexer.images.networks import parse_networks, parse_ports
from mappings.settings import SharedSettings


def _check_networks(text: str) -> str:
    parse_networks(text)
    return text


def _check_ports(text: str) -> str:
    parse_ports(text)
    return text


def _check_origins(text: str) -> str:
    for origin in filter(None, map(str.strip, text.split(","))):
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}":
            raise ValueError(f"{origin!r} should be an origin such as https://shop.example")
    return text


class ServiceSettings(SharedSettings):
    """Where the service listens, how much it takes, and how it searches by default."""

    program_prefix: ClassVar[str] = "SERVICE_"

    service_host: str = Field("127.0.0.1", description="Address to listen on.")
    service_port: int = Field(8080, ge=0, le=65_535, description="Port to listen on.")
    service_workers: int = Field(
        1, ge=1, le=64, description="Web processes; each holds its own query encoder."
    )
    service_threads: int = Field(
        8,
        ge=1,
        le=256,
        description="Requests worked on at a time per process, at most: an overloaded one finds "
        "out by itself how many are not in each other's way.",
    )
    service_waiting: int = Field(
        32,
        ge=0,
        le=1_024,
        description="Requests per process that may wait for their turn; of more the oldest is "
        "refused with 503.",
    )
    service_wait_milliseconds: int = Field(
        1_000,
        ge=0,
        le=60_000,
        description="Longest wait for a turn; then a request is refused with 503.",
    )
    service_body_seconds: float = Field(
        20.0,
        gt=0,
        le=600,
        description="Longest time for a client to send a body of up to 64 kB; a longer one has "
        "the time of the whole request.",
    )
    service_request_seconds: float = Field(
        60.0,
        gt=0,
        le=3_600,
        description="Longest time from a request's first line to the last byte of its answer; "
        "then the connection is cut.",
    )
    service_keys: Literal["auto", "required"] = Field(
        "auto",
        description="Whether requests need an API key: `auto` asks for none on a loopback "
        "address and always elsewhere.",
    )
    service_key_cache_seconds: float = Field(
        5.0,
        ge=0.1,
        le=60,
        description="How long a process goes by the API keys that it has read; a revoked key "
        "works that much longer.",
    )
    service_metrics_open: bool = Field(
        False,
        description="Answer `/metrics`, which names all indexes, without a key.",
    )
    service_rate_per_key: int = Field(
        12_000,
        ge=0,
        le=10_000_000,
        description="Most requests a minute of one API key, in one go or spread; 0 is no limit. "
        "Without keys there are no limits.",
    )
    service_rate_per_address: int = Field(
        12_000,
        ge=0,
        le=10_000_000,
        description="Most requests a minute from one client address (IPv6: a /64); 0 is no limit.",
    )
    service_rate_without_redis: Literal["open", "closed"] = Field(
        "open",
        description="Without Redis requests are answered uncounted (`open`) or refused with 503 "
        "(`closed`).",
    )
    service_trusted_proxies: Annotated[str, AfterValidator(_check_networks)] = Field(
        "",
        description="Networks of proxies whose `X-Forwarded-For` is believed, divided by commas.",
    )
    service_origins: Annotated[str, AfterValidator(_check_origins)] = Field(
        "",
        description="Origins whose pages may call the service from a browser (CORS), divided by "
        "commas, such as `https://shop.example`; none by default.",
    )
    service_log_queries: Literal["masked", "plain"] = Field(
        "masked",
        description="Whether search words and ids of clients are masked in logs.",
    )
    service_indexes: str = Field(
        "",
        description="Indexes to serve, divided by commas; empty serves all. Each is checked "
        "against the encoder before the start.",
    )
    service_max_body_bytes: int = Field(
        15 * 2**20,
        ge=1_024,
        description="Longest request body; a longer one is a 413. A photo in base64 takes a third "
        "more than its file.",
    )
    service_max_products: int = Field(
        1_000, ge=1, le=100_000, description="Most products in one bulk request."
    )
    service_batch_products: int = Field(
        256, ge=1, le=10_000, description="Products in one message to the workers."
    )
    service_search_timeout_seconds: float = Field(
        10.0, gt=0, le=120, description="Longest wait for Elasticsearch in a search."
    )
    service_leg_timeout_seconds: float = Field(
        3.0,
        ge=0,
        le=60,
        description="Longest wait for the encoder, for the photo of a query that has words too, "
        "and for a request of Elasticsearch with vectors; then words are searched alone and the "
        "answer says so. 0 waits as for anything else.",
    )
    service_slow_legs_pause_seconds: float = Field(
        10.0,
        ge=0,
        le=600,
        description="How long searches of an index ask for words alone, at once, after three "
        "requests with vectors in a row took longer than that; then one tries vectors again. 0 "
        "lets each search wait.",
    )
    service_drain_seconds: float = Field(
        0.0,
        ge=0,
        le=300,
        description="How long the service goes on after SIGTERM while `/readyz` says no, so that "
        "whoever divides the requests can leave it out; about 5 behind a load balancer.",
    )
    service_access_log: bool = Field(
        False,
        description="Log a line for each request: method, address pattern, status, time and ids; "
        "never what was searched for.",
    )
    service_pass_through: Literal["none", "read", "all"] = Field(
        "none",
        description="What is handed on to Elasticsearch under `/{index}/` besides searches and "
        "counts: nothing, what only reads, or everything.",
    )
    service_index_cache_seconds: float = Field(
        2.0, ge=0, le=60, description="How long what an alias points at is remembered."
    )
    service_encoder_threads: int = Field(
        1,
        ge=1,
        le=64,
        description="CPU threads for encoding one query; 1 suits many requests on few cores.",
    )
    service_events_key: SecretStr | None = Field(
        None,
        description="Secret key, 16 bytes or more, under which the ids of clients are hashed "
        "before an event is stored; events are refused without one.",
    )
    service_events_key_file: str | None = Field(
        None, description="File that holds the key of the events instead."
    )
    service_events_per_minute: int = Field(
        600, ge=1, le=1_000_000, description="Most events of one client a minute; more is a 429."
    )
    service_events_keep_query_text: bool = Field(
        False,
        description="Store the queries of events as typed; else e-mail addresses and numbers of "
        "9 digits and more are masked.",
    )
    service_events_days: int = Field(
        0,
        ge=0,
        le=3_660,
        description="For how many days events are kept; older ones are purged once an hour. 0 is "
        "for ever.",
    )
    service_search_log: bool = Field(
        True,
        description="Record which queries are searched for, how often, how fast and with how many "
        "results, for the page `insight` of the studio; no client, no address.",
    )
    service_search_log_days: int = Field(
        30,
        ge=1,
        le=366,
        description="For how many days the record of searches is kept; each is an index of its "
        "own, and is dropped whole.",
    )
    service_webhooks: str | None = Field(
        None,
        description="Path of the TOML file of the webhooks that are taken in, tables "
        "`[webhooks.NAME]`; none if unset.",
    )
    service_query_cache_entries: int = Field(
        10_000, ge=0, le=1_000_000, description="Query vectors kept in memory (1.6 kB each)."
    )
    service_image_max_bytes: int = Field(
        10_000_000, ge=1, le=100_000_000, description="Largest photo of a query."
    )
    service_image_max_pixels: int = Field(
        25_000_000,
        ge=1,
        le=89_000_000,
        description="Width times height of the largest photo of a query; two are decoded at a "
        "time, and each pixel may take 13 bytes.",
    )
    service_image_timeout_seconds: float = Field(
        5.0,
        gt=0,
        le=60,
        description="Longest time for fetching the photo of a query, with redirects and a second "
        "attempt.",
    )
    service_image_allowed_networks: Annotated[str, AfterValidator(_check_networks)] = Field(
        "",
        description="Networks that photos of queries are fetched from although they are private, "
        "loopback or otherwise special, divided by commas. Whoever may search may then have the "
        "service ask them.",
    )
    service_image_allowed_ports: Annotated[str, AfterValidator(_check_ports)] = Field(
        "80,443", description="Ports that photos of queries are fetched from, divided by commas."
    )
    service_image_ca_certs: str | None = Field(
        None,
        description="Path of a CA bundle that is trusted for photos of queries besides the "
        "system's.",
    )
    service_image_cache_entries: int = Field(
        2_000,
        ge=1,
        le=1_000_000,
        description="Vectors of photo queries kept in memory (1.6 kB each), by the photo's "
        "content.",
    )
    service_shop_page: bool = Field(
        True,
        description="Serve the shop page at `/shop`, to try the search in a browser.",
    )
    service_studio: bool = Field(
        True,
        description="Serve the studio at `/studio`, where somebody with an admin key tunes the "
        "search.",
    )
    service_photo_directory: str | None = Field(
        None,
        description="The only folder of which the shop page and the studio show `file:` photos of "
        "products; the worker's `SHELFWISE_INDEXER_IMAGE_DIRECTORY`, where the service can read "
        "it.",
    )
