"""What every `shelfwise weights` command asks and says: options, the store, refusals, JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from mappings.cluster import connect
from mappings.errors import InvalidQuery, UnusableWeights
from service.settings import ServiceSettings
from service.versions.console import read_json
from service.weights.documents import MAX_DETAILS_BYTES, MAX_MODEL_BYTES
from service.weights.state import WeightsState
from service.weights.store import WeightsStore

MAX_FILE_BYTES = 4 * (MAX_MODEL_BYTES + MAX_DETAILS_BYTES)
"""A document as large as may be, written with as many blanks as an editor makes."""

index_option = click.option("--index", required=True, help="Index whose ranking it is.")


class Refused(click.ClickException):
    """A version that must not answer searches; exit status 2."""

    exit_code = 2


def open_store() -> WeightsStore:
    """Return the store of the cluster that the environment names."""
    return WeightsStore(connect(ServiceSettings.from_environment(os.environ)))


@contextmanager
def refusals() -> Iterator[None]:
    """Turn weights that cannot rank into exit status 2."""
    try:
        yield
    except UnusableWeights as error:
        raise Refused(error.message) from error


def read_document(file: Path) -> dict[str, Any]:
    """Return the JSON object of a file; raises InvalidQuery that names the file and the place."""
    document = read_json(file, most=MAX_FILE_BYTES)
    if not isinstance(document, dict):
        raise InvalidQuery(f"{file}: a weights document is a JSON object", field="file")
    return document


def describe(state: WeightsState) -> str:
    """Return one or two lines on what answers searches."""
    active = state.active or "the default weights"
    lines = [f"{state.index!r} is ranked by {active}"]
    if (compared := state.experiment) is not None:
        first, second = compared.versions
        what = f"{second} instead of {first}"
        if compared.kind == "interleave":
            what = f"{first} and {second} in one list"
        lines.append(
            f"an experiment shows {what} to {compared.share:.3g} of the clients, {first} to the "
            f"others, since {compared.started_at[:16].replace('T', ' ')}"
        )
    return "\n".join(lines)
