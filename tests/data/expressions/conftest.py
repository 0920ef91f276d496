"""Runs expressions on both engines, many at a time, and compares what they give."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lamina.data.expressions import Over, kind_of, parse, to_polars, to_spark
from lamina.data.expressions.polars import polars_type
from lamina.data.expressions.spark import spark_type

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Engines:
    """A table on both engines.

    Args:
        columns: Kind and values of each column.
        spark: Gives the Spark session.
    """

    def __init__(self, columns: Mapping[str, tuple[str, Sequence[Any]]], spark: Callable[[], Any]) -> None:
        import polars as pl

        self.kinds = {name: kind for name, (kind, _) in columns.items()}
        self.rows = [dict(zip(columns, values, strict=True)) for values in zip(*[values for _, values in columns.values()], strict=True)]
        self.frame = pl.DataFrame(
            {name: pl.Series(name, values, dtype=polars_type(kind), strict=False) for name, (kind, values) in columns.items()}
        )
        self._spark = spark

    def on_spark(self) -> Any:
        """The table on Spark, with the column that numbers the rows."""
        session = self._spark()
        schema = ", ".join([f"`{name}` {spark_type(kind)}" for name, kind in self.kinds.items()]) + ", `__lamina_row` bigint"
        # Out of order, in two partitions: only `__lamina_row` tells the order.
        rows = [(*row.values(), index) for index, row in enumerate(self.rows)]
        return session.createDataFrame([*rows[1::2], *rows[::2]], schema).repartition(2)

    def polars(self, texts: Sequence[str], over: Over | None = None) -> list[list[Any]]:
        """Values of row-level expressions and windows, a list for each."""
        made = self.frame.lazy().with_columns(
            [to_polars(parse(text), self.kinds, over=over).alias(f"value{n}") for n, text in enumerate(texts)]
        )
        found = made.collect()
        return [found[f"value{n}"].to_list() for n in range(len(texts))]

    def spark(self, texts: Sequence[str], over: Over | None = None) -> list[list[Any]]:
        """The same on Spark."""
        frame, parsed = self.on_spark(), [parse(text) for text in texts]
        columns = [_read(one, self.kinds, over, f"value{n}") for n, one in enumerate(parsed)]
        rows = sorted(frame.select("__lamina_row", *columns).collect(), key=lambda row: row[0])
        return [[_plain(row[n + 1], kind_of(one, self.kinds)) for row in rows] for n, one in enumerate(parsed)]

    def grouped_polars(self, texts: Sequence[str], key: str) -> dict[Any, list[Any]]:
        """Values of aggregates, a list for each group."""
        made = [to_polars(parse(text), self.kinds).alias(f"value{n}") for n, text in enumerate(texts)]
        return {row[0]: list(row[1:]) for row in self.frame.lazy().group_by(key).agg(made).collect().rows()}

    def grouped_spark(self, texts: Sequence[str], key: str) -> dict[Any, list[Any]]:
        """The same on Spark."""
        frame, parsed = self.on_spark(), [parse(text) for text in texts]
        made = [_read(one, self.kinds, None, f"value{n}") for n, one in enumerate(parsed)]
        kinds = [kind_of(one, self.kinds) for one in parsed]
        found = frame.groupBy(key).agg(*made).collect()
        return {row[0]: [_plain(value, kind) for value, kind in zip(row[1:], kinds, strict=True)] for row in found}


def _read(expression: Any, kinds: Mapping[str, str], over: Over | None, name: str) -> Any:
    """A column on Spark; times as microseconds, since Spark's Python gives them without a zone, and not all of them."""
    from pyspark.sql import functions

    column = to_spark(expression, kinds, over=over)
    return (functions.unix_micros(column) if kind_of(expression, kinds).startswith("time") else column).alias(name)


def _plain(value: Any, kind: str) -> Any:
    return EPOCH + timedelta(microseconds=value) if kind.startswith("time") and value is not None else value


def same(a: Any, b: Any, tolerance: float = 1e-12) -> bool:
    """Whether two values are equal; NaN equals NaN, and floats may differ in the last digits."""
    if isinstance(a, float) and isinstance(b, float):
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return a == b or math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-14)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, datetime) and isinstance(b, datetime):
        return abs(a - b) < timedelta(microseconds=1)
    return type(a) is type(b) and a == b


@pytest.fixture(scope="session")
def engines(request: pytest.FixtureRequest) -> Callable[..., Engines]:
    """Makes a table on both engines; Spark starts when it is first asked."""
    return lambda columns: Engines(columns, lambda: request.getfixturevalue("spark"))


@pytest.fixture(scope="session")
def equal() -> Callable[..., bool]:
    """Compares two values."""
    return same


@pytest.fixture(scope="module")
def interpreted(spark: Any) -> Iterator[None]:
    """Spark computes without making Java code of it, which takes longer than a test's few rows; a slow test does as Spark does."""
    settings = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    for key, value in settings.items():
        spark.conf.set(key, value)
    yield
    for key in settings:
        spark.conf.unset(key)
