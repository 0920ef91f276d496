"""The step that puts the mean of the target in the place of a category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from lamina.data.pipeline.step import Step, check_kind
from lamina.data.table.schema import column_of
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names, NonNegative, listed

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema

SUM, COUNT, FOLD, KEY, PLACE = "__lamina_sum", "__lamina_count", "__lamina_fold", "__lamina_key", "__lamina_place"


@register("target_encode")
class TargetEncode(Step):
    """The mean of the target over the training rows of the same category, drawn towards the mean of all by ``smoothing`` rows.

    A training row never sees its own target: rows are put into ``folds``, and each is encoded by what the rows of the other folds say
    (out of fold; Micci-Barreca 2001). Rows that come later are encoded by all training rows; a category that wasn't there is
    the mean of all.

    Attributes:
        columns: Categories.
        target: What is learned: a column of numbers or of true and false, or words, of which ``positive`` counts 1.
        positive: The word of the target that counts 1, where it is words.
        smoothing: How many rows' worth the mean of all weighs.
        folds: In how many parts the training rows are put.
        learned: Sum and count of the target by column and category, and the mean of all under the column's name in ``means``.
        means: Mean of the target over the training part.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"city": "string", "price": "float"}}, [TargetEncode("city", "price", smoothing=0.0)])
        >>> fitted = pipeline.fit({"city": ["Bern", "Bern", "Ulm"], "price": [1.0, 3.0, 8.0]})
        >>> fitted.run({"city": ["Bern", "Oslo"], "price": [None, None]})["city"].to_list()
        [2.0, 4.0]
    """

    positional: ClassVar[tuple[str, ...]] = ("columns", "target")
    columns: Names
    target: str
    positive: str | None = None
    smoothing: NonNegative = 10.0
    folds: Annotated[int, Field(ge=2)] = 5
    learned: dict[str, dict[str, listed(float)]] | None = None  # type: ignore[valid-type]
    means: float | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(columns="s", target="a"), cls(columns=["s"], target="g", positive="u", folds=3)]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.columns or self.target in self.columns:
            raise wrong_value(
                expected="columns, and the target not among them",
                cause="categories are encoded by something else than themselves",
                fix="write columns: [CATEGORY], target: TARGET",
            )
        return self

    @property
    def learns(self) -> bool:
        return self.learned is None

    def output(self, schema: Schema) -> Schema:
        check_kind(schema, self.columns, ("string", "categorical", "integer", "boolean"), "cut numbers into ranges before")
        if self.target in schema:
            kinds = ("string", "categorical") if self.positive is not None else ("integer", "float", "boolean")
            check_kind(schema, (self.target,), kinds, "name a column of numbers, or the word that counts: positive: WORD")
        elif self.learned is None:
            schema.require((self.target,), "target")
        return schema.with_columns(dict.fromkeys(self.columns, column_of("float")))

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset(self.columns) | (frozenset() if self.learned is not None else {self.target})

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = [name for name in self.columns if name in needed]
        return self.replace(columns=kept) if kept else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return needed | frozenset(self.columns)

    def _value(self) -> str:
        from lamina.data.expressions.nodes import Column, Literal

        target = Column(self.target).text
        return f"float({target})" if self.positive is None else f"float({target} == {Literal(self.positive).text})"

    def _sums(self, frame: Frame, name: str, by: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
        from lamina.data.expressions.nodes import Column
        from lamina.data.expressions.parse import parse

        value = self._value()
        keyed = frame.with_columns({KEY: parse(f"coalesce(string({Column(name).text}), '')")})
        grouped = keyed.group([*by, KEY], {SUM: parse(f"sum({value})"), COUNT: parse(f"count({value})")}).collect()
        return grouped.select([*by, KEY, SUM, COUNT]).rows()

    def fit(self, frame: Frame, schema: Schema) -> Self:
        learned = {}
        total, count = 0.0, 0.0
        for name in self.columns:
            rows = self._sums(frame, name)
            learned[name] = {str(key): (float(own or 0.0), float(many)) for key, own, many in rows if many}
            total, count = sum(own for own, _ in learned[name].values()), sum(many for _, many in learned[name].values())
        if not count:
            raise DataError(
                "DA012",
                where=f"column {self.target!r}",
                expected="at least one row of the training part with a target",
                got="none",
                cause="the target is missing everywhere",
                fix="name the column that holds the answers",
            )
        return self.replace(learned=learned, means=total / count)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        learned, mean = self.learned or {}, self.means or 0.0

        def encode(rows: Any) -> Any:
            import polars as pl

            made = {}
            for name in self.columns:
                table = {key: self._smoothed(total, many, mean) for key, (total, many) in learned[name].items()}
                made[name] = _texts(rows[name].alias("value")).replace_strict(table, default=mean, return_dtype=pl.Float64)
            return pl.DataFrame(made)

        return frame.apply(encode, dict.fromkeys(self.columns, "float"))

    def _smoothed(self, total: float, count: float, mean: float) -> float:
        weight = count + self.smoothing
        return (total + self.smoothing * mean) / weight if weight else mean

    def apply_training(self, frame: Frame, schema: Schema, seed: int) -> Frame:
        from lamina.data.expressions.parse import parse

        # Which fold a row is in is a function of its place and the seed, whatever runs the pipeline.
        placed = frame.with_columns({FOLD: parse(f"hash_bucket(row_number(), {self.folds}, {seed % 2**31})")})
        outside: dict[str, dict[str, float]] = {}
        mean = self.means or 0.0
        for name in self.columns:
            whole = (self.learned or {})[name]
            outside[name] = {}
            for fold, key, total, many in self._sums(placed, name, (FOLD,)):
                all_total, all_many = whole.get(str(key), (0.0, 0))
                outside[name][f"{fold}\t{key}"] = self._smoothed(all_total - float(total or 0.0), all_many - int(many), mean)

        def encode(rows: Any) -> Any:
            import polars as pl

            made = {}
            for name in self.columns:
                keys = pl.select(pl.concat_str([rows[FOLD].cast(pl.String), pl.lit("\t"), _texts(rows[name].alias("value"))])).to_series()
                made[name] = keys.replace_strict(outside[name], default=mean, return_dtype=pl.Float64)
            return pl.DataFrame(made)

        return placed.apply(encode, dict.fromkeys(self.columns, "float")).select(frame.names)


def _texts(column: Any) -> Any:
    import polars as pl

    if column.dtype == pl.Boolean:
        column = column.replace_strict({True: "true", False: "false"}, return_dtype=pl.String)
    return column.cast(pl.String).fill_null("")
