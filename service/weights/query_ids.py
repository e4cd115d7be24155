"""Query ids that say which version of an experiment answered whom, and that nobody can forge.

The shop sends the id back with every event, so nothing is stored with a search, nothing is lost
when a process ends, and what a client says of versions and teams is never asked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import structlog

from mappings.errors import MissingSetting
from service.events.pseudonyms import Pseudonyms
from service.weights.experiments import Experiment, Kind, Team
from service.weights.team_codes import decode_team, encode_teams

_NONCE_BYTES = 12
_SIGNATURE_BYTES = 12
_KINDS: Mapping[str, Kind] = {"a": "ab", "i": "interleave"}
_FORM = re.compile(
    r"(?P<nonce>[\w-]{16})\.(?P<experiment>[0-9a-f]{8})\.(?P<kind>[ai])(?P<first>[0-9]{1,9})-"
    r"(?P<second>[0-9]{1,9})\.(?P<answer>[\w-]{1,64})\.(?P<signature>[\w-]{16})",
    re.ASCII,
)
"""At most 125 characters, of 128 that an event may have."""

log = structlog.get_logger(__name__)


def plain_query_id() -> str:
    """Return an id that says nothing: 24 hexadecimal digits."""
    return secrets.token_hex(12)


@dataclass(frozen=True)
class Answered:
    """What a signed id says: who answered, in which experiment.

    versions: A and B. arm: of an `ab` experiment, None of the other kind.
    """

    experiment_id: str
    kind: Kind
    versions: tuple[str, str]
    arm: Team | None
    _code: bytes = b""
    _salt: bytes = b""

    def team_of(self, product_id: str) -> Team | None:
        """Return whose product it was, None for one of neither team."""
        return decode_team(self._code, product_id, self._salt) if self._code else None


class QueryIds:
    """Signs query ids, and reads those that come back. key: the secret one of the events.

    The signature is over the index, the client's pseudonym and all that the id says. So an id
    counts for the client whom it was given to, and for no other.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._pseudonyms = Pseudonyms(key)

    def sign(
        self,
        index: str,
        experiment: Experiment,
        client_id: str,
        answer: Team | Mapping[str, Team],
    ) -> str:
        """Return the id of an answer.

        answer: the arm, or by product id the teams of an interleaved page of 1 to 200.
        """
        client = self._pseudonyms.client(client_id)
        kind = next(letter for letter, kind in _KINDS.items() if kind == experiment.kind)
        numbers = "-".join(name.rpartition("-")[2] for name in experiment.versions)
        while True:
            nonce = _text(secrets.token_bytes(_NONCE_BYTES))
            if isinstance(answer, str):
                said: str | None = answer
            else:
                code = encode_teams(answer, nonce.encode())
                said = None if code is None else _text(code)
            if said is not None:
                break
        body = f"{nonce}.{experiment.id}.{kind}{numbers}.{said}"
        return f"{body}.{self._signature(index, client, body)}"

    def read(self, index: str, query_id: str, client: str) -> Answered | None:
        """Return what an id says; None for one that is not signed, or not for this client.

        client: the pseudonym of an event.
        """
        match = _FORM.fullmatch(query_id)
        if match is None:
            return None
        expected = self._signature(index, client, query_id.rpartition(".")[0])
        if not hmac.compare_digest(expected, match["signature"]):
            return None
        kind = _KINDS[match["kind"]]
        said = match["answer"]
        return Answered(
            experiment_id=match["experiment"],
            kind=kind,
            versions=(f"{index}-{match['first']}", f"{index}-{match['second']}"),
            arm=cast(Team, said) if kind == "ab" else None,
            _code=_bytes(said) if kind == "interleave" else b"",
            _salt=match["nonce"].encode(),
        )

    def _signature(self, index: str, client: str, body: str) -> str:
        # Its own first word: no pseudonym or event id is ever made of the same bytes.
        message = "\0".join(("experiment", index, client, body)).encode()
        return _text(hmac.new(self._key, message, hashlib.sha256).digest()[:_SIGNATURE_BYTES])


def is_signed(query_id: str) -> bool:
    """Return whether an id has the form of a signed one, whoever signed it."""
    return _FORM.fullmatch(query_id) is not None


class QueryIdSigner:
    """Signs ids while there is a key; without one a search goes on under a plain id.

    find_key: raises MissingSetting without a key; asked at the first search of an experiment.
    """

    def __init__(self, find_key: Callable[[], bytes]) -> None:
        self._find_key = find_key
        self._ids: QueryIds | None = None
        self._has_warned = False

    def sign(
        self,
        index: str,
        experiment: Experiment,
        client_id: str,
        answer: Team | Mapping[str, Team],
    ) -> str:
        """Return the id of an answer, as `QueryIds.sign`."""
        if self._ids is None:
            try:
                self._ids = QueryIds(self._find_key())
            except MissingSetting as error:
                if not self._has_warned:
                    log.warning("experiment_not_counted", index=index, reason=str(error))
                self._has_warned = True
                return plain_query_id()
        return self._ids.sign(index, experiment, client_id, answer)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
