"""Paths, headers and bodies that make no sense: no 5xx, no hang, no leak of what is another's.

SHELFWISE_TEST_FUZZ_REQUESTS says how many; the seed is fixed, so a failure comes again.
"""

from __future__ import annotations

import json
import os
import random
import string
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask

from service.access.key_store import KeyStore
from service.access.keys import NewKey, make_key
from service.access.scopes import Scope
from tests.service.access.test_secrets import PASSWORD
from tests.service.conftest import running_app, services_of

REQUESTS = int(os.environ.get("SHELFWISE_TEST_FUZZ_REQUESTS", "2500"))
SEED = 20_261_121
SLOWEST_SECONDS = 20.0
"""Of one request on a busy machine."""
TELL_EACH = 1_000
HIDDEN = "hidden-shop-7f3a"
"""Name of an index that no key of the fuzz may know of."""

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(max(300, REQUESTS // 10))]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get")
PIECES = (
    *("", ".", "..", "%2e%2e", "%00", "*", "_all", "-", "+", "a,b", "shelfwise-keys", "_search"),
    *("<shelfwise-keys>", "%3Cshelfwise-keys%3E", ".security", "x" * 300, "é", "\u202e", "%ff"),
    *(
        "products",
        "products-v1",
        "1",
        "0",
        "-1",
        "9" * 40,
        "null",
        "true",
        "a b",
        "';--",
        "${7*7}",
    ),
    *("../../etc/passwd", "\\", "{}", "[]", HIDDEN, f"{HIDDEN},*", f"*{HIDDEN[1:]}"),
)
WORDS = (
    *(
        "q",
        "filter",
        "facets",
        "sort",
        "limit",
        "offset",
        "cursor",
        "collapse",
        "fusion",
        "weights",
    ),
    *(
        "mode",
        "explain",
        "fields",
        "image",
        "vectors",
        "client_id",
        "weights_version",
        "understand",
    ),
    *(
        "query",
        "match",
        "bool",
        "must",
        "aggs",
        "size",
        "from",
        "_source",
        "knn",
        "script",
        "index",
    ),
    *("ids", "products", "id", "title", "price", "version", "events", "name", "scopes", "indexes"),
    *(
        "not",
        "any",
        "all",
        "gt",
        "lt",
        "url",
        "base64",
        "upload",
        "retriever",
        "rrf",
        "ext",
        "field",
    ),
)
HEADERS = (
    *("Authorization", "X-Api-Key", "Content-Type", "Content-Length", "Accept", "Origin", "Host"),
    *("X-Forwarded-For", "Forwarded", "Range", "If-Match", "Expect", "Cookie", "traceparent"),
    *("Content-Encoding", "Transfer-Encoding", "X-HTTP-Method-Override", "Accept-Encoding"),
)


def plain(path: str) -> str:
    """The path as the test client takes it: `//a` is a host to it, and `?` begins parameters."""
    return "/" + path.replace("?", "%3f").lstrip("/")


class Fuzz:
    """Makes requests; everything it draws comes from one generator."""

    def __init__(self, app: Flask, shop: str, keys: list[NewKey]) -> None:
        self.draw = random.Random(SEED)
        self.rules = [
            (rule.rule, sorted(rule.methods))
            for rule in app.url_map.iter_rules()
            if rule.rule != "/"
        ]
        self.shop = shop
        self.keys = keys

    def request(self) -> dict[str, object]:
        rule, methods = self.draw.choice(self.rules)
        path = "".join(self.part(part) for part in rule.replace(">", "<").split("<"))
        headers = dict(self.header() for _ in range(self.draw.randrange(4)))
        if self.draw.random() < 0.8:
            # Half of them open every door of the shop, so that what is behind is met too.
            admin = self.keys[list(Scope).index(Scope.ADMIN)]
            headers["X-Api-Key"] = self.draw.choice([*self.keys, *[admin] * len(self.keys)]).text
        return {
            "path": plain(path if self.draw.random() < 0.9 else f"/{self.text()}"),
            "method": self.draw.choice(methods if self.draw.random() < 0.8 else METHODS),
            "query_string": self.query() if self.draw.random() < 0.4 else "",
            "headers": headers,
            "data": self.body(),
        }

    def part(self, part: str) -> str:
        """A literal piece of a rule as it is, a variable one as whatever comes."""
        if "/" in part or part.startswith("_") or not part:
            return part
        if part.split(":")[-1] == "index" and self.draw.random() < 0.75:
            return self.shop
        return self.draw.choice(PIECES) if self.draw.random() < 0.7 else self.text()

    def text(self) -> str:
        kind = self.draw.randrange(4)
        if kind == 0:
            return self.draw.choice(PIECES)
        if kind == 1:
            return "".join(
                chr(self.draw.randrange(1, 0x2FFF)) for _ in range(self.draw.randrange(20))
            )
        if kind == 2:
            return self.draw.choice(WORDS)
        return "".join(self.draw.choice(string.printable) for _ in range(self.draw.randrange(60)))

    def header(self) -> tuple[str, str]:
        name = self.draw.choice(HEADERS)
        known = (
            "Bearer x",
            "Basic eA==",
            "ApiKey ####",
            "gzip",
            "chunked",
            "application/json",
            "-1",
        )
        text = self.draw.choice(known) if self.draw.random() < 0.4 else self.text()
        shown = "".join(sign for sign in text if 32 <= ord(sign) < 127)
        if name in ("Content-Length", "Host") or len(shown) > 500:
            return "X-Other", shown[:500]
        return name, shown

    def query(self) -> list[tuple[str, str]]:
        return [
            (
                self.draw.choice(WORDS) if self.draw.random() < 0.9 else self.text(),
                self.value_text(),
            )
            for _ in range(self.draw.randrange(1, 4))
        ]

    def value_text(self) -> str:
        return json.dumps(self.value(0)) if self.draw.random() < 0.5 else self.text()

    def body(self) -> bytes:
        kind = self.draw.random()
        if kind < 0.7:
            value = {self.draw.choice(WORDS): self.value(0) for _ in range(self.draw.randrange(4))}
            if self.draw.random() < 0.5:
                value = {"q": "mouse", **value}
            return json.dumps(value).encode()
        if kind < 0.8:
            return json.dumps(self.value(0)).encode()
        if kind < 0.9:
            return self.draw.randbytes(self.draw.randrange(200))
        return self.text().encode(errors="surrogatepass")

    def value(self, depth: int) -> object:
        kind = self.draw.randrange(9 if depth < 4 else 6)
        if kind < 2:
            return self.text()
        if kind == 2:
            return self.draw.choice((0, 1, -1, 2**31, 2**63, -(2**63), 10**30, 1e308, 0.5))
        if kind == 3:
            return self.draw.choice((None, True, False))
        if kind < 6:
            return self.draw.choice(WORDS)
        if kind == 6:
            return [self.value(depth + 1) for _ in range(self.draw.randrange(4))]
        return {
            self.draw.choice(WORDS): self.value(depth + 1) for _ in range(self.draw.randrange(4))
        }


@pytest.fixture(scope="module")
def app(elasticsearch, redis_server, shop) -> Iterator[Flask]:
    with running_app(
        elasticsearch.url,
        redis_server.url.removesuffix("/0") + "/7",
        service_keys="required",
        service_key_cache_seconds=60,
        service_rate_per_key=0,
        service_rate_per_address=0,
        service_events_key=PASSWORD,
    ) as app:
        yield app


@pytest.fixture(scope="module")
def keys(app, shop) -> Iterator[list[NewKey]]:
    """Keys of each scope for the shop; none may see the hidden one, which has a task and a key."""
    store = KeyStore(services_of(app).client)
    made = [
        make_key(scope, [scope], ["*"] if scope is Scope.METRICS else [shop], created_by="a test")
        for scope in Scope
    ]
    hidden = make_key("hidden", ["admin"], [HIDDEN], created_by="a test")
    for one in (*made, hidden):
        store.add(one.key)
    yield made
    for one in (*made, hidden):
        store.revoke(one.key.id)
    store.purge()


def test_nonsense_breaks_nothing_and_learns_nothing(app, shop, keys):
    fuzz = Fuzz(app, shop, keys)
    client, statuses, bad = app.test_client(), Counter(), []
    secrets = [PASSWORD, *(one.key.digest for one in keys)]
    for number in range(REQUESTS):
        asked = fuzz.request()
        began = time.monotonic()
        response = client.open(**asked)
        seconds = time.monotonic() - began
        statuses[response.status_code] += 1
        text = response.get_data(as_text=True) + str(response.headers)
        response.close()
        sent = f"{asked['path']} {asked['query_string']} {asked['data']!r} {asked['headers']}"
        leaks = [secret for secret in secrets if secret in text]
        if HIDDEN in text and HIDDEN not in sent:
            leaks.append(HIDDEN)
        if response.status_code >= 500 or seconds > SLOWEST_SECONDS or leaks:
            bad.append((number, response.status_code, seconds, leaks, asked, text[:300]))
        if number % TELL_EACH == TELL_EACH - 1:
            print(f"{number + 1:,}: {len(bad)} bad, {dict(sorted(statuses.items()))}", flush=True)
    print(f"{REQUESTS:,} requests: {dict(sorted(statuses.items()))}")
    assert not bad, f"{len(bad)} of them; the first: {bad[0]}"
    # It did not only find shut doors.
    assert statuses[200] > REQUESTS / 50 and statuses[400] > REQUESTS / 20
