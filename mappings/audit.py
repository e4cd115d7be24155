"""The record of what admins did: who, what, to which index, and how it ended."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog

LOGGER = "shelfwise.audit"
FILE_VARIABLE = "SHELFWISE_AUDIT_FILE"

log = structlog.get_logger(LOGGER)

COMMANDS = frozenset(
    {
        "attach",
        "detach",
        "dead-letters purge",
        "events erase",
        "events purge",
        "finetune",
        "index drop",
        "keys create",
        "keys purge",
        "keys revoke",
        "keys rotate",
        "reindex",
        "rollback",
        "rules activate",
        "rules deactivate",
        "rules delete",
        "rules import",
        "rules rollback",
        "rules set",
        "weights activate",
        "weights deactivate",
        "weights delete",
        "weights import",
        "weights rollback",
        "weights experiment",
    }
)
"""Of the command line: what changes what shops see, or who may."""
_PRIVATE_OPTIONS = ("--client",)


class AuditLog:
    """Writes a line of JSON for each act: to the file, if there is one, and to the log.

    path: a file that lines are added to; made for its owner alone. now: the time of an act.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path = path
        self._now = now

    def record(self, act: str, **details: object) -> None:
        """Record an act; a file that cannot be written is said in the log, and stops nobody."""
        log.info("audit", logger=LOGGER, act=act, **details)
        try:
            self.write(act, **details)
        except OSError as error:
            log.error("audit_not_written", path=self._path, reason=error.strerror)

    def write(self, act: str, **details: object) -> None:
        """Write an act to the file alone; raises OSError when that cannot be done."""
        if not self._path:
            return
        at = self._now().isoformat("T", "milliseconds")
        line: Mapping[str, Any] = {"timestamp": at, "logger": LOGGER, "act": act, **details}
        # One write of a line appends it whole, also beside other processes.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (json.dumps(line) + "\n").encode())
        finally:
            os.close(descriptor)


def operator() -> str:
    """Return who is at the keyboard: `ann@host`, or a number where the user has no name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not be in its list of users
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def record_command(arguments: Sequence[str], status: int, environ: Mapping[str, str]) -> None:
    """Write a command that was run to the file of the environment, when it is one of an admin.

    arguments: without the program's name. Nothing is written to the log, which is the
    command's own output.
    """
    words = [word for word in arguments if not word.startswith("-")]
    act = next((name for name in (" ".join(words[:2]), *words[:1]) if name in COMMANDS), None)
    if act is None or {"-h", "--help"} & set(arguments):
        return
    with suppress(OSError):
        AuditLog(environ.get(FILE_VARIABLE)).write(
            act,
            by=operator(),
            arguments=_without_private(arguments),
            outcome="done" if status == 0 else "failed",
        )


def _without_private(arguments: Sequence[str]) -> list[str]:
    shown = list(arguments)
    for place, word in enumerate(arguments):
        name, equals, _ = word.partition("=")
        if name in _PRIVATE_OPTIONS and equals:
            shown[place] = f"{name}=[masked]"
        elif word in _PRIVATE_OPTIONS and place + 1 < len(shown):
            shown[place + 1] = "[masked]"
    return shown
