"""Names of an index and its aliases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.errors import InvalidQuery
from mappings.index_names import (
    MAX_NAME_LENGTH,
    check_index_name,
    read_alias,
    version_number,
    versioned,
    write_alias,
)


@pytest.mark.parametrize("name", ["products", "p", "9lives", "a-b_c", "products-v0", "x" * 64])
def test_allowed_name_comes_back(name):
    assert check_index_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * (MAX_NAME_LENGTH + 1),
        "Products",
        "_all",
        "-a",
        "a*",
        "a,b",
        "a/b",
        "..",
        "a b",
        "a\n",
        "<a-{now/d}>",
        "é",
        "products-v7",
        "products-write",
        ".kibana",
    ],
)
def test_name_that_could_reach_another_index_is_refused(name):
    with pytest.raises(InvalidQuery) as caught:
        check_index_name(name)
    assert caught.value.field == "index"
    assert repr(name[:80]) in str(caught.value)


@given(st.text(max_size=80))
def test_any_text_is_allowed_or_refused(name):
    try:
        assert check_index_name(name) == name
    except InvalidQuery:
        return
    assert read_alias(name) != write_alias(name)
    assert version_number(write_alias(name)) == 0


@given(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True), st.integers(1, 10**6))
def test_version_number_is_read_back(name, number):
    assert version_number(versioned(name, number)) == number


@pytest.mark.parametrize("index", ["products", "products-v", "products-v0", "products-v07", "-v"])
def test_name_without_version_counts_as_none(index):
    assert version_number(index) == 0
