"""The step that brings columns of numbers to a common scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.normalizers import ByName, Normalizer
from lamina.data.pipeline.frames.frame import OddRowError, in_column
from lamina.data.pipeline.step import Step, check_kind
from lamina.data.table.schema import column_of
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.normalizers import Accumulator, Fitted
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema

NUMBERS = ("integer", "float")


@register("normalize")
class Normalize(Step):
    """Bring columns of numbers to a common scale, as the training part says; missing values stay missing.

    The normalizers are those of ``normalize`` in the data section, which scales whatever a network takes after all steps. As a step, it
    scales some columns where it stands: before they are compared, combined or aggregated, say.

    Attributes:
        columns: Which.
        how: The normalizer: ``standardize``, ``min_max``, ``robust``, ``quantile``, ``power``, ``max_abs`` ...; or one for each column by
            its name. One with ``per: all`` has the same numbers for all columns.
        inverted: Whether it is undone: scaled values become what they were. `inverse` gives that of a fitted step.
        learned: What was found in the training part, by column.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"age": "float"}}, [Normalize("age", "min_max")])
        >>> fitted = pipeline.fit({"age": [20.0, 40.0, None]})
        >>> fitted.run({"age": [30.0, None, 50.0]})["age"].to_list()
        [0.5, None, 1.5]
        >>> Pipeline(fitted.output, [fitted.steps[0].inverse()]).run({"age": [0.5]})["age"].to_list()
        [30.0]
    """

    positional: ClassVar[tuple[str, ...]] = ("columns", "how")
    columns: Names
    how: Normalizer
    inverted: bool = False
    learned: dict[str, dict[str, str | int | float | listed(float)]] | None = None  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(columns="a", how="standardize"),
            cls(columns=["a", "b"], how={"type": "min_max", "per": "all"}),
            cls(columns=["a", "b"], how={"a": {"type": "quantile", "quantiles": 5}, "b": "power"}),
            cls(columns=["a", "b"], how="robust"),
        ]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.columns:
            raise wrong_value(expected="at least one column", cause="the step would do nothing", fix="list the columns by name")
        if isinstance(self.how, ByName):
            odd = next((name for name in self.how.of if name not in self.columns), None)
            if odd is not None:
                raise wrong_value(
                    expected=f"normalizers of {', '.join(self.columns)}",
                    cause=f"{odd!r} is none of the columns of the step",
                    fix="list it under columns too, or leave it out of how",
                )
        if self.inverted and any(name not in (self.learned or {}) for name in self._chosen()):
            raise wrong_value(
                expected="inverted together with learned",
                cause="what was not learned can't be undone",
                fix="use step.inverse() of a fitted step",
            )
        for name in self.learned or {}:
            try:
                self._fitted(name)
            except (KeyError, ValueError, TypeError, OverflowError) as error:
                raise wrong_value(
                    expected="learned as the step itself writes it",
                    cause=f"the numbers of {name!r} are damaged: {error}",
                    fix="leave learned out, and fit the pipeline again",
                ) from None
        return self

    def _chosen(self) -> dict[str, Normalizer]:
        """The normalizer of each column that has one."""
        named = {name: self.how.named(name) if isinstance(self.how, ByName) else self.how for name in self.columns}
        return {name: normalizer for name, normalizer in named.items() if normalizer is not None}

    @property
    def learns(self) -> bool:
        return any(name not in (self.learned or {}) for name in self._chosen())

    def output(self, schema: Schema) -> Schema:
        check_kind(schema, self.columns, NUMBERS, "convert it before: {type: derive, columns: {COLUMN: float(COLUMN)}}")
        return schema.with_columns(dict.fromkeys(self._chosen(), column_of("float")))

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset(self.columns)

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = [name for name in self.columns if name in needed]
        if not kept:
            return None
        how = self.how
        if isinstance(how, ByName):
            how = how.replace(of={name: normalizer for name, normalizer in how.of.items() if name in kept})
        learned = None if self.learned is None else {name: own for name, own in self.learned.items() if name in kept}
        return self.replace(columns=kept, how=how, learned=learned)

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return needed

    def fit(self, frame: Frame, schema: Schema) -> Self:
        chosen = self._chosen()
        seen = frame.counted(chosen)
        shared: list[tuple[Normalizer, Accumulator]] = []
        for name, normalizer in chosen.items():
            if getattr(normalizer, "per", "feature") == "all":
                together = next((own for other, own in shared if other == normalizer), None)
                if together is None:
                    shared.append((normalizer, seen[name]))
                else:
                    together.merge(seen[name])
                    seen[name] = together
        learned = {}
        for name, own in seen.items():
            with in_column(name):
                learned[name] = _written(own.finish())
        return self.replace(learned=learned)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        fitted = {name: self._fitted(name) for name in self._chosen()}

        def scale(rows: Any) -> Any:
            import numpy as np
            import polars as pl

            made = {}
            for name, own in fitted.items():
                values = rows[name].alias("value").cast(pl.Float64)
                there, scaled = values.is_not_null(), np.zeros(len(values))
                scaled[there.to_numpy()] = self._scaled(name, own, values.drop_nulls().to_numpy(), there.arg_true())
                made[name] = pl.select(pl.when(there).then(pl.Series(scaled))).to_series()
            return pl.DataFrame(made)

        return frame.apply(scale, dict.fromkeys(fitted, "float")) if fitted else frame

    def _scaled(self, name: str, fitted: Fitted, values: np.ndarray, rows: Any) -> np.ndarray:
        """Values scaled; of those that can't be the row of the first is told."""
        function = fitted.invert if self.inverted else fitted.apply
        try:
            return function(values)
        except DataError:
            for place in range(len(values)):
                try:
                    function(values[place : place + 1])
                except DataError as error:
                    raise OddRowError(int(rows[place]), error.within(f"column {name!r}")) from None
            raise

    def inverse(self) -> Self:
        """The step that undoes this one.

        Raises:
            DescriptionError: If this one has not learned yet.
        """
        return self.replace(inverted=not self.inverted)

    def _fitted(self, name: str) -> Fitted:
        from lamina.data.normalizers import Fitted

        return Fitted.from_arrays(_read((self.learned or {})[name]))


def _written(fitted: Fitted) -> dict[str, Any]:
    """Numbers of a column as plain data."""
    found: dict[str, Any] = {}
    for name, array in fitted.to_arrays().items():
        if name == "kind":
            found[name] = bytes(array.tolist()).decode("ascii")
        else:
            found[name] = array.item() if array.ndim == 0 else array.ravel().tolist()
    return found


def _read(data: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays that `_written` was given."""
    import numpy as np

    from lamina.data.normalizers.fitted import word

    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, str):
            found[name] = word(value)
        elif name == "quantiles":
            found[name] = np.asarray(value, dtype=np.float64).reshape(-1, 1)
        else:
            found[name] = np.asarray(value, dtype=np.int64 if isinstance(value, int) else np.float64)
    return found
