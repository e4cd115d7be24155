"""The types of filter. To add one: write its module, and add a line here."""

from __future__ import annotations

from service.filters.base import FilterType
from service.filters.exists import ExistsType
from service.filters.ranges import RangeType
from service.filters.terms import TermsType

FILTER_TYPES: tuple[FilterType, ...] = (ExistsType(), RangeType(), TermsType())
