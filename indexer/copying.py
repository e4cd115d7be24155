"""Documents of one version of an index into the version that is being built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from indexer.bulk_writer import BulkWriter, StoredDocument
from indexer.change_plan import ChangeOutcome, ProductPlan, read_state
from indexer.product_state import Outcome, ProductState, joined, upserted
from indexer.write_preparer import WritePreparer
from mappings.change_order import Stamp
from mappings.errors import ProductRejected
from mappings.index_lifecycle import LiveIndex
from mappings.product import PHOTO_STATE_FIELDS, PHOTOS, STATE_FIELDS, Product

Remap = Callable[[Mapping[str, Any]], Product]
"""Makes the product of the new version from the stored one. May raise ProductRejected."""


class Copier:
    """Copies products with their stamps, tombstones included.

    The target may have got changes of a product before it got the product, so what both
    versions know is joined. Copying twice changes nothing.
    """

    def __init__(self, writer: BulkWriter, preparer: WritePreparer) -> None:
        self._writer = writer
        self._preparer = preparer

    def copy(
        self,
        source: LiveIndex,
        target: LiveIndex,
        product_ids: Sequence[str],
        *,
        remap: Remap | None = None,
    ) -> dict[str, ChangeOutcome]:
        """Copy once, and return what became of those that need no other try.

        One is left out when somebody else wrote it at the same moment. A vector is copied when
        its content and encoder are those of the target, else the text is encoded. So are photos;
        otherwise they are due in the target.
        """
        documents = self._writer.read(source.index, product_ids, whole=frozenset(product_ids))
        present = self._present(target, documents)
        outcomes: dict[str, ChangeOutcome] = {}
        plans: list[ProductPlan] = []
        for name in product_ids:
            document, stored = documents.get(name), present.get(name)
            if document is None or (
                stored is not None and _state_fields(document) == _state_fields(stored)
            ):
                outcomes[name] = _outcome(name, "missing" if document is None else "unchanged")
                continue
            before = read_state(stored)
            try:
                final = joined(_remapped(read_state(document), remap), before, name)
            except ProductRejected as error:
                outcomes[name] = ChangeOutcome(name, "rejected", error.field, error.message)
                continue
            plan = ProductPlan(name, stored, before, final, {})
            if plan.needs_write or plan.needs_order:
                plans.append(plan)
            else:
                outcomes[name] = _outcome(name, "unchanged")
        donors = documents if _share_photos(source, target) else _without_photos(documents)
        writes, refused = self._preparer.prepare(target, plans, donors=donors)
        results = self._writer.write(target.index, writes) if writes else {}
        for name, result in results.items():
            if result.state == "written":
                outcomes[name] = _outcome(name, "indexed")
            elif result.state == "refused":
                refused[name] = result.reason
        for name, reason in refused.items():
            outcomes[name] = ChangeOutcome(name, "rejected", None, reason)
        return outcomes

    def _present(
        self, target: LiveIndex, documents: Mapping[str, StoredDocument]
    ) -> dict[str, StoredDocument]:
        """Return what the target has of the products, whole where it is not the same."""
        present = self._writer.read(target.index, list(documents))
        different = [
            name
            for name, stored in present.items()
            if _state_fields(stored) != _state_fields(documents[name])
        ]
        whole = self._writer.read(target.index, different, whole=frozenset(different))
        return {**present, **whole}


def _share_photos(source: LiveIndex, target: LiveIndex) -> bool:
    return source.image_encoder == target.image_encoder


def _without_photos(documents: Mapping[str, StoredDocument]) -> dict[str, StoredDocument]:
    # A document does not say which encoder has made its photos' vectors; its index does.
    left_out = {PHOTOS, *PHOTO_STATE_FIELDS}
    return {
        name: replace(
            document,
            source={key: value for key, value in document.source.items() if key not in left_out},
        )
        for name, document in documents.items()
    }


def _outcome(name: str, outcome: Outcome) -> ChangeOutcome:
    return ChangeOutcome(name, outcome)


def _state_fields(document: StoredDocument) -> dict[str, Any]:
    # The digests of vectors differ when the encoder does, and then the product is not the same.
    return {name: document.source[name] for name in STATE_FIELDS if name in document.source}


def _remapped(state: ProductState, remap: Remap | None) -> ProductState:
    if remap is None or not state.is_live:
        return state
    product = remap(state.fields)
    fresh, _ = upserted(ProductState(), product, Stamp())
    return replace(fresh, stamp=state.stamp, stamps=state.stamps)
