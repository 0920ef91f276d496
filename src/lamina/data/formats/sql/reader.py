"""Rows of a statement or table, streamed: the server keeps the result, and some thousand rows of it are here at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from lamina.data.formats.scanning import damaged, not_there, scan
from lamina.data.formats.sql.address import Address
from lamina.data.formats.sql.problems import EXPLAIN, changes, missing_driver, not_reached, refused, unknown_kind
from lamina.data.formats.sql.statement import escaped, named_parameters, only_reads
from lamina.data.formats.sql.values import declared_kind, dtype_of, postgresql_kind, seen_kind, series
from lamina.errors import DataError, nearest

if TYPE_CHECKING:
    import polars as pl

SEEN_ROWS = 10_000
"""By how many rows the kind of a column is found out, where the database doesn't say it."""
Value = str | int | float | bool | None


@dataclass(frozen=True)
class Request:
    """What is read from where.

    Attributes:
        url: Address for SQLAlchemy; ``${NAME}`` stands for an environment variable.
        query: Statement that reads; or
        table: name of a table or view, ``schema.name``.
        parameters: Values for ``:name`` in the statement, handed to the database beside it; lists for ``in :names``.
        chunk: Rows that are fetched at once.
        engine: ``sqlalchemy``, which streams; or ``connectorx``, which reads all at once in several connections.
        partition: Column of whole numbers by which ConnectorX divides the rows.
        parts: Into how many.
        columns: Kinds of columns that are known (``Int64`` ...), used where the database doesn't say them.
    """

    url: str = field(repr=False)
    query: str | None = None
    table: str | None = None
    parameters: Mapping[str, Value | Sequence[Value]] = field(default_factory=dict)
    chunk: int = 10_000
    engine: Literal["sqlalchemy", "connectorx"] = "sqlalchemy"
    partition: str | None = None
    parts: int = 4
    columns: Mapping[str, str] = field(default_factory=dict)


def read_sql(request: Request) -> pl.LazyFrame:
    """The rows of a statement or table. Each time they are asked for, the database is.

    The order of rows is the database's: a table is read in the order of its primary key, a statement needs an ``order by`` for an order
    that stays. The transaction is read only where the database knows that, and rolled back always.

    Raises:
        DependencyError: DA059, if SQLAlchemy or the driver isn't installed.
        DataError: DA065, if there is no connection; DA066, with the place in the statement, if the database refuses it; DA067, if the
            connection ends; DA068 for environment variables that aren't set; DA069 for statements that change something; DA061 for a
            table that isn't there; DA063, naming row and column, for values of several kinds in a column; DA017 for names of columns
            that stand twice.
    """
    if request.query is not None and not only_reads(request.query):
        raise changes(Address.of(request.url).shown, request.query)
    _check_parameters(request)
    if request.engine == "connectorx":
        from lamina.data.formats.sql.connectorx import read_connectorx

        return read_connectorx(request)
    database = Database(request)
    kinds = database.kinds()
    import polars as pl

    return scan(pl.Schema({name: dtype_of(kind) for name, kind in kinds.items()}), lambda columns, _: database.batches(kinds, columns))


def _check_parameters(request: Request) -> None:
    named = named_parameters(request.query or "")
    missing = [name for name in named if name not in request.parameters]
    unused = [name for name in request.parameters if name not in named]
    if missing or unused:
        name = (missing or unused)[0]
        near = nearest(name, unused if missing else named)
        raise DataError(
            "DA066",
            where=f"{Address.of(request.url).shown}, the parameters of the statement",
            expected=f"a value for :{name}" if missing else f"parameters of the statement: {', '.join(named) or 'it has none'}",
            got=f"{', '.join(request.parameters) or 'none'}",
            cause="parameters are found by name" if near is None else "a typo",
            fix=f"did you mean {near!r}?" if near else f"write parameters: {{{name}: VALUE}}" if missing else f"remove {name}",
        )


class Database:
    """A database that one statement or table is read from.

    Args:
        request: What is read.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self.address = Address.of(request.url)
        try:
            import sqlalchemy
        except ImportError as error:
            raise missing_driver(self.address, error) from error
        try:
            self._url = _adapted(sqlalchemy.make_url(self.address.url))
            self._engine = sqlalchemy.create_engine(self._url, poolclass=sqlalchemy.NullPool, hide_parameters=True)
        except ImportError as error:
            raise missing_driver(self.address, error) from error
        except sqlalchemy.exc.NoSuchModuleError as error:
            raise unknown_kind(self.address, error) from None
        except (sqlalchemy.exc.ArgumentError, ValueError, TypeError) as error:
            raise not_reached(self.address, error) from None
        self._columns: list[str] | None = None

    @property
    def dialect(self) -> str:
        """``postgresql``, ``sqlite`` ..."""
        return str(self._engine.dialect.name)

    @contextmanager
    def connected(self) -> Iterator[Any]:
        """A connection in a transaction that is rolled back, read only where that can be said."""
        import sqlalchemy

        try:
            connection = self._engine.connect()
        except sqlalchemy.exc.SQLAlchemyError as error:
            # Without the original as its cause: a driver's own error may show the whole address.
            raise not_reached(self.address, error) from None
        try:
            if self.dialect == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
            elif self.dialect in ("mysql", "mariadb"):
                with suppress(sqlalchemy.exc.SQLAlchemyError):
                    connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            yield connection
        finally:
            # What is wrong with the connection was said before.
            with suppress(sqlalchemy.exc.SQLAlchemyError, OSError):
                connection.rollback()
            with suppress(sqlalchemy.exc.SQLAlchemyError, OSError):
                connection.close()

    # -- what there is ------------------------------------------------------------------------------------------------

    def kinds(self) -> dict[str, str]:
        """The kind of each column, by what the database says, or by looking at rows.

        Raises:
            DataError: As `read_sql`.
        """
        import sqlalchemy

        from lamina.data.foreign import check_names

        with self.connected() as connection:
            try:
                statement = self._statement(connection, None)
                streaming = connection.execution_options(stream_results=True, max_row_buffer=self._request.chunk)
                with closing(streaming.execute(statement, dict(self._request.parameters))) as result:
                    names = list(result.keys())
                    check_names(names, self.address.shown)
                    found = self._described(list(result.cursor.description), names)
                    rows = result.fetchmany(SEEN_ROWS) if None in found.values() and self.dialect != "sqlite" else []
                if self.dialect == "sqlite":
                    return self._sqlite_kinds(connection, names)
            except sqlalchemy.exc.SQLAlchemyError as error:
                raise self._failure(error, 0) from None
        for place, name in enumerate(names):
            if found[name] is None:
                found[name] = self._request.columns.get(name) or self._settled(name, seen_kind([row[place] for row in rows]))
        return {name: kind or "Float64" for name, kind in found.items()}

    def _settled(self, name: str, kind: str | None) -> str:
        if kind == "mixed":
            raise DataError(
                "DA063",
                where=f"{self.address.shown}, column {name!r}",
                expected="values of one kind",
                got="several kinds",
                cause="the database lets a column hold anything",
                fix=f"convert it in the statement: cast({name} as text)",
            )
        return kind or "Float64"

    def _described(self, described: Sequence[Any], names: Sequence[str]) -> dict[str, str | None]:
        if self.dialect != "postgresql":
            return dict.fromkeys(names)
        # Of types of users and extensions the driver gives text, or what can be written as one.
        return {name: postgresql_kind(column[1], column[4], column[5]) or "String" for name, column in zip(names, described, strict=True)}

    def _sqlite_kinds(self, connection: Any, names: Sequence[str]) -> dict[str, str]:
        """By what columns were declared as, and what is really in them: SQLite lets anything into any column."""
        inner, values = self._sqlite_inner(connection)
        declared = self._sqlite_declared(connection, inner)
        seen: dict[str, set[str]] = {}
        for start in range(0, len(names), 500):
            some = names[start : start + 500]
            each = ", ".join(f"group_concat(DISTINCT typeof({_quoted(name)}))" for name in some)
            row = connection.execute(self._bound(f"SELECT {each} FROM ({inner}\n)"), values).one()
            seen |= {name: {*(own or "null").split(",")} - {"null"} for name, own in zip(some, row, strict=True)}
        return {name: self._sqlite_kind(name, declared.get(name), seen[name]) for name in names}

    def _sqlite_inner(self, connection: Any) -> tuple[str, dict[str, Any]]:
        if self._request.table is not None:
            return str(self._statement(connection, None).compile(self._engine)), {}
        return escaped(self._request.query or "").rstrip().rstrip(";"), dict(self._request.parameters)

    def _sqlite_declared(self, connection: Any, inner: str) -> dict[str, str]:
        """Declared types of the columns of a statement, through a view of it that lives as long as the connection."""
        import sqlalchemy

        # Parameters can't stand in a view; which value they have says nothing of the types.
        blank = inner
        for name in sorted(self._request.parameters, key=len, reverse=True):
            several = isinstance(self._request.parameters[name], list | tuple)
            blank = blank.replace(f":{name}", "(NULL)" if several else "NULL")
        with suppress(sqlalchemy.exc.SQLAlchemyError):
            connection.exec_driver_sql(f"CREATE TEMP VIEW lamina_columns AS {blank.replace(chr(92) + ':', ':')}")
            rows = connection.exec_driver_sql("PRAGMA temp.table_info(lamina_columns)").all()
            connection.exec_driver_sql("DROP VIEW temp.lamina_columns")
            return {str(row[1]): str(row[2]) for row in rows}
        return {}

    def _sqlite_kind(self, name: str, declared: str | None, seen: set[str]) -> str:
        kind = declared_kind(declared or "")
        if not seen:
            return self._request.columns.get(name) or kind or "Float64"
        numbers = seen <= {"integer", "real"}
        if kind == "Boolean" and seen == {"integer"}:
            return "Boolean"
        if kind in ("Date", "Datetime") and seen == {"text"}:
            return kind
        if numbers:
            whole = seen == {"integer"} and kind in ("Int64", "Date", "Datetime", None)
            return "Int64" if whole or (kind in ("Boolean", "String") and seen == {"integer"}) else "Float64"
        if seen == {"text"}:
            return "String"
        if seen == {"blob"}:
            return "Binary"
        # Of several kinds: as declared, so that the odd row is found and named.
        return self._request.columns.get(name) or kind or self._settled(name, "mixed")

    # -- reading ------------------------------------------------------------------------------------------------------

    def batches(self, kinds: Mapping[str, str], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """The rows, some thousand at a time.

        Raises:
            DataError: As `read_sql`.
        """
        import polars as pl
        import sqlalchemy

        names = list(columns) if self._request.table is not None else list(kinds)
        places = {name: place for place, name in enumerate(names)}
        row = 0
        with self.connected() as connection:
            try:
                statement = self._statement(connection, names)
                streaming = connection.execution_options(stream_results=True, max_row_buffer=self._request.chunk)
                with closing(streaming.execute(statement, dict(self._request.parameters))) as result:
                    for part in result.partitions(self._request.chunk):
                        yield pl.DataFrame([self._series(name, kinds[name], [own[places[name]] for own in part], row) for name in columns])
                        row += len(part)
            except sqlalchemy.exc.SQLAlchemyError as error:
                raise self._failure(error, row) from None

    def _series(self, name: str, kind: str, values: Sequence[Any], start: int) -> pl.Series:
        fix = f"convert it in the statement: cast({name} as ...); or say what it is: columns: {{{name}: string}}"
        return series(name, kind, values, self.address.shown, start, fix)

    def _statement(self, connection: Any, columns: Sequence[str] | None) -> Any:
        import sqlalchemy

        if self._request.table is None:
            return self._bound(escaped(self._request.query or "").rstrip().rstrip(";"))
        schema, name = self._table(connection)
        if self._columns is None:
            inspector = sqlalchemy.inspect(connection)
            self._columns = [str(column["name"]) for column in inspector.get_columns(name, schema)]
            self._keys = list(inspector.get_pk_constraint(name, schema).get("constrained_columns") or ())
        wanted = self._columns if columns is None else columns
        table = sqlalchemy.table(name, *(sqlalchemy.column(own) for own in self._columns), schema=schema)
        chosen = (
            sqlalchemy.select(*(table.c[own] for own in wanted)) if wanted else sqlalchemy.select(sqlalchemy.literal(1)).select_from(table)
        )
        return chosen.order_by(*(table.c[own] for own in self._keys))

    def _bound(self, text: str) -> Any:
        """A statement whose lists are so many parameters as they have items."""
        import sqlalchemy

        several = [name for name, value in self._request.parameters.items() if isinstance(value, list | tuple)]
        return sqlalchemy.text(text).bindparams(*(sqlalchemy.bindparam(name, expanding=True) for name in several))

    def select_table(self) -> str:
        """The statement that reads the table, for other readers."""
        with self.connected() as connection:
            return str(self._statement(connection, None).compile(self._engine))

    def _table(self, connection: Any) -> tuple[str | None, str]:
        import sqlalchemy

        wanted = self._request.table or ""
        inspector = sqlalchemy.inspect(connection)
        if inspector.has_table(wanted):
            return None, wanted
        schema, _, name = wanted.partition(".")
        with suppress(sqlalchemy.exc.SQLAlchemyError):
            if name and inspector.has_table(name, schema):
                return schema, name
        raise not_there(self.address.shown, "table", wanted, self._names(connection))

    def _names(self, connection: Any) -> list[str]:
        import sqlalchemy

        names: list[str] = []
        with suppress(sqlalchemy.exc.SQLAlchemyError):
            inspector = sqlalchemy.inspect(connection)
            names = [*inspector.get_table_names(), *inspector.get_view_names()]
            others = [schema for schema in inspector.get_schema_names() if schema not in ("information_schema", "main", "public")]
            names += [f"{schema}.{name}" for schema in others for name in inspector.get_table_names(schema)][:1000]
        return names

    def _failure(self, error: Any, row: int) -> DataError:
        told = str(getattr(error, "orig", error))
        if "file is not a database" in told or "database disk image is malformed" in told:
            return damaged(self.address.shown, "an SQLite database", told)
        names: list[str] = []
        explained = None
        if not getattr(error, "connection_invalidated", False):
            with suppress(DataError), self.connected() as connection:
                names = self._names(connection)
                explained = self._explained(connection)
        query = self._request.query or f"table {self._request.table}"
        return refused(self.address, error, query, row, names, explained, parameters=bool(self._request.parameters))

    def _explained(self, connection: Any) -> Any:
        """What PostgreSQL's driver raises when the statement is only explained: a cursor's declaration moves all places."""
        import sqlalchemy

        if self.dialect != "postgresql" or self._request.query is None:
            return None
        try:
            connection.execute(self._bound(EXPLAIN + escaped(self._request.query).rstrip().rstrip(";")), dict(self._request.parameters))
        except sqlalchemy.exc.DBAPIError as error:
            return error.orig
        return None


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""').replace(":", "\\:")
    return f'"{doubled}"'


def _adapted(url: Any) -> Any:
    """An address with the driver that is there, and a file of SQLite opened for reading alone."""
    import importlib.util

    if url.drivername in ("postgres", "postgresql"):
        own = "psycopg" if importlib.util.find_spec("psycopg") is not None else "psycopg2"
        return url.set(drivername=f"postgresql+{own}")
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:" and not url.database.startswith("file:"):
        path = Path(url.database)
        if not path.is_file():
            from lamina.data.storage.problems import unreadable

            raise unreadable(path, FileNotFoundError(2, "No such file"))
        return url.set(database=f"file:{quote(str(path.absolute()))}").update_query_dict({"mode": "ro", "uri": "true"})
    return url
