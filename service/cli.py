"""`shelfwise serve` and `shelfwise evaluate`."""

from __future__ import annotations

import os

import click

from mappings.logs import configure_logging
from mappings.metrics_folder import shared_metrics
from service.evaluation.commands import evaluate
from service.settings import ServiceSettings

__all__ = ["evaluate", "serve"]


@click.command()
@click.option("--host", help="Address to listen on [SHELFWISE_SERVICE_HOST].")
@click.option("--port", type=int, help="Port to listen on [SHELFWISE_SERVICE_PORT].")
def serve(host: str | None, port: int | None) -> None:
    """Start the search service under gunicorn."""
    settings = ServiceSettings.from_environment(os.environ)
    changes = {"service_host": host, "service_port": port}
    settings = settings.model_copy(
        update={name: value for name, value in changes.items() if value is not None}
    )
    configure_logging()
    with shared_metrics(is_wanted=settings.service_workers > 1):
        # Only now: what counts decides when it is imported whether processes share a folder.
        from service.web_server import run_web_server

        run_web_server(settings)
