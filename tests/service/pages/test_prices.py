"""Prices as text, and the steps of the price slider."""

from __future__ import annotations

import pytest

from service.pages.prices import BAR_HEIGHT, LADDER, format_price, price_scale
from service.search_results import RangeCount


def counts(**filled: int) -> list[RangeCount]:
    """Counts of the ladder's ranges; filled: `at_N`, the place of a range, to its products."""
    edges = (None, *LADDER, None)
    found = [RangeCount(low, high, 0) for low, high in zip(edges, edges[1:], strict=False)]
    for name, count in filled.items():
        place = int(name.removeprefix("at_"))
        found[place] = RangeCount(found[place].start, found[place].end, count)
    return found


def test_the_ladder_fits_into_one_facet_and_grows():
    assert len(LADDER) <= 50
    assert all(low < high for low, high in zip(LADDER, LADDER[1:], strict=False))


@pytest.mark.parametrize(
    ("price", "currency", "text"),
    [
        (1299, "EUR", "€1,299.00"),
        (0.5, "CHF", "0.50 CHF"),
        (3, None, "3.00"),
        (None, "EUR", ""),
    ],
)
def test_prices_are_written_for_people(price, currency, text):
    assert format_price(price, currency) == text


def test_the_slider_spans_the_prices_that_there_are():
    scale = price_scale(counts(at_8=4, at_10=1), None, None)
    assert scale is not None
    assert scale.steps == (LADDER[7], LADDER[8], LADDER[9], LADDER[10])
    assert [bar.count for bar in scale.bars] == [4, 0, 1]
    assert [bar.height for bar in scale.bars] == [BAR_HEIGHT, 0, BAR_HEIGHT / 2]
    assert (scale.start, scale.end) == (0, 3)


def test_the_thumbs_stand_at_the_limits_and_never_on_one_another():
    prices = counts(at_8=4, at_9=2, at_10=1)
    scale = price_scale(prices, LADDER[8], LADDER[9])
    assert scale is not None and (scale.start, scale.end) == (1, 2)
    far = price_scale(prices, LADDER[-1], LADDER[-1])
    assert far is not None and far.start < far.end


def test_prices_below_the_first_step_begin_at_nothing():
    scale = price_scale(counts(at_0=1, at_3=1), None, None)
    assert scale is not None and scale.steps[0] == 0


@pytest.mark.parametrize("filled", [{}, {"at_8": 100}])
def test_there_is_no_slider_without_a_choice(filled):
    assert price_scale(counts(**filled), None, None) is None
