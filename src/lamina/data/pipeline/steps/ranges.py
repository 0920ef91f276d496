"""The step that cuts numbers into ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.data.pipeline.step import Step, check_kind
from lamina.data.table.schema import column_of
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema


MOST = 256
"""Ranges that are learned; each is looked for by itself."""


@register("bucketize")
class Bucketize(Step):
    """The number of the range that each value lies in, from 0: below the first edge, from the first edge on (included), and so on.

    Attributes:
        columns: Columns of numbers.
        edges: Between the ranges, ascending, the same for all columns.
        count: Instead: how many ranges there shall be, at most 256; edges are then learned from the training part.
        by: Learned so that each range has as many rows (``quantile``), or is as wide (``uniform``).
        labels: Names of the ranges, one more than edges: columns become categorical.
        learned: The edges found, by column.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"age": "integer"}}, [Bucketize("age", [18, 65], labels=["child", "adult", "senior"])])
        >>> pipeline.run({"age": [17, 18, 80]})["age"].to_list()
        ['child', 'adult', 'senior']
    """

    positional: ClassVar[tuple[str, ...]] = ("columns", "edges")
    columns: Names
    edges: listed(float) | None = None  # type: ignore[valid-type]
    count: Annotated[int, Field(ge=2, le=MOST)] | None = None
    by: Literal["quantile", "uniform"] = "quantile"
    labels: listed(str) | None = None  # type: ignore[valid-type]
    learned: dict[str, listed(float)] | None = None  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(columns="a", edges=[0.0, 1.0]),
            cls(columns=["a", "b"], count=3),
            cls(columns="a", count=2, by="uniform", labels=["low", "high"]),
        ]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.edges is None) == (self.count is None) or not self.columns:
            raise wrong_value(
                expected="columns, and edges or count", cause="ranges are said or learned", fix="write edges: [18, 65], or count: 10"
            )
        edges = self.edges or ()
        if any(low >= high for low, high in zip(edges, edges[1:], strict=False)):
            raise wrong_value(expected="ascending edges", cause="an edge is below the one before it", fix="sort them, each once")
        ranges = self.count or len(edges) + 1
        if self.labels is not None and len(self.labels) != ranges:
            raise wrong_value(
                expected=f"{ranges} labels", cause="there is one for each range", fix="give as many labels as there are ranges"
            )
        return self

    @property
    def learns(self) -> bool:
        return self.count is not None and any(name not in (self.learned or {}) for name in self.columns)

    def output(self, schema: Schema) -> Schema:
        check_kind(schema, self.columns, ("integer", "float"), "convert it before: {type: derive, columns: {COLUMN: float(COLUMN)}}")
        made = column_of("integer") if self.labels is None else column_of("categorical", values=self.labels)
        return schema.with_columns(dict.fromkeys(self.columns, made))

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset(self.columns)

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = [name for name in self.columns if name in needed]
        return self.replace(columns=kept) if kept else None

    def fit(self, frame: Frame, schema: Schema) -> Self:
        from lamina.data.expressions.nodes import Column
        from lamina.data.expressions.parse import parse

        count = self.count or 2
        wanted: dict[str, Any] = {}
        for name in self.columns:
            x = Column(name).text
            if self.by == "quantile":
                wanted |= {f"{name}\t{i}": parse(f"quantile(float({x}), {i / count!r})") for i in range(1, count)}
            else:
                wanted |= {f"{name}\tlow": parse(f"min(float({x}))"), f"{name}\thigh": parse(f"max(float({x}))")}
        found = frame.values(wanted)
        if any(value is None or value != value for value in found.values()):
            empty = next(key.partition("\t")[0] for key, value in found.items() if value is None or value != value)
            raise DataError(
                "DA012",
                where=f"column {empty!r}",
                expected="at least one number to cut into ranges",
                got="none in the training part",
                cause="the column is empty there, or holds NaN",
                fix="fill missing values in before, or give edges",
            )
        return self.replace(learned={name: self._edges(name, found, count) for name in self.columns})

    def _edges(self, name: str, found: dict[str, Any], count: int) -> tuple[float, ...]:
        if self.by == "quantile":
            return tuple(float(found[f"{name}\t{i}"]) for i in range(1, count))
        low, high = float(found[f"{name}\tlow"]), float(found[f"{name}\thigh"])
        return tuple(low + (high - low) * i / count for i in range(1, count))

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        def place(rows: Any) -> Any:
            import numpy as np
            import polars as pl

            made = {}
            for name in self.columns:
                edges = self.edges if self.edges is not None else (self.learned or {})[name]
                values = rows[name].alias("value").cast(pl.Float64)
                # NaN is above all numbers, as where columns are sorted.
                places = pl.Series(np.searchsorted(np.asarray(edges, dtype=np.float64), values.to_numpy(), side="right"), dtype=pl.Int64)
                found = places if self.labels is None else pl.Series([*self.labels], dtype=pl.String)[places]
                made[name] = pl.select(pl.when(values.is_not_null()).then(found)).to_series()
            return pl.DataFrame(made)

        return frame.apply(place, dict.fromkeys(self.columns, "integer" if self.labels is None else "string"))
