"""What should be known of a list before it is measured with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from mappings.validation_faults import shorten
from service.judgements.judgement_list import JudgementList, Judgements, answerable

NO_RELEVANT_PRODUCT = "no_relevant_product"
NOT_IN_INDEX = "not_in_index"
REPEATED = "repeated"
SETTLED = "settled"
UNRATED = "unrated"
_IDS_A_REQUEST = 1_000
_SHOWN = 3


@dataclass(frozen=True)
class Remark:
    """A warning. code: stable name. count: of what; examples: all of them where they have names.

    queries and product ids are given in order; `repeated`, `settled` and `unrated` only count.
    """

    code: str
    count: int
    examples: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return a sentence with the first few examples."""
        shown = ", ".join(shorten(example) for example in self.examples[:_SHOWN])
        more = ", …" if len(self.examples) > _SHOWN else ""
        return f"{self.count:,} {_WORDS[self.code]}" + (f": {shown}{more}" if shown else "")


_WORDS = {
    NO_RELEVANT_PRODUCT: "queries without a relevant product, which are not measured",
    NOT_IN_INDEX: "products that are not in the index",
    REPEATED: "rows that repeat another row",
    SETTLED: "pairs with different grades, settled as asked",
    UNRATED: "rows without a grade, left out",
}


def remarks_on(content: JudgementList) -> list[Remark]:
    """Return what the list itself gives reason to say, nothing when all is well."""
    counted = [
        Remark(REPEATED, content.duplicates),
        Remark(SETTLED, content.settled),
        Remark(UNRATED, content.unrated),
    ]
    hopeless = sorted(set(content.judgements) - set(answerable(content.judgements)))
    counted.append(Remark(NO_RELEVANT_PRODUCT, len(hopeless), tuple(hopeless)))
    return [remark for remark in counted if remark.count]


def remark_on_index(client: Elasticsearch, index: str, judgements: Judgements) -> list[Remark]:
    """Return a remark on judged products that the index does not have, none when it has all.

    A product that was deleted counts as absent. Raises UnknownIndex.
    """
    ids = sorted({product_id for grades in judgements.values() for product_id in grades})
    present = _present(client, index, ids)
    absent = [product_id for product_id in ids if product_id not in present]
    return [Remark(NOT_IN_INDEX, len(absent), tuple(absent))] if absent else []


def _present(client: Elasticsearch, index: str, ids: list[str]) -> Collection[str]:
    found: set[str] = set()
    for start in range(0, len(ids), _IDS_A_REQUEST):
        with cluster_errors(index=index):
            answer = client.search(
                index=index,
                query={
                    "bool": {
                        "filter": [{"ids": {"values": ids[start : start + _IDS_A_REQUEST]}}],
                        "must_not": [{"exists": {"field": "deleted_at"}}],
                    }
                },
                source=False,
                size=_IDS_A_REQUEST,
                track_total_hits=False,
            )
        found.update(hit["_id"] for hit in answer["hits"]["hits"])
    return found
