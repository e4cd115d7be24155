"""`_search`, `_count` and `GET /` as Elasticsearch has them: the page to read first.

    body -> ours taken out -> passed as it came, or hybrid -> Elasticsearch's envelope

What is hybrid is decided in `decision`, what is asked then in `hybrid_search`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from mappings.errors import (
    ClusterTimeout,
    EncoderFailed,
    EncoderMismatch,
    EncoderUnavailable,
    InvalidQuery,
)
from mappings.raw_cluster import RawAnswer, RawCluster
from service.compat.body_checks import decode_body, foreign_indexes
from service.compat.decision import Hybrid, Passed, decide
from service.compat.exchange import ElasticsearchRefused, Exchange, Media, quoted
from service.compat.hiding import brings_ours, hiding, show_as, without_own_fields
from service.compat.hybrid_search import HybridSearch
from service.compat.index_names import check_name, split_names
from service.compat.legs import CompatLegs, at_target
from service.compat.options import Extension, ShelfwiseOptions, own_fault, read_extension
from service.compat.parameters import Parameters
from service.compat.retrievers import is_compound, search_retriever
from service.compat.targets import SearchTargets, Target
from service.compat.words import Clause
from service.compat.writing import Answer, written
from service.insight.noting import logged_elsewhere, logged_passed
from service.insight.search_log import LoggedSearch
from service.leg_breaker import LegBreaker
from service.prepared_search import Given, SearchPreparer
from service.rules.curation import OF_THE_ORDER
from service.weights.query_ids import plain_query_id

MayAsk = Callable[[str], None]
"""Raises a RequestError for an index that the caller may not ask."""

_PAID = ("rank", "sub_searches")


@dataclass(frozen=True)
class Call:
    """One search or count as it came. index: a name, or several with commas."""

    index: str
    raw: bytes = field(repr=False)
    parameters: Parameters
    media: Media
    may_ask: MayAsk


@dataclass(frozen=True)
class ReadCall:
    """A call whose body is decoded. own: without what is for us; is_changed: whether it had any.

    body: with the URL parameters merged in.
    """

    call: Call
    own: Mapping[str, Any]
    body: Mapping[str, Any]
    extension: Extension
    is_changed: bool

    @property
    def raw(self) -> bytes:
        """Return the body for Elasticsearch, as it came where nothing of ours was in it."""
        return orjson.dumps(self.own) if self.is_changed else self.call.raw


@dataclass(frozen=True)
class _Passing:
    """Why a body is not made hybrid. filters: what products that rules hide do not fulfil.

    Only of words that answer because vectors cannot: what is the shop's alone has none.
    """

    reason: str
    filters: Sequence[Clause] = ()

    @classmethod
    def by_words(cls, search: HybridSearch | None, reason: str) -> _Passing:
        """Return that words answer in the place of a search whose vectors were late."""
        return cls(reason, search.legs.curation.filters if search else ())

    def narrowed(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a body under the filters, whose scores stay as they are."""
        if not self.filters:
            return body
        own = body.get("query") or {"match_all": {}}
        return {**body, "query": {"bool": {"must": [own], "filter": list(self.filters)}}}


@dataclass(frozen=True)
class ElasticsearchApi:
    """Answers like Elasticsearch. One per process, thread-safe.

    preparer: makes the legs of an index that `targets` finds. on_search: hears of each search of
    one of them that was answered. leg_seconds: longest wait for a request with vectors where the
    body has words too, which then answer alone; 0 for none. breaker: says when vectors are not
    even asked for.
    """

    cluster: RawCluster
    targets: SearchTargets
    preparer: SearchPreparer
    on_search: Callable[[LoggedSearch], None] = lambda search: None
    leg_seconds: float = 0.0
    breaker: LegBreaker = field(default_factory=lambda: LegBreaker(0))

    def info(self, media: Media) -> Answer:
        """Return what `GET /` of the cluster says: the version that a client asks for."""
        return Answer.of_raw(Exchange(self.cluster, media).pass_on("GET", "/"), "")

    def search(self, call: Call) -> Answer:
        """Return the answer to `_search`.

        Raises a RequestError for what the caller can mend, a TemporaryError when the cluster
        cannot answer.
        """
        began = time.perf_counter()
        read = self.read(call)
        exchange = Exchange(self.cluster, call.media)
        target = self.target(call.index)
        try:
            if is_compound(read.own.get("retriever")):
                answer = self._retrieved(read, target, exchange)
                return self._told(answer, call.index, target, began)
            search, passed = self._hybrid(read, target, exchange)
            found, late = self._in_time(search, HybridSearch.answer)
            if search is None or found is None:
                answer = self._passed(read, exchange, passed or _Passing.by_words(search, late))
                return self._told(answer, call.index, target, began)
            took_ms = _milliseconds_since(began)
            words, start = search.hybrid.words, read.body.get("from")
            self.on_search(
                logged_elsewhere(call.index, words, found, took_ms=took_ms, start=start)
            )
            return _answered(found, read, _note(search))
        except ElasticsearchRefused as refused:
            return Answer.of_raw(refused.answer, "refused by Elasticsearch")

    def count(self, call: Call) -> Answer:
        """Return the answer to `_count`: the total that a search of the same query has."""
        read = self.read(call)
        exchange = Exchange(self.cluster, call.media)
        try:
            search, passed = self._hybrid(read, self.target(call.index), exchange)
            found, late = self._in_time(search, HybridSearch.count)
            if search is not None and found is not None:
                return _answered(found, read, _note(search))
            passed = passed or _Passing.by_words(search, late)
            path, query = f"/{quoted(call.index)}/_count", call.parameters.query()
            sent = read.raw
            if passed.filters:
                sent = orjson.dumps(passed.narrowed(read.body))
                query = call.parameters.beside_the_body().query()
            raw = exchange.pass_on("POST", path, query=query, body=sent)
            return Answer.of_raw(raw, f"passed; reason={passed.reason}")
        except ElasticsearchRefused as refused:
            return Answer.of_raw(refused.answer, "refused by Elasticsearch")

    def _in_time(
        self,
        search: HybridSearch | None,
        ask: Callable[[HybridSearch], dict[str, Any]],
    ) -> tuple[dict[str, Any] | None, str]:
        """Return what a hybrid search gives; None and why when words should answer alone."""
        if search is None:
            return None, ""
        if not self.leg_seconds or not search.legs.has_lexical:
            return ask(search), ""
        index = search.target.live.name
        if reason := self.breaker.reason(index):
            return None, f"vectors {reason}"
        exchange = replace(search.exchange, timeout_seconds=self.leg_seconds)
        try:
            found = ask(replace(search, exchange=exchange))
        except ClusterTimeout:
            self.breaker.timed_out(index)
            milliseconds = round(self.leg_seconds * 1_000)
            return None, f"vectors not done within {milliseconds} ms"
        self.breaker.answered(index)
        return found, ""

    def _told(self, answer: Answer, index: str, target: Target | None, began: float) -> Answer:
        """Return an answer whose words we do not know, and tell of it."""
        if target is not None and answer.status == 200:
            self.on_search(logged_passed(index, took_ms=_milliseconds_since(began)))
        return answer

    def read(self, call: Call) -> ReadCall:
        """Return the call with its body decoded; raises a RequestError for what is not allowed."""
        for name in split_names(call.index):
            self.targets.require_served(name)
        body = decode_body(call.raw)
        for name in foreign_indexes(body):
            if name not in call.index.split(","):
                self.targets.require_served(check_name(name))
                call.may_ask(name)
        for name in _PAID:
            if name in body:
                raise InvalidQuery(f"{name}: is not supported, say it with retriever", field=name)
        _check_knn(body.get("knn"))
        extension = read_extension(body)
        own = _without_ours(body, extension)
        merged = call.parameters.merged(own)
        return ReadCall(call, own, merged, extension, is_changed=own is not body)

    def target(self, index: str) -> Target | None:
        """Return what a name stands for; None for several, and for nothing of ours."""
        return None if "," in index else self.targets.find(index)

    def _hybrid(
        self, read: ReadCall, target: Target | None, exchange: Exchange
    ) -> tuple[HybridSearch | None, _Passing | None]:
        """Return the body made hybrid, or None and why it is not."""
        options = read.extension.options
        decision = decide(read.body, options, target)
        if isinstance(decision, Passed) or target is None:
            reason = decision.reason if isinstance(decision, Passed) else ""
            if options.image is not None:
                raise InvalidQuery(
                    f"ext.shelfwise.image: cannot be searched by here: {reason}",
                    field="ext.shelfwise.image",
                )
            return None, _Passing(reason)
        try:
            legs = self._legs(decision, options, target)
        except (EncoderMismatch, EncoderUnavailable, EncoderFailed) as error:
            if options.image is not None:
                raise
            return None, _Passing(error.message)
        if not legs.legs.vectors:
            return None, _Passing("no leg of vectors takes part", legs.curation.filters)
        beside = read.call.parameters.beside_the_body()
        search = HybridSearch(exchange, target, read.body, beside, decision, legs, options)
        return search, None

    def _legs(self, hybrid: Hybrid, options: ShelfwiseOptions, target: Target) -> CompatLegs:
        request = options.as_request(hybrid.words)
        try:
            given = Given(is_foreign=not target.is_ours)
            made = self.preparer.prepare(target.live.name, request, given)
        except InvalidQuery as error:
            raise own_fault(error) from error
        return at_target(made.legs, hybrid, target, made.curation)

    def hides(self, index: str) -> bool:
        """Whether an index has fields of ours in the shop's own documents.

        Of a companion the shop's own index is asked, which has none.
        """
        target = self.targets.find(index)
        return target is not None and target.hides and target.shown_as is None

    def _passed(self, read: ReadCall, exchange: Exchange, passing: _Passing) -> Answer:
        """Hand a body on, as it came where nothing of ours is in it or in the documents."""
        call = read.call
        raw, query = read.raw, call.parameters.query()
        hides = any(map(self.hides, call.index.split(",")))
        if hides or passing.filters:
            body = passing.narrowed(read.body)
            raw = orjson.dumps(hiding(body) if hides else body)
            query = call.parameters.beside_the_body().query()
        path = f"/{quoted(call.index)}/_search"
        answer = exchange.pass_on("POST", path, query=query, body=raw)
        note = f"passed; reason={passing.reason}"
        shows = hides and brings_ours(read.body)
        if not answer.is_good or (read.extension.ubi is None and not shows):
            return Answer.of_raw(answer, note)
        return _rewritten(answer, read, note, shows=shows)

    def _retrieved(self, read: ReadCall, target: Target | None, exchange: Exchange) -> Answer:
        if read.extension.options != ShelfwiseOptions():
            raise InvalidQuery(
                "ext.shelfwise: a retriever says itself what is fused", field="ext.shelfwise"
            )
        index, body = read.call.index, dict(read.body)
        if target is not None and target.hides:
            index, body = target.live.index, hiding(body)
        parameters = read.call.parameters.beside_the_body()
        answer = search_retriever(exchange, index, body, parameters)
        if target is not None and target.hides and brings_ours(body):
            without_own_fields(answer)
        if target is not None and target.shown_as is not None:
            show_as(answer, target.shown_as)
        return _answered(answer, read, "hybrid; retriever")


def _without_ours(body: dict[str, Any], extension: Extension) -> dict[str, Any]:
    if "ext" not in body:
        return body
    rest = {name: part for name, part in body.items() if name != "ext"}
    return {**rest, "ext": dict(extension.rest)} if extension.rest else rest


def _check_knn(knn: object) -> None:
    for part in knn if isinstance(knn, list) else [knn]:
        if isinstance(part, dict) and "query_vector_builder" in part:
            raise InvalidQuery(
                "knn.query_vector_builder: no model of Elasticsearch's is run here; send "
                "query_vector, or words in a query",
                field="knn.query_vector_builder",
            )


def _milliseconds_since(began: float) -> float:
    return (time.perf_counter() - began) * 1e3


def _note(search: HybridSearch) -> str:
    mode = f"one request ({search.hybrid.one_request})" if search.hybrid.one_request else "precise"
    legs = ",".join(search.legs.made.weights)
    # One request keeps Elasticsearch's order, which rules do not move.
    left = {"hide", "only"} if search.hybrid.one_request else set(OF_THE_ORDER) | {"hide", "only"}
    applied = ",".join(one.id for one in search.legs.curation.applied if left & set(one.what))
    return f"hybrid; legs={legs}; mode={mode}" + (f"; rules={applied}" if applied else "")


def _answered(answer: dict[str, Any], read: ReadCall, note: str) -> Answer:
    if read.extension.ubi is not None:
        answer["ext"] = _ubi(read.extension)
    call = read.call
    return Answer(200, written(answer, call.parameters.given), call.media.of_answer(), note)


def _rewritten(answer: RawAnswer, read: ReadCall, note: str, *, shows: bool) -> Answer:
    found = orjson.loads(answer.body)
    if shows:
        without_own_fields(found)
    if read.extension.ubi is not None:
        found["ext"] = _ubi(read.extension)
    # Elasticsearch has heard filter_path already.
    pretty = {k: v for k, v in read.call.parameters.given.items() if k == "pretty"}
    return Answer(answer.status, written(found, pretty), answer.content_type, note, answer.warning)


def _ubi(extension: Extension) -> dict[str, Any]:
    ubi = extension.ubi
    return {"ubi": {"query_id": (ubi.query_id if ubi else None) or plain_query_id()}}
