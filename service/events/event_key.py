"""The secret key of the pseudonyms: from a setting, a file, or the local stack's own folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from mappings.errors import MissingSetting
from service.settings import ServiceSettings

MIN_KEY_BYTES = 16
_KEY_BYTES = 32
_KEY_FILE = "events.key"
_STACK_FILE = "stack.json"
"""What tells the folder of a local stack from any other: `shelfwise run` writes it."""


def find_event_key(settings: ServiceSettings) -> bytes:
    """Return the key.

    The first of: SHELFWISE_SERVICE_EVENTS_KEY, SHELFWISE_SERVICE_EVENTS_KEY_FILE, and the file
    `events.key` of a local stack, which is made with 32 random bytes when it is not there.
    Raises MissingSetting when there is none of them, or the key has less than 16 bytes. It is
    never kept in the cluster: whoever reads the events could then read the key as well.
    """
    if settings.service_events_key is not None:
        key = settings.service_events_key.get_secret_value().encode()
        return _long_enough(key, "SHELFWISE_SERVICE_EVENTS_KEY")
    if settings.service_events_key_file:
        path = Path(settings.service_events_key_file)
        return _long_enough(_read(path), "SHELFWISE_SERVICE_EVENTS_KEY_FILE")
    # A local stack keeps the models in its own folder, and hands over only theirs.
    state = Path(settings.model_directory).parent
    if not (state / _STACK_FILE).is_file():
        raise MissingSetting(
            "SHELFWISE_SERVICE_EVENTS_KEY: is not set, and events are stored only under a key; "
            "set it, or SHELFWISE_SERVICE_EVENTS_KEY_FILE"
        )
    path = state / _KEY_FILE
    if not path.exists():
        _create(path)
    return _long_enough(_read(path), str(path))


def _create(path: Path) -> None:
    """Write a new key for its owner alone; of several processes at once one wins."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link, as it fails where a rename would replace the key that another just made.
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise MissingSetting(
            f"SHELFWISE_SERVICE_EVENTS_KEY: is not set, and {path} cannot be made: "
            f"{error.strerror}"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise MissingSetting(
            f"SHELFWISE_SERVICE_EVENTS_KEY_FILE: {path} cannot be read: {error.strerror}"
        ) from error


def _long_enough(key: bytes, name: str) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise MissingSetting(
            f"{name}: the key should have at least {MIN_KEY_BYTES} bytes, got {len(key)}"
        )
    return key
