"""Settings that a program completes before it checks them: secrets in files, TLS of Redis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import SecretStr

_MAX_BYTES = 64 * 1024


def read_secret_files(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the values with the content of every `<name>_file` as `<name>`.

    Blanks and line ends around it are dropped. Raises ValueError, which repeats no content, for a
    file that cannot be read or is empty or too long, and where both are set.
    """
    found = dict(values)
    for name in names:
        path = found.get(f"{name}_file")
        if not path:
            continue
        variable = f"SHELFWISE_{name.upper()}"
        if found.get(name):
            raise ValueError(f"{variable}: set it or {variable}_FILE, not both")
        try:
            raw = Path(path).read_bytes()
        except OSError as error:
            raise ValueError(
                f"{variable}_FILE: {path} cannot be read: {error.strerror}"
            ) from error
        text = raw[:_MAX_BYTES].decode(errors="replace").strip()
        if not text or len(raw) > _MAX_BYTES:
            raise ValueError(f"{variable}_FILE: {path} should hold 1 to {_MAX_BYTES:,} bytes")
        found[name] = text
    return found


def secure_redis(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with an address of Redis that says how its certificate is checked.

    In the address, as each of our clients reads it there, and as one of them (Celery's) checks
    no certificate unless it is told to. Raises ValueError for a CA without TLS.
    """
    found = dict(values)
    raw, bundle = found.get("redis_url"), found.get("redis_ca_certs")
    address = raw.get_secret_value() if isinstance(raw, SecretStr) else str(raw or "")
    if not address.startswith("rediss://"):
        if bundle:
            raise ValueError(
                "SHELFWISE_REDIS_CA_CERTS: is for an address that begins with rediss://"
            )
        return found
    known = parse_qs(urlsplit(address).query)
    more = {} if "ssl_cert_reqs" in known else {"ssl_cert_reqs": "required"}
    if bundle and "ssl_ca_certs" not in known:
        more["ssl_ca_certs"] = str(bundle)
    for name, value in more.items():
        mark = "&" if urlsplit(address).query else "?"
        address += f"{mark}{name}={quote(value, safe='/')}"
    found["redis_url"] = SecretStr(address)
    return found
