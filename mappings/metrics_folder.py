"""Metrics of several processes of one program: prometheus_client shares them through files."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client reads it when it is imported, and never again."""


@contextmanager
def shared_metrics(*, is_wanted: bool) -> Iterator[None]:
    """Let the processes that are forked within the block count together.

    To be entered before prometheus_client is imported. The folder is new and empty, so that what
    an earlier run has counted is not counted again, and is removed at the end. One that the
    environment names already is taken as it is.
    """
    if not is_wanted or VARIABLE in os.environ:
        yield
        return
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prometheus_client is imported already: it would share nothing")
    with tempfile.TemporaryDirectory(prefix="shelfwise-metrics-") as folder:
        os.environ[VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[VARIABLE]
