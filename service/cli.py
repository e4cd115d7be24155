"""`shelfwise serve` and `shelfwise evaluate`."""

from __future__ import annotations

import os

import click

from service.evaluation.commands import evaluate
from service.logging import configure_logging
from service.settings import ServiceSettings

__all__ = ["evaluate", "serve"]


@click.command()
@click.option("--host", help="Address to listen on [SHELFWISE_SERVICE_HOST].")
@click.option("--port", type=int, help="Port to listen on [SHELFWISE_SERVICE_PORT].")
def serve(host: str | None, port: int | None) -> None:
    """Start the search service under gunicorn."""
    from service.web_server import run_web_server

    settings = ServiceSettings.from_environment(os.environ)
    changes = {"service_host": host, "service_port": port}
    settings = settings.model_copy(
        update={name: value for name, value in changes.items() if value is not None}
    )
    configure_logging()
    run_web_server(settings)
