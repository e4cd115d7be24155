"""More like this product: by its text, its photos, or both, as the index has them."""

from __future__ import annotations

from elasticsearch import Elasticsearch

from mappings.errors import InvalidQuery
from mappings.product import IMAGE_VECTOR, TEXT_VECTOR
from mappings.validation_faults import shorten
from service.live_indexes import LiveIndexes
from service.prepared_search import Given
from service.retrieval.stored_vectors import stored_vectors
from service.search_request import SearchRequest
from service.search_results import SearchAnswer
from service.searcher import Searcher

WAYS: dict[str, tuple[str, ...]] = {
    "text": (TEXT_VECTOR,),
    "photo": (IMAGE_VECTOR,),
    "both": (TEXT_VECTOR, IMAGE_VECTOR),
}
"""What `by` may be, and the vectors that it stands for."""


class SimilarProducts:
    """Finds products that are like one in the index; nothing is encoded for it."""

    def __init__(self, client: Elasticsearch, indexes: LiveIndexes, searcher: Searcher) -> None:
        self._client = client
        self._indexes = indexes
        self._searcher = searcher

    def find(self, index: str, product_id: str, by: str, request: SearchRequest) -> SearchAnswer:
        """Return the answer to a search by the product's own vectors; it is none of the hits.

        by: one of WAYS; `both` goes by what there is. Of several photos on either side the two
        that are nearest to each other count. request: filter, page, facets and the like.
        Raises InvalidQuery when the product has none of those vectors, UnknownProduct.
        """
        if by not in WAYS:
            raise InvalidQuery(
                f"by: should be one of {', '.join(WAYS)}, got {shorten(by)}", field="by"
            )
        live = self._indexes.get(index)
        stored = stored_vectors(self._client, live.index, product_id)
        vectors = {field: stored[field] for field in WAYS[by] if field in stored}
        if not vectors:
            kind = "text or photo" if by == "both" else by
            raise InvalidQuery(
                f"by: product {shorten(product_id)} has no {kind} vectors in the index", field="by"
            )
        given = Given(vectors=vectors, excluded=product_id)
        return self._searcher.search(index, request, given)
