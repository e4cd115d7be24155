"""Upserts that an index got before, word for word, and that nothing has touched since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from indexer.bulk_writer import BulkWriter
from indexer.change_plan import ChangeOutcome
from indexer.documents import sent_hash
from mappings.product_changes import ProductChange


def find_repeated(
    writer: BulkWriter, index: str, changes: Sequence[ProductChange], *, late: Collection[str]
) -> dict[int, ChangeOutcome]:
    """Return, by position, the outcome of the upserts that need neither be checked nor planned.

    A shop that sends its whole catalogue every night sends mostly these.
    late: products of which older changes may still come; their order must be written. A product
    that has another change in the batch is left out too. Raises the errors of BulkWriter.
    """
    counts = Counter(change.product_id for change in changes)
    upserts = {
        change.product_id: (position, change)
        for position, change in enumerate(changes)
        if change.operation == "upsert"
        and isinstance(change.product_id, str)  # whatever else it is, the check will say so
        and change.product_id
        and counts[change.product_id] == 1
        and change.product_id not in late
    }
    found: dict[int, ChangeOutcome] = {}
    for name, sent in writer.read_sent(index, list(upserts)).items():
        position, change = upserts[name]
        if sent == sent_hash(change.fields, change.version):
            found[position] = ChangeOutcome(name, "unchanged")
    return found
