"""References to secrets: a configuration names where a secret is, and never holds it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from mappings.errors import MissingSetting

_SCHEMES = ("env:", "file:")


def check_reference(text: str) -> str:
    """Return a reference, `env:NAME` or `file:PATH`.

    Raises ValueError for anything else, without its value: it may be the secret itself.
    """
    if not text.startswith(_SCHEMES) or not text.partition(":")[2].strip():
        raise ValueError("should be env:NAME or file:PATH, and never the secret itself")
    return text


SecretReference = Annotated[str, AfterValidator(check_reference)]


def read_secret(reference: str, *, environ: Mapping[str, str] | None = None) -> str:
    """Return the secret that a reference leads to, without blanks around it.

    Read anew each time, so that a secret which was changed counts from then on.
    Raises MissingSetting that names the reference when nothing is there.
    """
    scheme, _, place = check_reference(reference).partition(":")
    if scheme == "env":
        secret = (os.environ if environ is None else environ).get(place, "")
    else:
        try:
            secret = Path(place).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise MissingSetting(f"{reference}: cannot be read: {reason}") from error
    if not secret.strip():
        raise MissingSetting(f"{reference}: is not set, or empty")
    return secret.strip()
