"""Files that are samples, each with a label that its folder, its name or a list says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.data.schema import TARGET, Target, TargetKind
from lamina.data.sources.broken import report_broken
from lamina.data.sources.source import Source
from lamina.data.storage.options import Storage
from lamina.errors import DataError
from lamina.spec import wrong_value
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.storage import DataFile


@dataclass(frozen=True)
class Labelled:
    """Files with what is known of each.

    Attributes:
        files: The files in their order.
        values: The label or labels of each: text, numbers, or 0 and 1 for each of several; None where there are none.
        target: What these mean.
        groups: What must stay together in a grouped split.
        part: Which part each file belongs to.
    """

    files: list[DataFile]
    values: np.ndarray | None = None
    target: Target | None = None
    groups: np.ndarray | None = None
    part: np.ndarray | None = None

    def take(self, places: Sequence[int]) -> Labelled:
        """Some of them."""
        import numpy as np

        chosen = np.asarray(places, dtype=np.int64)
        values, groups, part = (None if array is None else array[chosen] for array in (self.values, self.groups, self.part))
        return Labelled([self.files[place] for place in places], values, self.target, groups, part)

    def targets(self) -> dict[str, np.ndarray]:
        """The target as the engine takes it."""
        from lamina.data.targets import encode_target

        if self.values is None or self.target is None:
            return {}
        return {TARGET: encode_target(self.values, self.target, "the labels", "float64")}


class LabelledFiles(Source):
    r"""Base of sources in which each file is a sample.

    Attributes:
        path: A folder (everything below counts), a pattern such as ``clips/*/*.wav``, an archive, a store, ``data://NAME/...``; or, beside
            a manifest, the folder that its names are relative to; relative to the recipe.
        label: ``folder``: the folder a file lies in is its class; ``first_folder``: the first folder below ``path``; ``none``: files
            without labels.
        pattern: A regular expression that finds the label in the path of a file: the group ``label``, else the first group, else all of
            it; in place of ``label``. Such as ``(?P<label>\d)_(?P<speaker>\w+)_\d+``.
        manifest: A list of files, csv with a header, tsv or JSON lines; in place of ``label``.
        file: The manifest's column of paths.
        target: The manifest's column of the label, or several columns.
        separator: What stands between several labels of a file; then each label is a yes or no of its own (multilabel).
        kind: What the target is, where that can't be seen: ``classes``, ``numbers`` or ``multilabel``.
        classes: Names of the classes in their order; by default all there are, sorted.
        group: What must stay together in a grouped split: the name of another group of ``pattern``, a column of the manifest, or
            else a regular expression for paths.
        part: What says train, validation or test, for a ``predefined`` split: another group of ``pattern``, or a column of the manifest.
        unreadable: What is done about files that can't be used: ``error`` names the first one; ``drop`` leaves them out, and says how
            many.
        quarantine: A csv file into which the dropped ones are written, with the reason.
        storage: How remote files are reached; see `lamina.data.storage.Storage`.
    """

    endings: ClassVar[tuple[str, ...]]
    """Of the files that count."""
    things: ClassVar[str]
    """What messages call them, such as ``sounds``."""
    has_columns: ClassVar[bool] = False
    """Whether files have columns, of which group and part may be some."""

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: str
    label: Literal["folder", "first_folder", "none"] = "folder"
    pattern: str | None = None
    manifest: str | None = None
    file: str = "path"
    target: Names = ("label",)
    separator: str | None = None
    kind: TargetKind | None = None
    classes: listed(str) | None = None  # type: ignore[valid-type]
    group: str | None = None
    part: str | None = None
    unreadable: Literal["error", "drop"] = "error"
    quarantine: str | None = None
    storage: Storage | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("label", "pattern", "manifest") if name in self.model_fields_set and getattr(self, name) is not None]
        if len(given) > 1:
            raise wrong_value(
                expected="labels from one place", cause=f"{' and '.join(given)} both say what a file is", fix=f"remove {given[0]}"
            )
        found: re.Pattern[str] | None = None if self.pattern is None else _compiled(self.pattern, "pattern")
        if self.group is not None and self.manifest is None and not (found and self.group in found.groupindex):
            _compiled(self.group, "group")
        if self.part is not None and not self.has_columns and self.manifest is None and not (found and self.part in found.groupindex):
            raise wrong_value(
                expected="part: the name of a group of pattern, or a column of the manifest",
                cause=f"{self.part!r} is neither",
                fix="write a pattern such as '(?P<part>[a-z]+)/(?P<label>[a-z]+)_', or give the test part as test_source",
            )
        if self.separator is not None and len(self.target) != 1:
            raise wrong_value(
                expected="one target column beside separator", cause="several columns are several labels already", fix="remove separator"
            )
        if self.quarantine is not None and self.unreadable != "drop":
            raise wrong_value(
                expected="quarantine together with unreadable: drop",
                cause="a file that stops everything is named in the error, and not kept aside",
                fix="write unreadable: drop, or remove quarantine",
            )
        return self

    def resolve_paths(self, base: Path) -> Self:
        from lamina.data.storage import absolute

        changes = {"path": absolute(self.path, base)}
        if self.manifest is not None:
            changes["manifest"] = absolute(self.manifest, base)
        if self.quarantine is not None:
            changes["quarantine"] = str(base / self.quarantine)
        return self.replace(**changes)

    def read_like(self, training: Dataset) -> Dataset:
        """All files, their classes numbered as in training."""
        own = training.schema.targets.get(TARGET)
        if own is None or own.kind == "numbers" or own.labels is None or self.classes is not None:
            return self.read().train
        return self.replace(classes=own.labels, kind=own.kind).read().train

    # -- what is there ------------------------------------------------------------------------------------------------

    def labelled(self) -> Labelled:
        """The files in their order, and what is known of each; nothing of them is read.

        Raises:
            DataError: DA151, if there are none; DA133, for a file without a label.
        """
        import numpy as np

        from lamina.data import file_labels as labels

        files, rows = self._found()
        values, target = labels.target_of(self, files, rows, "file")
        named: dict[str, np.ndarray | None] = {}
        for role in ("group", "part"):
            wanted, named[role] = getattr(self, role), None
            if wanted is None:
                continue
            pattern = re.compile(self.pattern) if self.pattern is not None else None
            if rows is not None:
                found: list[Any] = labels.column(str(self.manifest), rows, wanted)
            elif pattern is not None and wanted in pattern.groupindex:
                found = [_group(file, pattern, wanted) for file in files]
            elif self.has_columns:
                continue
            else:
                found = self.named(wanted, files)
            named[role] = np.asarray(found, dtype=str)
        return Labelled(files, values, target, named["group"], named["part"])

    def named(self, pattern: str, files: list[DataFile]) -> list[str]:
        """What a regular expression finds in the name of each file.

        Raises:
            DataError: DA133, for a file in whose name it finds nothing.
        """
        from lamina.data import file_labels as labels

        return [labels.of_name(file.relative.as_posix(), file.name, re.compile(pattern)) for file in files]

    def usable(self, found: Labelled, check: Callable[[DataFile], object]) -> Labelled:
        """Those files that can be used; all, unless others are to be dropped.

        Args:
            found: All files.
            check: Raises a `DataError` for a file that can't be used.

        Raises:
            DataError: DA151, if none can.
        """
        if self.unreadable == "error":
            return found
        broken: list[tuple[str, str]] = []
        kept = []
        for place, file in enumerate(found.files):
            try:
                check(file)
            except DataError as error:
                broken.append((file.name, f"{error.problems[0].where}: {error.problems[0].got}"))
            else:
                kept.append(place)
        if not kept:
            raise _none(self.path, self.things, self.endings, f"none of {len(broken)} that can be used; {broken[0][0]}: {broken[0][1]}")
        if broken:
            report_broken(broken, len(found.files), self.quarantine, "DA152", f"{self.things} can't be used")
        return found.take(kept)

    def _found(self) -> tuple[list[DataFile], list[dict[str, Any]] | None]:
        """The files in their order, and the rows of the manifest."""
        from lamina.data.file_labels import find_named, read_manifest
        from lamina.data.storage import open_file

        if self.manifest is None:
            return find_files(self.path, self.endings, self.things, self.storage), None
        listed = open_file(self.manifest, storage=self.storage)
        names, lines, rows = read_manifest(listed, listed.text(), self.file, "file")
        return find_named(self.path, names, lines, self.storage, code="DA151"), rows


def find_files(path: str | os.PathLike[str], endings: tuple[str, ...], things: str, storage: Storage | None = None) -> list[DataFile]:
    """The files with one of these endings that a path means; see `lamina.data.storage.open_files`.

    Args:
        path: A file, folder, pattern, archive or address.
        endings: In small letters; none means all files.
        things: What messages call them.
        storage: How remote files are reached.

    Raises:
        DataError: DA151, if there are none; what `open_files` raises.
    """
    from lamina.data.storage import open_files

    found = open_files(path, storage=storage)
    files = [file for file in found if not endings or file.suffix in endings]
    if not files:
        raise _none(os.fspath(path), things, endings, f"none among {len(found)} files, such as {found[0].name}")
    return files


def _group(file: DataFile, pattern: re.Pattern[str], name: str) -> str:
    found = pattern.search(file.relative.as_posix())
    value = None if found is None else found[name]
    if value is None:
        raise DataError(
            "DA133",
            where=file.name,
            expected=f"a name in which the pattern {pattern.pattern!r} finds the group {name!r}",
            got=repr(file.relative.as_posix()),
            cause="the file is called otherwise than the others, or the pattern is wrong",
            fix="correct the pattern, or leave the file out",
        )
    return value


def _compiled(pattern: str, name: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise wrong_value(
            expected=f"{name}: a regular expression", cause=f"{pattern!r} is none: {error}", fix=r"such as '(?P<label>[a-z]+)_\d+'"
        ) from error


def _none(path: str, things: str, endings: tuple[str, ...], got: str) -> DataError:
    return DataError(
        "DA151",
        where=path,
        expected=f"{things}: files that end in {', '.join(endings[:6])}" + (" ..." if len(endings) > 6 else ""),
        got=got,
        cause="the folder holds other files, or the path is not relative to the recipe's folder",
        fix="look at the path; a pattern may stand in it: data/**/*" + (endings[0] if endings else ""),
    )
