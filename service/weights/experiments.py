"""Comparing two versions on live traffic: who sees which, and teams in one list."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

from mappings.errors import InvalidQuery
from service.weights.proportions import (
    Difference,
    Proportion,
    difference,
    proportion,
    sign_test,
)

Kind = Literal["ab", "interleave"]
Team = Literal["A", "B"]
_UNIT = 2**64
"""Values of the eight bytes of a digest that place a client in the traffic."""


@dataclass(frozen=True)
class Experiment:
    """Two versions that are compared.

    kind: `ab` gives each client one of them, `interleave` one list drawn from both.
    versions: A, which everybody else gets too, and B.
    share: of the clients, above 0 and at most 1, that get B or the interleaved list.
    salt: makes the shares of two experiments independent. started_at: ISO time.
    """

    kind: Kind
    versions: tuple[str, str]
    share: float
    salt: str
    started_at: str

    def __post_init__(self) -> None:
        """Raise InvalidQuery that names the field and the value."""
        if self.kind not in get_args(Kind):
            raise InvalidQuery(f"kind {self.kind!r}: should be ab or interleave", field="kind")
        if len(self.versions) != 2 or self.versions[0] == self.versions[1]:
            raise InvalidQuery(
                f"versions {','.join(self.versions)[:160]!r}: should be two different ones, A,B",
                field="versions",
            )
        if not (math.isfinite(self.share) and 0 < self.share <= 1):
            raise InvalidQuery(
                f"share {self.share!r}: should be above 0 and at most 1", field="share"
            )

    @property
    def id(self) -> str:
        """Return eight hexadecimal digits of SHA-256(salt), by which it is told from others."""
        return hashlib.sha256(self.salt.encode(errors="surrogatepass")).hexdigest()[:8]

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        first, second = raw["versions"]
        return cls(raw["kind"], (first, second), raw["share"], raw["salt"], raw["started_at"])

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return {**asdict(self), "versions": list(self.versions)}

    def to_public(self) -> dict[str, Any]:
        """Return what may be shown as JSON: the id instead of the salt."""
        shown = self.to_json()
        del shown["salt"]
        return {"id": self.id, **shown}


def takes_part(experiment: Experiment, client_id: str | None) -> bool:
    """Say whether a client gets B, or the interleaved list; the same for the whole experiment.

    The first eight bytes of SHA-256(salt + ":" + client id), as a fraction of 2^64, are compared
    with the share. A larger share keeps everybody who was in a smaller one.
    A client without an id (None or empty) never takes part.
    """
    if not client_id:
        return False
    # An id from outside may hold half a surrogate pair, which must not fail a search.
    text = f"{experiment.salt}:{client_id}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") < experiment.share * _UNIT


def assign(experiment: Experiment, client_id: str | None) -> str:
    """Return the version for a client: B for the share that takes part, A for all others.

    Of an `interleave` experiment it is always A, the list of those who do not take part; ask
    `takes_part` who gets the interleaved one.
    """
    first, second = experiment.versions
    if experiment.kind == "interleave":
        return first
    return second if takes_part(experiment, client_id) else first


def team_draft(
    ranking_a: Sequence[str], ranking_b: Sequence[str], seed: int | str, length: int
) -> list[tuple[str, Team]]:
    """Interleave two rankings of product ids into one list, each product with its team.

    The team with fewer products picks next, on equal terms a coin decides, and a pick is the
    team's best product that is not in the list (Radlinski, Kurup and Joachims, CIKM 2008,
    algorithm 2). When one ranking has no more, the other fills the list alone.
    seed: the same gives the same list, so that a second page continues the first.
    length: most products in the list, from 0. Raises ValueError for a negative length.
    """
    if length < 0:
        raise ValueError(f"length {length}: should be 0 or more")
    chosen: dict[str, Team] = {}
    places = {"A": 0, "B": 0}
    sizes = {"A": 0, "B": 0}
    rankings: dict[Team, Sequence[str]] = {"A": ranking_a, "B": ranking_b}
    while len(chosen) < length:
        first = _next_team(sizes, seed)
        order: tuple[Team, Team] = ("A", "B") if first == "A" else ("B", "A")
        for team in order:
            places[team] = _skip_chosen(rankings[team], places[team], chosen)
            if places[team] < len(rankings[team]):
                chosen[rankings[team][places[team]]] = team
                sizes[team] += 1
                break
        else:
            break
    return list(chosen.items())


@dataclass(frozen=True)
class InterleavingReport:
    """Which team the clicks preferred, each interleaved list, or each client, counted once.

    wins, losses: those in which B got more clicks than A, and fewer. ties: as many, at least one
    each. without_clicks: those that say nothing. preference: B's wins of all that were decided.
    p_value: of the two-sided sign test, ties left out.
    """

    wins: int
    ties: int
    losses: int
    without_clicks: int
    preference: Proportion
    p_value: float


def interleaving_report(
    clicks_by_query: Mapping[str, Mapping[str, int]],
) -> InterleavingReport:
    """Return who wins by the clicks on interleaved lists.

    clicks_by_query: by query id (one list that was shown), clicks by team, `A` and `B`; or by
    client, lists by the team that won them. A team that is left out has none.
    Raises ValueError for another team or a negative count.
    """
    outcomes = {"wins": 0, "ties": 0, "losses": 0, "without_clicks": 0}
    for query_id, clicks in clicks_by_query.items():
        if not set(clicks) <= {"A", "B"} or min(clicks.values(), default=0) < 0:
            raise ValueError(f"{query_id}: {dict(clicks)} should count the clicks of A and B")
        of_a, of_b = clicks.get("A", 0), clicks.get("B", 0)
        if of_a == of_b:
            outcomes["ties" if of_a else "without_clicks"] += 1
        else:
            outcomes["wins" if of_b > of_a else "losses"] += 1
    wins, losses = outcomes["wins"], outcomes["losses"]
    return InterleavingReport(
        **outcomes,
        preference=proportion(wins, wins + losses),
        p_value=sign_test(wins, losses),
    )


@dataclass(frozen=True)
class Session:
    """What a client who saw one version did in a session."""

    version: str
    clicked: bool
    purchased: bool


@dataclass(frozen=True)
class AbReport:
    """Two versions by the share of sessions with a click, and with a purchase.

    clicks, purchases: by version, A first. click_difference, purchase_difference: B minus A.
    """

    versions: tuple[str, str]
    clicks: Mapping[str, Proportion]
    purchases: Mapping[str, Proportion]
    click_difference: Difference
    purchase_difference: Difference


def ab_report(sessions: Iterable[Session], versions: tuple[str, str] | None = None) -> AbReport:
    """Return how two versions compare; the sessions of one client should count as one.

    versions: A and B; those of the sessions, by name, when not given.
    Raises ValueError for a session of a third version, or fewer than two to compare.
    """
    counts: dict[str, list[int]] = {version: [0, 0, 0] for version in versions or ()}
    for session in sessions:
        count = counts.setdefault(session.version, [0, 0, 0])
        count[0] += 1
        count[1] += session.clicked
        count[2] += session.purchased
    if len(counts) != 2:
        raise ValueError(f"two versions are compared, not {sorted(counts) or 'none'}")
    first, second = versions or sorted(counts)
    ordered = {version: counts[version] for version in (first, second)}
    clicks = {version: proportion(count[1], count[0]) for version, count in ordered.items()}
    purchases = {version: proportion(count[2], count[0]) for version, count in ordered.items()}
    return AbReport(
        versions=(first, second),
        clicks=clicks,
        purchases=purchases,
        click_difference=difference(clicks[first], clicks[second]),
        purchase_difference=difference(purchases[first], purchases[second]),
    )


def _next_team(sizes: Mapping[str, int], seed: int | str) -> Team:
    if sizes["A"] != sizes["B"]:
        return "A" if sizes["A"] < sizes["B"] else "B"
    # A digest and not `random`: the list stays the same whatever Python serves the next page.
    text = f"{seed}:{sizes['A']}".encode(errors="surrogatepass")
    return "A" if hashlib.sha256(text).digest()[0] % 2 == 0 else "B"


def _skip_chosen(ranking: Sequence[str], place: int, chosen: Mapping[str, Team]) -> int:
    while place < len(ranking) and ranking[place] in chosen:
        place += 1
    return place
