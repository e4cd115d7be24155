"""What is done to the versions of the weights, for the command line and the API alike.

The store keeps what it is given; here is what somebody who asks for it should be told first.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from mappings.errors import InvalidQuery, UnusableWeights
from service.weights.experiments import Experiment, Kind
from service.weights.parsing import parse_ranking
from service.weights.state import WeightsState
from service.weights.store import WeightsStore


@dataclass(frozen=True)
class Imported:
    """A version that was kept. problem: why it cannot rank, None when it can."""

    version: str
    problem: str | None
    state: WeightsState


def unusable(document: Mapping[str, Any]) -> str | None:
    """Return why a weights document cannot rank, None when it can."""
    try:
        parse_ranking(document)
    except ValueError as error:
        return str(error)
    return None


def require_usable(document: Mapping[str, Any], *, field: str = "version") -> None:
    """Raise UnusableWeights for a version that cannot rank. field: that named it."""
    if problem := unusable(document):
        raise UnusableWeights(
            f"{document['version']!r} cannot become active: {problem}", field=field
        )


def activate_version(store: WeightsStore, index: str, version: str, *, who: str) -> WeightsState:
    """Let a version answer from now on, and return the state.

    Raises UnusableWeights for one that cannot rank, and as `WeightsStore.activate`.
    """
    require_usable(store.get(index, version))
    return store.activate(index, version, who=who)


def import_version(
    store: WeightsStore,
    index: str,
    raw: object,
    *,
    activates: bool,
    who: str,
    name: str = "weights document",
) -> Imported:
    """Keep a weights document, whatever index it is of, as a new version of this one.

    Without `training` it counts as made by hand. name: of what is read, for messages.
    activates: whether it answers from now on; then one that cannot rank is refused with
    UnusableWeights before anything is kept. Raises InvalidQuery as `check_document` does.
    """
    if not isinstance(raw, Mapping):
        raise InvalidQuery(f"{name}: a weights document is a JSON object", field="body")
    document = {"training": {"source": "hand"}, **raw, "index": index}
    problem = unusable(document)
    if activates and problem:
        raise UnusableWeights(f"{name}: {problem}; nothing was kept", field="model")
    version = store.save(document)
    state = store.activate(index, version, who=who) if activates else store.state(index)
    return Imported(version, problem, state)


def start_experiment(
    store: WeightsStore, index: str, kind: str, versions: Sequence[str], share: float
) -> WeightsState:
    """Let two versions be compared from now on, and return the state.

    versions: A, which all others get, and B. share: of the clients, above 0 to 1.
    Raises UnusableWeights for a version that cannot rank, InvalidQuery for anything that makes
    no experiment, and as `WeightsStore.start_experiment`.
    """
    names = [name.strip() for name in versions]
    if len(names) != 2:
        raise InvalidQuery(
            f"versions {','.join(names)[:160]!r}: should be two, A,B", field="versions"
        )
    started = Experiment(
        kind=cast(Kind, kind),  # checked by the experiment itself
        versions=(names[0], names[1]),
        share=share,
        salt=secrets.token_hex(8),
        started_at=datetime.now(UTC).isoformat("T", "seconds"),
    )
    for name in names:
        require_usable(store.get(index, name), field="versions")
    return store.start_experiment(index, started)
