"""`python -m mappings.redis_check`: whether the settings' Redis answers, for health checks."""

from __future__ import annotations

import os
import sys

from mappings.errors import ShelfwiseError
from mappings.settings import SharedSettings
from mappings.task_records import connect, queue_errors

_TIMEOUT_SECONDS = 4.0


def main() -> int:
    """Return 0 when it answers; says on standard error why not, without its address."""
    try:
        settings = SharedSettings.from_environment(os.environ)
        url = settings.redis_url.get_secret_value()
        with queue_errors(), connect(url, timeout_seconds=_TIMEOUT_SECONDS) as queue:
            queue.ping()
    except ShelfwiseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
