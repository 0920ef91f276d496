"""Columns of a table and what each is for: numbers stay, categories become one-hot; the same way in training and for ever after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import model_validator

from lamina.data.schema import INPUT, TARGET, DataSchema, Target, TargetKind
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError, nearest
from lamina.shapes import Features, Shape
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    import numpy as np


Missing = Literal["error", "mean", "median", "zero"]
Table = Mapping[str, "np.ndarray"]
"""Columns by name: float64 (NaN where a number is missing), or text (``""`` where it is missing)."""


class Roles(Description):
    """What each column of a table is for.

    Attributes:
        target: Columns to learn; none for data without answers.
        features: Columns to learn from; by default all that have no other role.
        ignore: Columns to leave out.
        group: Column of what must stay together in a grouped split.
        time: Column that a split by time sorts by.
        part: Column that says train, validation or test for a predefined split.
        weight: Column of how much each sample counts.
        categorical: Columns that are categories though they look like numbers.
        numeric: Columns that must be numbers.
        kind: What the target is: classes, numbers or multilabel; by default what its values look like.
        missing: What stands for a missing number: nothing (``error``), or ``mean``, ``median`` (of the training part) or ``zero``.
            A missing category is 0 in all of its columns.
        shape: Of one sample, where the features are more than a vector; read in the order of the columns.
        text: Column of texts, which is then the only one to learn from.
        vectorize: How the texts become tokens or vectors; see `lamina.data.vectorization.TextVectorization`.
    """

    target: Names = ()
    features: Names | None = None
    ignore: Names = ()
    group: str | None = None
    time: str | None = None
    part: str | None = None
    weight: str | None = None
    categorical: Names = ()
    numeric: Names = ()
    kind: TargetKind | None = None
    missing: Missing = "error"
    shape: Shape | None = None
    text: str | None = None
    vectorize: TextVectorization | None = None

    @model_validator(mode="after")
    def _text_alone(self) -> Self:
        if self.text is None and self.vectorize is not None:
            raise wrong_value(
                expected="text beside vectorize",
                cause="no column is said to hold texts",
                fix="write text: NAME, or remove vectorize",
            )
        if self.text is not None and (self.features or self.categorical or self.numeric or self.shape or self.missing != "error"):
            raise wrong_value(
                expected="text without features, categorical, numeric, shape and missing",
                cause="texts are learned from alone: what becomes of a text is no row of numbers beside others",
                fix="remove the others, or give the network texts and numbers as two inputs, in arrays",
            )
        return self


class Columns(Description):
    """How a table becomes the array of an input; part of what a model keeps.

    Attributes:
        features: Columns, in the order in which they stand in the array.
        vocabularies: Categories of each categorical column, in order.
        missing: What stands for a missing number, see `Roles`.
        shape: Of one sample, if not a vector.
        target: Columns to learn.
        weight: Column of how much each sample counts; labelled data without it count evenly.
        text: How the only column, one of texts, becomes tokens or vectors; with the vocabulary.
    """

    features: listed(str)  # type: ignore[valid-type]
    vocabularies: dict[str, listed(str)] = {}  # type: ignore[valid-type]
    missing: Missing = "error"
    shape: Shape | None = None
    target: listed(str) = ()  # type: ignore[valid-type]
    weight: str | None = None
    text: TextVectorization | None = None

    @property
    def width(self) -> int:
        """Numbers in one row of the array."""
        return sum(len(self.vocabularies.get(name, (name,))) for name in self.features)

    @property
    def sample(self) -> Shape:
        """Shape of one sample."""
        if self.text is not None:
            return self.text.shape
        return self.shape or Features(count=self.width)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each number of a row: ``age``, ``city=Bern`` ...; of texts, their words."""
        if self.text is not None:
            return self.text.names
        return tuple(part for name in self.features for part in self._parts(name))

    def _parts(self, name: str) -> list[str]:
        return [f"{name}={value}" for value in self.vocabularies[name]] if name in self.vocabularies else [name]

    def encode(self, table: Table, where: str) -> np.ndarray:
        """Samples of their shape, with NaN where a number is missing and may be; float64, or int64 for tokens.

        Args:
            table: Must have all columns of training; others are not looked at.
            where: The file or frame, for messages.

        Raises:
            DataError: DA014 for a column that is missing or has another name, DA015 for a category that wasn't there in training,
                DA001 for a missing number where none may be, DA005 for text among the numbers.
        """
        import numpy as np

        require(table, self.features, where)
        if self.text is not None:
            return self.text.encode(as_text(table[self.features[0]]).tolist())
        encoders = {name: self._one_hot if name in self.vocabularies else self._numbers for name in self.features}
        rows = np.concatenate([encode(name, table[name], where) for name, encode in encoders.items()], axis=1)
        return rows.reshape(-1, *[d for d in self.sample.dims if d is not None])

    def _numbers(self, name: str, column: np.ndarray, where: str) -> np.ndarray:
        import numpy as np

        column = _truths(column)
        if column.dtype.kind not in "biuf":
            index = next((i for i, text in enumerate(column.tolist()) if not is_number(text)), 0)
            raise DataError(
                "DA005",
                where=f"{where}, row {index + 1}, column {name!r}",
                expected="a number",
                got=repr(str(column[index])) if len(column) else "text",
                cause="the column held only numbers before, or holds a mark for missing values",
                fix=f"correct the value, or list the column under categorical: [{name}]",
            )
        numbers: np.ndarray = column.astype(np.float64)
        wrong = np.isinf(numbers) if self.missing != "error" else ~np.isfinite(numbers)
        if wrong.any():
            index = int(np.flatnonzero(wrong)[0])
            raise DataError(
                "DA001",
                where=f"{where}, row {index + 1}, column {name!r}",
                expected="a finite number",
                got=f"{'nothing' if np.isnan(numbers[index]) else numbers[index]} ({int(wrong.sum())} such rows)",
                cause="the value is missing" if np.isnan(numbers[index]) else "a value out of scale",
                fix="fill it in, drop the row, or write missing: mean (or median, zero) in the csv source",
            )
        return numbers[:, None]

    def _one_hot(self, name: str, column: np.ndarray, where: str) -> np.ndarray:
        import numpy as np

        values = as_words(column, self.vocabularies[name])
        vocabulary = np.asarray(self.vocabularies[name])
        hot: np.ndarray = (values[:, None] == vocabulary[None, :]).astype(np.float64)
        wrong = np.flatnonzero((hot.sum(axis=1) == 0) & ((values != "") | (self.missing == "error")))
        if len(wrong):
            index = int(wrong[0])
            value = str(values[index])
            near = nearest(value, self.vocabularies[name]) if value else None
            raise DataError(
                "DA015",
                where=f"{where}, row {index + 1}, column {name!r}",
                expected=f"one of {', '.join(map(repr, self.vocabularies[name][:12]))}",
                got=f"{value!r} ({len(wrong)} such rows)" if value else f"nothing ({len(wrong)} such rows)",
                cause="a category that was not there in training" if value else "the value is missing",
                fix=f"did you mean {near!r}?" if near else "correct the value, or train on data that have it",
            )
        return hot


def require(table: Table, names: tuple[str, ...], where: str, *, named: bool = False) -> None:
    """See that a table has these columns.

    Args:
        table: The table.
        names: The columns.
        where: For the message.
        named: Whether the user has just named them, so that the typo is in the name, not in the table.

    Raises:
        DataError: DA014, for all that are missing, with the nearest name.
    """
    missing = [name for name in names if name not in table]
    if missing:
        near = nearest(missing[0], list(table) if named else [name for name in table if name not in names])
        if named:
            cause = "a typo" if near else "the table has no such column"
            fix = f"did you mean {near!r}?" if near else "name one of its columns"
        else:
            cause = "the column was renamed" if near else "the column is not there"
            fix = f"did you mean {near!r}? Rename it to {missing[0]!r}" if near else "give all columns that the model was trained on"
        raise DataError(
            "DA014",
            where=where,
            expected=f"a column {missing[0]!r}" + (f" (and {', '.join(map(repr, missing[1:6]))})" if len(missing) > 1 else ""),
            got=f"the columns {', '.join(list(table)[:12])}",
            cause=cause,
            fix=fix,
        )


def describe_table(table: Table, roles: Roles, where: str) -> tuple[Columns, dict[str, Target]]:
    """How a table becomes arrays, and what its target is.

    Raises:
        DataError: DA014 for roles of columns that aren't there; DA016 for features that can't be.
    """
    import numpy as np

    singles = tuple(name for name in (roles.group, roles.time, roles.part, roles.weight) if name is not None)
    explicit = roles.features or ()
    text = () if roles.text is None else (roles.text,)
    require(table, (*roles.target, *explicit, *text, *roles.ignore, *singles, *roles.categorical, *roles.numeric), where, named=True)
    others = {*roles.target, *roles.ignore, *singles}
    features = text or explicit or tuple(name for name in table if name not in others)
    if not features or {*features} & {*roles.target}:
        raise DataError(
            "DA016",
            where=where,
            expected="columns to learn from, and the target not among them",
            got=f"features {', '.join(features) or '(none)'}; target {', '.join(roles.target)}",
            cause="every column has another role, or the answer would stand in the question",
            fix="list other columns under features",
        )
    vocabularies = {}
    for name in () if text else features:
        column = table[name]
        if name in roles.categorical or (column.dtype.kind not in "biuf" and name not in roles.numeric):
            vocabularies[name] = tuple(value for value in np.unique(as_text(column)).tolist() if value)
    columns = Columns(
        features=features,
        vocabularies=vocabularies,
        missing=roles.missing,
        shape=roles.shape,
        target=roles.target,
        weight=roles.weight,
        text=(roles.vectorize or TextVectorization()).fit(as_text(table[roles.text]).tolist()) if roles.text is not None else None,
    )
    size = columns.sample.size
    if not text and size is not None and size != columns.width:
        raise DataError(
            "DA016",
            where=where,
            expected=f"{size} numbers in a row, as shape {columns.sample} says",
            got=f"{columns.width}",
            cause="the features are more or fewer than the shape has places",
            fix="correct shape, or list exactly its columns under features",
        )
    return columns, {} if not roles.target else {TARGET: _target(table, roles, where)}


def _target(table: Table, roles: Roles, where: str) -> Target:
    from lamina.data.targets import describe_target

    array, labels = target_array(table, roles.target, roles.kind, where)
    if labels is not None:
        return Target(kind="classes", labels=labels)
    return describe_target(array, f"{where}, target", labels=roles.target, kind=roles.kind or "numbers")


def target_array(table: Table, names: tuple[str, ...], kind: TargetKind | None, where: str) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """The values of the target, and the sorted names of the classes if that is what it is.

    A single column is classes if it holds text, or whole numbers of which there are at most 20 different ones.
    """
    import numpy as np

    arrays = [table[name] for name in names]
    for name, array in zip(names, arrays, strict=True):
        gone = np.flatnonzero(np.isnan(array) if array.dtype.kind == "f" else array == "")
        if len(gone):
            raise DataError(
                "DA001",
                where=f"{where}, row {int(gone[0]) + 1}, column {name!r}",
                expected="a value to learn",
                got=f"nothing ({len(gone)} such rows)",
                cause="the answer is missing",
                fix="drop the rows without an answer; there is nothing to learn from them",
            )
    if len(arrays) == 1:
        column = arrays[0]
        text = column.dtype.kind not in "biuf"
        if kind == "classes" or (kind is None and (text or _few_whole(column))):
            return as_text(column), class_names(column)
        if not text:
            return column[:, None], None
    return np.stack([np.asarray(array, dtype=np.float64) for array in arrays], axis=1), None


def _few_whole(column: np.ndarray) -> bool:
    import numpy as np

    return bool((column == np.floor(column)).all()) and len(np.unique(column)) <= 20


def class_names(column: np.ndarray) -> tuple[str, ...]:
    """Names of the classes in sorted order; numbers in the order of numbers."""
    import numpy as np

    return tuple(as_text(np.unique(column)).tolist())


def as_text(column: np.ndarray) -> np.ndarray:
    """A column as text: whole numbers without a point, missing ones as nothing."""
    import numpy as np

    if column.dtype.kind in "US":
        return column
    if column.dtype.kind == "f":
        return np.asarray(["" if value != value else str(int(value)) if value.is_integer() else repr(value) for value in column.tolist()])
    return column.astype(str)


def as_words(column: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """A column as text like ``names``: frames have true and false as 1 and 0, files as words."""
    words = {name.lower(): name for name in names}
    if column.dtype.kind in "biuf" and words.keys() == {"false", "true"}:
        import numpy as np

        if ((column == 0) | (column == 1) | (column != column)).all():
            return np.select([column == 1, column == 0], [words["true"], words["false"]], "")
    return as_text(column)


def _truths(column: np.ndarray) -> np.ndarray:
    """A column of the words true and false as 1 and 0, as frames have them; any other as it is."""
    import numpy as np

    if column.dtype.kind not in "US" or not {text.lower() for text in np.unique(column).tolist()} <= {"true", "false", ""}:
        return column
    low = np.char.lower(column)
    return np.where(low == "", np.nan, (low == "true").astype(np.float64))


def dataset_from_table(kind: type[Any], table: Table, /, *, where: str = "the frame", columns: Columns | None = None, **roles: Any) -> Any:
    """A data set of a table; ``kind`` is `Dataset`.

    Args:
        kind: The class to make.
        table: Columns by name.
        where: For messages.
        columns: How, if already known; otherwise it is found out by the table.
        **roles: See `Roles`.
    """
    from lamina.data.arrays import check_lengths
    from lamina.data.given import check_weight
    from lamina.data.targets import encode_target

    check_lengths({f"{where}, column {name!r}": len(column) for name, column in table.items()} or {where: 0})
    given = Roles(**{name: value for name, value in roles.items() if value is not None})
    found, targets = describe_table(table, given, where)
    inputs = {INPUT: found.encode(table, where)}
    arrays: dict[str, np.ndarray] = {}
    if targets:
        values, _ = target_array(table, given.target, given.kind, where)
        arrays[TARGET] = encode_target(values, targets[TARGET], f"{where}, target", "float64")
    return kind(
        inputs,
        arrays,
        DataSchema(inputs={INPUT: found.sample}, targets=targets),
        None if given.weight is None else check_weight(table[given.weight]),
        columns=found,
        groups=None if given.group is None else table[given.group],
        times=None if given.time is None else table[given.time],
        part=None if given.part is None else table[given.part],
    )


def is_number(text: Any) -> bool:
    """Whether text can be read as a number."""
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True
