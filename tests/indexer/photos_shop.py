"""A shop with photos for the tests: its server, its index, and what encodes its photos."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from elasticsearch import Elasticsearch
from PIL import Image

from indexer.bulk_writer import BulkWriter
from indexer.encoders.base import Embeddings
from indexer.encoders.image_hashing import HashingImageEncoder
from indexer.images.addresses import AddressPolicy
from indexer.images.fetcher import FetchLimits, ImageFetcher
from indexer.photos.ahead import PhotosAhead
from indexer.photos.encoders import ImageEncoderPool
from indexer.photos.intake import PhotoIntake
from indexer.photos.photo_runner import PhotoLimits, PhotoOutcome, PhotoRunner
from indexer.photos.photo_state import PhotoRules, PhotoState, read_photos
from indexer.pipeline import Pipeline
from mappings.encoder_spec import EncoderSpec
from mappings.index_lifecycle import create_index
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome
from tests.indexer.conftest import RecordingEncoder
from tests.indexer.images.photo_server import PhotoServer

RULES = PhotoRules(fresh=timedelta(days=30), max_attempts=3, backoff_seconds=10)


def jpeg(colour: tuple[int, int, int], size: tuple[int, int] = (32, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def shade(number: int) -> tuple[int, int, int]:
    """A colour of its own for each number below 512."""
    return (number % 8 * 32, number // 8 % 8 * 32, number // 64 * 32)


@dataclass
class CountingEncoder:
    """The hashing encoder of photos, and how many it was given.

    revision: of another one for another number. poison: a photo of that width breaks the call.
    """

    revision: str = "1"
    poison: int = -1
    sizes: list[tuple[int, int]] = field(default_factory=list)

    @property
    def spec(self) -> EncoderSpec:
        spec = HashingImageEncoder().spec
        return EncoderSpec(spec.name, self.revision, spec.dims, template="")

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        self.sizes += [image.size for image in images]
        if any(image.width == self.poison for image in images):
            raise RuntimeError("the model fell over")
        return HashingImageEncoder().encode_images(images)


class PhotoShop:
    """An index with text and photos, and a clock that the tests move."""

    def __init__(
        self,
        cluster: Elasticsearch,
        index: str,
        server: PhotoServer,
        *,
        rules: PhotoRules = RULES,
        limits: PhotoLimits | None = None,
    ) -> None:
        self.cluster, self.index, self.server = cluster, index, server
        self.now = datetime.now(UTC)
        self.encoder = CountingEncoder()
        self.told: list[str] = []
        texts = RecordingEncoder()
        specs = {"text_vector": texts.spec, "image_vector": self.encoder.spec}
        create_index(cluster, index, specs)
        self.texts, self.rules, self.limits = texts, rules, limits
        self.pipeline = self.make_pipeline()
        policy = AddressPolicy((ip_network("127.0.0.1/32"),), frozenset({80, 443, server.port, 9}))
        self.fetcher = ImageFetcher(
            policy,
            FetchLimits(max_bytes=100_000, timeout_seconds=1.0, attempts=1, delay_seconds=0.0),
            resolver=lambda host, port: ["127.0.0.1"],
        )
        self.intake = PhotoIntake(self.fetcher.fetch, threads=4, max_pixels=1_000_000)
        self.encoders = ImageEncoderPool(self._load)
        self.runner = self.make_runner()

    def make_pipeline(self, ahead: PhotosAhead | None = None) -> Pipeline:
        return Pipeline(
            self.cluster,
            self.texts,
            photo_rules=self.rules,
            photos_ahead=ahead,
            on_photos_due=lambda name, ids: self.told.extend(ids),
            now=lambda: self.now,
        )

    def make_runner(self, intake: PhotoIntake | None = None) -> PhotoRunner:
        return PhotoRunner(
            self.cluster,
            intake or self.intake,
            self.encoders,
            rules=self.rules,
            limits=self.limits,
            now=lambda: self.now,
        )

    def _load(self, spec: EncoderSpec) -> CountingEncoder:
        return self.encoder if spec == self.encoder.spec else CountingEncoder(spec.revision)

    def close(self) -> None:
        self.intake.close()
        self.fetcher.close()

    def photo(self, path: str, number: int = 0) -> str:
        """Serve a photo of a colour of its own and return its address."""
        self.server.serve(path, jpeg(shade(number)))
        return self.server.url(path)

    def process(self, *changes: ProductChange) -> BatchOutcome:
        return self.pipeline.process(self.index, changes)

    def run(self, *product_ids: str) -> PhotoOutcome:
        return self.runner.run(self.index, product_ids)

    def document(self, product_id: str = "1", version: str | None = None) -> dict:
        index = version or f"{self.index}-v1"
        found = BulkWriter(self.cluster).read(index, [product_id], whole=frozenset([product_id]))
        return dict(found[product_id].source)

    def state(self, product_id: str = "1", version: str | None = None) -> PhotoState:
        return read_photos(self.document(product_id, version))

    def places(self, product_id: str = "1", version: str | None = None) -> list[int]:
        return [photo.position for photo in self.state(product_id, version).photos]

    def faults(self, product_id: str = "1") -> dict[int, str]:
        return {one.position: one.code for one in self.state(product_id).faults}
