"""Folders of texts: each file a sample, or each line or paragraph of it, with a label from its folder or name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.data.sources.filed import FileTable
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.storage import DataFile

TEXT, LABEL = "text", "label"
"""Names of the columns."""


@register("text_folder")
class TextFolder(FileTable):
    r"""Text files in UTF-8 as a table with the columns ``text`` and ``label``, and one for each further named group of ``pattern``.

    Unless said otherwise, ``label`` is learned from ``text``: ``target: label, text: text``. What columns are for, and how texts become
    tokens or vectors (``vectorize``), is said as `lamina.data.sources.table.TableSource` describes it.

    Attributes:
        each: What a text is: a whole ``file``; a ``line``, blank ones left out; or a ``paragraph``, what stands between blank lines.
        label: ``folder``: the folder a file lies in is the label of its texts; ``first_folder``: the first folder below ``path``;
            ``file``: the name of the file without its ending; ``none``: there are no labels.
        pattern: A regular expression that finds the label in the path of a file: the group ``label``, else the first group, else all of
            it; in place of ``label``. Its other named groups are columns, for ``group`` or ``part``.
        unlabelled: What becomes of files without a label: an ``error``, or their label is ``missing``, as where a model is asked.
        endings: Of the files that count; an empty list means all.

    Example:
        >>> TextFolder.from_yaml("{path: reviews, vectorize: {max_tokens: 10000}}").target
        ('label',)
    """

    own_reader: ClassVar[bool] = True

    each: Literal["file", "line", "paragraph"] = "file"
    label: Literal["folder", "first_folder", "file", "none"] = "folder"
    pattern: str | None = None
    unlabelled: Literal["error", "missing"] = "error"
    endings: Names = (".txt",)

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls("letters"),
            cls("letters", each="line", pattern=r"(?P<label>[a-z]+)/(?P<who>[a-z]+)_", group="who"),
            cls("letters/*/*.txt", each="paragraph", label="file", vectorize={"output": "counts"}),
        ]

    @model_validator(mode="before")
    @classmethod
    def _columns(cls, value: Any) -> Any:
        """What is learned from what, unless it is said."""
        if not isinstance(value, dict):
            return value
        learned = value.get("label") != "none" or value.get("pattern") is not None
        given: dict[str, Any] = {} if "features" in value or "inputs" in value else {"text": TEXT}
        if learned and "targets" not in value:
            given["target"] = [LABEL]
        return {**given, **value}

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.pattern is not None:
            if "label" in self.model_fields_set:
                raise wrong_value(
                    expected="labels from one place", cause="label and pattern both say what a text is", fix="remove one of them"
                )
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise wrong_value(
                    expected="pattern: a regular expression", cause=f"{self.pattern!r} is none: {error}", fix=r"such as '([a-z]+)_\d+'"
                ) from error
        return self

    def frame(self) -> pl.LazyFrame:
        import polars as pl

        from lamina.data.sources.labelled import find_files

        pattern = None if self.pattern is None else re.compile(self.pattern)
        more = [] if pattern is None else [name for name in pattern.groupindex if name != LABEL]
        labelled = pattern is not None or self.label != "none"
        columns: dict[str, list[str | None]] = {name: [] for name in (TEXT, *([LABEL] if labelled else []), *more)}
        # Several paths are several lists of files; a name that is there twice is refused where files are found.
        for file in (file for path in self.path for file in find_files(path, self.endings, "texts", self.storage)):
            known: dict[str, str | None] = self._known(file, pattern)
            for text in self._texts(file.text()):
                columns[TEXT].append(text)
                for name in [*columns][1:]:
                    columns[name].append(known.get(name))
        if not columns[TEXT]:
            raise DataError(
                "DA006",
                where=self.place(),
                expected=f"at least one {self.each}",
                got="none",
                cause="the files hold nothing but blank lines",
                fix="look at the files",
            )
        return pl.LazyFrame(columns, schema=dict.fromkeys(columns, pl.String))

    def like(self, path: str, columns: Collection[str] = ()) -> Self:
        return super().like(path, columns).replace(unlabelled="missing")

    def _known(self, file: DataFile, pattern: re.Pattern[str] | None) -> dict[str, str | None]:
        """What the name of a file says, by column."""
        from lamina.data.file_labels import of_folder, of_name

        name = file.relative.as_posix()
        try:
            if pattern is not None:
                label = of_name(name, file.name, pattern)
                found = pattern.search(name)
                return {**(found.groupdict() if found else {}), LABEL: label}
            if self.label == "file":
                return {LABEL: file.relative.name.partition(".")[0]}
            return {} if self.label == "none" else {LABEL: of_folder(name, file.name, first=self.label == "first_folder")}
        except DataError:
            if self.unlabelled == "error":
                raise
            return {}

    def _texts(self, whole: str) -> Iterator[str]:
        if self.each == "file":
            return iter((whole,))
        pieces = whole.splitlines() if self.each == "line" else re.split(r"\n\s*\n", whole.replace("\r\n", "\n"))
        return (piece.strip("\n") for piece in pieces if piece.strip())
