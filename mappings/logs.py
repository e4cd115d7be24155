"""Logs as one JSON object a line, on standard error."""

from __future__ import annotations

import logging
import sys

import structlog

from mappings.masking import mask_event, mask_secrets

_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    mask_event,
)


def configure_logging() -> None:
    """Set the format of every logger of ours in this process.

    What is bound by `structlog.contextvars`, such as the request's id, is in every line.
    """
    structlog.configure(
        processors=[*_SHARED, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.getLogger("gunicorn.error").addFilter(SecretsFilter())


class SecretsFilter(logging.Filter):
    """Masks secrets in lines of a library that writes in a format of its own, as gunicorn does."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the line, and let it through."""
        record.msg, record.args = mask_secrets(record.getMessage()), None
        return True


def configure_libraries(level: int = logging.INFO) -> None:
    """Write the lines of libraries, such as Celery's, in the same format.

    Warnings of those that tell of each request, from WARNING on.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_SHARED],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("elastic_transport", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
