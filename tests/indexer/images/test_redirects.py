"""Redirects and name servers that try to lead a worker where it may not go."""

from __future__ import annotations

import pytest

from indexer.images.addresses import AddressPolicy
from indexer.images.fetcher import FetchLimits, ImageFetcher
from indexer.images.networks import parse_networks
from mappings.errors import ImageRefused, ImageUnavailable
from tests.indexer.images.photo_server import HOST, PhotoServer, in_turn, respond


def moved(location: str, status: int = 302):
    return respond(b"", status, Location=location)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_followed(server, make_fetcher, status):
    server.routes["/old/a"] = moved("../new/a?b=c", status)
    server.serve("/new/a?b=c")
    fetched = make_fetcher(server).fetch(server.url("/old/a"))
    assert fetched.url == server.url("/new/a?b=c")


def test_third_redirect_is_followed_and_a_fourth_is_not(server, make_fetcher):
    for step in range(4):
        server.routes[f"/{step}"] = moved(f"/{step + 1}")
    server.serve("/4")
    fetcher = make_fetcher(server)
    assert fetcher.fetch(server.url("/1")).url == server.url("/4")
    with pytest.raises(ImageRefused, match="more than 3 times") as caught:
        fetcher.fetch(server.url("/0"))
    assert caught.value.reason == "redirect_refused"


def test_redirect_in_a_circle_ends(server, make_fetcher):
    server.routes["/a"] = moved("/a")
    with pytest.raises(ImageRefused, match="more than 3 times"):
        make_fetcher(server).fetch(server.url("/a"))
    assert server.paths == ["/a"] * 4


ELSEWHERE = [
    ("http://127.0.0.2/", "address_refused"),
    ("http://169.254.169.254/latest/meta-data/", "address_refused"),
    ("http://[::ffff:169.254.169.254]/", "address_refused"),
    ("//10.0.0.1/a.jpg", "address_refused"),
    ("http://127.0.0.1:6379/", "port_refused"),
    ("http://user:secret@127.0.0.1/", "address_invalid"),
    ("file:///etc/passwd", "scheme_refused"),
    ("data:image/png;base64,AAAA", "scheme_refused"),
    ("gopher://127.0.0.1/", "scheme_refused"),
    ("http://[/", "redirect_refused"),
]


@pytest.mark.parametrize(("location", "reason"), ELSEWHERE, ids=[row[0] for row in ELSEWHERE])
def test_redirect_is_checked_like_a_first_address(server, make_fetcher, location, reason):
    server.routes["/a"] = moved(location)
    with pytest.raises(ImageRefused) as caught:
        make_fetcher(server).fetch(server.url("/a"))
    assert caught.value.reason == reason
    assert server.paths == ["/a"]


def test_redirect_from_http_to_https_is_followed_and_never_back(make_fetcher):
    with PhotoServer() as plain, PhotoServer(tls=True) as secure:
        fetcher = make_fetcher(plain, secure)
        plain.routes["/a"] = moved(secure.url("/b"))
        secure.serve("/b")
        assert fetcher.fetch(plain.url("/a")).url == secure.url("/b")
        secure.routes["/c"] = moved(plain.url("/d"))
        plain.serve("/d")
        with pytest.raises(ImageRefused, match="away from https"):
            fetcher.fetch(secure.url("/c"))
        assert plain.paths == ["/a"]
        fetcher.close()


def test_redirect_address_beyond_ascii_is_read_as_utf8(server, make_fetcher):
    server.routes["/a"] = moved("/ö.jpg".encode().decode("latin-1"))
    server.serve("/%C3%B6.jpg")
    assert make_fetcher(server).fetch(server.url("/a")).url == server.url("/%C3%B6.jpg")


def test_redirect_without_address_is_a_lasting_fault(server, make_fetcher):
    server.serve("/a", b"", 302)
    with pytest.raises(ImageRefused, match="answered 302"):
        make_fetcher(server).fetch(server.url("/a"))


class Rebinding:
    """A name server that gives its true address once, and another one ever after."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.questions = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.questions += 1
        return [self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]]


def test_connection_goes_to_the_address_that_was_checked(server, make_fetcher):
    server.serve("/a")
    resolver = Rebinding("127.0.0.1", "169.254.169.254")
    fetcher = make_fetcher(server, resolver=resolver)
    assert fetcher.fetch(server.url("/a")).data == b"photo"
    assert resolver.questions == 1
    # The next photo asks anew, and an open connection is no way around the answer.
    with pytest.raises(ImageRefused, match="cloud metadata"):
        fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"]


def test_name_that_changes_between_redirects_is_refused(server, make_fetcher):
    server.routes["/a"] = moved(f"http://{HOST}:{server.port}/b")
    fetcher = make_fetcher(server, resolver=Rebinding("127.0.0.1", "10.0.0.1"))
    with pytest.raises(ImageRefused, match=r"leads to 10\.0\.0\.1 \(private\)"):
        fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"]


def test_name_that_changes_between_attempts_is_refused(server, make_fetcher):
    server.routes["/a"] = in_turn(respond(b"", 500), respond(b"secret"))
    fetcher = make_fetcher(server, resolver=Rebinding("127.0.0.1", "10.0.0.1"))
    with pytest.raises(ImageRefused, match="private"):
        fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"]


def test_second_address_of_a_host_is_tried(server, make_fetcher):
    server.serve("/a")
    # Nobody listens on the first one: the server is bound to 127.0.0.1 alone.
    fetcher = make_fetcher(
        server, resolver=lambda host, port: ["::ffff:127.0.0.1", "127.0.0.1"], limits={}
    )
    assert fetcher.fetch(server.url("/a")).data == b"photo"


def test_open_connection_is_not_used_for_a_host_that_has_moved(server):
    server.serve("/a")
    policy = AddressPolicy(parse_networks("127.0.0.0/8"), frozenset({server.port}))
    resolver = Rebinding("127.0.0.1", "127.0.0.2")  # nobody listens on the second one
    fetcher = ImageFetcher(policy, FetchLimits(attempts=1), resolver=resolver)
    fetcher.fetch(server.url("/a"))
    with pytest.raises(ImageUnavailable, match="ConnectionRefusedError"):
        fetcher.fetch(server.url("/a"))
    assert server.paths == ["/a"]
    fetcher.close()
