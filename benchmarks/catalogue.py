"""Products of any number: the real Icecat catalogue where it is, our own sample elsewhere.

Beyond its size a catalogue is repeated with altered titles and ids, so that no two texts are
equal and nothing is encoded or stored once for two.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from embedded.sample_catalogue import sample_products
from indexer.documents import product_fields, product_text
from mappings.errors import ProductRejected
from mappings.feeds.field_map import read_map
from mappings.product import Product
from mappings.product_changes import ProductChange

_REVISION = re.compile(r" revision \d+")


@dataclass(frozen=True)
class Catalogue:
    """The records of a shop as they are before any map. map_name: of the map that reads them."""

    name: str
    map_name: str
    base: Sequence[Mapping[str, Any]]

    def records(self, size: int) -> Iterator[dict[str, Any]]:
        """Yield that many records, distinct in id and title."""
        for number in range(size):
            copy, row = divmod(number, len(self.base))
            record = dict(self.base[row])
            if copy:
                record["id"] = f"{record['id']}-{copy}"
                record["title"] = f"{record['title']} revision {copy}"
            yield record

    def changes(self, size: int) -> Iterator[ProductChange]:
        """Yield the records as the upserts that a load makes of them."""
        mapping = read_map(self.map_name)
        for record in self.records(size):
            yield mapping.apply(record)

    def texts(self, size: int, template: str) -> list[str]:
        """Return what an encoder sees of those products that are sound."""
        found = []
        for change in self.changes(size):
            try:
                product = Product.parse(change.fields)
            except ProductRejected:
                continue
            found.append(product_text(product_fields(product), template))
        return found

    def write(self, path: Path, size: int, *, skip: int = 0) -> Path:
        """Write records as JSON lines and return the path; the first `skip` are left out."""
        with path.open("wb") as file:
            for number, record in enumerate(self.records(skip + size)):
                if number >= skip:
                    file.write(orjson.dumps(record) + b"\n")
        return path


def original_text(text: str) -> str:
    """Return the text of the product that a repeated one was made from."""
    return _REVISION.sub("", text, count=1)


def open_catalogue(data: Path) -> Catalogue:
    """Return Icecat's products when `data` has them, else our own sample."""
    path = data / "icecat" / "products.jsonl.gz"
    if path.is_file():
        with gzip.open(path) as file:
            return Catalogue("Icecat", "icecat", [orjson.loads(line) for line in file])
    return Catalogue("our own sample", "identity", sample_products())
