"""Writes docs/metrics.md from the lists of metrics: `python -m docs.write_metrics`."""

from __future__ import annotations

from pathlib import Path

from indexer import telemetry as worker
from indexer.connectors import metrics as sync
from mappings.metrics import table
from service import telemetry as service

PATH = Path(__file__).with_name("metrics.md")
_HEAD = """# Metrics

For Prometheus. The service shows its own at `/metrics`; with several web processes any of them
answers for all. A worker and `shelfwise sync` show their own on
`SHELFWISE_INDEXER_METRICS_PORT`. Alert rules and a dashboard are in
[monitoring](monitoring/alerts.yml); [operations.md](operations.md) says how to use them.

The label `index` is only ever the name of an index that is there, `route` the pattern of an
address, never the address. No label grows with products, shoppers or queries. A counter that has
not moved yet is absent.

`make docs` rewrites this page.
"""


def metrics_page() -> str:
    """Return the page."""
    parts = [_HEAD, "## Service\n", table(service.METRICS), "## Workers\n", table(worker.METRICS)]
    parts += ["## `shelfwise sync`\n", table(sync.METRICS)]
    return "\n".join(parts)


if __name__ == "__main__":
    PATH.write_text(metrics_page(), encoding="utf-8")
