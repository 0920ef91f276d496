"""What data hold, known before any of it is read: shapes of inputs, kinds and labels of targets. No NumPy, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.errors import DataError, Problem, nearest
from lamina.shapes import Image, Shape, Volume
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Count, listed

if TYPE_CHECKING:
    from lamina.network import Network

INPUT, TARGET = "input", "output"
"""Names of the only input and the only target of ordinary data."""

TargetKind = Literal["classes", "numbers", "multilabel"]


class Target(Description):
    """What a network shall learn to give for each sample.

    Attributes:
        kind: ``classes``: the number of one class, from 0 (arrays of int64). ``numbers``: what a regression predicts
            (floats). ``multilabel``: 0 or 1 for each of several labels (floats).
        shape: Of one sample's target; None for the number of one class.
        labels: Names of the classes, labels or columns, in order.
        count: Classes there are, where they have no names.

    Example:
        >>> Target("classes", labels=["no", "yes"]).width
        2
    """

    positional: ClassVar[tuple[str, ...]] = ("kind",)
    kind: TargetKind
    shape: Shape | None = None
    labels: listed(str) | None = None  # type: ignore[valid-type]
    count: Count | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.labels is not None and self.count is not None and self.count != len(self.labels):
            raise wrong_value(
                expected=f"as many labels as classes, {self.count}",
                cause="count and labels say different numbers of classes",
                fix="leave count out; it follows from the labels",
            )
        return self

    @property
    def width(self) -> int | None:
        """Outputs a network needs for it: classes, labels or columns; None if that is not known."""
        if self.labels is not None:
            return len(self.labels)
        if self.kind == "classes":
            return self.count
        if self.shape is None:
            return None
        # Images and volumes have their labels or columns in the channels, in front.
        return self.shape.dims[0] if isinstance(self.shape, Image | Volume) else self.shape.dims[-1]


class DataSchema(Description):
    """Inputs and targets of data by name.

    Attributes:
        inputs: Shape of one sample of each input.
        targets: What is to be learned; empty for data without answers.

    Example:
        >>> import lamina as lm
        >>> schema = DataSchema({"input": lm.features(4)}, {"output": Target("classes", labels=["no", "yes"])})
        >>> schema.targets["output"].width
        2
    """

    positional: ClassVar[tuple[str, ...]] = ("inputs", "targets")
    inputs: dict[str, Shape]
    targets: dict[str, Target] = {}

    @classmethod
    def single(cls, shape: Shape, target: Target) -> Self:
        """One input and one target, under their usual names."""
        return cls(inputs={INPUT: shape}, targets={TARGET: target})

    def inputs_for(self, network: Network) -> Mapping[str, Shape]:
        """Shapes of the inputs as ``network`` names them: the only input of data goes to the only input of a network."""
        names = list(network.declared_inputs() or {})
        if len(self.inputs) == 1 and len(names) == 1:
            return {names[0]: next(iter(self.inputs.values()))}
        return self.inputs

    def check_inputs(self, wanted: Mapping[str, Shape]) -> None:
        """See that the data can be fed to inputs of these names and shapes.

        Raises:
            DataError: DA003 for shapes, DA008 for names; all of them at once.
        """
        given: Mapping[str, Shape] = self.inputs
        if len(given) == 1 and len(wanted) == 1:
            given = {next(iter(wanted)): next(iter(given.values()))}
        problems = []
        for name, shape in wanted.items():
            if name not in given:
                near = nearest(name, given)
                problems.append(
                    Problem(
                        code="DA008",
                        where=f"the data's inputs {', '.join(given)}",
                        expected=f"an input {name!r}, which the network takes",
                        got="none of that name",
                        cause="inputs are matched by name when there are several",
                        fix=f"call {near!r} {name!r}" if near else f"give the data an input {name!r}",
                    )
                )
            elif not _fits(shape, given[name]):
                problems.append(
                    Problem(
                        code="DA003",
                        where=f"input {name!r}",
                        expected=f"{shape}, which the network takes",
                        got=f"{given[name]}",
                        cause="the network was made for samples of another shape",
                        fix=f"describe the network with the input {_written(given[name])}, or reshape the data",
                    )
                )
        if problems:
            raise DataError.of(problems)


def _fits(wanted: Shape, given: Shape) -> bool:
    return len(wanted.dims) == len(given.dims) and all(
        a is None or b is None or a == b for a, b in zip(wanted.dims, given.dims, strict=True)
    )


def _written(shape: Shape) -> str:
    """A shape as a user writes it in Python."""
    values: list[Any] = [getattr(shape, name) for name in type(shape).positional]
    return f"lm.{shape.type_name}({', '.join(map(str, values))})"
