"""Rows through ConnectorX: all at once, in several connections, into Arrow; for results that fit into memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lamina.data.formats.scanning import first_line
from lamina.data.formats.sql.address import Address
from lamina.data.formats.types import plain_frame
from lamina.errors import DataError, DependencyError

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.formats.sql.reader import Request

_DRIVER = re.compile(r"^(\w+)\+\w+://")


def read_connectorx(request: Request) -> pl.LazyFrame:
    """The rows of a statement or table; see `lamina.data.formats.sql.read_sql`.

    Raises:
        DependencyError: DA059, if ConnectorX isn't installed.
        DataError: As `read_sql`.
    """
    import polars as pl

    from lamina.data.formats.sql.reader import Database

    address = Address.of(request.url)
    try:
        import connectorx
        import pyarrow  # noqa: F401 (it gives Arrow tables)
    except ImportError as error:
        raise DependencyError(
            "DA059",
            where=address.shown,
            expected="the packages connectorx and pyarrow",
            got=str(error),
            cause="they are an optional part",
            fix="pip install 'lamina[connectorx]', or leave engine out",
        ) from error
    # SQLAlchemy's errors say where in a statement something is wrong, and find a table that is mistyped.
    database = Database(request)
    database.kinds()
    query = request.query or database.select_table()
    divided: dict[str, Any] = {}
    if request.partition is not None:
        divided = {"partition_on": request.partition, "partition_num": request.parts}
    try:
        table = connectorx.read_sql(_plain_url(address.url), query, return_type="arrow", **divided)
    except BaseException as error:
        # RuntimeError, ValueError, and panics of Rust, which are no Exceptions.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise _failure(address, error, request) from None
    return plain_frame(pl.DataFrame(table), address.shown)


def _plain_url(url: str) -> str:
    """Without SQLAlchemy's driver; a file of SQLite by its path."""
    plain = _DRIVER.sub(r"\1://", url)
    if plain.startswith("postgres://"):
        plain = plain.replace("postgres://", "postgresql://", 1)
    if plain.startswith("sqlite:///"):
        from pathlib import Path

        return f"sqlite://{Path(plain.removeprefix('sqlite:///')).absolute()}"
    return plain


def _failure(address: Address, error: BaseException, request: Request) -> DataError:
    told = address.scrub(first_line(error))
    divided = f", divided by {request.partition!r}" if request.partition else ""
    return DataError(
        "DA066",
        where=address.shown,
        expected=f"a statement that the database and ConnectorX can run{divided}",
        got=told,
        cause="ConnectorX doesn't know a type of the result, or the partition column is no whole number or is null",
        fix="convert the column in the statement, or leave engine out: SQLAlchemy streams, and knows all types",
    )
