"""A pipeline: steps in order, checked against the schema of the raw rows, fitted once, run the same way ever after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

import lamina.data.pipeline.steps  # noqa: F401 (announces the steps)
from lamina.data.pipeline.step import Step
from lamina.data.table.schema import Schema
from lamina.errors import DataError, LaminaError
from lamina.spec import Description
from lamina.spec.fields import listed

if TYPE_CHECKING:
    from pathlib import Path

    from lamina.data.pipeline.frames.frame import Frame


class Pipeline(Description):
    """Steps from raw rows to what a network learns from.

    Attributes:
        input: Schema of the raw rows.
        steps: What is done, in order.

    Raises:
        DataError: Naming number, type and column of the first step that can't be taken where it stands.

    Example:
        >>> pipeline = Pipeline({"columns": {"a": "float", "b": "float"}}, [{"type": "derive", "columns": {"ratio": "a / b"}}])
        >>> pipeline.output.kinds
        {'a': 'float', 'b': 'float', 'ratio': 'float'}
        >>> pipeline.run({"a": [1.0, 3.0], "b": [2.0, 4.0]})["ratio"].to_list()
        [0.5, 0.75]
    """

    positional: ClassVar[tuple[str, ...]] = ("input", "steps")
    input: Schema
    steps: listed(Step) = ()  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _checked(self) -> Self:
        self.schemas()
        return self

    # -- asking it ----------------------------------------------------------------------------------------------------

    def schemas(self) -> list[Schema]:
        """The schema before the first step, and after each."""
        found = [self.input]
        for number, step in enumerate(self.steps, start=1):
            with _at(number, step):
                found.append(step.output(found[-1]))
        return found

    @property
    def output(self) -> Schema:
        """The schema after the last step."""
        return self.schemas()[-1]

    @property
    def learns(self) -> bool:
        """Whether a step must still see the training part."""
        return any(step.learns for step in self.steps)

    def explain(self) -> str:
        """The schema at each step, as text."""
        lines = ["the raw rows", _indented(str(self.input))]
        for number, (step, schema) in enumerate(zip(self.steps, self.schemas()[1:], strict=True), start=1):
            lines += [f"after {place(number, step)}", _indented(str(schema))]
        return "\n".join(lines)

    # -- parts of it --------------------------------------------------------------------------------------------------

    def until_learning(self) -> tuple[Pipeline, Pipeline]:
        """What can be done before the parts are split, since it learns nothing; and the rest."""
        first = next((number for number, step in enumerate(self.steps) if step.learns), len(self.steps))
        before = Pipeline(input=self.input, steps=self.steps[:first])
        return before, Pipeline(input=before.output, steps=self.steps[first:])

    def joined(self, other: Pipeline) -> Pipeline:
        """This one, then another that takes what it gives."""
        return Pipeline(input=self.input, steps=(*self.steps, *other.steps))

    def serving(self, needed: Iterable[str], *, choosing: bool = False) -> Pipeline:
        """The part of it that makes these columns; its schema has only what that takes.

        Args:
            needed: The columns.
            choosing: Whether steps that do nothing but choose rows are taken too; otherwise each row gets an answer.

        Raises:
            DataError: DA100, for columns that the pipeline doesn't give.
        """
        schemas = self.schemas()
        wanted = frozenset(needed)
        schemas[-1].require(wanted, "what the model needs")
        kept: list[Step] = []
        for step, schema in zip(reversed(self.steps), reversed(schemas[:-1]), strict=True):
            chosen = step if choosing else None
            part = chosen if step.chooses_rows else step.restricted(wanted, schema)
            if part is not None:
                kept.append(part)
                wanted = part.needs(wanted, schema)
        # Some column must say how many rows there are, even if none of them is looked at.
        schema = self.input.only([name for name in self.input.names if name in wanted] or self.input.names[:1])
        return Pipeline(input=schema, steps=tuple(reversed(kept)))

    def resolve_paths(self, base: Path) -> Self:
        """The same pipeline with paths made absolute that are relative to a folder."""
        return self.replace(steps=[step.resolve_paths(base) for step in self.steps])

    # -- running it ---------------------------------------------------------------------------------------------------

    def fit(self, rows: Any) -> Self:
        """The same pipeline with all that its steps learn from the training part, and from nothing else.

        Args:
            rows: The raw rows: a Polars, pandas, pyarrow, DuckDB or Spark frame, a mapping of columns, or a `Frame`.
        """
        return self.fit_apply(rows)[0]

    def fit_apply(self, rows: Any, *, seed: int = 0, first: int = 1) -> tuple[Self, Frame]:
        """`fit`, and the training part as it is to be learned from: no row is encoded by its own target.

        Args:
            rows: As for `fit`.
            seed: What is drawn is a function of it.
            first: Number of the first step in messages, where this is the rest of a longer pipeline.
        """
        from lamina.data.pipeline.frames.given import as_frame

        frame, schema, fitted = as_frame(rows, self.input), self.input, []
        for number, step in enumerate(self.steps, start=first):
            with _at(number, step):
                # Only now it is known which columns the steps before have made, and which are left.
                step.output(schema)
                ready = step.fit(frame, schema) if step.learns else step
                # Some steps know only now which columns they make.
                frame, schema = ready.apply_training(frame, schema, seed), ready.output(schema)
            fitted.append(ready)
        return self.replace(steps=tuple(fitted)), frame

    def apply(self, rows: Any) -> Frame:
        """Take all steps; nothing is computed before somebody asks for the rows.

        Raises:
            DataError: DA104, if a step has not learned yet; DA100, DA102 or DA103 for rows that aren't as the schema says.
        """
        from lamina.data.pipeline.frames.given import as_frame

        frame = as_frame(rows, self.input)
        for number, (step, schema) in enumerate(zip(self.steps, self.schemas(), strict=False), start=1):
            if step.learns:
                raise DataError(
                    "DA104",
                    where=place(number, step),
                    expected="a pipeline that was fitted",
                    got="one whose step hasn't seen the training part",
                    cause="the step takes its numbers from data",
                    fix="write pipeline = pipeline.fit(rows) before; with lamina data transform, --fit",
                )
            with _at(number, step):
                frame = step.apply(frame, schema)
        return frame

    def run(self, rows: Any) -> Any:
        """`apply`, computed: a Polars DataFrame."""
        return self.apply(rows).collect()


@contextmanager
def _at(number: int, step: Step) -> Iterator[None]:
    """Errors say at which step they were found."""
    try:
        yield
    except LaminaError as error:
        raise error.within(place(number, step)) from None


def place(number: int, step: Step) -> str:
    """How a step is called in messages."""
    return f"step {number} ({step.type_name})"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
