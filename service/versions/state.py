"""Which version is active for an index, and what was active before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

HISTORY_ENTRIES = 20
"""Changes that are remembered; a rollback reaches no further."""
Action = Literal["activate", "rollback", "deactivate"]


@dataclass(frozen=True)
class Change:
    """One change of what is active.

    version: active from then on; before: active until then; None is the default.
    at: ISO time. who: whoever did it, as given.
    """

    version: str | None
    before: str | None
    action: Action
    at: str
    who: str


@dataclass(frozen=True)
class VersionState:
    """The state of one index.

    active: None while the default answers. history: at most 20 changes, newest last.
    last_number: highest number given to a version, which is never given again. deleting:
    versions that may not become active any more.
    """

    index: str
    active: str | None = None
    history: tuple[Change, ...] = ()
    last_number: int = 0
    deleting: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            index=raw["index"],
            active=raw.get("active"),
            history=tuple(Change(**change) for change in raw.get("history", ())),
            last_number=raw.get("last_number", 0),
            deleting=tuple(raw.get("deleting", ())),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return {
            "index": self.index,
            "active": self.active,
            "history": [asdict(change) for change in self.history],
            "last_number": self.last_number,
            "deleting": list(self.deleting),
        }

    @property
    def changed_at(self) -> str | None:
        """When what is active changed last, None when it never has."""
        return self.history[-1].at if self.history else None

    @property
    def in_use(self) -> tuple[str, ...]:
        """Versions that answer searches."""
        return (self.active,) if self.active else ()

    def change_to(self, version: str | None, action: Action, *, at: str, who: str) -> Self:
        """Return the state with another active version, the change in its history."""
        change = Change(version, self.active, action, at, who)
        history = (*self.history, change)[-HISTORY_ENTRIES:]
        return replace(self, active=version, history=history)

    def before_active(self) -> Sequence[str | None]:
        """Return what was active before, last first, as a second and third rollback would go.

        A rollback takes a change back and is not itself one to go back from: after A, B, C and
        two rollbacks A is active, and a third one goes to what was before A. None is the default.
        """
        if not self.history:
            return []
        stack = [self.history[0].before]
        for change in self.history:
            if change.action == "rollback":
                while len(stack) > 1:
                    stack.pop()
                    if stack[-1] == change.version:
                        break
            else:
                stack.append(change.version)
        return stack[-2::-1] if len(stack) > 1 else []
