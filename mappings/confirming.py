"""Asking a person before something is gone for good."""

from __future__ import annotations

import sys

import click

from mappings.errors import MissingSetting


def confirm(question: str) -> None:
    """Ask, and return when the answer is yes.

    Raises click.Abort for a no, and MissingSetting that names --yes where nobody can answer.
    """
    try:
        is_yes = click.confirm(question)
    except click.Abort:  # the end of the input, or Ctrl-C
        if sys.stdin.isatty():
            raise
        raise MissingSetting(
            "nobody is there to answer, so nothing was done; say --yes to go on unasked"
        ) from None
    if not is_yes:
        raise click.Abort
