"""Frames of Spark, which keep the order of rows that Spark itself doesn't: a hidden column says where each stands."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamina.data.expressions.kinds import kind_of
from lamina.data.expressions.spark import to_spark
from lamina.data.pipeline.frames.frame import OddRowError
from lamina.data.table.schema import exact_kind

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

    from lamina.data.expressions.nodes import Expression, Over
    from lamina.data.normalizers import Accumulator, Normalizer
    from lamina.data.pipeline.frames.frame import How
    from lamina.data.table.columns import ColumnType

ROW, PLACE, RIGHT = "__lamina_row", "__lamina_place", "__lamina_right_row"
_LAST = 2**63 - 1
_JOINS = {"inner": "inner", "left": "left", "right": "right", "full": "full"}


class SparkFrame:
    """A `Frame` of a Spark DataFrame.

    The hidden column `ROW` is a list of whole numbers, compared from the left: the place of a row in the source, and behind it
    its place among those that joins and lists made of it. So order costs no sort before somebody asks for the rows.

    Args:
        frame: The rows.
        placed: Whether they have `ROW` already.
        zones: Zone of each column of times that isn't UTC: Spark itself keeps none.
    """

    def __init__(self, frame: DataFrame, *, placed: bool = False, zones: Mapping[str, str] | None = None) -> None:
        from pyspark.sql import functions as f

        self._zones = dict(zones or {})

        self.frame = frame if placed else _plain(frame).withColumn(ROW, f.array(f.monotonically_increasing_id()))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(name for name in self.frame.columns if name != ROW)

    def kinds(self) -> dict[str, ColumnType | None]:
        """See `Frame`."""
        from pyspark.sql import types

        from lamina.data.table.schema import column_of

        kinds: list[tuple[Any, str]] = [
            (types.LongType, "integer"),
            (types.DoubleType, "float"),
            (types.BooleanType, "boolean"),
            (types.StringType, "string"),
            (types.TimestampType, "time"),
            (types.BinaryType, "bytes"),
            (types.ArrayType, "array"),
        ]
        found: dict[str, ColumnType | None] = {}
        for field in self.frame.schema.fields:
            kind = next((kind for own, kind in kinds if isinstance(field.dataType, own)), None)
            settings: dict[str, Any] = {"allow_nan": True, "allow_infinite": True} if kind == "float" else {}
            if kind == "time" and field.name in self._zones:
                settings = {"zone": self._zones[field.name]}
            found[field.name] = None if kind is None else column_of(kind, **settings)
        found.pop(ROW, None)
        return found

    def _known(self) -> dict[str, str]:
        return {name: exact_kind(column) for name, column in self.kinds().items() if column is not None}

    def _made(self, columns: Mapping[str, Expression], over: Over | None = None) -> dict[str, Column]:
        known = self._known()
        return {name: to_spark(expression, known, over=over) for name, expression in columns.items()}

    def _like(self, frame: DataFrame, zones: Mapping[str, str] | None = None) -> SparkFrame:
        return SparkFrame(frame, placed=True, zones=self._zones if zones is None else zones)

    def _zones_with(self, made: Mapping[str, Expression]) -> dict[str, str]:
        """Zones after columns were made by these expressions."""
        known = self._known()
        kinds = {name: kind_of(expression, known) for name, expression in made.items()}
        new = {name: kind[len("time[") : -1] for name, kind in kinds.items() if kind.startswith("time[")}
        return {**{name: zone for name, zone in self._zones.items() if name not in made}, **new}

    def with_columns(self, columns: Mapping[str, Expression], over: Over | None = None) -> SparkFrame:
        """See `Frame`."""
        return self._like(self.frame.withColumns(self._made(columns, over)), self._zones_with(columns))

    def select(self, names: Sequence[str]) -> SparkFrame:
        """See `Frame`."""
        return self._like(self.frame.select(*(_column(name) for name in (*names, ROW))))

    def rename(self, names: Mapping[str, str]) -> SparkFrame:
        """See `Frame`."""
        zones = {names.get(name, name): zone for name, zone in self._zones.items()}
        return self._like(self.frame.select(*(_column(name).alias(names.get(name, name)) for name in self.frame.columns)), zones)

    def filter(self, condition: Expression, over: Over | None = None) -> SparkFrame:
        """See `Frame`."""
        if condition.level == "row":
            return self._like(self.frame.filter(to_spark(condition, self._known())))
        # Windows are not allowed in a WHERE.
        kept = self.frame.withColumns(self._made({PLACE: condition}, over))
        return self._like(kept.filter(_column(PLACE)).drop(PLACE))

    def sort(self, by: Sequence[str], *, descending: Sequence[bool] = ()) -> SparkFrame:
        """See `Frame`."""
        from pyspark.sql import functions as f

        down = list(descending) or [False] * len(by)
        keys = [_column(name).desc_nulls_last() if back else _column(name).asc_nulls_last() for name, back in zip(by, down, strict=True)]
        return self._like(self.frame.orderBy(*keys, _column(ROW)).withColumn(ROW, f.array(f.monotonically_increasing_id())))

    def distinct(self, names: Sequence[str]) -> SparkFrame:
        """See `Frame`."""
        from pyspark.sql import Window
        from pyspark.sql import functions as f

        first = f.row_number().over(Window.partitionBy(*map(_column, names)).orderBy(_column(ROW)))
        return self._like(self.frame.withColumn(PLACE, first).filter(_column(PLACE) == 1).drop(PLACE))

    def head(self, count: int) -> SparkFrame:
        """See `Frame`."""
        return self._like(self.frame.orderBy(_column(ROW)).limit(count))

    def group(self, keys: Sequence[str], aggregates: Mapping[str, Expression], order: Sequence[str] = ()) -> SparkFrame:
        """See `Frame`."""
        from pyspark.sql import Window
        from pyspark.sql import functions as f

        frame = self.frame.withColumn(PLACE, _column(ROW))
        if order:
            within = Window.partitionBy(*map(_column, keys)).orderBy(*(_column(name).asc_nulls_last() for name in order), _column(ROW))
            frame = frame.withColumn(ROW, f.array(f.row_number().over(within).cast("bigint")))
        made = [column.alias(name) for name, column in self._made(aggregates).items()]
        grouped = frame.groupBy(*map(_column, keys)).agg(*made, f.min(_column(PLACE)).alias(ROW))
        if not keys:
            grouped = grouped.withColumn(ROW, f.array(f.lit(0).cast("bigint")))
        return self._like(grouped, self._zones_with(aggregates))

    def join(self, other: Any, on: Sequence[tuple[str, str]], how: How) -> SparkFrame:
        """See `Frame`."""
        from pyspark.sql import functions as f

        keys = {right: f"__lamina_key_{number}" for number, (_, right) in enumerate(on)}
        theirs = [name for name in other.names if name not in keys]
        right = other.frame.select(
            *(_column(name).alias(new) for name, new in keys.items()), *map(_column, theirs), _column(ROW).alias(RIGHT)
        )
        agree = [_column(left) == _column(keys[name]) for left, name in on]
        joined = self.frame.join(right, agree, _JOINS[how])
        last = f.array(f.lit(_LAST))
        columns: list[Any] = []
        for name in self.names:
            match = next((keys[b] for a, b in on if a == name), None)
            columns.append(_column(name) if match is None else f.coalesce(_column(name), _column(match)).alias(name))
        row = f.concat(f.coalesce(_column(ROW), last), f.coalesce(_column(RIGHT), last)).alias(ROW)
        return self._like(joined.select(*columns, *map(_column, theirs), row), {**other._zones, **self._zones})

    def literal(self, table: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> SparkFrame:
        """See `Frame`."""
        from pyspark.sql.types import StructField, StructType

        from lamina.data.pipeline.frames.kinds import spark_type
        from lamina.data.pipeline.frames.polars import literal

        schema = StructType([StructField(name, spark_type(kind)) for name, kind in kinds.items()])
        rows = literal(table, kinds).select(list(kinds)).rows()
        return SparkFrame(self.frame.sparkSession.createDataFrame(rows, schema))

    def union(self, other: Any) -> SparkFrame:
        """See `Frame`."""
        from pyspark.sql import functions as f

        def behind(frame: DataFrame, place: int) -> DataFrame:
            return frame.withColumn(ROW, f.concat(f.array(f.lit(place).cast("bigint")), _column(ROW)))

        return self._like(behind(self.frame, 0).unionByName(behind(other.select(self.names).frame, 1)))

    def explode(self, names: Sequence[str]) -> SparkFrame:
        """See `Frame`."""
        from pyspark.sql import functions as f

        zipped = f.arrays_zip(*(_column(name) for name in names))
        others = [name for name in self.names if name not in names]
        spread = self.frame.select(*map(_column, others), _column(ROW), f.posexplode(zipped).alias(PLACE, RIGHT))
        values = {name: _column(RIGHT)[name].alias(name) for name in names}
        row = f.concat(_column(ROW), f.array(_column(PLACE).cast("bigint"))).alias(ROW)
        return self._like(spread.select(*(values.get(name, _column(name)) for name in self.names), row))

    def apply(self, function: Callable[[pl.DataFrame], pl.DataFrame], made: Mapping[str, str]) -> SparkFrame:
        """See `Frame`."""
        from pyspark.sql.types import StructField, StructType

        from lamina.data.pipeline.frames.kinds import polars_type, spark_type

        kept = [field for field in self.frame.schema.fields if field.name not in made]
        schema = StructType([*kept, *(StructField(name, spark_type(kind)) for name, kind in made.items())])
        types: Any = {name: polars_type(kind) for name, kind in made.items()}
        names, arrow = schema.names, [(field.name, _arrow(field.dataType)) for field in schema.fields]

        def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            import polars as pl
            import pyarrow as pa

            for batch in batches:
                rows: Any = pl.from_arrow(pa.Table.from_batches([batch]))
                try:
                    columns = function(rows).select([*types]).cast(types)
                except OddRowError as odd:
                    # Which row of the table it is, no batch knows.
                    raise odd.error from None
                whole = rows.with_columns(columns.get_columns()).select(names)
                yield from whole.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.schema(arrow)).to_batches()

        applied = self.frame.mapInArrow(run, schema)
        order = [*self.names, *(name for name in made if name not in self.names), ROW]
        return self._like(applied.select(*map(_column, order)))

    def values(self, aggregates: Mapping[str, Expression]) -> dict[str, Any]:
        """See `Frame`."""
        row = self.frame.agg(*(column.alias(name) for name, column in self._made(aggregates).items())).collect()[0]
        return dict(row.asDict())

    def counted(self, normalizers: Mapping[str, Normalizer]) -> dict[str, Accumulator]:
        """See `Frame`."""
        from lamina.data.normalizers.spark import count_spark

        return count_spark(self.frame, normalizers)

    def batches(self) -> Iterator[pl.DataFrame]:
        """See `Frame`."""
        import polars as pl

        def packed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            import pyarrow as pa

            for batch in batches:
                sink = io.BytesIO()
                with pa.ipc.new_stream(sink, batch.schema) as writer:
                    writer.write_batch(batch)
                yield pa.RecordBatch.from_pydict({"bytes": [sink.getvalue()]})

        ordered = self.frame.orderBy(_column(ROW)).select(*map(_column, self.names))
        for row in ordered.mapInArrow(packed, "bytes binary").toLocalIterator(prefetchPartitions=True):
            yield self._timed(pl.read_ipc_stream(io.BytesIO(bytes(row["bytes"]))))

    def collect(self) -> pl.DataFrame:
        """See `Frame`."""
        import polars as pl

        table = self.frame.orderBy(_column(ROW)).select(*map(_column, self.names)).toArrow()
        made: Any = pl.from_arrow(table)
        return self._timed(made)

    def _timed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Moments as those of Polars frames: microseconds, in their zone."""
        import polars as pl

        times = {name: self._zones.get(name, "UTC") for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)}
        return frame.with_columns(pl.col(name).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone) for name, zone in times.items())


def _column(name: str) -> Column:
    """A column by its exact name: Spark takes a dot for a field of a struct."""
    from pyspark.sql import functions as f

    return f.col(f"`{name.replace('`', '``')}`")


def _arrow(kind: Any) -> Any:
    """The Arrow type in which Spark takes values of one of its types: it knows no large strings and lists."""
    import pyarrow as pa
    from pyspark.sql import types

    if isinstance(kind, types.ArrayType):
        return pa.list_(_arrow(kind.elementType))
    made = {
        types.StringType: pa.string(),
        types.LongType: pa.int64(),
        types.DoubleType: pa.float64(),
        types.BooleanType: pa.bool_(),
        types.TimestampType: pa.timestamp("us", "UTC"),
        types.BinaryType: pa.binary(),
    }
    return made[type(kind)]


def _plain(frame: DataFrame) -> DataFrame:
    """The same rows in the types that pipelines know."""
    from pyspark.sql import types

    whole = (types.ByteType, types.ShortType, types.IntegerType)
    columns = []
    for field in frame.schema.fields:
        column, kind = _column(field.name), field.dataType
        if isinstance(kind, whole):
            column = column.cast("bigint")
        elif isinstance(kind, types.FloatType | types.DecimalType):
            column = column.cast("double")
        elif isinstance(kind, types.DateType | types.TimestampNTZType):
            column = column.cast("timestamp")
        elif isinstance(kind, types.ArrayType) and isinstance(kind.elementType, types.NumericType):
            column = column.cast("array<double>")
        columns.append(column.alias(field.name))
    return frame.select(*columns)
