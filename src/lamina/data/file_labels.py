"""What an image, a sound or another file is, as its folder, its name or a list says."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lamina.errors import DataError, nearest

if TYPE_CHECKING:
    from lamina.data.schema import Target, TargetKind
    from lamina.data.storage import DataFile, Storage


class Labelling(Protocol):
    """How a source finds out what its files are; the settings are described at `lamina.data.sources.labelled.LabelledFiles`."""

    @property
    def label(self) -> str: ...
    @property
    def pattern(self) -> str | None: ...
    @property
    def manifest(self) -> str | None: ...
    @property
    def target(self) -> tuple[str, ...]: ...
    @property
    def separator(self) -> str | None: ...
    @property
    def kind(self) -> TargetKind | None: ...
    @property
    def classes(self) -> tuple[str, ...] | None: ...


def target_of(
    source: Labelling, files: Sequence[DataFile], rows: Sequence[Mapping[str, Any]] | None, thing: str
) -> tuple[np.ndarray | None, Target | None]:
    """The values of the target of files, and what they mean; None for files without labels.

    Args:
        source: How labels are found.
        files: The files.
        rows: Those of the manifest, one for each file, where there is one.
        thing: What messages call a file.

    Raises:
        DataError: DA133 for files without a label; DA007 for labels that ``classes`` doesn't list, or that are not of one kind.
    """
    from lamina.data.targets import describe_target

    names = source.classes
    if rows is not None:
        columns = [column(str(source.manifest), rows, name) for name in source.target]
        if source.separator is not None or any(isinstance(value, list) for value in columns[0]):
            return _several(columns[0], source, thing)
        arrays = [as_values(values, source.kind, several=len(columns) > 1) for values in columns]
        array = arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=1)
        names = names or (None if len(columns) == 1 else source.target)
    elif source.pattern is not None:
        pattern = re.compile(source.pattern)
        found = [of_name(file.relative.as_posix(), file.name, pattern) for file in files]
        if source.separator is not None:
            return _several(found, source, thing)
        array = as_values(found, source.kind or "classes")
    elif source.label == "none":
        return None, None
    else:
        first = source.label == "first_folder"
        array = as_values([of_folder(file.relative.as_posix(), file.name, first=first) for file in files], source.kind or "classes")
    return array, describe_target(array, "the labels", labels=names, kind=source.kind)


def _several(values: Sequence[Any], source: Labelling, thing: str) -> tuple[np.ndarray, Target]:
    """A yes or no for each label that there is."""
    from lamina.data.schema import Target
    from lamina.shapes import Features

    sets = [value if isinstance(value, list) else [part.strip() for part in str(value).split(source.separator)] for value in values]
    own = [{str(label) for label in labels if str(label)} for labels in sets]
    names = source.classes or tuple(sorted(set().union(*own)))
    places = {name: place for place, name in enumerate(names)}
    array = np.zeros((len(own), len(names)), dtype=np.float64)
    for row, found in enumerate(own):
        odd = next((label for label in sorted(found) if label not in places), None)
        if odd is not None:
            near = nearest(odd, names)
            raise DataError(
                "DA007",
                where=f"the labels, {thing} {row}",
                expected=f"one of {', '.join(names[:10])}",
                got=repr(odd),
                cause="classes does not list it",
                fix=f"did you mean {near!r}?" if near else "add it to classes",
            )
        array[row, [places[label] for label in found]] = 1
    return array, Target(kind="multilabel", shape=Features(len(names)), labels=names)


def find_named(path: str, names: Sequence[str], wheres: Sequence[str], storage: Storage | None = None, *, code: str) -> list[DataFile]:
    """The files of these names below a path.

    Args:
        path: A folder, an archive or a store.
        names: Paths below it.
        wheres: What names each, for messages: a line of a manifest, an annotation.
        storage: How remote files are reached.
        code: Of the error for a name that is not there.

    Raises:
        DataError: ``code``, for a name that is not there; what `open_files` raises.
    """
    from lamina.data.storage import open_files

    there = {file.relative.as_posix(): file for file in open_files(path, storage=storage)}
    found = []
    for name, where in zip(names, wheres, strict=True):
        file = there.get(PurePosixPath(name.replace("\\", "/")).as_posix())
        if file is None:
            near = nearest(name, there)
            raise DataError(
                code,
                where=where,
                expected=f"a file {name!r} below {path}",
                got=f"none among {len(there)} files",
                cause="the name is relative to another folder, or the file was not copied",
                fix=f"did you mean {near!r}?" if near else "correct path in the source, or the name",
            )
        found.append(file)
    return found


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
