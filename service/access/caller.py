"""Who sends the request that is being handled, and what they may do."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from mappings.errors import Forbidden
from service.access.keys import ApiKey
from service.access.patterns import ALL, may_use
from service.access.scopes import Scope


@dataclass(frozen=True)
class Caller:
    """What a request may do. key_id: None when keys are off, and of nobody."""

    scopes: frozenset[Scope]
    indexes: tuple[str, ...]
    key_id: str | None = None
    name: str = ""

    @classmethod
    def of_key(cls, key: ApiKey) -> Caller:
        """Return what a key makes of who sends it."""
        return cls(key.scopes, key.indexes, key.id, key.name)

    def may_do(self, scope: Scope) -> bool:
        """Return whether that is among the scopes; `admin` includes all."""
        if scope is Scope.METRICS and ALL not in self.indexes:
            return False  # they name every index
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def may_use(self, index: str) -> bool:
        """Return whether the index, or all of an expression such as `a,b`, may be used."""
        return may_use(self.indexes, index)

    def require_scope(self, scope: Scope) -> None:
        """Raise Forbidden without the scope."""
        if not self.may_do(scope):
            raise Forbidden(
                f"the API key has not the scope {scope.value!r}", field="authorization"
            )

    def require_index(self, index: str) -> None:
        """Raise Forbidden for an index that may not be used, whether or not it is there."""
        if not self.may_use(index):
            # Index names that were asked for are said back, those that are there never.
            raise Forbidden(
                f"this request may not use index {index[:80]!r}: the API key has no pattern that "
                "covers it, or it is one of our own",
                field="index",
            )

    @property
    def sees_all(self) -> bool:
        """Return whether all indexes of a shop may be used."""
        return ALL in self.indexes


NOBODY = Caller(frozenset(), ())
EVERYBODY = Caller(frozenset(Scope), (ALL,))
"""Any caller while keys are off."""

_current: ContextVar[Caller] = ContextVar("shelfwise_caller", default=NOBODY)


def current_caller() -> Caller:
    """Return the caller of this request; nobody outside of one."""
    return _current.get()


def set_caller(caller: Caller) -> None:
    """Say who sends this request."""
    _current.set(caller)
