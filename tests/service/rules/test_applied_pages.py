"""Pins, hidden and moved products: pages hold every product of the total once, in one order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.catalogue import BY_ID, group_of, kept_ids
from tests.service.conftest import Search
from tests.service.rules.conftest import Curated

pytestmark = pytest.mark.cluster
LIMIT = 9
PART = {"brand": ["HP", "Léon"], "categories": "Computers"}
WORDS = {"q": "wireless gaming model mouse", "filter": PART}
SMALL_WINDOW = {"rank_window_size": 10}
SEARCHES: dict[str, dict[str, Any]] = {
    "hybrid": WORDS | SMALL_WINDOW,
    "window of one product": WORDS | {"rank_window_size": 1},
    "fast": WORDS | {"mode": "fast"},
    "browse": {"filter": PART},
    "variants once": WORDS | SMALL_WINDOW | {"collapse": "parent_id"},
    "variants once, browse": {"filter": PART, "collapse": "parent_id"},
    "variants once, fast": WORDS | {"collapse": "parent_id", "mode": "fast"},
}
every_search = pytest.mark.parametrize("body", SEARCHES.values(), ids=SEARCHES)

KEPT = sorted(kept_ids(PART))
ELSEWHERE = next(name for name in sorted(BY_ID) if name not in KEPT)
PINS = [KEPT[40], ELSEWHERE, KEPT[3], "no-such-product", KEPT[60], KEPT[20]]
HIDDEN = [KEPT[20], KEPT[21], KEPT[50]]
RULES: list[dict[str, Any]] = [
    {"id": "first", "pin": PINS[:4]},
    {"id": "second", "pin": PINS[3:], "hide": [{"ids": HIDDEN}]},
    {"id": "up", "boost": [{"products": {"ids": KEPT[30:33]}, "strength": 0.4}]},
    {
        "id": "down",
        "bury": [{"products": {"filter": {"attributes.colour": "red"}}, "strength": 0.9}],
    },
]
PINNED = [KEPT[40], KEPT[3], KEPT[60]]


def by_cursor(curated: Curated, body: dict, limit: int = LIMIT) -> list[dict]:
    pages = [curated(RULES, **body, limit=limit)]
    while pages[-1]["cursor"]:
        pages.append(curated(RULES, **body, limit=limit, cursor=pages[-1]["cursor"]))
        assert len(pages) < 100, "the cursor never ends"
    return pages


def by_offset(curated: Curated, body: dict, limit: int) -> list[dict]:
    total = curated(RULES, **body, limit=0)["total"]["value"]
    return [
        curated(RULES, **body, limit=limit, offset=offset) for offset in range(0, total, limit)
    ]


def ids_of(pages: list[dict]) -> list[str]:
    return [hit["id"] for page in pages for hit in page["hits"]]


@every_search
def test_pages_hold_every_product_of_the_total_once_pinned_ones_first(curated, body):
    pages = by_cursor(curated, body)
    ids = ids_of(pages)
    assert {page["total"]["value"] for page in pages} == {len(ids)}
    assert len(set(ids)) == len(ids) > 3 * LIMIT
    assert [len(page["hits"]) for page in pages[:-1]] == [LIMIT] * (len(pages) - 1)
    assert ids_of(by_offset(curated, body, 11)) == ids
    kept = kept_ids(PART) - set(HIDDEN)
    if "collapse" in body:
        pinned = [name for place, name in enumerate(PINNED) if not _has_twin(PINNED[:place], name)]
        assert ids[: len(pinned)] == pinned
        groups = [group_of(BY_ID[name]) for name in ids]
        assert len(set(groups)) == len(groups)
        assert set(groups) == {group_of(BY_ID[name]) for name in kept}
    else:
        assert ids[: len(PINNED)] == PINNED
        assert set(ids) == kept
    pinned_hits = [hit["id"] for page in pages for hit in page["hits"] if hit.get("pinned")]
    assert pinned_hits == [name for name in ids if name in PINNED]


def _has_twin(names: list[str], name: str) -> bool:
    return group_of(BY_ID[name]) in {group_of(BY_ID[other]) for other in names}


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_page_may_end_among_the_pinned(curated, limit):
    for body in (WORDS | SMALL_WINDOW, {"filter": PART}, WORDS | {"mode": "fast"}):
        whole = ids_of([curated(RULES, **body, limit=30)])
        pages = [curated(RULES, **body, limit=limit)]
        while len(pages) * limit < 8:
            pages.append(curated(RULES, **body, limit=limit, cursor=pages[-1]["cursor"]))
        assert ids_of(pages) == whole[: len(pages) * limit]


def test_facets_and_total_count_what_is_pinned_and_not_what_is_hidden(curated):
    body = {"q": "SKU-00007", "weights": {"lexical": 1}, "facets": {"brand": 10, "categories": 50}}
    rules = [{"id": "one", "pin": ["p100", "p101", "p102"], "hide": [{"ids": ["p102"]}]}]
    for mode in ("precise", "fast"):
        answer = curated(rules, **body, mode=mode)
        assert [hit["id"] for hit in answer["hits"]] == ["p100", "p101", "p007"]
        assert answer["total"] == {"value": 3, "relation": "eq"}
        brands = [BY_ID[name].get("brand") for name in ("p007", "p100", "p101")]
        counted = {one["value"]: one["count"] for one in answer["facets"]["brand"]}
        assert counted == {name: brands.count(name) for name in brands if name}


def test_hit_pinned_from_far_behind_is_scored_on_every_leg(curated, search):
    body = {"q": "wireless mouse", "explain": True}
    far = search(**body, rank_window_size=300, limit=60)["hits"][-1]
    answer = curated([{"id": "top", "pin": [far["id"]]}], **body, rank_window_size=5, limit=5)
    pinned = answer["hits"][0]
    assert (pinned["id"], pinned["pinned"]) == (far["id"], True)
    assert pinned["score"] == pytest.approx(far["score"], rel=1e-4)
    for leg, share in far["legs"].items():
        expected = share["score"] and pytest.approx(share["score"], rel=1e-4)
        assert pinned["legs"][leg]["score"] == expected
    assert "rule top has pinned it there" in pinned["explanation"]


@pytest.mark.parametrize("fusion", ["weighted_sum", "reciprocal_rank"])
@pytest.mark.parametrize("sign", [1, -1], ids=["boost", "bury"])
def test_strength_is_a_share_of_the_distance_between_best_and_worst(curated, search, fusion, sign):
    body = {"q": "wireless gaming mouse", "fusion": fusion, "limit": 200, "rank_window_size": 300}
    before = {hit["id"]: hit["score"] for hit in search(**body)["hits"]}
    chosen = sorted(before)[10]
    what = {"products": {"ids": [chosen]}, "strength": 0.25}
    rule = {"id": "r", "boost" if sign > 0 else "bury": [what]}
    answer = curated([rule], **body)
    after = {hit["id"]: hit["score"] for hit in answer["hits"]}
    whole = search(**body | {"limit": 200, "offset": 200})["hits"]
    scores = [*before.values(), *(hit["score"] for hit in whole)]
    spread = max(scores) - min(scores)
    assert after[chosen] == pytest.approx(before[chosen] + sign * 0.25 * spread, abs=1e-4)
    others = [name for name in before if name != chosen and name in after]
    assert [after[name] for name in others] == pytest.approx(
        [before[name] for name in others], abs=1e-4
    )
    assert list(after.values()) == sorted(after.values(), reverse=True)
    moved = [hit for hit in answer["hits"] if "moved_by" in hit]
    assert [hit["id"] for hit in moved] == [chosen]
    assert moved[0]["moved_by"] == [{"rule": "r", "strength": sign * 0.25}]


def test_boosted_product_from_behind_the_window_comes_into_it(curated, search):
    body = {"q": "wireless gaming mouse", "rank_window_size": 10, "limit": 200}
    before = [hit["id"] for hit in search(**body)["hits"]]
    far = before[60]
    rule = {"id": "up", "boost": [{"products": {"ids": [far]}, "strength": 1}]}
    after = [hit["id"] for hit in curated([rule], **body)["hits"]]
    assert after.index(far) < 10
    assert [name for name in after if name != far][:9] == [n for n in before if n != far][:9]


def test_buried_products_leave_the_first_places_in_one_request_too(curated, search):
    body = {"q": "wireless gaming mouse", "mode": "fast", "limit": 20}
    before = [hit["id"] for hit in search(**body)["hits"]]
    rule = {"id": "down", "bury": [{"products": {"ids": before[:3]}, "strength": 1}]}
    after = [hit["id"] for hit in curated([rule], **body)["hits"]]
    assert not set(before[:3]) & set(after[:10])


def test_order_by_fields_keeps_to_what_is_left_and_says_so(curated):
    body = {"filter": PART, "sort": [{"price": "asc"}], "limit": 200}
    answer = curated(RULES, **body)
    ids = ids_of([answer])
    assert set(ids) == kept_ids(PART) - set(HIDDEN)
    assert not any(hit.get("pinned") or hit.get("moved_by") for hit in answer["hits"])
    assert answer["rules"]["applied"] == [{"id": "second", "what": ["hide"]}]
    assert any("order by fields" in warning for warning in answer["warnings"])


def test_only_leaves_any_of_what_one_rule_names_and_all_of_what_several_do(curated):
    rules = [
        {"id": "a", "only": [{"filter": {"brand": "HP"}}, {"words": "cable model"}]},
        {"id": "b", "only": [{"filter": {"price": {"lt": 100}}}]},
    ]
    answer = curated(rules, limit=200)
    expected = {
        name
        for name, one in BY_ID.items()
        if (one.get("brand") == "HP" or "cable" in one["title"]) and one.get("price", 1_000) < 100
    }
    assert set(ids_of([answer])) == expected
    assert answer["total"]["value"] == len(expected)


def test_rules_off_and_none_are_as_if_there_were_none(search: Search):
    body = {"q": "wireless mouse", "limit": 5}
    plain, off = search(**body), search(**body, rules="off")
    assert plain["hits"] == off["hits"]
    assert "rules" not in plain
    assert "rules" not in off


def test_no_rules_and_synonyms_make_a_query_too_large_for_elasticsearch(curated):
    def words(name: str) -> str:
        return " ".join(f"{name}{number}" for number in range(30))[:200]

    rules = [
        {
            "id": f"r{one}",
            "hide": [{"words": words(f"h{one}x{other}x")} for other in range(20)],
            "boost": [{"products": {"words": words(f"b{one}x{other}x")}} for other in range(20)],
        }
        for one in range(10)
    ]
    rules += [{"id": f"s{one}", "hide": [{"words": words("s")}] * 3} for one in range(9)]
    rules.append({"id": "moves", "boost": [{"products": {"words": words("m")}}]})
    synonyms = [
        {
            "id": f"many{one}",
            "words": [f"q{one}"],
            "to": [f"o{one}x{n} in words" for n in range(50)],
        }
        for one in range(3)
    ]
    answer = curated(rules, synonyms, q="q0 q1 q2 mouse")
    assert answer["total"]["value"] > 0
    assert len(answer["warnings"]) == 2
    assert {one["id"] for one in answer["rules"]["applied"]} == {"s0", "moves"}
