"""Versions of an index's rules, and which is active, in an index of the cluster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
import structlog
from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from mappings.errors import (
    ClusterOverloaded,
    Conflict,
    InvalidQuery,
    RequestTooLarge,
    UnknownRules,
)
from service.rules.rule import RuleSet
from service.versions.state import VersionState
from service.versions.store import KEYWORD, UNREAD, VersionStore, utc_now

RULES_INDEX = "shelfwise-rules"
MAX_RULES_BYTES = 8 * 1024 * 1024
"""Of one version as JSON: every process reads it whole when it becomes active."""
MAX_NOTE_CHARACTERS = 500
KEPT_VERSIONS = 200
"""Versions of an index that are kept; each change of one rule makes one, of the whole set."""

_ATTEMPTS = 20
"""Of a change of one rule that others get in between."""
_FORGOTTEN_AT_ONCE = 5

log = structlog.get_logger(__name__)


class RulesStore(VersionStore[VersionState]):
    """Keeps the versions of every shop's rules and synonyms, of each index the newest 200.

    on_change: called with the index after each change of what is active, so that searches look.
    """

    what = "rules"
    heavy = "rules"
    state_class = VersionState
    unknown = UnknownRules
    fields = {
        "rules": UNREAD,
        "rules_count": {"type": "integer"},
        "synonyms_count": {"type": "integer"},
        "note": {"type": "text", "index": False},
        "who": KEYWORD,
    }

    def __init__(
        self,
        client: Elasticsearch,
        *,
        name: str = RULES_INDEX,
        now: Callable[[], datetime] = utc_now,
        on_change: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(client, name=name, now=now)
        self._on_change = on_change

    def version_prefix(self, index: str) -> str:
        """Return what stands before the number: `products-rules` in `products-rules-3`."""
        return f"{index}-rules"

    def save(self, index: str, rules: RuleSet, *, note: str = "", who: str = "") -> str:
        """Keep rules as a new version, which is not active yet, and return its name.

        The oldest versions beyond 200 go, but never one that is active or was so lately.
        Raises RequestTooLarge beyond 8 MB of JSON, and InvalidQuery for a note too long.
        """
        if len(note) > MAX_NOTE_CHARACTERS:
            raise InvalidQuery(
                f"note of {len(note):,} characters: at most {MAX_NOTE_CHARACTERS:,}", field="note"
            )
        document = rules.to_json()
        if (size := len(orjson.dumps(document))) > MAX_RULES_BYTES:
            raise RequestTooLarge(
                f"rules of {size:,} bytes of JSON: at most {MAX_RULES_BYTES:,}", field="rules"
            )
        version = self._save(
            index,
            {
                "rules": document,
                "rules_count": len(rules.rules),
                "synonyms_count": len(rules.synonyms),
                "note": note,
                "who": who,
            },
        )
        self._forget_oldest(index)
        return version

    def get(self, index: str, version: str) -> RuleSet:
        """Return the rules of a version.

        Raises UnknownRules that lists near names, and InvalidQuery for one that this release
        cannot read.
        """
        return RuleSet.parse(self.document(index, version)["rules"])

    def get_set(self, index: str, version: str | None) -> RuleSet:
        """Return the rules of a version; of None, which stands for no rules, the empty set."""
        return RuleSet() if version is None else self.get(index, version)

    def active(self, index: str) -> tuple[str | None, str | None]:
        """Return the active version, or None, and when that changed last."""
        state = self.state(index)
        return state.active, state.changed_at

    def replace(
        self,
        index: str,
        rules: RuleSet,
        *,
        if_version: str | None = None,
        note: str = "",
        who: str = "",
    ) -> VersionState:
        """Let rules take the place of all that are active, and return the state.

        if_version: the version that the caller has read, `none` for none. Raises Conflict when
        another is active by now, and what `save` raises.
        """
        return self.edit(index, lambda _: rules, if_version=if_version, note=note, who=who)

    def edit(
        self,
        index: str,
        change: Callable[[RuleSet], RuleSet],
        *,
        if_version: str | None = None,
        note: str = "",
        who: str = "",
    ) -> VersionState:
        """Make a new version of the active one, activate it, and return the state.

        change: asked again when somebody else activated another version meanwhile, so that both
        changes hold. Raises Conflict where if_version is given and another is active by now, what
        `change` raises, and what `save` raises. A change that changes nothing makes no version,
        and is no conflict: it may be the same request again, whose answer was lost.
        """
        for _ in range(_ATTEMPTS):
            state = self.state(index)
            before = state.active
            known = self.get_set(index, before)
            if if_version not in (None, before or "none") and not _is_done(change, known):
                raise Conflict(
                    f"{before or 'none'!r} is active on {index!r} by now, not {if_version!r}: "
                    "read the rules again",
                    field="if_version",
                )
            changed = change(known)
            if before and changed == known:
                return state
            version = self.save(index, changed, note=note, who=who)
            if (activated := self._activate_after(index, version, before, who)) is not None:
                return activated
            self.delete(index, version)
        raise ClusterOverloaded(
            f"the rules of {index!r} were changed by others {_ATTEMPTS} times in between",
            field="index",
            retry_after_seconds=1,
        )

    def _activate_after(
        self, index: str, version: str, before: str | None, who: str
    ) -> VersionState | None:
        """Activate a version if `before` is still active; None when it is not."""

        def check(state: VersionState) -> None:
            if state.active not in (before, version):
                raise Conflict(f"{state.active!r} is active by now", field="if_version")

        try:
            return self._activate(index, version, who=who, check=check)
        except Conflict:
            return None

    def _update(self, index: str, change: Callable[[VersionState], VersionState]) -> VersionState:
        before: list[str | None] = []

        def noted(state: VersionState) -> VersionState:
            before[:] = [state.active]
            return change(state)

        changed = super()._update(index, noted)
        if self._on_change is not None and before != [changed.active]:
            self._on_change(index)
        return changed

    def _forget_oldest(self, index: str) -> None:
        state = self.state(index)
        lately = {state.active, *(change.version for change in state.history)}
        filters: list[dict[str, Any]] = [
            {"term": {"kind": "version"}},
            {"term": {"index": index}},
            {"range": {"number": {"lte": state.last_number - KEPT_VERSIONS}}},
        ]
        used = {"terms": {"version": [name for name in lately if name]}}
        with cluster_errors(index=self._name):
            found = self._client.search(
                index=self._name,
                query={"bool": {"filter": filters, "must_not": [used]}},
                sort=[{"number": "asc"}],
                size=_FORGOTTEN_AT_ONCE,
                source_includes=["version"],
            )
        for hit in found["hits"]["hits"]:
            version = hit["_source"]["version"]
            try:
                self.delete(index, version)
            except (UnknownRules, InvalidQuery) as error:
                # Somebody else was first, or has just made it active.
                log.info("rules_kept", index=index, version=version, reason=error.message)


def _is_done(change: Callable[[RuleSet], RuleSet], known: RuleSet) -> bool:
    try:
        return change(known) == known
    except (UnknownRules, InvalidQuery):
        return False
