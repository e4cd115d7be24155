"""Calls that are given up when they take too long: encoders, and photos of others' servers."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar

import structlog

from indexer.encoders.base import Embeddings, TextEncoder, WordList
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderFailed, ShelfwiseError
from service.leg_breaker import LegBreaker

_Result = TypeVar("_Result")
_log = structlog.get_logger(__name__)


class TooSlow(Exception):
    """A call was given up. Its thread is free again when the call ends."""


class Deadline:
    """Runs calls in threads of its own, and waits for each so long at most.

    seconds: 0 waits for as long as it takes, in the caller's own thread. threads: calls at one
    time; while so many hang, further ones are given up without a start.
    """

    def __init__(self, seconds: float, *, threads: int) -> None:
        self.seconds = seconds
        self._pool = ThreadPoolExecutor(threads, "deadline") if seconds else None

    def call(self, action: Callable[[], _Result]) -> _Result:
        """Return what the call returns. Raises TooSlow, and what the call raises."""
        if self._pool is None:
            return action()
        # The trace and the request's id belong to the call too.
        future = self._pool.submit(contextvars.copy_context().run, action)
        try:
            return future.result(self.seconds)
        except FutureTimeout as error:
            if future.done():  # the call itself has raised it
                raise
            future.cancel()
            raise TooSlow(f"not done within {round(self.seconds * 1_000)} ms") from error


class BoundedTextEncoder:
    """An encoder whose faults are all EncoderFailed. See TextEncoder."""

    def __init__(
        self, encoder: TextEncoder, deadline: Deadline, breaker: LegBreaker | None = None
    ) -> None:
        self._encoder = encoder
        self._deadline = deadline
        self._breaker = breaker or LegBreaker(0)

    @property
    def spec(self) -> EncoderSpec:
        """Return the encoder's identity."""
        return self._encoder.spec

    def is_word(self, text: str) -> bool:
        """Return whether a text is a word of the encoder's language, as far as it can tell."""
        return isinstance(self._encoder, WordList) and self._encoder.is_word(text)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return one unit vector a text, float32 [len(texts), dims]. Raises EncoderFailed.

        At once while it was too slow several times in a row.
        """
        name = self.spec.name
        if reason := self._breaker.reason(name):
            raise EncoderFailed(f"the encoder {name!r} was {reason}", is_slow=True)
        try:
            found = encode_within(self._deadline, name, lambda: self._encoder.encode(list(texts)))
        except EncoderFailed as error:
            if error.is_slow:
                self._breaker.timed_out(name)
            raise
        self._breaker.answered(name)
        return found


def encode_within(deadline: Deadline, encoder: str, encode: Callable[[], _Result]) -> _Result:
    """Return what an encoder gives. Raises EncoderFailed, and what is the request's own fault."""
    try:
        return deadline.call(encode)
    except ShelfwiseError:
        raise
    except TooSlow as error:
        _log.warning("encoder_too_slow", encoder=encoder, seconds=deadline.seconds)
        raise EncoderFailed(f"the encoder {encoder!r} was {error}", is_slow=True) from error
    except Exception as error:  # any model may fail in any way
        # Its message may repeat the text, which is a shopper's.
        _log.error("encoder_failed", encoder=encoder, error=type(error).__name__)
        raise EncoderFailed(f"the encoder {encoder!r} failed") from error
