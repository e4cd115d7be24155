"""Starts the process of a training: nothing of it runs in the web process.

The child's standard input is a pipe from us. Its first line says what to do, with the settings of
this process, so that secrets are in no command line; when the pipe ends, so does the child.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import orjson
from pydantic import SecretStr

from service.settings import ServiceSettings
from service.training_jobs.records import TrainingJob

MODULE = "service.training_jobs.child"


def start_process(settings: ServiceSettings, job: TrainingJob) -> None:
    """Start the process of a training that has its record."""
    process = subprocess.Popen(  # noqa: S603 - our own module, nothing of the request
        [sys.executable, "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us; the end of the pipe tells the child
    )
    assert process.stdin is not None  # noqa: S101 - asked for
    order = {"training": job.id, "settings": settings_json(settings)}
    process.stdin.write(orjson.dumps(order) + b"\n")
    process.stdin.flush()

    def wait() -> None:
        with process:
            process.wait()

    threading.Thread(target=wait, name=f"training-{job.id}", daemon=True).start()


def settings_json(settings: ServiceSettings) -> dict[str, Any]:
    """Return what was set, with secrets as they are, for the child's pipe alone."""
    values = settings.model_dump(mode="python", exclude_unset=True)
    found = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in values.items()
    }
    # A secret that was read from a file is there itself; both would be refused.
    return {
        name: value
        for name, value in found.items()
        if not (name.endswith("_file") and found.get(name.removesuffix("_file")))
    }
