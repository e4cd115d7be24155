"""The commands and a worker as real processes, on a shop that goes on writing."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from pathlib import Path

import orjson
import psutil
import pytest
import redis
from elasticsearch import Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.attach.feed import index_state
from indexer.attach.field_paths import write_field_paths
from indexer.documents import text_digest
from indexer.encoders.hashing import HashingEncoder
from mappings.attachments import ATTACHED_PHOTOS, Attachments
from tests.indexer.attach.shop import FIELDS, Shop, product, wait_for, writes_going_on
from tests.indexer.photos_shop import jpeg, shade
from tests.indexer.programs import Program, environment, run

pytestmark = pytest.mark.stack

ICECAT = Path(__file__).resolve().parents[4] / "shared/data/icecat/products.jsonl.gz"
COUNT = 1_500
ENCODER = HashingEncoder(template="{title} {description}")


@pytest.fixture
def env(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis, tmp_path: Path
) -> dict[str, str]:
    return environment(
        elasticsearch.url,
        redis_server.url,
        text_template="{title} {description}",
        indexer_products_per_task=100,
        indexer_attached_seconds=0.3,
        model_directory=tmp_path,
    )


def catalogue() -> Iterator[tuple[str, dict]]:
    """Real products under the shop's own names; invented ones where the data is not here."""
    if not ICECAT.exists():
        yield from ((str(number), product(number)) for number in range(COUNT))
        return
    with gzip.open(ICECAT) as lines:
        for line in itertools.islice(lines, COUNT):
            record = orjson.loads(line)
            yield (
                record["id"],
                {
                    "produktname": record["title"],
                    "beschreibung": {"kurz": record.get("short_description") or record["title"]},
                    "hersteller": record.get("supplier"),
                    "preis": {"brutto": (record.get("price") or 0) / 100},
                    "bilder": [record["img_high"]] if record.get("img_high") else [],
                    "roh": {name: record[name] for name in record if name.startswith("attr_")},
                },
            )


def words(document: dict) -> str:
    text = f"{document['produktname']} {document.get('beschreibung', {}).get('kurz', '')}"
    return " ".join(text.split())


def require_right(shop: Shop) -> None:
    assert shop.differences() == []
    found = shop.vectors()
    assert set(found) == set(shop.shadow)
    wrong = [
        name
        for name, document in shop.shadow.items()
        if found[name]["text_hash"] != text_digest(ENCODER.spec, words(document))
    ]
    assert wrong == []


def end_lease(redis_url: str, name: str) -> None:
    """Let the lease of a killed process end now, and not after 15 s."""
    with redis.Redis.from_url(redis_url) as queue:
        queue.delete(f"shelfwise:lease:attached:{name}")


def test_attach_killed_taken_over_by_a_worker_and_detached_while_the_shop_writes(
    shop: Shop, env: dict[str, str], exact_cluster: Elasticsearch, tmp_path: Path
) -> None:
    shop.create().fill(dict(catalogue()))
    attachments = Attachments(exact_cluster)

    def is_done() -> bool:
        attachment = attachments.get(shop.name)
        behind = index_state(exact_cluster, shop.name).behind(attachment.progress["shards"])
        return attachment.state == "following" and not behind

    worker = Program("worker", env=env, log=tmp_path / "worker")
    attach = Program(
        "attach", "--index", shop.name, "--yes", "--rate", "800", env=env, log=tmp_path / "attach"
    )
    with worker, attach:
        with writes_going_on(shop) as writes:
            attach.wait_until_says("attaching")
            wait_for(lambda: attachments.get(shop.name).progress["done"] > 300)
            attach.kill()
            killed_at = attachments.get(shop.name)
            end_lease(env["SHELFWISE_REDIS_URL"], shop.name)
            worker.wait_until_says("ready.")
            wait_for(lambda: attachments.get(shop.name).state == "following")
            enough = len(writes) + 40
            wait_for(lambda: len(writes) > enough)
        wait_for(is_done)
        require_right(shop)
        with writes_going_on(shop, seed=6):
            arguments = ("detach", "--index", shop.name, "--yes")
            detached = run(*arguments, env=env, log=tmp_path / "detach")
    assert (killed_at.state, killed_at.fields["title"]) == ("backfilling", ("produktname",))
    assert detached.status == 0, detached.said
    assert "stays: the mapping" in detached.said
    assert shop.differences() == []
    assert shop.vectors() == {}


def test_photos_are_there_when_attach_ends_and_workers_do_those_of_new_products(
    shop: Shop, env: dict[str, str], exact_cluster: Elasticsearch, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(21):
        (folder / f"{number}.jpg").write_bytes(jpeg(shade(number)))
    env |= {
        "SHELFWISE_IMAGE_ENCODER": "hashing-image",
        "SHELFWISE_INDEXER_IMAGE_DIRECTORY": str(folder),
    }
    mapped = tmp_path / "map.json"
    mapped.write_bytes(write_field_paths({**FIELDS, "images": ("bilder",)}))
    documents = {str(number): product(number, bilder=f"{number}.jpg") for number in range(20)}
    shop.create().fill(documents)
    arguments = ("attach", "--index", shop.name, "--map", str(mapped))
    attached = run(*arguments, env=env, log=tmp_path / "attach")
    assert attached.status == 0, attached.said
    assert "photos by hashing-image" in attached.said

    def with_photos() -> int:
        exact_cluster.indices.refresh(index=shop.name)
        query = {"nested": {"path": ATTACHED_PHOTOS, "query": {"match_all": {}}}}
        return int(exact_cluster.count(index=shop.name, query=query)["count"])

    assert with_photos() == 20
    # Of a forking pool, whose own processes cannot do it.
    env |= {"SHELFWISE_INDEXER_POOL": "prefork", "SHELFWISE_INDEXER_CONCURRENCY": "1"}
    with Program("worker", env=env, log=tmp_path / "worker") as worker:
        worker.wait_until_says("process_started")
        shop.write("neu", product(7, bilder="20.jpg"))
        wait_for(lambda: with_photos() == 21)
        children = psutil.Process(worker.process_id).children(recursive=True)
        worker.interrupt()
        assert worker.finish().status == 0
        psutil.wait_procs(children, timeout=30)
        assert not [one for one in children if one.is_running()]
    assert shop.differences() == []
    assert shop.vectors().keys() == shop.shadow.keys()
