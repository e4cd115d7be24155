"""Photo addresses: what is refused before anything is connected to."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from indexer.images.addresses import AddressPolicy, check_address, resolve_by_system
from indexer.images.deadline import Deadline
from indexer.images.failures import shown
from indexer.images.networks import parse_networks
from mappings.errors import ImageRefused, ImageUnavailable

PUBLIC = "93.184.215.14"
OPEN = AddressPolicy()


def check(url, policy=OPEN, *, resolver=lambda host, port: [PUBLIC], seconds=5.0):
    return check_address(url, policy, Deadline(seconds), resolver=resolver)


def test_target_is_what_was_checked():
    target = check("HTTPS://Shop.Example/a%20b/ö c.jpg?size=2 3#top")
    assert (target.scheme, target.host, target.port) == ("https", "shop.example", 443)
    assert target.path == "/a%20b/%C3%B6%20c.jpg?size=2%203"
    assert target.url == "https://shop.example/a%20b/%C3%B6%20c.jpg?size=2%203"
    assert target.addresses == (PUBLIC,)


def test_host_beyond_ascii_is_asked_for_by_its_coded_name():
    assert check("http://bücher.example/a.jpg").host == "xn--bcher-kva.example"


MALFORMED = [
    ("user name", "http://user@shop.example/a.jpg", "address_invalid"),
    ("password", "http://user:secret@shop.example/a.jpg", "address_invalid"),
    ("empty user", "http://@shop.example/a.jpg", "address_invalid"),
    ("backslash", "http://shop.example\\@10.0.0.1/a.jpg", "address_invalid"),
    ("line feed", "http://shop.example/a.jpg\r\nHost: x", "address_invalid"),
    ("blank before", " http://shop.example/a.jpg", "address_invalid"),
    ("no host", "http:///a.jpg", "address_invalid"),
    ("blank in the host", "http://shop .example/a.jpg", "address_invalid"),
    ("no scheme", "//shop.example/a.jpg", "scheme_refused"),
    ("ftp", "ftp://shop.example/a.jpg", "scheme_refused"),
    ("gopher", "gopher://shop.example:80/_x", "scheme_refused"),
    ("port of redis", "http://shop.example:6379/a.jpg", "port_refused"),
    ("port 0", "http://shop.example:0/a.jpg", "port_refused"),
    ("port 99999", "http://shop.example:99999/a.jpg", "address_invalid"),
    ("zone", "http://[fe80::1%25eth0]/a.jpg", "address_invalid"),
    ("too long", "http://shop.example/" + "a" * 8200, "address_invalid"),
]


@pytest.mark.parametrize(
    ("url", "reason"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_malformed_address_is_refused_before_its_name_is_resolved(url, reason):
    def nobody_asks(host, port):
        raise AssertionError(host)

    with pytest.raises(ImageRefused) as caught:
        check(url, resolver=nobody_asks)
    assert (caught.value.reason, caught.value.field) == (reason, "images")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "169.254.169.254",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",
        "10.0.0.1",
    ],
)
def test_special_address_in_the_url_is_refused(host):
    with pytest.raises(ImageRefused, match="leads to") as caught:
        check(f"http://{host}/a.jpg")
    assert caught.value.reason == "address_refused"


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
def test_odd_spelling_of_loopback_is_refused_by_what_the_system_makes_of_it(host):
    with pytest.raises(ImageRefused, match=r"leads to (127\.0\.0\.1|::1) \(loopback\)"):
        check(f"http://{host}/a.jpg", resolver=resolve_by_system)


def test_one_special_address_among_several_refuses_the_host():
    with pytest.raises(ImageRefused, match=r"leads to 10\.0\.0\.7 \(private\)"):
        check("http://shop.example/a.jpg", resolver=lambda host, port: [PUBLIC, "10.0.0.7"])


def test_allowed_network_and_port_open_what_they_name():
    policy = AddressPolicy(parse_networks("10.0.0.0/24"), frozenset({8080}))
    target = check("http://shop.example:8080/", policy, resolver=lambda host, port: ["10.0.0.7"])
    assert (target.port, target.addresses) == (8080, ("10.0.0.7",))
    with pytest.raises(ImageRefused, match="names port 80"):
        check("http://shop.example/", policy)


def test_host_is_asked_for_once():
    asked = []
    check("http://shop.example/", resolver=lambda host, port: asked.append(host) or [PUBLIC])
    assert asked == ["shop.example"]


@pytest.mark.parametrize(
    ("code", "error"),
    [(socket.EAI_NONAME, ImageRefused), (socket.EAI_AGAIN, ImageUnavailable)],
    ids=["no such host", "name server away"],
)
def test_fault_of_the_resolver_is_lasting_or_temporary(code, error):
    def fails(host, port):
        raise socket.gaierror(code, "no")

    with pytest.raises(error):
        check("http://shop.example/", resolver=fails)


def test_host_without_address_is_refused():
    with pytest.raises(ImageRefused, match="has no address"):
        check("http://shop.example/", resolver=lambda host, port: [])


def test_slow_resolver_does_not_hold_the_worker():
    ended = threading.Event()
    started = time.monotonic()
    with pytest.raises(ImageUnavailable, match="not resolved in time"):
        check("http://shop.example/", resolver=lambda *_: ended.wait(10) and [PUBLIC], seconds=0.2)
    assert 0.2 <= time.monotonic() - started < 2
    ended.set()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/b.jpg?key=secret#x", "https://a.example/b.jpg"),
        ("https://user:secret@a.example/b.jpg", "https://a.example/b.jpg"),
        ("data:image/png;base64,AAAA", "data:image/png;base64,..."),
        ("http://a.example/" + "b" * 300, "http://a.example/" + "b" * 183 + "..."),
        ("http://a.example/ö", "http://a.example/\\xf6"),
    ],
    ids=["query", "password", "data", "long", "beyond ASCII"],
)
def test_messages_show_no_keys_and_no_long_addresses(url, expected):
    assert shown(url) == expected
