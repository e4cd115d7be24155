"""Numbers as text that sorts like the numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.sortable_numbers import SORTABLE_LENGTH, encode_sortable

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, finite)
def test_text_order_is_number_order(first, second):
    assert (encode_sortable(first) < encode_sortable(second)) == (first < second)
    assert (encode_sortable(first) == encode_sortable(second)) == (first == second)


def test_order_across_zero_and_size():
    numbers = [-1e300, -10.0, -9.5, -1, -5e-324, 0, 5e-324, 0.1, 1, 9, 10, 2.5e9, 1e300]
    texts = [encode_sortable(number) for number in numbers]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {SORTABLE_LENGTH}


def test_whole_numbers_and_floats_and_both_zeros_are_the_same():
    assert encode_sortable(3) == encode_sortable(3.0)
    assert encode_sortable(-0.0) == encode_sortable(0) == "8000000000000000"
    assert encode_sortable(1.0) == "bff0000000000000"  # 1.0 is 3ff0... with the sign bit set


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_has_no_place_is_refused(value):
    with pytest.raises(ValueError, match="no place"):
        encode_sortable(value)
