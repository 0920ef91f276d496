"""What an image, a sound or another file is, as its folder, its name or a list says."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.errors import DataError, nearest

if TYPE_CHECKING:
    from lamina.data.storage import DataFile


def of_folder(name: str, where: str, *, first: bool) -> str:
    """The folder that a file lies in: the innermost, or the first below the one that was searched.

    Raises:
        DataError: DA133, if there is none.

    Example:
        >>> of_folder("train/cats/1.jpg", "photos", first=False), of_folder("train/cats/1.jpg", "photos", first=True)
        ('cats', 'train')
    """
    folders = PurePosixPath(name).parts[:-1]
    if not folders:
        raise _unlabelled(
            where=where,
            expected="the file in a folder of its class, such as cats/1.jpg",
            got=f"{name}, in no folder below the path",
            cause="the path names the folder of one class, or of all files together",
            fix="give the folder above, or say how labels are found: pattern, manifest, or label: none",
        )
    return folders[0] if first else folders[-1]


def of_name(name: str, where: str, pattern: re.Pattern[str]) -> str:
    """What a pattern finds in the path of a file: its group ``label``, else its first group, else all of it.

    Raises:
        DataError: DA133, if it finds nothing.

    Example:
        >>> of_name("a/cat_07.jpg", "photos", re.compile(r"([a-z]+)_[0-9]+"))
        'cat'
    """
    found = pattern.search(name)
    if found is None:
        raise _unlabelled(
            where=where,
            expected=f"a name in which the pattern {pattern.pattern!r} finds the label",
            got=repr(name),
            cause="the file is called otherwise than the others, or the pattern is wrong",
            fix=r"correct the pattern; with one group, such as '([a-z]+)_\d+\.jpg$', the group is the label",
        )
    groups = found.groupdict()
    return str(groups["label"] if "label" in groups else found[1] if pattern.groups else found[0])


def read_manifest(file: DataFile, text: str, image: str, setting: str = "image") -> tuple[list[str], list[str], list[dict[str, Any]]]:
    """Rows of a list of files: csv or tsv with a header, or JSON lines.

    Args:
        file: For messages, and by its ending how it is read.
        text: What it holds.
        image: The column that names the file.
        setting: What the source calls this column.

    Returns:
        The name of the file of each row, where each row stands, and the rows.

    Raises:
        DataError: DA133, naming file and line.
    """
    path, suffix = file.name, file.suffix
    rows = _json_rows(path, text) if suffix in (".jsonl", ".ndjson", ".json") else _csv_rows(path, text, "\t" if suffix == ".tsv" else ",")
    names = []
    for line, row in rows:
        value = row.get(image)
        if not isinstance(value, str) or not value:
            near = nearest(image, row)
            raise _unlabelled(
                where=f"{path}:{line}",
                expected=f"the name of a file in the column {image!r}",
                got=f"{', '.join(map(str, row))}" if image not in row else repr(value),
                cause="the column has another name" if image not in row else "the value is missing",
                fix=f"write {setting}: {near} in the source"
                if near and image not in row
                else f"write {setting}: COLUMN, or fill the column {image}",
            )
        names.append(value)
    if not rows:
        raise _unlabelled(
            where=path,
            expected="a header and at least one row",
            got="no row",
            cause="the file is empty",
            fix="write one row for each file",
        )
    return names, [f"{path}:{line}" for line, _ in rows], [row for _, row in rows]


def column(path: str, rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """One column of a manifest.

    Raises:
        DataError: DA133, if a row lacks it.
    """
    for number, row in enumerate(rows):
        if name not in row or row[name] is None:
            near = nearest(name, row)
            raise _unlabelled(
                where=f"{path}, row {number + 1}",
                expected=f"a value in the column {name!r}",
                got=f"columns {', '.join(map(str, row))}" if name not in row else "none",
                cause="the column has another name" if name not in row else "the value is missing",
                fix=f"did you mean {near!r}?" if near and name not in row else "fill it in, or name another column",
            )
    return [row[name] for row in rows]


def _csv_rows(path: str, text: str, delimiter: str) -> list[tuple[int, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = next(reader, [])
        found = []
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                raise _unlabelled(
                    where=f"{path}:{reader.line_num}",
                    expected=f"{len(header)} values, as the header has: {', '.join(header[:8])}",
                    got=f"{len(values)}",
                    cause="a comma within a value, or a missing one",
                    fix="put such a value in quotes",
                )
            found.append((reader.line_num, dict(zip(header, values, strict=True))))
    except csv.Error as error:
        raise _unlabelled(
            where=f"{path}:{reader.line_num}",
            expected="rows of values with commas between",
            got=str(error),
            cause="the file is damaged, or no csv file",
            fix="save it anew as csv",
        ) from error
    return found


def _json_rows(path: str, text: str) -> list[tuple[int, dict[str, Any]]]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            row = str(error)
        if not isinstance(row, dict):
            raise _unlabelled(
                where=f"{path}:{number}",
                expected="a JSON object on each line",
                got=str(row)[:100],
                cause="the file is one JSON document over several lines, or damaged",
                fix='write one object a line: {"path": "a.jpg", "label": "cat"}',
            )
        found.append((number, row))
    return found


def _unlabelled(*, where: str, expected: str, got: str, cause: str, fix: str) -> DataError:
    return DataError("DA133", where=where, expected=expected, got=got, cause=cause, fix=fix)


FEW = 20
"""At most so many different whole numbers are classes, unless it is said otherwise; as for columns of tables."""


def as_values(values: Sequence[Any], kind: str | None, *, several: bool = False) -> np.ndarray:
    """Labels as an array: text for classes, float64 for numbers.

    Args:
        values: Text, numbers or true and false.
        kind: ``classes``, ``numbers``, ``multilabel``; None: text and few whole numbers are classes.
        several: Whether it is one of several columns, which hold numbers unless they are text.

    Example:
        >>> as_values(["1", "2"], None).tolist(), as_values(["1", "2.5"], None).tolist()
        (['1', '2'], [1.0, 2.5])
    """
    texts = [str(value) for value in values]
    numbers = [_number(text) for text in texts]
    if kind == "classes" or any(number is None for number in numbers):
        return np.asarray(texts)
    whole = all(float(number or 0).is_integer() for number in numbers) and len({*texts}) <= FEW
    if kind is None and whole and not several:
        return np.asarray(texts)
    return np.asarray(numbers, dtype=np.float64)


def _number(text: str) -> float | None:
    if text in ("True", "False"):
        return float(text == "True")
    try:
        return float(text)
    except ValueError:
        return None
