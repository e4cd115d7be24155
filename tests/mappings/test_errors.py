"""The tree of errors: every branch keeps its facts and says what to do."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from mappings import errors
from mappings.errors import (
    ClusterUnavailable,
    ConfigurationError,
    PermanentIndexingError,
    RequestError,
    ShelfwiseError,
    TemporaryError,
)

ALL = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, ShelfwiseError)
]
STATUS = {
    "Unauthorized": 401,
    "Forbidden": 403,
    "TooManyRequests": 429,
    "UnknownKey": 404,
    "UnknownIndex": 404,
    "UnknownProduct": 404,
    "UnknownTask": 404,
    "UnknownDeadLetter": 404,
    "UnknownWeights": 404,
    "UnknownRules": 404,
    "Conflict": 409,
    "UnknownWebhook": 404,
    "RequestTooLarge": 413,
}


@pytest.fixture(params=ALL, ids=lambda cls: cls.__name__)
def error_class(request):
    return request.param


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy], ids=["pickle", "copy"])
def test_copy_keeps_every_attribute(error_class, copied):
    error = error_class(
        "price: -3 is below 0", field="price", retry_after_seconds=7, product_id="p1"
    )
    again = copied(error)
    again = pickle.loads(again) if isinstance(again, bytes) else again
    assert type(again) is error_class
    assert str(again) == str(error) == "price: -3 is below 0"
    assert vars(again) == vars(error)
    assert (again.field, again.retry_after_seconds, again.product_id) == ("price", 7, "p1")


def test_attribute_added_later_survives_pickling(error_class):
    error = error_class("no")
    error.note = "kept"
    assert pickle.loads(pickle.dumps(error)).note == "kept"


def test_branch_decides_status_and_retry(error_class):
    if issubclass(error_class, RequestError):
        expected = (STATUS.get(error_class.__name__, 400), False)
    elif issubclass(error_class, TemporaryError):
        expected = (503, True)
    elif issubclass(error_class, ConfigurationError):
        expected = (503, False)
    else:
        expected = (500, False)
    assert (error_class.http_status, error_class.retryable) == expected


def test_code_is_its_own(error_class):
    assert error_class.code
    # A timeout is answered like any other failure of its kind; nothing else shares a code.
    kin = [cls for cls in ALL if issubclass(cls, ClusterUnavailable)]
    family = kin if error_class in kin else [error_class]
    assert error_class.code not in [cls.code for cls in ALL if cls not in family]


def test_every_class_stands_in_the_drawing_and_has_a_docstring(error_class):
    assert error_class.__name__ in inspect.getdoc(errors)
    assert error_class.__doc__


def test_every_class_is_of_one_branch(error_class):
    branches = (RequestError, TemporaryError, ConfigurationError, PermanentIndexingError)
    assert error_class is ShelfwiseError or issubclass(error_class, branches)
