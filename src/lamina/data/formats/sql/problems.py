"""What is said when a database refuses, is not there, or goes away."""

from __future__ import annotations

from typing import Any

from lamina.data.formats.scanning import first_line
from lamina.data.formats.sql.address import Address
from lamina.data.formats.sql.statement import READING, first_word, guessed_position, spot
from lamina.errors import DataError, DependencyError, nearest

EXPLAIN = "EXPLAIN "
"""What a statement is asked to be explained by."""
_PACKAGES = {
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "pymysql": "pymysql",
    "MySQLdb": "mysqlclient",
    "oracledb": "oracledb",
    "pyodbc": "pyodbc",
    "duckdb_engine": "duckdb-engine",
}


def not_reached(address: Address, error: BaseException) -> DataError:
    """DA065: no connection."""
    told = address.scrub(first_line(getattr(error, "orig", None) or error))
    low = told.lower()
    if "password" in low or "authentication" in low or "access denied" in low or "role" in low:
        cause, fix = "the user's name or password is wrong, or the user may not connect", "look at the environment variable of the password"
    elif "database" in low and ("does not exist" in low or "unknown" in low):
        cause, fix = "the server has no such database", "write the right name at the end of the address"
    else:
        cause, fix = "the server isn't running, not reachable from here, or listens elsewhere", "look at host and port; try again later"
    return DataError("DA065", where=address.shown, expected="a connection to the database", got=told, cause=cause, fix=fix)


def missing_driver(address: Address, error: BaseException) -> DependencyError:
    """DA059: no SQLAlchemy, or no driver of the database."""
    name = getattr(error, "name", None) or "sqlalchemy"
    package = "'lamina[sql]'" if name == "sqlalchemy" else f"'{_PACKAGES.get(name, name)}'"
    return DependencyError(
        "DA059",
        where=address.shown,
        expected=f"the package {name}",
        got=address.scrub(first_line(error)),
        cause="it is an optional part" if name == "sqlalchemy" else "SQLAlchemy needs a driver for each kind of database",
        fix=f"pip install {package}, or name another driver in the address (postgresql+psycopg://...)",
    )


def unknown_kind(address: Address, error: BaseException) -> DataError:
    """DA068: a kind of database, or a driver of one, that SQLAlchemy doesn't know."""
    return DataError(
        "DA068",
        where=address.shown,
        expected="a kind of database, and a driver of it, that SQLAlchemy knows: postgresql, postgresql+psycopg, sqlite, mysql+pymysql ...",
        got=address.scrub(first_line(error)),
        cause="it is mistyped, or a dialect of another package that isn't installed",
        fix="correct what stands before ://, or install the package of the dialect",
    )


def refused(
    address: Address, error: BaseException, query: str, row: int, names: list[str], explained: Any = None, *, parameters: bool = False
) -> DataError:
    """DA066, DA067 or DA069: what the driver raised while a statement ran.

    Args:
        address: Of the database.
        error: From SQLAlchemy.
        query: The statement.
        row: Rows that were read before.
        names: Tables that there are, for a name that is mistyped.
        explained: What the driver raised when it was asked to explain the statement; its places are those of the statement.
        parameters: Whether there are any.
    """
    own: Any = getattr(error, "orig", None) or error
    told = address.scrub(first_line(own))
    after = f" after {row:,} rows" if row else ""
    if getattr(error, "connection_invalidated", False) or "server closed the connection" in told or "terminating connection" in told:
        return DataError(
            "DA067",
            where=address.shown,
            expected="all rows of the statement",
            got=f"{told}{after}",
            cause="the server was restarted, ended the connection, or the network is gone; none of the rows were kept",
            fix="try again; order by a key and a condition on it read a large table in parts",
        )
    if type(own).__name__ == "ReadOnlySqlTransaction" or any(words in told for words in _CHANGES):
        return changes(address.shown, query, told)
    position = _position(explained if explained is not None else own, query, told, parameters=parameters)
    hint = getattr(getattr(own, "diag", None), "message_hint", None)
    near = nearest(missing, names) if (missing := _missing_table(told)) else None
    return DataError(
        "DA066",
        where=f"{address.shown}, {spot(query, position)}" if position is not None else address.shown,
        expected="a statement that the database can run",
        got=f"{told}{after}",
        cause="a name is mistyped" if near or hint else "the statement, or a value that it computes with, is not what the database takes",
        fix=f"did you mean {near!r}?" if near else str(hint) if hint else "try the statement in the database's own shell",
    )


def _position(own: Any, query: str, told: str, *, parameters: bool) -> int | None:
    position = getattr(getattr(own, "diag", None), "statement_position", None)
    if position is None or parameters:
        # With parameters, places are those of another text, which the driver made.
        return guessed_position(query, told)
    return min(max(int(position) - 1 - len(EXPLAIN), 0), len(query))


def _missing_table(told: str) -> str | None:
    import re

    found = re.search(r"no such table: (\S+)|relation \"([^\"]+)\" does not exist|Table '(?:[^'.]+\.)?([^']+)' doesn't exist", told)
    return next((group for group in found.groups() if group), None) if found else None


def changes(where: str, query: str, told: str = "") -> DataError:
    """DA069: a statement that would change the database, or is none."""
    word = first_word(query)
    near = nearest(word, READING) if word and word not in READING else None
    typo = near is not None and word not in _CHANGING
    return DataError(
        "DA069",
        where=where,
        expected="a statement that only reads: select ..., with ..., values ..., table ...",
        got=told or (f"a statement that begins with {word!r}" if word else "an empty statement"),
        cause="a typo" if typo else "sources read; whoever trains must not change what is learned from",
        fix=f"did you mean {near!r}?" if typo else "write a select, and change the database elsewhere",
    )


_CHANGES = ("readonly database", "read-only transaction", "must not contain data-modifying statements")
_CHANGING = (
    "insert",
    "update",
    "delete",
    "drop",
    "create",
    "alter",
    "merge",
    "truncate",
    "replace",
    "grant",
    "set",
    "vacuum",
    "copy",
    "call",
)
