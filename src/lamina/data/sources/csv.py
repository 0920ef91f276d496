"""Tables in text files: csv and its relatives, with a role for each column."""

from __future__ import annotations

import os
from collections.abc import Collection
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.columns import Missing
from lamina.data.schema import DataSchema, TargetKind
from lamina.data.sources.source import Partitions, Source
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError
from lamina.shapes import Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset

WHITESPACE = "whitespace"
DELIMITERS = (",", ";", "\t", "|", WHITESPACE)
"""What a file for prediction may be cut by."""
GONE = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
"""What means that a value is missing."""


@register("csv")
class Csv(Source):
    """Rows of a text file, a sample each; what columns are for is described at `lamina.data.columns.Roles`.

    Attributes:
        path: The file; relative to the recipe.
        delimiter: What stands between values; ``whitespace`` for any number of blanks.
        header: Whether the first line names the columns.
        names: Names of the columns, where there is no header; ``column_1`` ... by default.
        target: Column or columns to learn.
        features: Columns to learn from; by default all that have no other role.
        ignore: Columns to leave out.
        group: Column of what must stay together in a grouped split.
        time: Column that a split by time sorts by.
        part: Column that says train, validation or test.
        weight: Column of how much each sample counts.
        categorical: Columns that are categories though they look like numbers.
        numeric: Columns that must be numbers.
        kind: What the target is: ``classes``, ``numbers`` or ``multilabel``. By default text, and at most 20 different whole
            numbers, are classes.
        missing: What stands for a missing number: ``error`` refuses it; ``mean`` or ``median`` of the training part; ``zero``.
        shape: Of one sample, where the columns are more than a vector, such as ``{type: sequence, steps: 60, features: 1}``.
        text: Column of texts, which is then the only one to learn from.
        vectorize: How the texts become tokens or vectors, such as ``{max_tokens: 10000}``; see
            `lamina.data.vectorization.TextVectorization`. The words are those of the whole file, as categories are.

    Example:
        >>> Csv.from_yaml("{path: flowers.csv, target: species}").target
        ('species',)
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: str
    delimiter: str = ","
    header: bool = True
    names: listed(str) | None = None  # type: ignore[valid-type]
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

    @classmethod
    def examples(cls) -> list[Any]:
        words = TextVectorization(max_tokens=1000)
        return [
            cls(path="flowers.csv", target=["species"]),
            cls(path="films.csv", target=["liked"], text="review", vectorize=words),
            cls(path="rows.txt", delimiter=WHITESPACE, header=False, names=["a", "b"]),
        ]

    @model_validator(mode="after")
    def _one_delimiter(self) -> Self:
        if self.delimiter != WHITESPACE and len(self.delimiter) != 1:
            raise wrong_value(
                expected="one character, or the word whitespace",
                cause="values are cut at every place where this one character stands",
                fix='write delimiter: ";" (or "\\t" for tabs)',
            )
        return self

    def resolve_paths(self, base: Path) -> Self:
        return self.replace(path=str(base / self.path))

    def schema(self) -> DataSchema:
        """Columns, categories and labels; the file is read once for it, without Polars or pandas."""
        return self.read().train.schema

    def read(self) -> Partitions:
        from lamina.data.columns import Roles, dataset_from_table
        from lamina.data.dataset import Dataset

        roles = {name: getattr(self, name) for name in Roles.model_fields if name in self.model_fields_set}
        return Partitions(dataset_from_table(Dataset, self.table(), where=self.path, **roles))

    def read_like(self, training: Dataset) -> Dataset:
        from lamina.data.preprocessing import Preprocessing

        if training.columns is None:
            return self.read().train
        return Preprocessing(training.schema, columns=training.columns, dtype="float64").raw_dataset(self.table())

    def table(self) -> dict[str, np.ndarray]:
        """All columns: float64, or text where a value is none that could be a number.

        Raises:
            DataError: DA031 if the file isn't there, DA032 if a row has another number of values.
        """
        texts = self.categorical if self.text is None else (*self.categorical, self.text)
        return read_table(self.path, delimiter=self.delimiter, header=self.header, names=self.names, texts=texts)


def find_delimiter(path: str | os.PathLike[str], names: Collection[str]) -> str:
    """The delimiter by which the first line of a file holds the most of these names; a comma, if all do as badly.

    Raises:
        DataError: DA031 or DA032, if the file can't be read.
    """
    counts = {mark: len({name.strip() for name in (_rows(Path(path), mark, most=1) or [[]])[0]} & {*names}) for mark in DELIMITERS}
    return max(counts, key=lambda mark: counts[mark])


def read_table(
    path: str | os.PathLike[str],
    *,
    delimiter: str = ",",
    header: bool = True,
    names: tuple[str, ...] | None = None,
    texts: tuple[str, ...] = (),
) -> dict[str, np.ndarray]:
    """Columns of a text file by name, see `Csv`.

    Raises:
        DataError: DA031 if the file isn't there, DA032 if a row has another number of values, DA006 if there are no rows.
    """
    rows = _rows(Path(path), delimiter)
    if header:
        found = tuple(name.strip() for name in (rows.pop(0) if rows else ()))
        names = names or found
    if not rows:
        fix = "give a file with rows; header: false if the first line already is one"
        raise DataError("DA006", where=str(path), expected="at least one row", got="none", cause="the file is empty", fix=fix)
    names = names or tuple(f"column_{i + 1}" for i in range(len(rows[0])))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        fix = "rename one of them; if the file has no header, write header: false"
        raise DataError(
            "DA017",
            where=str(path),
            expected="columns with different names",
            got=f"{twice!r} twice",
            cause="the header repeats a name",
            fix=fix,
        )
    odd = next((i for i, row in enumerate(rows) if len(row) != len(names)), None)
    if odd is not None:
        raise DataError(
            "DA032",
            where=f"{path}, row {odd + 1}",
            expected=f"{len(names)} values ({', '.join(names[:6])}{' ...' if len(names) > 6 else ''})",
            got=f"{len(rows[odd])}",
            cause="another delimiter, or one inside a value that is not quoted",
            fix='correct the row, or write the right delimiter: ";" (or "\\t", or whitespace)',
        )
    return {name: _column(column, text=name in texts) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _rows(path: Path, delimiter: str, most: int | None = None) -> list[list[str]]:
    import csv

    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            if delimiter == WHITESPACE:
                return list(islice((line.split() for line in file if line.strip()), most))
            return list(islice((row for row in csv.reader(file, delimiter=delimiter, strict=True) if row), most))
    except OSError as error:
        raise unreadable(path, error) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            "DA032",
            where=str(path),
            expected="rows of text in UTF-8",
            got=str(error),
            cause="another encoding, an open quote, or no text file at all",
            fix="save the file as csv in UTF-8",
        ) from error


def unreadable(path: Path, error: OSError) -> DataError:
    """What is said of a file that can't be opened, with the name that was probably meant."""
    near = None
    if path.parent.is_dir():
        from lamina.errors import nearest

        near = nearest(path.name, [entry.name for entry in path.parent.iterdir()])
    return DataError(
        "DA031",
        where=str(path),
        expected="a file that can be read",
        got=error.strerror or str(error),
        cause="a typo" if near else "the path is wrong; relative paths start at the recipe's folder",
        fix=f"did you mean {near!r}?" if near else "write the right path",
    )


def _column(values: tuple[str, ...], *, text: bool) -> np.ndarray:
    import numpy as np

    stripped = [value.strip() for value in values]
    if not text:
        try:
            return np.array([float(value) if value not in GONE else float("nan") for value in stripped])
        except ValueError:
            pass
    return np.asarray(["" if value in GONE else value for value in stripped], dtype=str)
