"""A shop's own index, filled by plain Elasticsearch code, and what the shop knows of it."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch, helpers

from indexer.attach.feed import leaves_vectors_out
from mappings.attachments import ATTACHED_TEXT_VECTOR, OWN_FIELD

MAPPINGS = {
    "dynamic": "strict",
    "properties": {
        "produktname": {"type": "text", "analyzer": "shop_words"},
        "beschreibung": {"properties": {"lang": {"type": "text"}, "kurz": {"type": "text"}}},
        "hersteller": {"type": "keyword"},
        "preis": {"properties": {"brutto": {"type": "double"}}},
        "bilder": {"type": "keyword"},
        "lager": {"type": "integer"},
        "artnr": {"type": "keyword"},
        "roh": {"type": "object", "enabled": False},
        "eigener_vektor": {"type": "dense_vector", "dims": 3, "similarity": "l2_norm"},
    },
}
SETTINGS = {
    "number_of_shards": 2,
    "number_of_replicas": 0,
    "analysis": {"analyzer": {"shop_words": {"tokenizer": "standard", "filter": ["lowercase"]}}},
}
FIELDS = {"title": ("produktname",), "description": ("beschreibung.lang", "beschreibung.kurz")}


def product(number: int, **more: object) -> dict[str, Any]:
    """A document as the shop writes it, with numbers that are easy to spoil."""
    return {
        "produktname": f"Maus {number} kabellos",
        "beschreibung": {"kurz": f"Optische Maus, Ausgabe {number}"},
        "hersteller": f"Firma {number % 7}",
        "preis": {"brutto": number + 0.5},
        "lager": number % 3,
        "roh": {"gross": 12345678901234567890123, "genau": 0.1234567890123456, "leer": None},
        "eigener_vektor": [0.5, 0.25, number + 1.0],
        **more,
    }


def digest(source: Mapping[str, Any]) -> str:
    """Hash of a document less our field, whatever the order of its keys."""
    own = {name: value for name, value in source.items() if name != OWN_FIELD}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


@dataclass
class Shop:
    """The shop's code: it writes by plain requests, and keeps a copy of what it wrote.

    client: one that reads numbers exactly.
    """

    client: Elasticsearch
    name: str
    shadow: dict[str, dict[str, Any]] = field(default_factory=dict)

    def create(self, **more: Any) -> Shop:
        self.client.indices.create(
            index=self.name,
            mappings={**MAPPINGS, **more.pop("mappings", {})},
            settings={**SETTINGS, **more},
        )
        return self

    def fill(self, documents: Mapping[str, dict[str, Any]]) -> Shop:
        actions = (
            {"_op_type": "index", "_index": self.name, "_id": name, "_source": document}
            for name, document in documents.items()
        )
        helpers.bulk(self.client, actions, chunk_size=500)
        self.shadow.update(documents)
        self.client.indices.refresh(index=self.name)
        return self

    def write(self, name: str, document: dict[str, Any]) -> None:
        self.client.index(index=self.name, id=name, document=document)
        self.shadow[name] = document

    def patch(self, name: str, **changes: Any) -> None:
        # An update reads and writes, and may meet our write in between as it may any other's.
        self.client.update(index=self.name, id=name, doc=changes, retry_on_conflict=10)
        self.shadow[name] = {**self.shadow[name], **changes}

    def write_back(self, name: str, **changes: Any) -> None:
        """Read a document and write it whole, with whatever of ours the answer shows."""
        while True:
            found = self.client.get(index=self.name, id=name)
            source = {**self.whole(found["_id"]), **changes}
            shown = found["_source"].get(OWN_FIELD)
            if shown is not None:
                source[OWN_FIELD] = shown
            self.client.index(index=self.name, id=name, document=source)
            self.shadow[name] = {k: v for k, v in source.items() if k != OWN_FIELD}
            return

    def delete(self, name: str) -> None:
        self.client.delete(index=self.name, id=name)
        del self.shadow[name]

    def whole(self, name: str) -> dict[str, Any]:
        """A document's source with the shop's own vectors, which 9.x leaves out of answers."""
        return {k: v for k, v in self.sources(self.name)[name].items() if k != OWN_FIELD}

    def sources(self, index: str) -> dict[str, dict[str, Any]]:
        """Every document's whole source, by id."""
        self.client.indices.refresh(index=index)
        source = {"exclude_vectors": False} if leaves_vectors_out(self.client) else True
        hits = self.client.search(index=index, size=10_000, source=source)["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}

    def differences(self, index: str | None = None) -> list[str]:
        """Ids of documents that are not, less our field, what the shop has written."""
        found = self.sources(index or self.name)
        return [
            name
            for name in sorted({*found, *self.shadow})
            if name not in found
            or name not in self.shadow
            or digest(found[name]) != digest(self.shadow[name])
        ]

    def vectors(self, index: str | None = None) -> dict[str, Any]:
        """Our field of every document that has a vector which a search can find."""
        index = index or self.name
        self.client.indices.refresh(index=index)
        query = {"exists": {"field": ATTACHED_TEXT_VECTOR}}
        hits = self.client.search(index=index, size=10_000, query=query)["hits"]["hits"]
        return {hit["_id"]: hit["_source"][OWN_FIELD] for hit in hits}

    def nearest(self, vector: list[float], index: str | None = None, k: int = 3) -> list[str]:
        index = index or self.name
        knn = {
            "field": ATTACHED_TEXT_VECTOR,
            "query_vector": vector,
            "k": k,
            "num_candidates": 200,
        }
        self.client.indices.refresh(index=index)
        hits = self.client.search(index=index, knn=knn, source=False, size=k)["hits"]["hits"]
        return [hit["_id"] for hit in hits]


@contextmanager
def writes_going_on(shop: Shop, seed: int = 5) -> Iterator[list[str]]:
    """Create, change, patch, write back and delete products all the while; yield what was done."""
    done: list[str] = []
    stopped = threading.Event()
    failures: list[BaseException] = []
    chance = random.Random(seed)

    def write() -> None:
        number = 100_000
        try:
            while not stopped.wait(0.004):
                number += 1
                act = chance.choice(("create", "rewrite", "patch", "patch", "back", "delete"))
                name = chance.choice(list(shop.shadow))
                if act == "create":
                    shop.write(f"neu-{number}", product(number))
                elif act == "rewrite":
                    shop.write(name, product(number))
                elif act == "patch":
                    shop.patch(name, lager=number, hersteller=f"Firma {number}")
                elif act == "back":
                    read = shop.client.get(index=shop.name, id=name)["_source"]
                    kept = {k: v for k, v in shop.shadow[name].items() if k == "eigener_vektor"}
                    document = {**read, **kept, "produktname": f"Tastatur {number}"}
                    shop.client.index(index=shop.name, id=name, document=document)
                    own = {k: v for k, v in document.items() if k != OWN_FIELD}
                    shop.shadow[name] = own
                else:
                    shop.delete(name)
                done.append(act)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield done
    finally:
        stopped.set()
        thread.join()
        if failures:  # whatever else went wrong did so because of it
            raise failures[0]


def wait_for(condition: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.1)
