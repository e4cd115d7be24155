"""The statement of one page of a query: rows behind a place, in the order of (time, id)."""

from __future__ import annotations

import re
from typing import Any

from indexer.connectors.sql_values import Value
from mappings.errors import MissingSetting

_BIND = re.compile(r"(?<![:\w]):(since|after_id|limit)\b")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Paging:
    """Pages of one query.

    query: a SELECT, around which the paging is written; or one with the parameters `:since`,
    `:after_id` and `:limit`, which is run as it stands. first: time and id before every row, for
    the latter.
    Raises MissingSetting for a query that names some of the parameters and not all, and for
    names of columns that are none.
    """

    def __init__(
        self, query: str, id_column: str, time_column: str, first: tuple[int | str, int | str]
    ) -> None:
        self._query = query.strip().rstrip(";").rstrip()
        named = set(_BIND.findall(self._query))
        if named and named != {"since", "after_id", "limit"}:
            missing = sorted({"since", "after_id", "limit"} - named)
            raise MissingSetting(
                f"query: names :{min(named)} but not :{missing[0]}; a query that pages itself "
                "needs :since, :after_id and :limit"
            )
        for column in (id_column, time_column):
            if not _COLUMN.fullmatch(column):
                raise MissingSetting(f"query: {column[:80]!r} is no name of a column")
        self._pages_itself = bool(named)
        self._id, self._time, self._first = id_column, time_column, first

    def everything(self) -> str:
        """Return a statement of all rows. Raises MissingSetting for a query that pages itself."""
        if self._pages_itself:
            raise MissingSetting("ids_query: is needed beside a query that pages itself")
        return self._query

    def page(self, since: Value, after: Value, limit: int) -> tuple[str, dict[str, Any]]:
        """Return the statement of the next page, and its parameters.

        since, after: time and id of the row behind which rows are wanted; None for all.
        """
        if self._pages_itself:
            first_since, first_id = self._first
            return self._query, {
                "since": first_since if since is None else since,
                "after_id": first_id if after is None else after,
                "limit": limit,
            }
        # The first condition alone is what an index on the time can be used for.
        if since is None:
            where, parameters = f"feed.{self._time} IS NOT NULL", {}
        else:
            where = (
                f"feed.{self._time} >= :since AND "
                f"(feed.{self._time} > :since OR feed.{self._id} > :after_id)"
            )
            parameters = {"since": since, "after_id": after}
        statement = (
            f"SELECT * FROM (\n{self._query}\n) feed WHERE {where} "  # noqa: S608 - operator's own
            f"ORDER BY feed.{self._time}, feed.{self._id} LIMIT :limit"
        )
        return statement, parameters | {"limit": limit}
