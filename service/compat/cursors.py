"""Points in time and scrolls: handed on for bodies that pass, by ids that name their indexes.

An id of Elasticsearch's says to nobody but Elasticsearch what it reads. Ours has the indexes in it
and is signed, so that each use is checked against the key that asks, and one that was made for
other indexes, or elsewhere, is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from mappings.errors import Forbidden, InvalidQuery
from mappings.raw_cluster import RawAnswer
from service.compat.body_checks import decode_body
from service.compat.decision import Hybrid, decide
from service.compat.elasticsearch_api import Call, ElasticsearchApi, MayAsk, ReadCall
from service.compat.exchange import Exchange, Media, quoted
from service.compat.hiding import hiding, without_own_fields
from service.compat.index_names import split_names
from service.compat.parameters import Parameters
from service.compat.passing import PassThrough
from service.compat.retrievers import is_compound
from service.compat.writing import Answer

MAX_ID_CHARACTERS = 200_000
"""An id of Elasticsearch's names every shard, in about 100 characters each."""

_MOST_CLEARED = 500
_MAC_BYTES = 16
_NOTE = "passed; reason={}"

Kind = Literal["pit", "scroll"]


@dataclass(frozen=True)
class CursorCall:
    """A request that names an id and no index."""

    raw: bytes = field(repr=False)
    parameters: Parameters
    media: Media
    may_ask: MayAsk


@dataclass(frozen=True)
class Cursors:
    """Opens, reads and closes points in time and scrolls.

    key: signs the ids, the same in all processes. allowed: what the settings let pass.
    """

    api: ElasticsearchApi
    key: bytes = field(repr=False)
    allowed: PassThrough

    def open_point(self, call: Call) -> Answer:
        """Return the answer to `_pit`, with an id of ours. Raises a RequestError."""
        self._require_allowed("a point in time")
        for name in split_names(call.index):
            self.api.targets.require_served(name)
        raw = Exchange(self.api.cluster, call.media).pass_on(
            "POST",
            f"/{quoted(call.index)}/_pit",
            query=call.parameters.query(),
            body=call.raw,
        )
        return self._answer(raw, "pit", call.index, field="id")

    def search_point(self, call: CursorCall) -> Answer:
        """Return the answer to a search in a point in time.

        Raises InvalidQuery for a body that names none, or that would be made hybrid.
        """
        self._require_allowed("a point in time")
        body = decode_body(call.raw)
        pit = body.pop("pit", None)
        if not isinstance(pit, dict):
            raise InvalidQuery(
                "pit: a search without an index in its address needs one", field="pit"
            )
        index, own_id = self._opened("pit", pit.get("id"), call.may_ask, field="pit.id")
        parts = Call(index, orjson.dumps(body), call.parameters, call.media, call.may_ask)
        read = self.api.read(parts)
        self._require_passed(read, "pit")
        hides = self._hides(index)
        found = hiding(read.body) if hides else dict(read.own)
        parameters = call.parameters.beside_the_body() if hides else call.parameters
        raw = Exchange(self.api.cluster, call.media).pass_on(
            "POST",
            "/_search",
            query=parameters.query(),
            body=orjson.dumps({**found, "pit": {**pit, "id": own_id}}),
        )
        return self._answer(raw, "pit", index, field="pit_id", hides=hides)

    def close_point(self, call: CursorCall) -> Answer:
        """Close a point in time."""
        self._require_allowed("a point in time")
        given = decode_body(call.raw).get("id")
        _, own_id = self._opened("pit", given, call.may_ask, field="id")
        raw = Exchange(self.api.cluster, call.media).pass_on(
            "DELETE", "/_pit", body=orjson.dumps({"id": own_id})
        )
        return Answer.of_raw(raw, _NOTE.format("pit"))

    def begin_scroll(self, call: Call) -> Answer:
        """Return the first page of a scroll. Raises InvalidQuery for one that would be hybrid."""
        self._require_allowed("a scroll")
        read = self.api.read(call)
        self._require_passed(read, "scroll")
        hides = self._hides(call.index)
        body = orjson.dumps(hiding(read.body)) if hides else read.raw
        parameters = call.parameters.beside_the_body() if hides else call.parameters
        raw = Exchange(self.api.cluster, call.media).pass_on(
            "POST", f"/{quoted(call.index)}/_search", query=parameters.query(), body=body
        )
        return self._answer(raw, "scroll", call.index, field="_scroll_id", hides=hides)

    def next_page(self, call: CursorCall) -> Answer:
        """Return the next page of a scroll."""
        self._require_allowed("a scroll")
        given = {**decode_body(call.raw)}
        for name in ("scroll", "scroll_id"):
            given.setdefault(name, call.parameters.given.get(name))
        found, own_id = self._opened(
            "scroll", given.get("scroll_id"), call.may_ask, field="scroll_id"
        )
        body = {"scroll_id": own_id, **({"scroll": given["scroll"]} if given["scroll"] else {})}
        plain = {k: v for k, v in call.parameters.given.items() if k not in given}
        raw = Exchange(self.api.cluster, call.media).pass_on(
            "POST",
            "/_search/scroll",
            query=Parameters(plain).query(),
            body=orjson.dumps(body),
        )
        return self._answer(raw, "scroll", found, field="_scroll_id", hides=self._hides(found))

    def clear_scrolls(self, call: CursorCall) -> Answer:
        """Close scrolls, each by its id."""
        self._require_allowed("a scroll")
        given = decode_body(call.raw).get("scroll_id")
        ids: Sequence[Any] = given if isinstance(given, list) else [given]
        if len(ids) > _MOST_CLEARED:
            raise InvalidQuery(f"scroll_id: has more than {_MOST_CLEARED} ids", field="scroll_id")
        own = [self._opened("scroll", one, call.may_ask, field="scroll_id")[1] for one in ids]
        raw = Exchange(self.api.cluster, call.media).pass_on(
            "DELETE", "/_search/scroll", body=orjson.dumps({"scroll_id": own})
        )
        return Answer.of_raw(raw, _NOTE.format("scroll"))

    def _require_allowed(self, what: str) -> None:
        if self.allowed == "none":
            raise Forbidden(
                f"{what} is not passed on: SHELFWISE_SERVICE_PASS_THROUGH is {self.allowed!r}",
                field="path",
            )

    def _require_passed(self, read: ReadCall, name: str) -> None:
        """Raise InvalidQuery for a body that is made hybrid: it has no order to walk through."""
        options = read.extension.options
        target = self.api.target(read.call.index)
        is_hybrid = isinstance(decide(read.body, options, target), Hybrid)
        if options.image is not None or is_hybrid or is_compound(read.own.get("retriever")):
            raise InvalidQuery(
                f"{name}: a search that is made hybrid cannot be walked through; set "
                "ext.shelfwise.hybrid to false, or sort by a field, or page with from and size",
                field=name,
            )

    def _hides(self, index: str) -> bool:
        return any(map(self.api.hides, index.split(",")))

    def _opened(
        self, kind: Kind, given: object, may_ask: MayAsk, *, field: str
    ) -> tuple[str, str]:
        """Return the indexes of an id and Elasticsearch's own, for a caller who may ask them."""
        found = read_id(self.key, kind, given)
        if found is None:
            raise InvalidQuery(f"{field}: is none that was given out here", field=field)
        for name in split_names(found[0]):
            self.api.targets.require_served(name)
            may_ask(name)
        return found

    def _answer(
        self, raw: RawAnswer, kind: Kind, index: str, *, field: str, hides: bool = False
    ) -> Answer:
        note = _NOTE.format(kind)
        if not raw.is_good:
            return Answer.of_raw(raw, note)
        found: dict[str, Any] = orjson.loads(raw.body)
        if hides:
            without_own_fields(found)
        if isinstance(found.get(field), str):  # which filter_path may have left out
            found[field] = made_id(self.key, kind, index, found[field])
        return Answer(raw.status, orjson.dumps(found), raw.content_type, note, raw.warning)


def made_id(key: bytes, kind: Kind, index: str, own: str) -> str:
    """Return an id that `read_id` reads."""
    named = base64.urlsafe_b64encode(index.encode()).decode()
    return f"{_signature(key, kind, index, own)}~{named}~{own}"


def read_id(key: bytes, kind: Kind, given: object) -> tuple[str, str] | None:
    """Return the indexes and Elasticsearch's id; None for what `made_id` has not made so."""
    if not isinstance(given, str) or len(given) > MAX_ID_CHARACTERS or given.count("~") != 2:
        return None
    signature, named, own = given.split("~")
    try:
        index = base64.urlsafe_b64decode(named).decode()
    except (binascii.Error, ValueError):
        return None
    expected = _signature(key, kind, index, own)
    same = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
    return (index, own) if same else None


def key_of_secrets(secrets: Mapping[str, str | None]) -> bytes:
    """Return a key that processes with the same settings share. secrets: by their names."""
    return hashlib.sha256(b"cursors\0" + orjson.dumps(sorted(secrets.items()))).digest()


def _signature(key: bytes, kind: Kind, index: str, own: str) -> str:
    message = "\0".join((kind, index, own)).encode("utf-8", "replace")
    return hmac.new(key, message, hashlib.sha256).digest()[:_MAC_BYTES].hex()
