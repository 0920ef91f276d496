"""Checked arrays, in memory or still to be made, with what they mean; the one thing that loaders and evaluators read."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Items
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np

from lamina.data.arrays import check_lengths, to_floats
from lamina.data.given import check_weight, checked_inputs, row_count, target_samples
from lamina.data.groups import take_all
from lamina.data.joining import join_rows
from lamina.data.lazy import Address, LazyArray, Samples
from lamina.data.masks import ArrayMasks, checked_masks, open_sequence, pad_all
from lamina.data.preparation import Masked
from lamina.data.ragged import fill_inputs, is_ragged, pad_labels
from lamina.data.schema import INPUT, TARGET, DataSchema, Target, TargetKind
from lamina.data.stored import stored
from lamina.data.targets import describe_target, encode_target, renumbered
from lamina.data.tasks import join_tasks
from lamina.shapes import Shape

if TYPE_CHECKING:
    from lamina.data.caching import Cache
    from lamina.data.caching.keeper import Keeper
    from lamina.data.columns import Columns
    from lamina.data.preparation import Preparation
    from lamina.data.preprocessing import Preprocessing

FloatType = Literal["float32", "float64"]
DataLike: TypeAlias = Any
"""A `Dataset`; a pair ``(x, y)``; ``x`` alone; a mapping of arrays by input name; a frame of Polars, pandas, pyarrow, DuckDB ..."""


class Dataset:
    """Samples as arrays.

    Args:
        inputs: Array of each input by name, samples first: floats, or int64 for tokens; or a `LazyArray` of such.
        targets: Array of each target by name: int64 class numbers, or floats; or a `LazyArray` of such.
        schema: What they mean.
        weight: Weight of each sample in losses and figures; None is 1 for all.
        columns: How a table became these arrays, where they come from one.
        groups: What samples must not be torn apart by a grouped split; any values.
        times: What samples are sorted by in a split by time.
        part: Which part (``train``, ``validation``, ``test``) each sample was given beforehand.
        preprocessing: What has been done to them already; None for data as they came.
        input_masks: Which steps of an input are real, ``[samples, steps]``, by its name; all, where there is none.
        target_masks: Which steps of a target count, or which samples have it, by its name.
        preparations: How raw things (photos, sounds) became an input, by its name; kept with a model that learns from the data.

    Raises:
        DataError: DA002, if lengths differ; DA006, if there are no samples.
    """

    def __init__(
        self,
        inputs: Mapping[str, Samples],
        targets: Mapping[str, Samples],
        schema: DataSchema,
        weight: np.ndarray | None = None,
        *,
        columns: Columns | None = None,
        groups: np.ndarray | None = None,
        times: np.ndarray | None = None,
        part: np.ndarray | None = None,
        preprocessing: Preprocessing | None = None,
        input_masks: ArrayMasks | None = None,
        target_masks: ArrayMasks | None = None,
        preparations: Mapping[str, Preparation] | None = None,
    ) -> None:
        masked = {name: array for name, array in inputs.items() if isinstance(array, Masked)}
        inputs = {**inputs, **{name: array.values for name, array in masked.items()}}
        self.inputs: dict[str, Any] = {name: array if (kept := stored(array)) is None else kept for name, array in inputs.items()}
        self.targets: dict[str, Any] = {name: array if (kept := stored(array)) is None else kept for name, array in targets.items()}
        self.schema = schema
        self.weight = weight
        self.columns = columns
        self.groups = groups
        self.times = times
        self.part = part
        self.preprocessing = preprocessing
        self.input_masks: dict[str, Any] = {**(input_masks or {}), **{name: array.mask for name, array in masked.items()}}
        self.target_masks: dict[str, Any] = dict(target_masks or {})
        self.preparations = dict(preparations or {})
        self._length = check_lengths(
            {f"{kind} {name!r}": len(array) for kind, arrays in (("input", inputs), ("target", targets)) for name, array in arrays.items()}
            | {name: len(array) for name, array in self._extras() if array is not None}
        )

    def _extras(self) -> list[tuple[str, np.ndarray | None]]:
        return [("weight", self.weight), ("groups", self.groups), ("times", self.times), ("part", self.part)]

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name} {shape}" for name, shape in self.schema.inputs.items())
        return f"Dataset({len(self)} samples; {inputs}; targets {', '.join(self.targets) or 'none'})"

    @classmethod
    def from_arrays(
        cls,
        x: Any,
        y: Any = None,
        labels: Items[str] | None = None,
        *,
        shape: Shape | Mapping[str, Shape] | None = None,
        kind: TargetKind | None = None,
        weight: Any = None,
        masks: Any = None,
        dtype: FloatType = "float32",
    ) -> Self:
        """Data from arrays, tensors or lists.

        Args:
            x: One array, samples first, or a mapping of arrays by input name. A ``np.memmap`` stays on disk, a `LazyArray` stays
                to be made: its numbers are looked at batch by batch.
            y: Class numbers, names of classes, numbers or 0/1 labels; or a mapping of them by target name; None for none.
            labels: Names of the classes, labels or columns of the only target.
            shape: Of one sample; by default vectors, sequences, images or volumes by the number of axes.
            kind: What ``y`` is; by default whole numbers, text and true/false are classes, other numbers are numbers, and several
                columns of 0 and 1 are multilabel.
            weight: Weight of each sample.
            masks: Which steps of sequences are real, ``[samples, steps]``: a mask for the only input, or masks by the name of an
                input or target.
            dtype: Of all floats, those of the network's weights.

        Raises:
            DataError: Naming array and sample, for NaN, infinity, text among numbers, odd shapes, lengths that differ, labels that
                aren't whole numbers from 0.

        Example:
            >>> Dataset.from_arrays([[1, 2], [3, 4]], ["no", "yes"])
            Dataset(2 samples; input [batch, 2]; targets output)
        """
        inputs, shapes = checked_inputs(x, shape, dtype)
        given = {} if y is None else dict(y) if isinstance(y, Mapping) else {TARGET: y}
        arrays = {name: target_samples(value, f"target {name!r}") for name, value in given.items()}
        lengths = {f"input {name!r}": len(array) for name, array in inputs.items()}
        check_lengths(lengths | {f"target {name!r}": row_count(array, name) for name, array in arrays.items()})
        described = {name: describe_target(array, f"target {name!r}", labels=labels, kind=kind) for name, array in arrays.items()}
        input_masks, target_masks = checked_masks(masks, inputs, arrays)
        return cls(
            inputs,
            {name: encode_target(array, described[name], f"target {name!r}", dtype) for name, array in arrays.items()},
            DataSchema(inputs=shapes, targets=described),
            check_weight(weight),
            input_masks=input_masks,
            target_masks=target_masks,
        )

    @classmethod
    def from_sequences(
        cls, x: Any, y: Any = None, *, shape: Shape | Mapping[str, Shape] | None = None, padding: int | None = None, **settings: Any
    ) -> Self:
        """Data from sequences of different lengths: filled up to the longest, with masks, so that each counts as it would alone.

        Args:
            x: A list with an array ``[steps, features]`` (of tokens ``[steps]``) for each sample, or such lists by input name.
            y: As for `from_arrays`; or a list with an array for each sample, with a value or row for each step; or a mapping of
                either by target name.
            shape: Of one sample, such as ``lm.tokens(None, 50)``; by default sequences of any length.
            padding: For labels without places, as ``ctc`` learns them: ``y`` are sequences of whole numbers of any length, which are
                filled with this number (-1, say) and get no mask.
            **settings: As for `from_arrays`: ``labels``, ``kind``, ``weight``, ``dtype``.

        Raises:
            DataError: As `from_arrays`; DA004, naming the first sequence that is not like the others.

        Example:
            >>> data = Dataset.from_sequences([[[1.0], [2.0]], [[3.0]]], ["up", "down"])
            >>> data, data.input_masks["input"].tolist()
            (Dataset(2 samples; input [batch, ?, 1]; targets output), [[True, True], [True, False]])
        """
        given = y if isinstance(y, Mapping) or y is None else {TARGET: y}
        if padding is not None and given is not None:
            given = {name: pad_labels(value, f"target {name!r}", padding) for name, value in given.items()}
            settings = {"kind": "numbers", **settings}
        inputs, targets, masks = pad_all(x if isinstance(x, Mapping) else {INPUT: x}, given)
        shapes = shape if isinstance(shape, Mapping) else {name: shape or open_sequence(array, name) for name, array in inputs.items()}
        return cls.from_arrays(inputs, targets or None, shape=shapes, masks=masks, **settings)

    @classmethod
    def from_frame(cls, frame: Any, target: str | Items[str] | None = None, **roles: Any) -> Self:
        """Data from a frame of Polars, pandas, pyarrow, DuckDB ...; see `lamina.data.columns.Columns` for the roles of columns.

        Args:
            frame: The frame; each row a sample.
            target: The column, or columns, to learn.
            **roles: ``features``, ``ignore``, ``group``, ``time``, ``weight``, ``categorical``, ``numeric``, ``kind``, ``missing``,
                ``text``, ``vectorize``.

        Raises:
            DataError: Naming column and row of what can't be used.
        """
        from lamina.data.encoding import dataset_from_table
        from lamina.data.frames import read_frame
        from lamina.data.roles import Roles

        given = {name: value for name, value in {"target": target, **roles}.items() if value is not None}
        made: Self = dataset_from_table(cls, read_frame(frame), Roles(**given))
        return made

    @classmethod
    def together(cls, tasks: Mapping[str, Dataset]) -> Self:
        """Several data sets as one, for a network that learns several tasks: each sample counts for the targets that it has.

        Args:
            tasks: By name; the only target of a data set is then called by its task's name. All have the same inputs.

        Raises:
            DataError: DA024, if inputs differ or a target stands twice.

        Example:
            >>> ages, names = Dataset.from_arrays([[1.0], [2.0]], [3.5, 4.5]), Dataset.from_arrays([[3.0]], ["ann"])
            >>> both = Dataset.together({"age": ages, "name": names})
            >>> both, both.target_masks["age"].tolist()
            (Dataset(3 samples; input [batch, 1]; targets age, name), [True, True, False])
        """
        return cls(**join_tasks(tasks))

    @classmethod
    def joined(cls, parts: Mapping[str, Dataset]) -> Self:
        """The samples of several data sets, one after the other; the group of each sample is the name of its data set.

        Args:
            parts: By name; all have the same inputs, targets and labels. Sequences of different lengths are filled up, with masks.

        Raises:
            DataError: DA024, if they don't.

        Example:
            >>> web, books = Dataset.from_arrays([[1.0], [2.0]], [0, 1]), Dataset.from_arrays([[3.0]], [1], ["0", "1"])
            >>> Dataset.joined({"web": web, "books": books.replace(schema=web.schema)}).groups.tolist()
            ['web', 'web', 'books']
        """
        return cls(**join_rows(parts))

    def take(self, indices: np.ndarray) -> Self:
        """The samples at these places, in this order; what is lazy is not made yet."""
        chosen = {place: array.select(indices) if isinstance(array, LazyArray) else array[indices] for place, array in self._all().items()}
        return self._with(chosen, indices)

    def read(self, indices: np.ndarray, address: Address | None = None) -> Self:
        """As `take`, with everything in memory: what is lazy is made.

        Args:
            indices: Numbers of the samples.
            address: Of what is drawn for them; None: nothing is, as for judging.
        """
        return self._with(take_all(self._all(), indices, address), indices)

    def cached(self, cache: Cache | str = "memory") -> Self:
        """The same samples; what is made of them anew, and is the same every time, is kept once it has been made.

        Args:
            cache: ``"memory"``, ``"disk"``, or a `lamina.data.caching.Memory` or `Disk` with its settings.

        Raises:
            DataError: DA188, if there is nothing to keep, or it can't be kept.
        """
        from lamina.data.caching.keeping import keep_samples

        return keep_samples(self, cache)

    def kept(self, keeper: Keeper) -> Self:
        """As `cached`, by a keeper that may serve several data sets."""
        kept = {place: array.keep(keeper) if isinstance(array, LazyArray) else array for place, array in self._all().items()}
        return self._with(kept, np.arange(len(self)))

    @property
    def is_lazy(self) -> bool:
        """Whether some of it is still to be made."""
        return bool(self.lazy_arrays())

    def lazy_arrays(self) -> list[LazyArray]:
        """What of it is still to be made."""
        return [array for array in self._all().values() if isinstance(array, LazyArray)]

    def _all(self) -> dict[tuple[str, str], Samples]:
        """Everything that is fed, by kind and name."""
        kinds = ("inputs", "targets", "input_masks", "target_masks")
        return {(kind, name): array for kind in kinds for name, array in getattr(self, kind).items()}

    def _with(self, arrays: Mapping[tuple[str, str], Samples], indices: np.ndarray) -> Self:
        """Chosen samples, whose arrays are these."""
        changes: dict[str, Any] = {"inputs": {}, "targets": {}, "input_masks": {}, "target_masks": {}}
        for (kind, name), array in arrays.items():
            changes[kind][name] = array
        return self.replace(**changes, **{name: None if array is None else array[indices] for name, array in self._extras()})

    def replace(self, **changes: Any) -> Self:
        """The same samples with some parts changed: ``inputs``, ``targets``, ``schema``, ``weight`` ..."""
        names = (
            "inputs",
            "targets",
            "schema",
            "weight",
            "columns",
            "groups",
            "times",
            "part",
            "preprocessing",
            "input_masks",
            "target_masks",
            "preparations",
        )
        return type(self)(**{name: changes.get(name, getattr(self, name)) for name in names})

    def astype(self, dtype: FloatType) -> Self:
        """The same samples with all floats of another type."""

        def cast(arrays: Mapping[str, Samples]) -> dict[str, Samples]:
            return {
                name: array if array.dtype.kind != "f" or array.dtype == dtype else array.astype(dtype) for name, array in arrays.items()
            }

        return self.replace(inputs=cast(self.inputs), targets=cast(self.targets))

    def like(self, schema: DataSchema) -> Self:
        """The same samples with their classes numbered as ``schema`` does, found by name where both give names.

        Args:
            schema: What a model learned from its training data; targets it doesn't have, or that are no classes, stay.

        Raises:
            DataError: DA007, for a class that ``schema`` doesn't know.

        Example:
            >>> data = Dataset.from_arrays([[1.0], [2.0]], ["dog", "cat"])
            >>> pets = DataSchema(inputs=data.schema.inputs, targets={"output": Target("classes", labels=["ant", "cat", "dog"])})
            >>> data.targets["output"].tolist(), data.like(pets).targets["output"].tolist()
            ([1, 0], [2, 1])
        """
        targets, described = renumbered(self.targets, self.schema.targets, schema.targets)
        return self.replace(targets=targets, schema=self.schema.replace(targets=described))

    def split_off(self, fraction: float, *, seed: int) -> tuple[Self, Self]:
        """Two parts: what is left, and a random ``fraction`` of the samples, of each class where there are classes.

        Raises:
            DataError: DA011, if a part would be empty.
        """
        from lamina.data.splits import RandomSplit

        stratify = len(self.targets) == 1 and next(iter(self.schema.targets.values())).kind == "classes"
        parts = RandomSplit(validation=fraction, stratify=stratify).parts(self, seed)
        return self.take(parts.train), self.take(parts.validation)


def as_dataset(
    data: DataLike,
    targets: Any = None,
    *,
    schema: DataSchema | None = None,
    shapes: Mapping[str, Shape] | None = None,
    dtype: FloatType = "float32",
    **roles: Any,
) -> Dataset:
    """Whatever a user holds, as a data set.

    Args:
        data: See `DataLike`.
        targets: Targets for ``data``, where they aren't part of it.
        schema: What inputs and targets must be, as learned in training.
        shapes: What the network's inputs take.
        dtype: Of all floats.
        **roles: Of columns, for frames: ``target="price"`` ...; of arrays: ``labels``, ``kind``, ``weight``.

    Raises:
        DataError: If the data can't be used, or are not what ``schema`` says.
    """
    from lamina.data.frames import is_frame

    roles = {name: value for name, value in roles.items() if value is not None}
    if isinstance(data, Dataset):
        return data
    if isinstance(data, tuple) and len(data) == 2 and targets is None:
        data, targets = data
    if is_frame(data) and (targets is None or "target" in roles):
        return Dataset.from_frame(data, **roles).astype(dtype)
    roles.pop("target", None)
    if is_frame(data):
        data = np.stack(list(_numeric_columns(data).values()), axis=1)
    if is_frame(targets):
        targets = np.stack(list(_numeric_columns(targets).values()), axis=1)
    data, masks, open_shapes = fill_inputs(data, shapes if schema is None else schema.inputs)
    wanted = targets if isinstance(targets, Mapping) or targets is None else {TARGET: targets}
    if any(is_ragged(value) for value in (wanted or {}).values()):
        _, filled, steps = pad_all({}, wanted)
        targets, masks = filled if isinstance(targets, Mapping) else filled[TARGET], masks | steps
    if schema is None:
        shape = open_shapes or _fitting(data, shapes)
        return Dataset.from_arrays(data, targets, shape=shape, dtype=dtype, masks=masks or None, **roles)
    inputs, _ = checked_inputs(data, schema.inputs, dtype)
    known = list(schema.targets)
    given = {} if targets is None else dict(targets) if isinstance(targets, Mapping) else {known[0] if known else TARGET: targets}
    encoded = {}
    for name, value in given.items():
        where = f"target {name!r}"
        array = target_samples(value, where)
        encoded[name] = encode_target(array, schema.targets.get(name) or describe_target(array, where), where, dtype)
    masks = {known[0] if name == TARGET and name not in schema.targets and known else name: mask for name, mask in masks.items()}
    input_masks, target_masks = checked_masks(masks or None, inputs, encoded)
    weight = check_weight(roles.get("weight"))
    return Dataset(inputs, encoded, schema, weight, input_masks=input_masks, target_masks=target_masks)


def as_inputs(data: Any, *, shapes: Mapping[str, Shape] | None = None, dtype: FloatType = "float32") -> dict[str, Any]:
    """Inputs alone, for predictions: checked arrays by input name; one array goes to the only input.

    Raises:
        DataError: If they don't fit ``shapes``, or hold NaN.
    """
    from lamina.data.frames import is_frame

    if is_frame(data):
        data = np.stack(list(_numeric_columns(data).values()), axis=1)
    inputs, _ = checked_inputs(data, shapes, dtype)
    return inputs


def as_unlabelled(data: Any, *, shapes: Mapping[str, Shape] | None = None, dtype: FloatType = "float32") -> Dataset:
    """As `as_inputs`, with the masks of sequences of different lengths."""
    filled, masks, _ = fill_inputs(data, shapes)
    inputs = as_inputs(filled, shapes=shapes, dtype=dtype)
    return Dataset(inputs, {}, DataSchema(inputs=shapes or {}), input_masks=masks)


def _numeric_columns(frame: Any) -> Mapping[str, np.ndarray]:
    from lamina.data.frames import read_frame

    return {name: to_floats(np.asarray(column), f"column {name!r}", "float64") for name, column in read_frame(frame).items()}


def _fitting(data: Any, shapes: Mapping[str, Shape] | None) -> Shape | Mapping[str, Shape] | None:
    """Shapes under the names that ``data`` uses."""
    if shapes is None or isinstance(data, Mapping) or len(shapes) > 1:
        return shapes
    return {INPUT: next(iter(shapes.values()))}


__all__ = ["DataLike", "Dataset", "Target", "as_dataset", "as_inputs"]
