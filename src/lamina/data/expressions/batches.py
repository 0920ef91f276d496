"""Runs on Spark what only Polars, or plain Python, can do: batches of rows go through Arrow, and the same code computes them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from lamina.data.expressions.functions import At, Function, find_function
from lamina.data.expressions.spark import spark_type
from lamina.errors import DataError


def on_batches(function: Function, at: At, columns: Sequence[Any]) -> Any:
    """A Spark column that runs the function's Polars builder.

    Args:
        function: The function.
        at: What the call is told, with Spark's module.
        columns: The arguments on Spark; constants aren't sent.
    """
    import pyarrow as pa
    from pyspark.sql.pandas.functions import arrow_udf

    sent = [index for index, value in enumerate(at.values) if value is None and at.kinds[index] != "null"]
    own = function if function.group == "own" else function.name
    run = functools.partial(_run, own, at.kinds, at.values, at.kind, tuple(sent))

    def batch(*arrays: Any) -> Any:
        return run(*arrays)

    # From these Spark knows that the function takes and gives whole batches.
    batch.__annotations__ = {"arrays": pa.Array, "return": pa.Array}
    decorate: Any = arrow_udf
    wrapped = decorate(batch, returnType=spark_type(at.kind))
    # A function of constants alone still needs to know how many rows there are.
    given = [columns[index] for index in sent] or [at.api.lit(0)]
    return wrapped(*given)


def _run(function: Function | str, kinds: tuple[str, ...], values: tuple[Any, ...], kind: str, sent: tuple[int, ...], *arrays: Any) -> Any:
    import polars as pl
    import pyarrow as pa

    from lamina.data.expressions.polars import polars_type

    found = find_function(function) if isinstance(function, str) else function
    names = [f"column{index}" for index in sent] or ["rows"]
    columns = [pl.Series(name, _plain(array)) for name, array in zip(names, arrays, strict=True)]
    frame = pl.DataFrame(columns)
    at = At(kinds, values, kind, pl)
    arguments = [
        pl.col(f"column{index}").cast(polars_type(kinds[index])) if index in sent else _constant(values[index], kinds[index])
        for index in range(len(kinds))
    ]
    result = frame.select(pl.col(names[0]).alias("rows"), found.polars(at, *arguments).alias("result"))["result"]
    if len(result) != len(arrays[0]):
        raise DataError(
            "DA129",
            where=f"function {found.name!r}",
            expected=f"a value for each of {len(arrays[0])} rows",
            got=f"{len(result)} values",
            cause="a function of rows must give one value a row",
            fix="return an array as long as the arguments",
        )
    made = result.cast(polars_type(kind)).to_arrow()
    return made.cast(_arrow_type(kind)) if isinstance(made, pa.Array) else made


def _plain(array: Any) -> Any:
    return array.combine_chunks() if hasattr(array, "combine_chunks") else array


def _constant(value: Any, kind: str) -> Any:
    import polars as pl

    from lamina.data.expressions.polars import polars_type

    return None if isinstance(value, tuple) else pl.lit(value, dtype=polars_type(kind))


def _arrow_type(kind: str) -> Any:
    import pyarrow as pa

    from lamina.data.expressions.kindnames import base_kind, kind_inside

    plain = base_kind(kind)
    if plain == "array":
        return pa.list_(_arrow_type(kind_inside(kind)))
    if plain == "time":
        return pa.timestamp("us", tz="UTC")
    types = {"integer": pa.int64(), "float": pa.float64(), "boolean": pa.bool_(), "bytes": pa.binary()}
    return types.get(plain, pa.string())
