"""One real search over HTTP, shown as a person would like to see it, and what to try next."""

from __future__ import annotations

import http.client
import json
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from embedded import ports
from embedded.errors import EmbeddedStackError

QUESTIONS = {
    "products": "cordless pointing device",
    "icecat": "wireless mouse",
    "fashion": "blue shirt for a summer evening",
}
"""Index to a question that its catalogue can answer; the first is worded unlike any title."""

_HITS_SHOWN = 5
_FACET_VALUES = 6
_PRICE_STEPS = (0.25, 0.5, 0.75)
_TIMEOUT_SECONDS = 30
_LINE_WIDTH = 80


class SearchFailed(EmbeddedStackError):
    """The service answered with an error, or not at all."""


@dataclass(frozen=True)
class FirstSearch:
    """A question, and the service's answer as decoded JSON."""

    index: str
    question: str
    answer: Mapping[str, Any]


def search_first(port: int, index: str) -> FirstSearch:
    """Ask the service on a loopback port a question that suits the index.

    Raises SearchFailed.
    """
    question = QUESTIONS.get(index) or _title_words(port, index)
    # Asked for the boundaries first, so that the answer shown is one of a warm service.
    prices = _ask(port, index, {"q": question, "limit": 200, "fields": ["price"]})["hits"]
    body = {
        "q": question,
        "limit": _HITS_SHOWN,
        "facets": {"brand": _FACET_VALUES, "price": {"ranges": _price_ranges(prices)}},
    }
    return FirstSearch(index, question, _ask(port, index, body))


def _title_words(port: int, index: str) -> str:
    hits = _ask(port, index, {"limit": 1, "fields": ["title"]})["hits"]
    return " ".join(hits[0]["product"]["title"].split()[:3]) if hits else ""


def _price_ranges(hits: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return boundaries that divide the hits evenly by price."""
    prices = sorted(hit["product"]["price"] for hit in hits if "price" in hit["product"])
    if not prices:
        return [100.0]
    return sorted({_rounded(prices[int(len(prices) * step)]) for step in _PRICE_STEPS})


def _rounded(price: float) -> float:
    """Return a price to one digit: 37.9 becomes 40."""
    return max(1.0, float(f"{price:.0e}"))


def _ask(port: int, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
    path = f"/v1/indexes/{quote(index)}/search"
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=_TIMEOUT_SECONDS)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise SearchFailed(
            f"The service does not answer on port {port}: {error}", "Its log says more."
        ) from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise SearchFailed(
            f"The search in {index!r} failed with status {response.status}: {text[:500]}",
            "The service's log says more.",
        )
    answer: dict[str, Any] = json.loads(text)
    return answer


def answer_lines(search: FirstSearch) -> list[str]:
    """Return the question, and two lines a hit: its title, then price and the legs' scores."""
    total, milliseconds = search.answer["total"]["value"], search.answer["took"].get("total", 0)
    lines = [f"{search.question!r} finds {total:,} products in {milliseconds:.0f} ms:"]
    for rank, hit in enumerate(search.answer["hits"], start=1):
        product = hit["product"]
        legs = [f"{name} {_score(leg['score'])}" for name, leg in hit.get("legs", {}).items()]
        facts = [
            product.get("brand"),
            f"{product['price']:,.2f} {product.get('currency', '')}" if "price" in product else "",
            f"score {_score(hit['score'])} from {', '.join(legs)}",
        ]
        title = textwrap.shorten(product["title"], _LINE_WIDTH - 5, placeholder=" ...")
        lines += [f"{rank:>3}. {title}", f"     {' | '.join(fact for fact in facts if fact)}"]
    return lines


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"


def facet_lines(search: FirstSearch) -> list[str]:
    """Return a line for each facet: `brand: Corvexa (4), Tarnwell (3)`."""
    lines = []
    for name, counts in search.answer["facets"].items():
        shown = [f"{_label(count)} ({count['count']})" for count in counts if count["count"]]
        lines.append(f"  {name}: {', '.join(shown)}")
    return lines


def _label(count: Mapping[str, Any]) -> str:
    if "value" in count:
        return str(count["value"])
    low, high = count["from"], count["to"]
    if low is None:
        return f"below {high:,g}"
    return f"{low:,g} and over" if high is None else f"{low:,g} to {high:,g}"


def next_steps(
    search: FirstSearch,
    port: int,
    *,
    catalogue: Path,
    environment: Path,
    photos: Path | None = None,
) -> list[tuple[str, str]]:
    """Return what to try next, each with a command to copy.

    photos: the folder of the catalogue's photos, None when they are elsewhere or not encoded.
    """
    url = f"http://{ports.LOOPBACK}:{port}"
    words = quote(search.question)
    steps = [
        ("See it", f"{url}/shop"),
        ("Tune it", f"{url}/studio"),
        ("Search", f"curl -s '{url}/v1/indexes/{search.index}/search?q={words}&limit=3'"),
        (
            "Filter and count",
            f"curl -s {url}/v1/indexes/{search.index}/search -H 'Content-Type: application/json'"
            f" -d {shlex.quote(json.dumps(_filtered(search)))}",
        ),
        ("Read and try the API", f"{url}/docs"),
    ]
    photo = _photo_of_a_hit(search, photos) if photos else None
    if photo:
        steps.insert(4, ("Search by a photo", _photo_search(url, search.index, photo)))
    judgements = catalogue.with_name("judgements.csv")
    if judgements.is_file():
        steps.append(
            (
                "Measure the ranking",
                f". {_shell_path(environment)} && .venv/bin/shelfwise evaluate"
                f" --index {search.index} --judgements {_shell_path(judgements)}",
            )
        )
    return steps


def _photo_of_a_hit(search: FirstSearch, photos: Path) -> Path | None:
    """Return the file of the first photo that a hit names and that is there."""
    for hit in search.answer["hits"]:
        for address in map(str, hit["product"].get("images", [])):
            path = photos / address.removeprefix("file:")
            if address.startswith("file:") and path.is_file():
                return path
    return None


def _photo_search(url: str, index: str, photo: Path) -> str:
    body = {"image": {"upload": "photo"}, "limit": 3, "fields": ["title", "images"]}
    return (
        f"curl -s {url}/v1/indexes/{index}/search -F request={shlex.quote(json.dumps(body))}"
        f" -F photo=@{_shell_path(photo)}"
    )


def _filtered(search: FirstSearch) -> dict[str, Any]:
    facets = search.answer["facets"]
    brands = [count["value"] for count in facets.get("brand", [])][:2]
    edges = [count["to"] for count in facets.get("price", []) if count["to"] is not None]
    filters: dict[str, Any] = {"brand": brands} if brands else {}
    if edges:
        filters["price"] = {"lt": edges[-1]}
    return {
        "q": search.question,
        "filter": filters,
        "facets": {"brand": 5, "price": {"ranges": edges or [100]}},
        "limit": 3,
    }


def _shell_path(path: Path) -> str:
    """Return the path as typed from here, the shorter of both ways."""
    try:
        return shlex.quote(str(path.relative_to(Path.cwd())))
    except ValueError:
        return shlex.quote(str(path))


def index_size(elasticsearch_url: str, index: str) -> int:
    """Return the number of products in an index, 0 when there is none of that name."""
    host = elasticsearch_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"/{quote(index)}/_count")
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    return int(json.loads(body)["count"]) if response.status == http.client.OK else 0


def readiness(port: int) -> tuple[bool, Sequence[str]]:
    """Return whether the service can answer, and otherwise what it says is missing."""
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException):
        return False, ["it does not answer yet"]
    finally:
        connection.close()
    if response.status == http.client.OK:
        return True, []
    try:
        checks = json.loads(text)["checks"]
    except (ValueError, KeyError):
        return False, [f"status {response.status}"]
    return False, [f"{name}: {outcome}" for name, outcome in checks.items() if outcome != "ok"]
