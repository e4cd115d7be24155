"""Fetching photos from real servers on loopback: what comes, what is refused, what is repeated."""

from __future__ import annotations

import email.utils
import gzip
import hashlib
import threading
import time
import zlib

import pytest

from indexer.images.addresses import AddressPolicy
from indexer.images.fetcher import FetchLimits, ImageFetcher
from indexer.images.networks import parse_networks
from indexer.settings import IndexerSettings
from mappings.errors import ImageRefused, ImageUnavailable, MissingSetting
from tests.indexer.images.photo_server import (
    CERTIFICATE,
    HOST,
    PhotoServer,
    in_turn,
    raw,
    respond,
)

PHOTO = b"\x89PNG photo"


def test_photo_comes_with_its_type_digest_and_marks(server, make_fetcher):
    server.serve(
        "/a.png?size=2",
        PHOTO,
        Content_Type="Image/PNG; charset=binary",
        ETag='"v1"',
        Last_Modified="Sat, 21 Nov 2026 10:00:00 GMT",
    )
    fetched = make_fetcher(server).fetch(server.url("/a.png?size=2#top"))
    assert fetched.data == PHOTO
    assert fetched.content_type == "image/png"
    assert fetched.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert fetched.url == server.url("/a.png?size=2")
    assert (fetched.etag, fetched.last_modified) == ('"v1"', "Sat, 21 Nov 2026 10:00:00 GMT")


def test_host_header_is_the_name_while_the_connection_goes_to_the_address(server, make_fetcher):
    server.serve("/a.png")
    make_fetcher(server).fetch(server.url("/a.png"))
    [(_, headers)] = server.requests
    assert headers["Host"] == f"{HOST}:{server.port}"
    assert "Authorization" not in headers and "Cookie" not in headers


def test_tls_asks_for_the_name_and_checks_the_certificate_for_it(tls_server, make_fetcher):
    tls_server.serve("/a.png")
    fetcher = make_fetcher(tls_server, resolver=lambda host, port: ["127.0.0.1"])
    assert fetcher.fetch(tls_server.url("/a.png")).data == b"photo"
    assert tls_server.server_names == [HOST]
    with pytest.raises(ImageRefused, match="certificate refused") as caught:
        fetcher.fetch(tls_server.url("/a.png", host="other.test"))
    assert caught.value.reason == "tls"
    with pytest.raises(ImageRefused, match="certificate refused"):
        fetcher.fetch(tls_server.url("/a.png", host="127.0.0.1"))


def test_certificate_of_an_unknown_authority_is_refused(tls_server):
    policy = AddressPolicy(parse_networks("127.0.0.1/32"), frozenset({tls_server.port}))
    fetcher = ImageFetcher(policy, FetchLimits(), resolver=lambda *_: ["127.0.0.1"])
    with pytest.raises(ImageRefused, match="certificate refused"):
        fetcher.fetch(tls_server.url("/a.png"))
    assert tls_server.requests == []


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_connection_is_kept_for_the_next_photo(tls, make_fetcher):
    with PhotoServer(tls=tls) as server:
        for path in ("/a", "/b", "/c"):
            server.serve(path)
        fetcher = make_fetcher(server)
        assert [fetcher.fetch(server.url(path)).data for path in ("/a", "/b", "/c")] == (
            [b"photo"] * 3
        )
        assert len(set(server.peers)) == 1
        fetcher.close()


def test_connection_that_the_server_has_closed_is_not_used_again(server, make_fetcher):
    server.routes["/a"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
    fetcher = make_fetcher(server, limits={"attempts": 1})
    for _ in range(3):
        assert fetcher.fetch(server.url("/a")).data == b"a"
        time.sleep(0.05)
    assert len(set(server.peers)) == 3


def test_bytes_behind_the_stated_length_do_not_reach_the_next_photo(server, make_fetcher):
    extra = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

    def smuggle(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na" + extra)

    server.routes["/a"] = smuggle
    server.serve("/b")
    fetcher = make_fetcher(server)
    assert fetcher.fetch(server.url("/a")).data == b"a"
    time.sleep(0.05)
    assert fetcher.fetch(server.url("/b")).data == b"photo"


LIMITS = {"max_bytes": 1000, "attempts": 1}


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
@pytest.mark.parametrize("stated", [True, False], ids=["length stated", "no length"])
def test_size_is_limited_with_and_without_a_stated_length(
    server, make_fetcher, size, fits, stated
):
    head = f"Content-Length: {size}\r\n".encode() if stated else b""
    server.routes["/a"] = raw(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + b"x" * size)
    fetcher = make_fetcher(server, limits=LIMITS)
    if fits:
        assert fetcher.fetch(server.url("/a")).data == b"x" * size
    else:
        with pytest.raises(ImageRefused, match=r"larger than 1,000 bytes") as caught:
            fetcher.fetch(server.url("/a"))
        assert caught.value.reason == "too_large"


def test_stated_length_beyond_the_limit_is_refused_before_the_body_comes(server, make_fetcher):
    server.routes["/a"] = raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        every=10,
        stopping=server.stopping,
    )
    started = time.monotonic()
    with pytest.raises(ImageRefused, match="larger than"):
        make_fetcher(server, limits=LIMITS).fetch(server.url("/a"))
    assert time.monotonic() - started < 2


def test_body_that_ends_before_its_stated_length_is_temporary(server, make_fetcher):
    server.routes["/a"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nhalf")
    with pytest.raises(ImageUnavailable, match="IncompleteRead"):
        make_fetcher(server, limits=LIMITS).fetch(server.url("/a"))


def test_endless_body_ends_at_the_limit(server, make_fetcher):
    sent = []

    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not server.stopping.is_set():
            handler.wfile.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
            sent.append(0x1000)

    server.routes["/a"] = endless
    with pytest.raises(ImageRefused, match="larger than 100,000 bytes"):
        make_fetcher(server, limits={"max_bytes": 100_000}).fetch(server.url("/a"))
    assert sum(sent) < 20_000_000  # what the sockets hold, and no more


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
def test_compressed_transfer_is_undone(server, make_fetcher, encoding, compress):
    server.serve("/a", compress(b"x" * 1000), Content_Encoding=encoding)
    fetched = make_fetcher(server, limits=LIMITS).fetch(server.url("/a"))
    assert fetched.data == b"x" * 1000


def test_compressed_transfer_counts_as_what_it_becomes(server, make_fetcher):
    bomb = gzip.compress(bytes(300_000_000), compresslevel=1)
    assert len(bomb) < 2_000_000
    server.serve("/a", bomb, Content_Encoding="gzip")
    started = time.monotonic()
    with pytest.raises(ImageRefused, match="larger than 2,000,000 bytes"):
        make_fetcher(server, limits={"max_bytes": 2_000_000}).fetch(server.url("/a"))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "compress"])
def test_other_and_layered_compression_is_refused(server, make_fetcher, encoding):
    server.serve("/a", b"x", Content_Encoding=encoding)
    with pytest.raises(ImageRefused, match="compressed as") as caught:
        make_fetcher(server).fetch(server.url("/a"))
    assert caught.value.reason == "encoding_refused"


def test_compressed_body_that_is_broken_is_temporary(server, make_fetcher):
    server.serve("/a", b"not gzip at all", Content_Encoding="gzip")
    with pytest.raises(ImageUnavailable, match="DecodeError"):
        make_fetcher(server).fetch(server.url("/a"))


def test_empty_body_is_refused(server, make_fetcher):
    server.serve("/a", b"")
    with pytest.raises(ImageRefused, match="is empty"):
        make_fetcher(server).fetch(server.url("/a"))


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
TRICKLES = {
    "nothing at all": [b""],
    "head byte by byte": [bytes([byte]) for byte in HEAD],
    "endless header": [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 90],
    "endless early answers": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 90,
    "body byte by byte": [HEAD, *[b"x"] * 99],
    "chunks of one byte": [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        *[b"1\r\nx\r\n"] * 90,
    ],
}


@pytest.mark.parametrize("pieces", TRICKLES.values(), ids=TRICKLES)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_server_that_trickles_is_left_when_the_time_is_over(pieces, tls, make_fetcher):
    with PhotoServer(tls=tls) as server:
        server.routes["/a"] = raw(*pieces, b"", every=0.1, stopping=server.stopping)
        if pieces == [b""]:
            server.routes["/a"] = raw(b"", every=30, stopping=server.stopping)
        started = time.monotonic()
        with pytest.raises(ImageUnavailable, match="did not come in time"):
            make_fetcher(server, limits={"timeout_seconds": 0.6}).fetch(server.url("/a"))
        assert 0.5 < time.monotonic() - started < 1.5
        assert len(server.requests) == 1


def test_server_that_is_slow_but_in_time_is_heard_out(server, make_fetcher):
    server.routes["/a"] = raw(HEAD, *[b"x" * 20] * 5, every=0.05, stopping=server.stopping)
    assert len(make_fetcher(server).fetch(server.url("/a")).data) == 100


def test_server_that_takes_no_handshake_is_left_in_time(make_fetcher, server):
    # Speaks no TLS, and waits for a request that never comes.
    url = server.url("/a").replace("http:", "https:")
    started = time.monotonic()
    with pytest.raises(ImageUnavailable):
        make_fetcher(server, limits={"timeout_seconds": 0.6}).fetch(url)
    assert time.monotonic() - started < 1.5


def test_refused_connection_is_temporary(server, make_fetcher):
    with PhotoServer() as gone:
        fetcher = make_fetcher(gone)
    with pytest.raises(ImageUnavailable, match="ConnectionRefusedError"):
        fetcher.fetch(gone.url("/a"))


STATUSES = [
    (404, ImageRefused, 1),
    (410, ImageRefused, 1),
    (403, ImageRefused, 1),
    (206, ImageRefused, 1),
    (304, ImageRefused, 1),
    (500, ImageUnavailable, 3),
    (503, ImageUnavailable, 3),
    (429, ImageUnavailable, 3),
    (408, ImageUnavailable, 3),
]


@pytest.mark.parametrize(
    ("status", "error", "requests"), STATUSES, ids=[str(row[0]) for row in STATUSES]
)
def test_lasting_faults_are_asked_once_and_temporary_ones_again(
    server, make_fetcher, status, error, requests
):
    server.serve("/a", b"" if status == 304 else b"sorry", status)
    with pytest.raises(error, match=f"the server answered {status}"):
        make_fetcher(server).fetch(server.url("/a"))
    assert len(server.requests) == requests


def test_photo_comes_after_faults_that_pass(server, make_fetcher):
    server.routes["/a"] = in_turn(respond(b"", 500), raw(b""), respond(PHOTO))
    waits = []
    assert make_fetcher(server, sleep=waits.append).fetch(server.url("/a")).data == PHOTO
    # Half a second, then twice as long; up to a fifth is taken off by chance.
    assert 0.4 <= waits[0] <= 0.5 and 0.8 <= waits[1] <= 1.0


def test_server_that_names_a_wait_is_given_it(server, make_fetcher):
    server.routes["/a"] = in_turn(respond(b"", 429, Retry_After="2"), respond(PHOTO))
    waits = []
    assert make_fetcher(server, sleep=waits.append).fetch(server.url("/a")).data == PHOTO
    assert waits == [2]


@pytest.mark.parametrize(
    ("header", "expected"),
    [("120", 120), ("999999999999", 3600), ("soon", None), ("-5", None), ("", None)],
)
def test_wait_that_is_too_long_is_handed_on_with_a_cap(server, make_fetcher, header, expected):
    server.serve("/a", b"", 503, Retry_After=header)
    with pytest.raises(ImageUnavailable) as caught:
        make_fetcher(server).fetch(server.url("/a"))
    assert caught.value.retry_after_seconds == expected
    assert len(server.requests) == (3 if expected is None else 1)


def test_wait_may_be_named_by_a_date(server, make_fetcher):
    date = email.utils.formatdate(time.time() + 100, usegmt=True)
    server.serve("/a", b"", 503, Retry_After=date)
    with pytest.raises(ImageUnavailable) as caught:
        make_fetcher(server).fetch(server.url("/a"))
    assert 95 <= caught.value.retry_after_seconds <= 100


def test_no_more_than_the_limit_are_fetched_from_a_host_at_a_time(server, make_fetcher):
    lock = threading.Lock()
    running, most = 0, 0

    def busy(handler):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        respond(PHOTO)(handler)

    server.routes["/a"] = busy
    fetcher = make_fetcher(server, limits={"connections_per_host": 2})
    threads = [threading.Thread(target=fetcher.fetch, args=(server.url("/a"),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(server.requests), most) == (8, 2)
    assert len(set(server.peers)) == 2


def test_fetches_of_a_host_keep_their_distance(server, make_fetcher):
    times = []

    def note(handler):
        times.append(time.monotonic())
        respond(PHOTO)(handler)

    server.routes["/a"] = note
    fetcher = make_fetcher(server, limits={"delay_seconds": 0.1})
    for _ in range(3):
        fetcher.fetch(server.url("/a"))
    assert times[2] - times[0] >= 0.19


def test_host_whose_places_are_taken_is_unavailable_in_time(server, make_fetcher):
    server.routes["/a"] = raw(b"", every=30, stopping=server.stopping)
    fetcher = make_fetcher(server, limits={"timeout_seconds": 0.5, "connections_per_host": 1})
    holding = threading.Thread(
        target=lambda: pytest.raises(ImageUnavailable, fetcher.fetch, server.url("/a"))
    )
    holding.start()
    started = time.monotonic()
    with pytest.raises(ImageUnavailable, match="in time"):
        fetcher.fetch(server.url("/a"))
    assert time.monotonic() - started < 1.5
    holding.join()


def test_unreadable_bundle_of_authorities_is_a_mistake_of_the_settings(tmp_path):
    settings = IndexerSettings(indexer_image_ca_certs=str(tmp_path / "none.pem"))
    with pytest.raises(MissingSetting, match="SHELFWISE_INDEXER_IMAGE_CA_CERTS"):
        ImageFetcher.from_settings(settings)


def test_fetcher_is_made_as_the_settings_say(tls_server):
    settings = IndexerSettings.from_environment(
        {
            "SHELFWISE_INDEXER_IMAGE_ALLOWED_NETWORKS": "127.0.0.0/8",
            "SHELFWISE_INDEXER_IMAGE_ALLOWED_PORTS": str(tls_server.port),
            "SHELFWISE_INDEXER_IMAGE_CA_CERTS": str(CERTIFICATE),
            "SHELFWISE_INDEXER_IMAGE_MAX_BYTES": "4",
        }
    )
    tls_server.serve("/a")
    fetcher = ImageFetcher.from_settings(settings)
    with pytest.raises(ImageRefused, match="certificate refused"):
        fetcher.fetch(tls_server.url("/a", host="127.0.0.1"))


def test_wrong_networks_and_ports_stop_the_start():
    with pytest.raises(MissingSetting) as caught:
        IndexerSettings.from_environment(
            {
                "SHELFWISE_INDEXER_IMAGE_ALLOWED_NETWORKS": "intranet",
                "SHELFWISE_INDEXER_IMAGE_ALLOWED_PORTS": "http",
            }
        )
    assert "intranet" in str(caught.value) and "'http'" in str(caught.value)
