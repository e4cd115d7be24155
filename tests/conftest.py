"""Options and fixtures shared by all tests."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--es-version", default="9.5.3", help="version of the embedded Elasticsearch to test on"
    )
