"""Fetches photos from wherever a product says they are, within limits, and tries again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from indexer.images.addresses import AddressPolicy, Resolver, resolve_by_system
from indexer.images.connections import Connections
from indexer.images.deadline import Deadline
from indexer.images.downloads import Downloads
from indexer.images.failures import refused, shown
from indexer.images.fetched import FetchedImage, Validators
from indexer.images.host_turns import HostTurns
from indexer.images.inline_data import read_data_url
from indexer.images.local_files import read_file
from indexer.images.networks import parse_networks, parse_ports
from indexer.patience import backoff_seconds
from indexer.settings import IndexerSettings
from mappings.errors import ImageUnavailable, MissingSetting

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class FetchLimits:
    """What one photo may cost.

    max_bytes: its size, after decompression. timeout_seconds: from the call to its result, with
    name resolution, redirects, waits and further attempts. attempts: in all, 1 or more.
    backoff_seconds: before the second attempt; doubled for each further one.
    connections_per_host: fetches of one host at a time in this process.
    delay_seconds: from the start of one fetch to the next one of the same host.
    """

    max_bytes: int = 20_000_000
    timeout_seconds: float = 20.0
    attempts: int = 3
    backoff_seconds: float = 0.5
    connections_per_host: int = 4
    delay_seconds: float = 0.02


class ImageFetcher:
    """Fetches `http:`, `https:`, `file:` and `data:` addresses; one per process, thread-safe.

    file_directory: the only folder that `file:` addresses may name; None allows none.
    ca_certs: path of a bundle trusted besides the system's.
    Raises OSError when that bundle cannot be read.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        limits: FetchLimits,
        *,
        file_directory: Path | None = None,
        ca_certs: str | None = None,
        resolver: Resolver = resolve_by_system,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits
        self._file_directory = file_directory
        self._sleep = sleep
        self._connections = Connections(ca_certs=ca_certs)
        turns = HostTurns(at_once=limits.connections_per_host, delay_seconds=limits.delay_seconds)
        self._downloads = Downloads(
            policy,
            self._connections,
            turns,
            max_bytes=limits.max_bytes,
            resolver=resolver,
        )

    @classmethod
    def from_settings(cls, settings: IndexerSettings) -> Self:
        """Make one as it is configured. Raises MissingSetting for an unreadable CA bundle."""
        policy = AddressPolicy(
            parse_networks(settings.indexer_image_allowed_networks),
            parse_ports(settings.indexer_image_allowed_ports),
        )
        limits = FetchLimits(
            max_bytes=settings.indexer_image_max_bytes,
            timeout_seconds=settings.indexer_image_timeout_seconds,
            attempts=settings.indexer_image_attempts,
            connections_per_host=settings.indexer_image_connections_per_host,
            delay_seconds=settings.indexer_image_delay_milliseconds / 1000,
        )
        directory = settings.indexer_image_directory
        try:
            return cls(
                policy,
                limits,
                file_directory=Path(directory) if directory else None,
                ca_certs=settings.indexer_image_ca_certs,
            )
        except OSError as error:
            raise MissingSetting(
                "SHELFWISE_INDEXER_IMAGE_CA_CERTS: cannot read "
                f"{settings.indexer_image_ca_certs!r}: {error}"
            ) from error

    def fetch(self, url: str) -> FetchedImage:
        """Fetch a photo; a temporary fault is tried again while there is time.

        Raises ImageRefused (lasting: address, size, 4xx, certificate; see its `reason`) and
        ImageUnavailable (temporary: timeout, 5xx, 429, broken connection), which has
        `retry_after_seconds` if the server has said it, an hour at most.
        """
        found = self._fetch(url, None)
        if found is None:
            raise RuntimeError(f"{shown(url)}: unmodified, without a condition")
        return found

    def fetch_if_changed(self, url: str, validators: Validators) -> FetchedImage | None:
        """Fetch a photo like `fetch`; None if the server says that it has not changed."""
        return self._fetch(url, validators)

    def close(self) -> None:
        """Close idle connections; the fetcher can still be used."""
        self._connections.close()

    def _fetch(self, url: str, validators: Validators | None) -> FetchedImage | None:
        scheme = url.partition(":")[0].lower()
        if scheme == "data":
            return read_data_url(url, max_bytes=self._limits.max_bytes)
        if scheme == "file":
            return read_file(url, self._file_directory, max_bytes=self._limits.max_bytes)
        if scheme not in ("http", "https"):
            raise refused(url, "should begin with https:// or http://", "scheme_refused")
        return self._download(url, validators)

    def _download(self, url: str, validators: Validators | None) -> FetchedImage | None:
        deadline = Deadline(self._limits.timeout_seconds)
        attempt = 0
        while True:
            try:
                return self._downloads.get(url, deadline, validators=validators)
            except ImageUnavailable as error:
                wait = backoff_seconds(
                    attempt, first=self._limits.backoff_seconds, longest=deadline.remaining()
                )
                wait = max(wait, error.retry_after_seconds or 0.0)
                attempt += 1
                if attempt >= self._limits.attempts or wait >= deadline.remaining():
                    raise
                _log.info("photo_again", address=shown(url), reason=error.message, seconds=wait)
            self._sleep(wait)
