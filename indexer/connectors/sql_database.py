"""A database that is only read: short transactions, each with a limit of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import QueuePool

from mappings.errors import MissingSetting, SourceUnavailable
from mappings.feeds.references import read_secret

_MYSQL_REFUSALS = frozenset({1044, 1049, 1054, 1142, 1143, 1146, 1305, 1792})
"""No right, no such database, column, table or function, a write that only may read."""

_STREAMED_ROWS = 10_000
RETRY_AFTER_SECONDS = 5
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""By libpq's names: a server that does not even acknowledge is given up after a minute."""


class Database:
    """Reads rows. Nothing is connected until the first of them.

    reference: to the address, `env:NAME` or `file:PATH`. statement_seconds: how long one
    statement may take, on PostgreSQL, MySQL and MariaDB; 0 for as long as it takes.
    Raises MissingSetting when there is no address, or no driver for it.
    """

    def __init__(self, reference: str, *, statement_seconds: float) -> None:
        self._reference = reference
        self._statement_seconds = statement_seconds
        # One connection for the pages of a pass; the connector of the next one has its own.
        try:
            url = make_url(read_secret(reference))
            self._engine: Engine = create_engine(
                url,
                connect_args=connect_arguments(url),
                poolclass=QueuePool,
                pool_size=1,
                max_overflow=1,
                hide_parameters=True,
            )
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            # The message of the first of them may hold the address, with its password.
            what = error.name if isinstance(error, ModuleNotFoundError) else type(error).__name__
            raise MissingSetting(
                f"{reference}: is no address of a database that can be read ({what}); e.g. "
                "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
            ) from None

    def close(self) -> None:
        """Close what is open."""
        self._engine.dispose()

    def read(self, statement: str, parameters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the rows of a statement, columns by name.

        Raises SourceUnavailable when the database does not answer or the statement takes too
        long, MissingSetting when it refuses it.
        """
        with self._transaction() as connection:
            result = connection.execute(text(statement), dict(parameters))
            return [dict(row) for row in result.mappings()]

    def stream(self, statement: str) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of a statement that may have millions, a few thousand in memory."""
        with self._transaction() as connection:
            streamed = connection.execution_options(yield_per=_STREAMED_ROWS)
            with streamed.execute(text(statement)) as result:
                for row in result.mappings():
                    yield dict(row)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._errors(), self._engine.connect() as connection:
            # Rolled back at the end: nothing is ever written.
            self._prepare(connection)
            yield connection

    def _prepare(self, connection: Connection) -> None:
        """Make the transaction one that cannot write, and limit its statements."""
        milliseconds = round(self._statement_seconds * 1000)
        name = connection.dialect.name
        if name == "postgresql":
            connection.execute(text("SET TRANSACTION READ ONLY"))
            connection.execute(text(f"SET LOCAL statement_timeout = {milliseconds}"))
        elif name in ("mysql", "mariadb"):
            connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            # MariaDB may be addressed as `mysql` as well, and has no MAX_EXECUTION_TIME.
            if not getattr(connection.dialect, "is_mariadb", False):
                connection.exec_driver_sql(f"SET SESSION MAX_EXECUTION_TIME = {milliseconds}")
            else:
                connection.exec_driver_sql(
                    f"SET SESSION max_statement_time = {self._statement_seconds}"
                )
            connection.commit()
        elif name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            if is_refusal(error.orig):
                raise self._refused(error) from error
            raise SourceUnavailable(
                f"the database of {self._reference} cannot be read now: {_reason(error)}",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            ) from error
        except SQLAlchemyError as error:
            raise self._refused(error) from error

    def _refused(self, error: SQLAlchemyError) -> MissingSetting:
        return MissingSetting(
            f"the database of {self._reference} refuses the query: {_reason(error)}"
        )


def is_refusal(error: object) -> bool:
    """Return whether a driver's error says that the statement will never do.

    MySQL's drivers call a column that is not there by the same name as a connection that broke,
    and tell them apart by the server's number.
    """
    arguments: tuple[object, ...] = getattr(error, "args", ())
    return bool(arguments) and arguments[0] in _MYSQL_REFUSALS


def connect_arguments(url: URL) -> dict[str, int]:
    """Return what ends the wait for a PostgreSQL that is gone without a word, in seconds.

    Without it a statement waits for hours on a server that lost its power, as its own limit is
    kept by that server. What the address says counts more; other drivers have other names.
    """
    known = _PATIENCE if url.get_driver_name() in ("psycopg", "psycopg2") else {}
    return {name: value for name, value in known.items() if name not in url.query}


def _reason(error: SQLAlchemyError) -> str:
    """Return the driver's own first lines, without the statement and its parameters."""
    cause: object = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).split())[:500]
