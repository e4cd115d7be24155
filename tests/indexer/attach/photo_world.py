"""A shop whose products have photos, and the work on them, for tests that move the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from elasticsearch import Elasticsearch

from indexer.attach.photo_work import AttachedPhotos
from indexer.encoders.image_hashing import HashingImageEncoder
from indexer.images.addresses import AddressPolicy
from indexer.images.decoding import decode
from indexer.images.fetcher import FetchLimits, ImageFetcher
from indexer.photos.encoders import ImageEncoderPool
from indexer.photos.hints import PhotoHints
from indexer.photos.intake import PhotoIntake
from indexer.photos.making import PhotoMaker
from indexer.photos.photo_state import PhotoRules
from mappings.attachments import ATTACHED_PHOTO_VECTOR, ATTACHED_PHOTOS, OWN_FIELD, Attachments
from tests.indexer.attach.shop import FIELDS, Shop, product
from tests.indexer.images.photo_server import PhotoServer
from tests.indexer.photos_shop import CountingEncoder, jpeg, shade

PATHS = {**FIELDS, "images": ("bilder",)}
RULES = PhotoRules(max_attempts=3, backoff_seconds=10)


@dataclass
class Work:
    """The photo work of the tests: its server, its encoder, and a clock that they move."""

    client: Elasticsearch
    server: PhotoServer
    hints: PhotoHints
    encoder: CountingEncoder = field(default_factory=CountingEncoder)
    now: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(minutes=1))

    def __post_init__(self) -> None:
        networks = (ip_network("127.0.0.1/32"),)
        self.fetcher = ImageFetcher(
            AddressPolicy(networks, frozenset({self.server.port})),
            FetchLimits(max_bytes=100_000, timeout_seconds=1.0, attempts=1, delay_seconds=0.0),
            resolver=lambda host, port: ["127.0.0.1"],
        )
        self.intake = PhotoIntake(self.fetcher.fetch, threads=4, max_pixels=1_000_000)
        self.photos = AttachedPhotos(
            self.client,
            PhotoMaker(self.intake, batch_size=8),
            ImageEncoderPool(lambda spec: self.encoder),
            self.hints,
            rules=RULES,
            now=lambda: self.now,
        )

    def photo(self, number: int) -> str:
        self.server.serve(f"/{number}.jpg", jpeg(shade(number)))
        return self.server.url(f"/{number}.jpg")

    def run(self, name: str) -> int:
        attachment = Attachments(self.client).get(name)
        self.client.indices.refresh(index=attachment.target)
        return self.photos.run(attachment) if self.photos.is_due(attachment) else 0

    def own(self, shop: Shop, name: str) -> dict:
        target = Attachments(self.client).get(shop.name).target
        return shop.sources(target)[name][OWN_FIELD]

    def nearest(self, name: str, number: int) -> str:
        """Id of the document whose photo is most like one."""
        target = Attachments(self.client).get(name).target
        self.client.indices.refresh(index=target)
        (vector,) = HashingImageEncoder().encode_images([decode(jpeg(shade(number)))])
        knn = {"field": ATTACHED_PHOTO_VECTOR, "query_vector": vector.tolist(), "k": 5}
        nested = {"path": ATTACHED_PHOTOS, "score_mode": "max", "query": {"knn": knn}}
        hits = self.client.search(index=target, query={"nested": nested})["hits"]["hits"]
        return str(hits[0]["_id"])


def filled(shop: Shop, work: Work, count: int = 6) -> Shop:
    """A shop of which every product has two photos, but for the last, which has none."""
    documents = {str(number): product(number) for number in range(count)}
    for number in range(count - 1):
        documents[str(number)]["bilder"] = [work.photo(2 * number), work.photo(2 * number + 1)]
    return shop.create().fill(documents)
