"""Records with named fields: JSON lines and JSON, YAML and XML documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.sources.filed import FileTable
from lamina.data.tables.dialect import GONE
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, listed

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.tables.documents import Format


class RecordTable(FileTable):
    """Base of sources whose rows are records with named fields, which may lie deep.

    Types are those that the records say: numbers, text, true and false, lists of numbers. A field with values of several types is text
    (whole and other numbers together are numbers).

    Attributes:
        fields: Names of columns, and the paths that lead to their values: ``{name: user.name, first: "tags[0]"}``. By default
            the fields of the first thousand records; one that comes later is then an error. Where a record has no such field, the value
            is missing.
        missing_values: Texts that mean that a value is missing.
        file_column: Name of a further column with the name of the file that a row is from.
    """

    format: ClassVar[Format]
    fields: dict[str, str] | None = None
    missing_values: listed(str) = ()  # type: ignore[valid-type]
    file_column: str | None = None

    @model_validator(mode="after")
    def _some_fields(self) -> Self:
        from lamina.data.tables.selection import steps_of

        if self.fields is not None and (not self.fields or not all(steps_of(path) for path in self.fields.values())):
            raise wrong_value(
                expected="at least one field, each with a path",
                cause="no field is chosen, or its path is empty",
                fix="write fields: {name: path.to.value}, or leave fields out",
            )
        return self

    def marks(self) -> tuple[str, ...]:
        return ("", *self.missing_values)

    def frame(self) -> pl.LazyFrame:
        from lamina.data.tables.documents import Documents
        from lamina.data.tables.kinds import BOOLEAN, EMPTY, FLOAT, INTEGER, NUMBERS, TEXT
        from lamina.data.tables.scan import Scan

        known = {"integer": INTEGER, "float": FLOAT, "boolean": EMPTY, "array": EMPTY}
        texts = (*self.categorical, *(() if self.text is None else (self.text,)))
        least = dict.fromkeys(texts, TEXT) | {name: known.get(column.kind, TEXT) for name, column in self.columns.items()}
        strict = {name: level for name, level in least.items() if level in (INTEGER, FLOAT)} if self.invalid == "error" else {}
        fields = None if self.fields is None else tuple(self.fields.items())
        layout = Documents(self.format, fields, self._records(), self.missing_values, tuple(strict.items()), self._most())
        least = {name: level for name, level in least.items() if level not in (EMPTY, BOOLEAN, NUMBERS)}
        return Scan(self.files(), layout, least, file_column=self.file_column).lazy()

    def _records(self) -> str | None:
        return None

    def _most(self) -> int:
        raise NotImplementedError(type(self).__name__)


@register("json_lines")
class JsonLines(RecordTable):
    """Records in JSON, one on each line; empty lines are left out. See `RecordTable`.

    Attributes:
        max_line: Bytes that a line may have.

    Example:
        >>> JsonLines.from_yaml("{path: films.jsonl, fields: {title: title, stars: rating.stars}, target: stars}").fields
        {'title': 'title', 'stars': 'rating.stars'}
    """

    format = "json_lines"
    max_line: Count = 16 << 20

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(path="films.jsonl", fields={"year": "year", "stars": "rating.stars"}, target="stars"),
            cls(path="flat.jsonl", target="kind"),
        ]

    def _most(self) -> int:
        return self.max_line


class DocumentTable(RecordTable):
    """Base of sources whose files are documents with one record or many.

    Attributes:
        records: Path to the list of records in a document. By default a document is the list, or one record.
        max_document: Bytes that a document may have, which has to be in memory as a whole.
    """

    records: str | None = None
    max_document: Count = 256 << 20

    def _records(self) -> str | None:
        return self.records

    def _most(self) -> int:
        return self.max_document


@register("json")
class Json(DocumentTable):
    """Records in JSON documents: a list of them, or one in each file. See `RecordTable` and `DocumentTable`.

    Example:
        >>> Json.from_yaml("{path: films.json, records: result.films, target: stars}").records
        'result.films'
    """

    format = "json"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="films.json", records="films", fields={"year": "year", "stars": "rating.stars"}, target="stars")]


@register("yaml")
class Yaml(DocumentTable):
    """Records in YAML documents: a list of them, one in each document, or one in each file. See `RecordTable` and `DocumentTable`.

    Example:
        >>> Yaml.from_yaml("{path: films.yaml, target: stars}").max_document
        268435456
    """

    format = "yaml"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="films.yaml", fields={"year": "year", "stars": "rating.stars"}, target="stars")]


@register("xml")
class Xml(RecordTable):
    """Elements of XML documents, a record each; documents may be larger than memory. See `RecordTable`.

    In paths, children have their names, attributes theirs after ``@``, and the text of an element with attributes is ``#text``. Values are
    text until ``columns`` says what they are, except that columns of numbers are numbers. Entities are refused.

    Attributes:
        records: Names of the elements that lead to a record, such as ``catalog/book``; by default each child of the root is one.
        max_record: Bytes that a record may have.

    Example:
        >>> Xml.from_yaml("{path: films.xml, records: films/film, fields: {year: '@year'}}").fields
        {'year': '@year'}
    """

    format = "xml"
    missing_values: listed(str) = GONE  # type: ignore[valid-type]
    records: str | None = None
    max_record: Count = 16 << 20

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="films.xml", records="films/film", fields={"year": "@year", "stars": "rating.stars"}, target="stars")]

    def _records(self) -> str | None:
        return self.records

    def _most(self) -> int:
        return self.max_record
