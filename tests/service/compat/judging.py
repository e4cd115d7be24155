"""What an answer of ours must have in common with Elasticsearch's own."""

from __future__ import annotations

from typing import Any

from tests.service.compat.recorded import kinds, same_kinds, untimed


def without_ours(answer: Any) -> Any:
    """A direct answer without our fields in the shop's documents."""
    if isinstance(answer, dict):
        return {
            key: without_ours(part)
            for key, part in answer.items()
            if key.partition(".")[0] != "shelfwise"
        }
    return [without_ours(part) for part in answer] if isinstance(answer, list) else answer


def judge(treated: str, direct: dict[str, Any], through: dict[str, Any], note: str) -> None:
    """Compare two answers to one recorded body.

    direct, through: the body of an answer, or status and body of an error.
    """
    direct = without_ours(direct)
    if treated in ("hybrid", "passed"):
        assert note.startswith(treated), note
    assert ("status" in direct) == (treated == "error"), direct
    if treated == "passed":
        assert untimed(through) == untimed(direct)
    elif treated == "error":
        assert through["status"] == direct["status"]
        assert set(through["body"]) == set(direct["body"]) == {"error", "status"}
        assert {"type", "reason", "root_cause"} <= set(through["body"]["error"])
        assert through["body"]["error"]["type"] == direct["body"]["error"]["type"]
    else:
        assert same_kinds(kinds(direct), kinds(through)), (kinds(direct), kinds(through))
        assert list(through) == list(direct) or treated == "both"
