"""How long a photo query takes beside a text query, over HTTP, with what it takes to decode it."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import orjson
from rich.progress import track

from benchmarks.fashion_judgements import fashion_queries, read_products
from benchmarks.http_client import JsonClient
from benchmarks.measures import ratio_of_medians, spread
from benchmarks.plan import Plan
from benchmarks.report import Part, Sheet, at_most
from benchmarks.stack import BenchStack

MOST_OF_TEXT = 2.0
_SEED = 20_261_121
_WARM_UP = 40
_KINDS = ("text", "photo", "text and photo")


def measure_photo_queries(plan: Plan, stack: BenchStack, index: str) -> Part:
    """Ask an index of fashion with photos in turn: text, a photo it has not seen, and both.

    No query comes twice, so nothing is answered from a cache.
    """
    files = sorted((plan.data / "fashion" / "images").glob("*.jpg"))
    draw = random.Random(_SEED)
    rounds = _WARM_UP + min(plan.effort.searches, 150)
    photos = draw.sample(files, 2 * rounds)
    words = [query.text for query in fashion_queries(read_products(plan.data))][:rounds]
    times: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    with stack.service() as (port, _), JsonClient(f"http://127.0.0.1:{port}") as service:
        turns = enumerate(words)
        for number, text in track(
            turns, "asking in turn", len(words), console=plan.console, transient=True
        ):
            one, other = (_encoded(photo) for photo in photos[2 * number : 2 * number + 2])
            # Other words than the text query's, which is remembered by now.
            both = f"{text} {number}"
            bodies = {
                "text": {"q": text},
                "photo": {"image": {"base64": one}},
                "text and photo": {"q": both, "image": {"base64": other}},
            }
            for kind in draw.sample(_KINDS, len(_KINDS)):
                answer = service.post(f"/v1/indexes/{index}/search", orjson.dumps(bodies[kind]))
                if number >= _WARM_UP:
                    times[kind].append(answer.milliseconds)
    text_times = times["text"]
    ratios = {kind: ratio_of_medians(times[kind], text_times) for kind in _KINDS}
    rows = []
    for kind, found in times.items():
        seen = spread(found)
        rows.append((kind, f"{seen.p50:.1f}", f"{seen.p95:.1f}", str(ratios[kind])))
    sheet = Sheet(
        f"Queries by photo, {len(files):,} products with a photo each",
        ("query", "p50 ms", "p95 ms", "to text"),
        rows,
        "JPEGs of 224 pixels in base64, none of them twice; decoding and encoding included",
    )
    target = "p50 of a photo query / a text query"
    verdicts = [at_most(target, ratios["photo"].value, MOST_OF_TEXT, "")]
    data = {kind: spread(found).to_json() for kind, found in times.items()}
    return Part("photo queries", [sheet], verdicts, data)


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
