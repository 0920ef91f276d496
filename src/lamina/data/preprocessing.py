"""What must travel with a model: how raw rows become its inputs, the same way in training and in every prediction after."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from lamina.data.gaps import gaps
from lamina.data.preparation import Preparation, prepared
from lamina.data.scaling import fit_inputs, fit_targets, read_scale
from lamina.data.schema import INPUT, TARGET, DataSchema
from lamina.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.columns import Columns
    from lamina.data.dataset import Dataset
    from lamina.data.lazy import Samples
    from lamina.data.normalizers import Fitted, Normalizer
    from lamina.data.serving import Serving
    from lamina.data.words import Column
    from lamina.shapes import Shape

VERSION = 1


class Preprocessing:
    """Columns, filled gaps and scales, fitted on the training part.

    Args:
        schema: What the prepared data are.
        columns: How a table becomes the input; None if the data never were a table.
        fill: What stands for a missing number in each place of a row, by input name; inputs where none may be missing have none.
        inputs: Fitted normalizers by input name.
        targets: Fitted normalizers by target name.
        serving: How raw rows become the table that ``columns`` are taken from; None if they are that table.
        dtype: Of the prepared floats.
        preparations: How raw things (photos, sounds) become an input, by its name.
    """

    def __init__(
        self,
        schema: DataSchema,
        *,
        columns: Columns | None = None,
        fill: Mapping[str, np.ndarray] | None = None,
        inputs: Mapping[str, Fitted] | None = None,
        targets: Mapping[str, Fitted] | None = None,
        serving: Serving | None = None,
        dtype: str = "float32",
        preparations: Mapping[str, Preparation] | None = None,
    ) -> None:
        self.schema = schema
        self.columns = columns
        self.fill = dict(fill or {})
        self.input_scales = dict(inputs or {})
        self.target_scales = dict(targets or {})
        self.serving = serving
        self.dtype = dtype
        self.preparations = dict(preparations or {})

    @classmethod
    def fit(
        cls,
        train: Dataset,
        *,
        normalize: Normalizer | None = None,
        normalize_targets: Normalizer | None = None,
        serving: Serving | None = None,
        dtype: str = "float32",
    ) -> Self:
        """Find all numbers on the training part, and on nothing else.

        Args:
            train: The training part as its source gave it; numbers may be missing (NaN) if its columns say what stands for them.
            normalize: For every input that isn't tokens.
            normalize_targets: For every target of numbers.
            serving: How raw rows became the training part.
            dtype: Of the prepared floats.

        Raises:
            DataError: DA012, if there is nothing to fit to.
        """
        made = cls(train.schema, columns=train.columns, fill=gaps(train), serving=serving, dtype=dtype, preparations=train.preparations)
        if normalize is not None:
            made.input_scales = fit_inputs(normalize, train, made._filled)
        if normalize_targets is not None:
            made.target_scales = fit_targets(normalize_targets, train)
        return made

    # -- using it -----------------------------------------------------------------------------------------------------

    def prepare(self, dataset: Dataset) -> Dataset:
        """A data set as its source gave it, filled, scaled and in the type of the network.

        Raises:
            DataError: DA001, if the result holds what is no finite number; DA022, if a table was encoded by other columns or
                categories; DA007 for classes that weren't there in training.
        """
        import numpy as np

        from lamina.data.arrays import check_finite
        from lamina.data.encoded import EncodedRows
        from lamina.data.lazy import LazyArray
        from lamina.data.looked import finite
        from lamina.data.scaled_rows import scaled_rows

        self._check_columns(dataset.columns)
        dataset = dataset.like(self.schema)
        inputs = self.scaled(dataset.inputs)
        for name, array in inputs.items():
            own = None if self.columns is None else self.columns.inputs.get(name)
            where, columns = f"input {name!r}", own.names if own is not None and array.ndim == 2 else None
            rows = dataset.inputs[name]
            if isinstance(rows, EncodedRows) and rows.ndim == 2:
                inputs[name] = scaled_rows(self._filled(rows, name), self.input_scales.get(name), self.dtype, where, columns)
                continue
            if isinstance(rows, EncodedRows):
                # Put together and scaled block by block: what is in between never exists as a whole.
                array = inputs[name] = np.asarray(array)  # noqa: PLW2901
            if dataset.inputs[name].dtype.kind in "biu":
                continue  # Whole numbers are finite, and so are their scales.
            if isinstance(array, LazyArray):
                inputs[name] = finite(array, where, columns)
            else:
                check_finite(array, where, columns)
        targets = {name: self._scaled_target(array, name) for name, array in dataset.targets.items()}
        for name, array in targets.items():
            if array.dtype.kind == "f" and not isinstance(array, LazyArray):
                check_finite(array, f"target {name!r}")
        return dataset.replace(inputs=inputs, targets=targets, schema=self.schema, preprocessing=self)

    def scaled(self, inputs: Mapping[str, Samples]) -> dict[str, Any]:
        """Arrays of some inputs, of any length, filled, scaled and in the type of the network; what is lazy stays so."""
        import numpy as np

        from lamina.data.lazy import LazyArray, Mapped
        from lamina.data.scaled_bytes import ScaledBytes

        def ready(array: Samples, name: str) -> Samples:
            if self._keeps_bytes(array, name):
                return ScaledBytes(np.ascontiguousarray(array), lambda values: self._scaled(values, name))
            if not isinstance(array, LazyArray):
                return self._scaled(self._filled(array, name), name)
            kept = self.schema.inputs[name].dtype == "int"
            return Mapped(array, lambda values: self._scaled(self._filled(values, name), name), dtype=array.dtype if kept else self.dtype)

        return {name: ready(array, name) for name, array in inputs.items()}

    def _check_columns(self, given: Columns | None) -> None:
        own = self.columns
        if given is None or own is None:
            return
        if own.same_inputs(given):
            return
        raise DataError(
            "DA022",
            where="the data",
            expected=f"a table encoded by the columns and categories of training: {', '.join(own.names[:8])}",
            got=f"{', '.join(given.names[:8])}",
            cause="a data set made of another table finds columns and categories of its own",
            fix="give the frame itself, such as model.evaluate(frame) or fit(..., validation=frame); the model knows its columns",
        )

    def inputs(self, data: Any) -> dict[str, Any]:
        """Inputs of the network for raw data.

        Args:
            data: A frame or mapping of columns, a path of a csv file, an array of raw numbers, or a mapping of them by input name.

        Raises:
            DataError: If columns are missing or renamed, categories new, shapes others, numbers missing.
        """
        return self.unlabelled(data).inputs

    apply = inputs

    def unlabelled(self, data: Any) -> Dataset:
        """As `inputs`, with the masks of sequences."""
        from lamina.data.dataset import Dataset

        inputs, masks = self._raw(data)
        return self.prepare(Dataset(inputs, {}, DataSchema(inputs=self.schema.inputs), input_masks=masks))

    def dataset(self, data: Any, targets: Any = None) -> Dataset:
        """Inputs and targets of the network for raw labelled data.

        Args:
            data: As for `inputs`; a frame holds the columns of the target too. Or a pair ``(x, y)``.
            targets: Targets for ``data``, where they aren't part of it.

        Raises:
            DataError: As for `inputs`, and for labels that weren't there in training.
        """
        from lamina.data.dataset import Dataset

        if isinstance(data, Dataset):
            return self.prepare(data) if data.preprocessing is None else data
        return self.prepare(self.raw_dataset(data, targets))

    def raw_dataset(self, data: Any, targets: Any = None) -> Dataset:
        """As `dataset`, but neither filled nor scaled yet."""
        import numpy as np

        from lamina.data.arrays import to_array
        from lamina.data.dataset import Dataset
        from lamina.data.given import check_weight
        from lamina.data.targets import encode_target

        if isinstance(data, tuple) and len(data) == 2 and targets is None:
            data, targets = data
        table = self._table(data, labelled=targets is None) if self.columns is not None else None
        if targets is None and table is not None and self.columns is not None and self.columns.target:
            return self._labelled(table, self.columns)
        given: dict[str, Any] = {}
        if targets is not None:
            given = dict(targets) if isinstance(targets, Mapping) else {next(iter(self.schema.targets), TARGET): targets}
        encoded = {}
        for name, value in given.items():
            array = to_array(value, f"target {name!r}")
            if self.columns is not None:
                array = self._named(array, name)
            encoded[name] = encode_target(array, self.schema.targets[name], f"target {name!r}", "float64")
        inputs, masks = self._raw(data, table)
        weight = None if table is None or self.columns is None or self.columns.weight is None else table.get(self.columns.weight)
        weights = None if weight is None else check_weight(np.asarray(weight))
        return Dataset(inputs, encoded, self.schema, weights, columns=self.columns, input_masks=masks)

    def _labelled(self, table: Mapping[str, Column], columns: Columns) -> Dataset:
        from lamina.data.columns import require
        from lamina.data.dataset import Dataset
        from lamina.data.encoding import encode_table
        from lamina.data.roles import Roles

        require(table, columns.target, "the target of the data")
        roles = Roles(weight=columns.weight) if columns.weight is not None and columns.weight in table else Roles()
        made: Dataset = encode_table(Dataset, table, roles, columns, dict(self.schema.targets), "the data")
        return made.replace(schema=self.schema)

    def restore_target(self, name: str, array: np.ndarray) -> np.ndarray:
        """Predictions of a target on its own scale."""
        return self.target_scales[name].invert(array) if name in self.target_scales else array

    def _named(self, array: np.ndarray, name: str) -> np.ndarray:
        """Numbers that were the names of classes in the table (grades 1 to 6, say) are names here too, not places."""
        from lamina.data.words import as_text, is_number

        labels = self.schema.targets[name].labels or ()
        numbers = array.ndim == 1 and array.dtype.kind in "iuf" and all(is_number(label) for label in labels)
        return as_text(array) if numbers and self.schema.targets[name].kind == "classes" and labels else array

    def _table(self, data: Any, *, labelled: bool = False) -> Mapping[str, Column] | None:
        from lamina.data.frames import as_table
        from lamina.data.text.given import named_texts

        if self.columns is not None and self.columns.texts:
            data = named_texts(data, self.columns.features)
        if self.serving is not None and self.columns is not None:
            return self.serving.table(data, self.columns, labelled=labelled and bool(self.columns.target))
        return self.read_table(data) if isinstance(data, str | os.PathLike) else as_table(data)

    def read_table(self, path: str | os.PathLike[str]) -> Mapping[str, Column]:
        """A csv file with a header, read as that of training was; the delimiter is the one by which its header has the columns.

        Raises:
            DataError: DA031 or DA032, if it can't be read.
        """
        from lamina.data.sources.csv import find_delimiter, read_table

        columns = self.columns
        features = () if columns is None else columns.features
        # What was a category or a text in training is read as text, so that 007 doesn't become 7.
        texts = () if columns is None else (*columns.texts, *columns.vocabularies)
        return read_table(path, delimiter=find_delimiter(path, features), texts=texts)

    def _raw(self, data: Any, table: Mapping[str, Column] | None = None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Array of each input, and masks of its steps."""
        from lamina.data.dataset import as_inputs
        from lamina.data.ragged import fill_inputs

        found, rest = prepared(data, self.preparations, self.schema.inputs)
        if found:
            others = {name: shape for name, shape in self.schema.inputs.items() if name not in found}
            return {**found, **(as_inputs(rest, shapes=others, dtype="float64") if others or rest else {})}, {}
        if self.columns is None:
            data, masks, _ = fill_inputs(data, self.schema.inputs)
            return as_inputs(data, shapes=self.schema.inputs, dtype="float64"), masks
        table = self._table(data) if table is None else table
        inputs = {*self.columns.inputs} - {*self.columns.features}
        if table is None or (isinstance(data, Mapping) and inputs and inputs <= {*data}):
            return self._raw_array(data), {}
        arrays, masks, _ = self.columns.samples(table, "the data")
        return arrays, masks

    def _raw_array(self, data: Any) -> dict[str, np.ndarray]:
        """Rows without names of columns: in the order of training."""
        from lamina.data.arrays import check_shape, to_array, to_floats
        from lamina.data.dataset import as_inputs

        columns = self.columns
        only = None if columns is None else columns.only
        if columns is not None and columns.vocabularies:
            raise DataError(
                "DA018",
                where="the data",
                expected=f"a frame with the columns {', '.join(columns.features[:8])}",
                got="an array, whose columns have no names",
                cause=f"the columns {', '.join(list(columns.vocabularies)[:5])} hold categories, which an array of numbers can't",
                fix="give a Polars or pandas frame, a csv file, or a dict of columns",
            )
        if only is not None and only.missing != "error" and not isinstance(data, Mapping):
            rows = to_floats(to_array(data, "input 'input'"), "input 'input'", "float64")
            name, shape = next(iter(self.schema.inputs.items()))
            check_shape(rows, shape, f"input {name!r}")
            return {name: rows}
        return as_inputs(data, shapes=self.schema.inputs, dtype="float64")

    def _filled(self, array: Any, name: str) -> Any:
        """An array, or rows still to be put together, with what stands for what is missing."""
        import numpy as np

        fill = self.fill.get(name)
        if fill is None:
            return array
        if not isinstance(array, np.ndarray):
            return array.filled(fill)
        rows = array.reshape(-1 if self._is_sequence else len(array), len(fill))
        return np.where(np.isnan(rows), fill, rows).reshape(array.shape)

    @property
    def _is_sequence(self) -> bool:
        return self.columns is not None and self.columns.sequence is not None

    def _keeps_bytes(self, array: Samples, name: str) -> bool:
        """Whether an input is so many bytes that they are scaled in the batch, all by the same numbers."""
        from lamina.data.scaled_bytes import LEAST

        if getattr(array, "dtype", None) != "uint8" or array.nbytes < LEAST or hasattr(array, "draw"):
            return False
        fitted = self.input_scales.get(name)
        return self.schema.inputs[name].dtype == "float" and name not in self.fill and (fitted is None or fitted.axis is None)

    def _scaled(self, array: np.ndarray, name: str) -> np.ndarray:
        import numpy as np

        from lamina.data.whole_numbers import scaled

        if self.schema.inputs[name].dtype == "int":
            return array
        # Bytes go straight to the network's type: a large set of images never exists in float64.
        if array.dtype.kind in "biu":
            return scaled(array, self.input_scales.get(name), self.dtype)
        # What is too large becomes infinite, which is looked for afterwards and then said.
        with np.errstate(over="ignore", invalid="ignore"):
            if name in self.input_scales:
                array = self.input_scales[name].apply(array)
            return np.ascontiguousarray(array, dtype=self.dtype)

    def _scaled_target(self, array: Samples, name: str) -> Samples:
        import numpy as np

        from lamina.data.lazy import LazyArray, Mapped

        if array.dtype.kind != "f":
            return array
        if isinstance(array, LazyArray):
            return Mapped(array, lambda values: np.asarray(self._scaled_target(values, name)), dtype=self.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = self.target_scales[name].apply(array) if name in self.target_scales else array
            return np.ascontiguousarray(scaled, dtype=self.dtype)

    # -- keeping it ---------------------------------------------------------------------------------------------------

    def to_archive(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain data and named arrays, from which `from_archive` makes the same."""
        arrays = {f"fill/{name}": numbers for name, numbers in self.fill.items()}
        for kind, scales in (("input", self.input_scales), ("target", self.target_scales)):
            arrays |= {f"{kind}/{name}/{part}": array for name, fitted in scales.items() for part, array in fitted.to_arrays().items()}
        data = {
            "version": VERSION,
            "dtype": self.dtype,
            "schema": self.schema.to_dict(full=True),
            "columns": None if self.columns is None else self.columns.to_dict(full=True),
            "table": None if self.serving is None else self.serving.to_dict(),
            "scaled": {"input": list(self.input_scales), "target": list(self.target_scales)},
        }
        if self.preparations:
            data["prepared"] = {name: how.to_dict(full=True) for name, how in self.preparations.items()}
        return data, arrays

    @classmethod
    def from_archive(cls, data: Any, arrays: Mapping[str, np.ndarray]) -> Self:
        """What `to_archive` gave.

        Raises:
            DataError: DA019, if these are not its words.
        """
        from lamina.data.columns import Columns
        from lamina.data.serving import Serving

        try:
            columns = None if data["columns"] is None else Columns.from_dict(data["columns"])
            schema = DataSchema.from_dict(data["schema"])
            shapes: dict[str, dict[str, Shape | None]] = {
                "input": dict(schema.inputs),
                "target": {name: target.shape for name, target in schema.targets.items()},
            }
            scales = {
                kind: {name: read_scale(arrays, f"{kind}/{name}/", shapes[kind][name]) for name in _names(data["scaled"][kind])}
                for kind in ("input", "target")
            }
            return cls(
                schema,
                columns=columns,
                # Before there could be several inputs, the only one's numbers were called plain "fill".
                fill={name.partition("/")[2] or INPUT: numbers for name, numbers in arrays.items() if name.partition("/")[0] == "fill"},
                inputs=scales["input"],
                targets=scales["target"],
                serving=None if data.get("table") is None else Serving.from_dict(data["table"]),
                dtype={"float32": "float32", "float64": "float64"}[data["dtype"]],
                preparations={str(name): Preparation.from_dict(how) for name, how in data.get("prepared", {}).items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                "DA019",
                where="the preprocessing of an archive",
                expected=f"what Lamina writes, version {VERSION}",
                got=f"{type(error).__name__}: {error}",
                cause="the file was changed, or written by a later version",
                fix="save the model again with model.save(path)",
            ) from error


def _names(value: Any) -> Sequence[str]:
    return [str(name) for name in value]
