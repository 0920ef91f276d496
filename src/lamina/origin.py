"""Where an imported model comes from: how its data lie there, what its layers are called there, and how it was trained.

A model keeps it, and its ``.lamina`` file too. As long as it is there, arrays go in and out in the layout of the source: those of
Deeplearning4j's recurrent networks are ``[batch, features, steps]``. ``model.origin = None`` ends that.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from lamina.learning.clipping import Clip
from lamina.learning.optimizers import Optimizer
from lamina.learning.truncation import Truncation
from lamina.shapes import Image, Shape, Volume
from lamina.spec import Description, wrong_value
from lamina.spec.fields import listed

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.preprocessing import Preprocessing
    from lamina.network import Network
    from lamina.network.plan import Plan

Number = Annotated[int, Field(ge=0)]


class Layout(Description):
    """One input or layer as the source has it.

    Attributes:
        name: What the source calls it.
        order: For each axis here, which axis of the source's array it is, with the batch; None: the same axes.
        flat: Sizes behind the batch here, where the source's array has one axis more or less for the same numbers.
        first: What whole numbers there count from: tokens, and classes among targets. Torch7 counts from 1.

    Example:
        >>> import numpy as np
        >>> Layout("in", order=[0, 2, 1]).taken(np.zeros((8, 3, 20))).shape, Layout("words", first=1).taken(np.array([[3, 1]])).tolist()
        ((8, 20, 3), [[2, 0]])
    """

    positional: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    order: listed(Number) | None = None  # type: ignore[valid-type]
    flat: listed(int) | None = None  # type: ignore[valid-type]
    first: Number = 0

    @model_validator(mode="after")
    def _permutes(self) -> Self:
        if self.order is not None and sorted(self.order) != list(range(len(self.order))):
            raise wrong_value(
                expected="each axis once, from 0, which is the batch", cause="an axis is missing or stands twice", fix="write [0, 2, 1]"
            )
        return self

    def taken(self, array: np.ndarray) -> np.ndarray:
        """An array of the source with its axes as they are here; one with other axes stays as it is, to be refused by name."""
        import numpy as np

        if self.order is not None and array.ndim == len(self.order):
            array = np.transpose(array, self.order)
        if self.flat is not None and array.ndim != len(self.flat) + 1 and array.ndim > 1:
            array = array.reshape(len(array), *self.flat)
        return array.astype("int64") - self.first if self.first and self._counts(array) else array

    def _counts(self, array: np.ndarray) -> bool:
        """Whether an array holds whole numbers that count from `first`; classes may also be given as ones among zeros."""
        if array.dtype.kind not in "iuf" or not array.size or array.min() < self.first:
            return False
        return array.dtype.kind in "iu" or bool((array == array.round()).all())

    def given(self, array: np.ndarray) -> np.ndarray:
        """An array from here with its axes as the source has them."""
        import numpy as np

        if self.order is None or array.ndim != len(self.order):
            return array
        return np.transpose(array, np.argsort(self.order))


class Learning(Description):
    """How the model was trained where it comes from, so that training can go on.

    Attributes:
        optimizer: The rule, with the arithmetic of the source.
        clip: What was done to large gradients.
        truncate: The pieces that sequences were trained in.
        accumulate: How many batches made an update.
        updates: Updates made; schedules and Adam's corrections count from there.
        epochs: Passes made.
    """

    optimizer: Optimizer
    clip: Clip | None = None
    truncate: Truncation | None = None
    accumulate: Annotated[int, Field(ge=1)] = 1
    updates: Number = 0
    epochs: Number = 0

    @property
    def settings(self) -> dict[str, Any]:
        """Settings for `lamina.Model.fit`."""
        accumulate = None if self.accumulate == 1 else self.accumulate
        found = {"optimizer": self.optimizer, "clip": self.clip, "truncate": self.truncate, "accumulate": accumulate}
        return {name: value for name, value in found.items() if value is not None}


class Origin(Description):
    """Where a model comes from.

    Attributes:
        format: Name of the format, such as ``dl4j``.
        system: Name of the system.
        version: Which version of it wrote the files.
        inputs: The network's inputs as the source has them, by their names here.
        layers: The same of layers, outputs among them.
        learning: How it was trained; None if that is not known, or it was trained here since.
    """

    format: str
    system: str
    version: str = ""
    inputs: dict[str, Layout] = {}
    layers: dict[str, Layout] = {}
    learning: Learning | None = None

    def taken(self, data: Any) -> Any:
        """Input arrays of the source with their axes as they are here; what is no array stays as it is."""
        return _each(data, self.inputs, lambda layout, array: layout.taken(array))

    def targets_taken(self, targets: Any, outputs: tuple[str, ...]) -> Any:
        """The same for targets."""
        return _each(
            targets, {name: self.layers[name] for name in outputs if name in self.layers}, lambda layout, array: layout.taken(array)
        )

    def given(self, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs with the names and axes of the source."""
        found = {}
        for name, array in outputs.items():
            layout = self.layers.get(name, Layout(name))
            found[layout.name] = layout.given(array)
        return found


def _arranged(value: Any, layout: Layout, change: Any) -> Any:
    """An array, or what can be one, changed; of sequences of different lengths each by itself; all else stays."""
    import numpy as np

    if layout.order is None and layout.flat is None and not layout.first:
        return value
    if not _is_array(value) and (isinstance(value, list | tuple) or hasattr(value, "__array__")):
        items = [np.asarray(item) for item in value] if isinstance(value, list | tuple) else []
        if len({item.shape for item in items}) > 1:
            ragged = layout.order == (0, 2, 1) and all(item.ndim == 2 for item in items)
            return [item.T for item in items] if ragged else value
        value = np.asarray(value)
    return change(layout, value) if _is_array(value) else value


def _each(data: Any, layouts: Mapping[str, Layout], change: Any) -> Any:
    """``change`` on every array that has a layout: of a mapping by name, of one array that of the only layout."""
    if isinstance(data, Mapping):
        by_source = {layout.name: name for name, layout in layouts.items()}
        own = {by_source.get(name, name): value for name, value in data.items()}
        return {name: _arranged(value, layouts[str(name)], change) if name in layouts else value for name, value in own.items()}
    return _arranged(data, next(iter(layouts.values())), change) if len(layouts) == 1 else data


def _is_array(value: Any) -> bool:
    return type(value).__module__ == "numpy" and hasattr(value, "ndim")


class Waiting:
    """Weights of a network whose input sizes only the data know: kept until then.

    Args:
        arrays: The weights.
        channels: Channels of each image input by its name, and how many other axes it has.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], channels: Mapping[str, int]) -> None:
        self.arrays = arrays
        self.channels = dict(channels)

    def shapes(self, data: Any) -> Mapping[str, Shape] | None:
        """Shapes of the inputs, if the data are arrays of images."""
        arrays = data if isinstance(data, Mapping) else dict.fromkeys(self.channels, data) if len(self.channels) == 1 else {}
        found: dict[str, Shape] = {}
        for name, count in self.channels.items():
            array: Any = arrays.get(name)
            if not _is_array(array) or array.ndim not in (4, 5) or array.shape[1] != count:
                return None
            sizes = [int(size) for size in array.shape[1:]]
            found[name] = Image(*sizes) if array.ndim == 4 else Volume(*sizes)
        return found


class FromElsewhere:
    """The part of `lamina.Model` that knows where an imported model comes from.

    Attributes:
        origin: Where; None for a model that was made here.
        slots: The state of the optimiser that trained it there, ``slot/layer/parameter``.
        waiting: Weights that wait for the sizes of the inputs.
    """

    origin: Origin | None = None
    slots: Mapping[str, np.ndarray] = MappingProxyType({})
    waiting: Waiting | None = None
    description: Network | None
    plan: Plan | None
    preprocessing: Preprocessing | None

    def resolve(self, inputs: Mapping[str, Shape] | None) -> Plan:
        """Make the network ready for inputs of these shapes."""
        raise NotImplementedError(type(self).__name__)

    def completed(self, dataset: Dataset) -> Dataset:
        """A data set scaled by the normaliser that came with an imported model, which knew no targets; others as they are."""
        own = self.preprocessing
        if own is None:
            return dataset
        return type(own)(dataset.schema, fill=own.fill, inputs=own.input_scales, dtype=own.dtype).prepare(dataset)

    def as_here(self, data: Any, targets: Any = None) -> tuple[Any, Any]:
        """Arrays as the source of an imported model has them, with their axes as they are here; all else as it is."""
        if self.origin is not None and self.description is not None:
            if isinstance(data, tuple) and len(data) == 2 and targets is None:
                data, targets = data
            data, targets = self.origin.taken(data), self.origin.targets_taken(targets, self.description.output_names())
        if self.waiting is not None and self.plan is None and (shapes := self.waiting.shapes(data)):
            self.resolve(shapes)
        return data, targets
