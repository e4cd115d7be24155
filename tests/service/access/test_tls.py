"""Elasticsearch and Redis behind TLS: the right CA is asked for, another one is refused."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import trustme
from celery import Celery

from mappings.cluster import cluster_errors, connect
from mappings.errors import ConfigurationError
from mappings.settings import SharedSettings
from mappings.task_records import connect as connect_queue

pytestmark = pytest.mark.cluster


class Terminator:
    """Takes TLS connections and hands their bytes on to a plain port of this machine.

    A real certificate in front of the real servers: the bundled Redis has no TLS of its own. One
    thread does it all, for OpenSSL's connections must not be read and written at the same time.
    """

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._backend = port
        self._context = context
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stop.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._backend)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(_copy(reader, back_writer), _copy(back_reader, writer))
        for one in (writer, back_writer):
            one.transport.abort()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    target.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="module")
def other_bundle(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "other.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


@contextlib.contextmanager
def tls(authority: trustme.CA, port: int, *, asks: bool = False) -> Iterator[int]:
    """asks: whether a certificate of the client's is asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    terminator = Terminator(port, context)
    try:
        yield terminator.port
    finally:
        terminator.close()


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1].split("/")[0])


def cluster_settings(port: int, ca: Path | None, **more: object) -> SharedSettings:
    return SharedSettings(
        elasticsearch_url=f"https://127.0.0.1:{port}",
        elasticsearch_ca_certs=str(ca) if ca else None,
        **more,
    )


def test_elasticsearch_is_reached_with_its_ca_and_refused_with_another(
    elasticsearch, authority, bundle, other_bundle
):
    with tls(authority, port_of(elasticsearch.url)) as port:
        with connect(cluster_settings(port, bundle)) as client:
            assert client.info()["version"]["number"]
        for ca in (other_bundle, None):
            with (
                connect(cluster_settings(port, ca)) as client,
                pytest.raises(ConfigurationError),
                cluster_errors(),
            ):
                client.info()


def test_elasticsearch_may_ask_for_a_certificate_of_ours(
    elasticsearch, authority, bundle, tmp_path
):
    own = tmp_path / "own.pem"
    authority.issue_cert("shelfwise").private_key_and_cert_chain_pem.write_to_path(own)
    with tls(authority, port_of(elasticsearch.url), asks=True) as port:
        settings = cluster_settings(port, bundle, elasticsearch_client_cert=str(own))
        with connect(settings) as client:
            assert client.info()["version"]["number"]


def redis_url(port: int, ca: Path | None) -> str:
    environ = {"SHELFWISE_REDIS_URL": f"rediss://127.0.0.1:{port}/0"}
    if ca is not None:
        environ["SHELFWISE_REDIS_CA_CERTS"] = str(ca)
    return SharedSettings.from_environment(environ).redis_url.get_secret_value()


def test_redis_is_reached_with_its_ca_and_refused_with_another(
    redis_server, authority, bundle, other_bundle
):
    with tls(authority, redis_server.port) as port:
        with connect_queue(redis_url(port, bundle)) as queue:
            assert queue.ping()
        for ca in (other_bundle, None):
            with (
                connect_queue(redis_url(port, ca)) as queue,
                pytest.raises(redis.ConnectionError, match="(?i)certificate"),
            ):
                queue.ping()


def test_the_queue_checks_the_certificate_too(redis_server, authority, bundle, other_bundle):
    with tls(authority, redis_server.port) as port:
        for ca, expected in ((bundle, True), (other_bundle, False), (None, False)):
            celery = Celery(broker=redis_url(port, ca), set_as_current=False)
            celery.conf.broker_transport_options = {"socket_connect_timeout": 5}
            with celery.connection_for_write() as connection:
                if expected:
                    connection.ensure_connection(max_retries=1)
                    assert connection.connected
                else:
                    with pytest.raises(Exception, match="(?i)certificate"):
                        connection.ensure_connection(max_retries=1, interval_start=0)
