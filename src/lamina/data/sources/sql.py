"""Tables in databases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from lamina.data.sources.table import TableSource
from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Count

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.formats.sql import Request

Scalar = str | int | float | bool | None
_KINDS = {
    "string": "String",
    "text": "String",
    "categorical": "String",
    "image": "String",
    "integer": "Int64",
    "float": "Float64",
    "boolean": "Boolean",
    "bytes": "Binary",
    "array": "List:Float64",
}


def _without_secrets(value: Any) -> Any:
    from lamina.data.formats.sql.address import masked, secret_in

    secret = secret_in(value) if isinstance(value, str) else None
    if secret is not None:
        raise wrong_value(
            expected=f"an address whose {secret} is the name of an environment variable, ${{NAME}}",
            got=repr(masked(value)),
            cause="what stands here stands in the recipe, in every run and in its log, for all who read them",
            fix="write postgresql://USER:${DB_PASSWORD}@HOST/DATABASE, and export DB_PASSWORD=...",
        )
    return value


Url = Annotated[str, BeforeValidator(_without_secrets), WithJsonSchema({"type": "string"})]


class Partition(Description):
    """How ConnectorX divides rows among its connections.

    Attributes:
        column: Of whole numbers, without missing ones.
        parts: Into how many ranges of it.
    """

    positional: ClassVar[tuple[str, ...]] = ("column", "parts")
    column: str
    parts: Count = 4


@register("sql")
class Sql(TableSource):
    """Rows of a statement or a table of a database, through SQLAlchemy: PostgreSQL, SQLite, MySQL and all others that it knows.

    Rows are streamed: the result may be larger than memory, as far as what is done with it afterwards streams too. It is read only,
    in a transaction that is rolled back. The database decides the order of rows: a table is read in the order of its primary key, a
    statement needs ``order by``, or two readings may differ. It needs ``pip install 'lamina[sql]'`` and the database's driver. What
    the columns are for is said as `lamina.data.sources.table.TableSource` describes it.

    Attributes:
        url: Address for SQLAlchemy, such as ``postgresql://anna:${PGPASSWORD}@host/sales`` or ``sqlite:///sales.db`` (relative to the
            recipe). ``${NAME}`` stands for an environment variable; a password stands nowhere else.
        query: Statement that reads; or
        table: name of a table or view, ``schema.name``.
        parameters: Values for ``:name`` in the statement, handed to the database beside it; lists for ``in :names``.
        chunk: Rows that are fetched at once.
        engine: ``sqlalchemy``; or ``connectorx`` (``pip install 'lamina[connectorx]'``), which is faster where all rows fit into memory
            and takes no parameters.
        partition: How ConnectorX divides the rows among several connections, such as ``{column: id, parts: 4}``.

    Example:
        >>> Sql.from_yaml("{url: 'sqlite:///sales.db', query: 'select * from t where y = :y', parameters: {y: 2024}}").parameters
        {'y': 2024}
    """

    positional: ClassVar[tuple[str, ...]] = ("url", "query")
    url: Url
    query: str | None = None
    table: str | None = None
    parameters: dict[str, Scalar | list[Scalar]] = {}
    chunk: Count = 10_000
    engine: Literal["sqlalchemy", "connectorx"] = "sqlalchemy"
    partition: Partition | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(url="sqlite:///flowers.db", table="flowers", target="species"),
            cls(
                url="sqlite:///flowers.db",
                query="select size, colour, species from flowers where size > :least order by size",
                parameters={"least": 0.5},
                target="species",
            ),
        ]

    @model_validator(mode="after")
    def _one_request(self) -> Self:
        if (self.query is None) == (self.table is None):
            raise wrong_value(
                got="both" if self.query else "neither",
                expected="query or table",
                cause="one of them says which rows",
                fix="write query: SELECT ..., or table: NAME",
            )
        if self.engine == "connectorx" and self.parameters:
            raise wrong_value(
                got="parameters",
                expected="engine: connectorx without parameters",
                cause="ConnectorX can't hand values to the database beside the statement",
                fix="leave engine out, or make a view in the database",
            )
        if self.engine == "connectorx" and "chunk" in self.model_fields_set:
            raise wrong_value(
                got="chunk",
                expected="engine: connectorx without chunk",
                cause="ConnectorX reads all rows at once",
                fix="remove chunk, or leave engine out: SQLAlchemy streams",
            )
        if self.partition is not None and self.engine != "connectorx":
            raise wrong_value(
                got=f"engine: {self.engine}",
                expected="partition beside engine: connectorx",
                cause="SQLAlchemy reads rows one after the other",
                fix="write engine: connectorx, or remove partition",
            )
        return self

    def place(self) -> str:
        from lamina.data.formats.sql.address import masked

        return f"{masked(self.url)}, {'the statement' if self.table is None else f'table {self.table!r}'}"

    def resolve_paths(self, base: Path) -> Self:
        resolved = super().resolve_paths(base)
        kind, mark, path = self.url.partition(":///")
        relative = kind.partition("+")[0] == "sqlite" and mark and path and path != ":memory:" and not path.startswith(("/", "file:", "${"))
        return resolved.replace(url=f"{kind}:///{base.absolute() / path}") if relative else resolved

    def frame(self) -> pl.LazyFrame:
        from lamina.data.formats.sql import read_sql

        return read_sql(self._request())

    def _request(self) -> Request:
        from lamina.data.formats.sql import Request

        return Request(
            url=self.url,
            query=self.query,
            table=self.table,
            parameters=self.parameters,
            chunk=self.chunk,
            engine=self.engine,
            partition=None if self.partition is None else self.partition.column,
            parts=4 if self.partition is None else self.partition.parts,
            columns={name: _KINDS[column.kind] for name, column in self.columns.items() if column.kind in _KINDS},
        )
