"""How a table becomes arrays: numbers stay, categories become one-hot or an index; the same way in training and for ever after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import model_validator

from lamina.data.roles import Encoding, Missing, Unknown, Window
from lamina.data.schema import INPUT, TARGET
from lamina.data.table.headers import not_there
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError, nearest
from lamina.shapes import Features, Sequence, Shape, Tokens
from lamina.spec import Description
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.encoded import Part
    from lamina.data.lazy import Samples
    from lamina.data.sequencing import Places
from lamina.data.words import Column

Table: TypeAlias = "Mapping[str, Column]"
"""Columns by name, see `lamina.data.words.Column`."""
ABSENT, STRANGE = 0, 1
"""Index of a category that is missing, and of one that wasn't there in training."""


class InputColumns(Description):
    """How columns of a table become the array of one input; part of what a model keeps.

    Attributes:
        features: Columns, in the order in which they stand in the array.
        vocabularies: Categories of each categorical column, in order.
        widths: Numbers in a row of each column of lists.
        missing: What stands for a missing number, see `lamina.data.roles.Roles`.
        encode: What categories become, see `lamina.data.roles.InputRoles`.
        unknown: What a category becomes that isn't in its vocabulary.
        shape: Of one sample, if not a vector.
        text: How the only column, one of texts, becomes tokens or vectors; with the vocabulary.
    """

    features: listed(str)  # type: ignore[valid-type]
    vocabularies: dict[str, listed(str)] = {}  # type: ignore[valid-type]
    widths: dict[str, int] = {}
    missing: Missing = "error"
    encode: Encoding = "one_hot"
    unknown: Unknown = "error"
    shape: Shape | None = None
    text: TextVectorization | None = None

    @property
    def width(self) -> int:
        """Numbers in one row of the array."""
        return sum(len(self._parts(name)) for name in self.features)

    @property
    def sample(self) -> Shape:
        """Shape of one sample."""
        if self.text is not None:
            return self.text.shape
        if self.encode == "index":
            return Tokens(steps=1, vocabulary=len(self.vocabularies[self.features[0]]) + 2)
        return self.shape or Features(count=self.width)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each number of a row: ``age``, ``city=Bern`` ...; of texts, their words."""
        if self.text is not None:
            return self.text.names
        return tuple(part for name in self.features for part in self._parts(name))

    def _parts(self, name: str) -> list[str]:
        if name in self.vocabularies:
            return [f"{name}={value}" for value in self.vocabularies[name]] if self.encode == "one_hot" else [name]
        return [f"{name}[{place}]" for place in range(self.widths[name])] if name in self.widths else [name]

    def array(self, table: Table, where: str) -> Samples:
        """Samples of their shape, with NaN where a number is missing and may be; float64, or int64 for tokens; lazy if there are many.

        Args:
            table: Must have all columns of training; others are not looked at.
            where: The file or frame, for messages.

        Raises:
            DataError: DA014 for a column that is missing or has another name, DA015 for a category that wasn't there in training,
                DA001 for a missing number where none may be, DA005 for text among the numbers.
        """
        import numpy as np

        from lamina.data.encoded import LARGE_BYTES, EncodedRows, encoded
        from lamina.data.words import words_of

        require(table, self.features, where)
        if self.text is not None:
            return self.text.encode(words_of(table, self.features[0], where).tolist())
        if self.encode == "index":
            places = self._places(self.features[0], table, where)
            return (np.where(places == -2, ABSENT, np.where(places == -1, STRANGE, places + 2)))[:, None]
        parts = self.parts(table, where)
        dims = tuple(d for d in self.sample.dims if d is not None)
        if len(parts[0][0]) * self.width * 8 > LARGE_BYTES:
            return EncodedRows(parts, dims)
        return encoded(parts, dims, slice(None))

    def parts(self, table: Table, where: str) -> list[Part]:
        """The columns, checked, one by one; see `array`."""
        return [self._part(name, table, where) for name in self.features]

    def _part(self, name: str, table: Table, where: str) -> Part:
        """A column, checked."""
        width = len(self._parts(name))
        if name in self.vocabularies:
            return self._places(name, table, where), width, True
        return self._numbers(name, table[name], where), width, False

    def _numbers(self, name: str, column: Column, where: str) -> np.ndarray:
        import numpy as np

        from lamina.data.words import as_numbers, as_words, first_odd

        wide = self.widths.get(name)
        if column.ndim != (1 if wide is None else 2) or (wide is not None and column.shape[1:] != (wide,)):
            raise self._odd(where, name, f"lists of {wide} numbers" if wide else "a number", f"an array {[*column.shape[1:]]}")
        numbers = column if wide is not None and not _written(column) else as_numbers(column)
        if numbers is None:
            words = as_words(column)
            row = first_odd(words)
            row_place = f"{where}, row {row + 1}"
            raise self._odd(row_place, name, "a number", repr(words[row]))
        wrong = np.isinf(numbers) if self.missing != "error" else ~np.isfinite(numbers)
        if wrong.any():
            place = tuple(int(axis[0]) for axis in np.nonzero(wrong))
            value, many = numbers[place], int(wrong.any(axis=-1).sum()) if wide else int(wrong.sum())
            raise DataError(
                "DA001",
                where=f"{where}, row {place[0] + 1}, column {name!r}",
                expected="a finite number",
                got=f"{'nothing' if np.isnan(value) else value} ({many} such rows)",
                cause="the value is missing" if np.isnan(value) else "a value out of scale",
                fix="fill it in, drop the row, or write missing: mean (or median, zero) in the csv source",
            )
        return np.asarray(numbers)

    def _odd(self, where: str, name: str, expected: str, got: str) -> DataError:
        return DataError(
            "DA005",
            where=f"{where}, column {name!r}",
            expected=expected,
            got=got,
            cause="the column held only numbers before, or holds a mark for missing values",
            fix=f"correct the value, or list the column under categorical: [{name}]",
        )

    def _places(self, name: str, table: Table, where: str) -> np.ndarray:
        """Place of each row's category in the vocabulary; -1 where it isn't there, -2 where it is missing."""
        import numpy as np

        from lamina.data.words import words_of

        words = words_of(table, name, where, self.vocabularies[name])
        places = words.places(self.vocabularies[name])
        strange = np.flatnonzero((places == -1) | ((places == -2) & (self.missing == "error") & (self.encode == "one_hot")))
        if len(strange):
            row = int(strange[0])
            value = str(words[row])
            if self.unknown == "ignore" and value:
                self._warn(name, value, int((places == -1).sum()), where)
                return places
            near = nearest(value, self.vocabularies[name]) if value else None
            raise DataError(
                "DA015",
                where=f"{where}, row {row + 1}, column {name!r}",
                expected=f"one of {', '.join(map(repr, self.vocabularies[name][:12]))}",
                got=f"{value!r} ({len(strange)} such rows)" if value else f"nothing ({len(strange)} such rows)",
                cause="a category that was not there in training" if value else "the value is missing",
                fix=f"did you mean {near!r}?" if near else "correct the value, or train on data that have it",
            )
        return places

    def _warn(self, name: str, value: str, count: int, where: str) -> None:
        import warnings

        from lamina.errors import LaminaWarning

        message = f"[DA015] {where}, column {name!r}: {count} rows hold categories that were not there in training, such as {value!r}"
        warnings.warn(f"{message}; they count as none of the known ones (unknown: ignore)", LaminaWarning, stacklevel=2)


class Columns(Description):
    """How a table becomes arrays of inputs and targets; part of what a model keeps.

    Attributes:
        inputs: Columns of each input.
        targets: Columns of each target.
        weight: Column of how much each sample counts; labelled data without it count evenly.
        sequence: Columns that say which rows are steps of the same sample; None where each row is a sample.
        window: Windows that slide over the rows, or over those of each sequence.
        per_step: Targets that have a value for each step.

    Example:
        >>> Columns(features=["age"]).inputs["input"].features
        ('age',)
    """

    inputs: dict[str, InputColumns]
    targets: dict[str, Names] = {}
    weight: str | None = None
    sequence: Names | None = None
    window: Window | None = None
    per_step: Names = ()

    @model_validator(mode="before")
    @classmethod
    def _single(cls, value: Any) -> Any:
        """Settings of the only input, as models were kept before there could be several."""
        if not isinstance(value, Mapping) or "features" not in value:
            return value
        own = {key: item for key, item in value.items() if key not in ("target", "weight")}
        target = value.get("target") or ()
        return {"inputs": {INPUT: own}, "targets": {TARGET: target} if target else {}, "weight": value.get("weight")}

    @property
    def features(self) -> tuple[str, ...]:
        """All columns that are learned from."""
        return tuple(dict.fromkeys(name for own in self.inputs.values() for name in own.features))

    @property
    def target(self) -> tuple[str, ...]:
        """All columns that are learned."""
        return tuple(name for names in self.targets.values() for name in names)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each number of a row, input by input."""
        return tuple(name for own in self.inputs.values() for name in own.names)

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Categories of each categorical column."""
        return {name: tuple(words) for own in self.inputs.values() for name, words in own.vocabularies.items()}

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns of texts."""
        return tuple(own.features[0] for own in self.inputs.values() if own.text is not None)

    @property
    def only(self) -> InputColumns | None:
        """Those of the only input; None where there are several."""
        return next(iter(self.inputs.values())) if len(self.inputs) == 1 else None

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shape of a sample of each input."""
        if self.sequence is None and self.window is None:
            return {name: own.sample for name, own in self.inputs.items()}
        steps = None if self.window is None else self.window.steps
        made: dict[str, Shape] = {}
        for name, own in self.inputs.items():
            words = len(own.vocabularies[own.features[0]]) + 2 if own.encode == "index" else None
            made[name] = Sequence(steps=steps, features=own.width) if words is None else Tokens(steps=steps, vocabulary=words)
        return made

    def encode(self, table: Table, where: str) -> dict[str, Samples]:
        """Array of each input, see `InputColumns.array`; a row for each row of the table."""
        return {name: own.array(table, where) for name, own in self.inputs.items()}

    def samples(
        self, table: Table, where: str, *, labelled: bool = False
    ) -> tuple[dict[str, Samples], dict[str, np.ndarray], Places | None]:
        """Array of each input, a sample for each row, sequence or window; masks of its steps; and which rows they are.

        Args:
            table: As for `InputColumns.array`.
            where: For messages.
            labelled: Whether windows must leave room for what is to be foretold.

        Raises:
            DataError: As `InputColumns.array`; DA006, if no window fits.
        """
        import numpy as np

        from lamina.data.sequencing import places_of

        require(table, self.sequence or (), where)
        arrays = self.encode(table, where)
        places = places_of(table, self, where, labelled=labelled)
        if places is None:
            texts = {name: own.text for name, own in self.inputs.items() if own.text is not None and own.text.fill_mask}
            return arrays, {name: text.real(np.asarray(arrays[name])) for name, text in texts.items()}, None
        mask = places.mask
        steps: dict[str, Samples] = {}
        for name, rows in arrays.items():
            found = places.gather(np.asarray(rows))
            steps[name] = found[..., 0] if self.inputs[name].encode == "index" else found
        return steps, {} if mask is None else dict.fromkeys(steps, mask), places

    def same_inputs(self, other: Columns) -> bool:
        """Whether both read the same columns the same way."""
        own, theirs = ({name: _reading(read) for name, read in columns.inputs.items()} for columns in (self, other))
        return own == theirs and (self.sequence, self.window) == (other.sequence, other.window)


def _reading(own: InputColumns) -> Any:
    return own.features, own.vocabularies, own.widths, own.encode, own.text


def _written(column: Column) -> bool:
    from lamina.data.words import Words

    return isinstance(column, Words)


def require(table: Mapping[str, Any], names: Iterable[str], where: str, *, named: bool = False) -> None:
    """See that a table has these columns.

    Args:
        table: The table.
        names: The columns.
        where: For the message.
        named: Whether the user has just named them, so that the typo is in the name, not in the table.

    Raises:
        DataError: DA014, for all that are missing, with the nearest name.
    """
    names = tuple(names)
    missing = [name for name in names if name not in table]
    if missing:
        if named:
            cause, fix = not_there(missing[0], list(table))
        else:
            near = nearest(missing[0], [name for name in table if name not in names])
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
