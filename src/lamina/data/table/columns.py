"""Kinds of columns, each with what its values must be."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Count, listed

Kind = Literal["string", "integer", "float", "boolean", "categorical", "time", "bytes", "array", "image", "text"]
WRITTEN = ("string", "text", "categorical", "image")
"""Kinds of columns whose values are characters."""
Length = Annotated[int, Field(ge=0)]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class ColumnType(Description, family="column"):
    """Base of all kinds of columns.

    Attributes:
        required: Whether every row must have a value.
    """

    required: bool = False

    @property
    def kind(self) -> Kind:
        """What expressions and steps know it as."""
        name: Any = type(self).type_name
        kind: Kind = name
        return kind

    def constraints(self) -> dict[str, Any]:
        """What is asked of values beside their kind, as set."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def _ordered(low: Any, high: Any, names: str) -> None:
    if low is not None and high is not None and low > high:
        first, second = names.split()
        raise wrong_value(expected=f"{first} at most {second}", cause="the limits are swapped", fix=f"exchange {first} and {second}")


class _Written(ColumnType):
    """Base of columns of characters.

    Attributes:
        min_length: Fewest characters.
        max_length: Most characters.
    """

    min_length: Length | None = None
    max_length: Length | None = None

    @model_validator(mode="after")
    def _lengths(self) -> Self:
        _ordered(self.min_length, self.max_length, "min_length max_length")
        return self


@register("string")
class StringColumn(_Written):
    """Short text: names, codes, whatever is neither learned from as a text nor as a category yet.

    Attributes:
        pattern: Regular expression that a whole value must match.
    """

    pattern: str | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(min_length=1, pattern="[A-Z]+")]

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise wrong_value(
                    expected="a regular expression",
                    cause=f"it can't be read: {error}",
                    fix="correct it, or escape its special characters with a backslash",
                ) from None
        return self


@register("text")
class TextColumn(_Written):
    """Free text, to be cut into words or other tokens."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(max_length=1000)]


@register("integer")
class IntegerColumn(ColumnType):
    """Whole numbers of 64 bits.

    Attributes:
        minimum: Smallest that is allowed.
        maximum: Largest that is allowed.
    """

    minimum: Whole | None = None
    maximum: Whole | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(minimum=0, maximum=120, required=True)]

    @model_validator(mode="after")
    def _limits(self) -> Self:
        _ordered(self.minimum, self.maximum, "minimum maximum")
        return self


@register("float")
class FloatColumn(ColumnType):
    """Numbers of 64 bits.

    Attributes:
        minimum: Smallest that is allowed.
        maximum: Largest that is allowed.
        allow_nan: Whether NaN is a value.
        allow_infinite: Whether infinity is a value.
    """

    minimum: float | None = None
    maximum: float | None = None
    allow_nan: bool = False
    allow_infinite: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(minimum=0.0, maximum=1.0)]

    @model_validator(mode="after")
    def _limits(self) -> Self:
        _ordered(self.minimum, self.maximum, "minimum maximum")
        return self


@register("boolean")
class BooleanColumn(ColumnType):
    """True or false; in files the words true and false, yes and no, t and f, y and n, or 1 and 0, in small or capital letters."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]


@register("categorical")
class CategoricalColumn(ColumnType):
    """One of several words.

    Attributes:
        values: The words, in order; None: not known yet, any word is allowed.
    """

    positional: ClassVar[tuple[str, ...]] = ("values",)
    values: listed(str) | None = None  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(values=["Bern", "Basel"])]

    @model_validator(mode="after")
    def _different(self) -> Self:
        if self.values is not None and (not self.values or len({*self.values}) < len(self.values)):
            raise wrong_value(
                expected="at least one word, each once",
                cause="a category can have one place only",
                fix="remove what is there twice, or leave values out",
            )
        return self


@register("time")
class TimeColumn(ColumnType):
    """Moments, kept in microseconds.

    Attributes:
        zone: In which hours, days and weekdays are counted, and in which text without an offset is read, such as ``Europe/Zurich``.
        format: How text says a time, in the letters of ``strftime`` (``%Y-%m-%d %H:%M``); ``epoch_seconds`` and ``epoch_milliseconds``:
            as a whole number, counted from the start of 1970 in UTC; None: ISO 8601.
        minimum: Earliest that is allowed, in ISO 8601.
        maximum: Latest that is allowed.
    """

    zone: str = "UTC"
    format: str | None = None
    minimum: str | None = None
    maximum: str | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(zone="Europe/Zurich", format="%d.%m.%Y", minimum="2000-01-01"), cls(format="epoch_milliseconds")]

    @model_validator(mode="after")
    def _real(self) -> Self:
        from datetime import datetime
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            raise wrong_value(
                expected="a zone of the IANA database, such as Europe/Zurich or UTC",
                cause=f"there is no zone {self.zone!r}",
                fix="write the name of a city's zone, not an abbreviation",
            ) from None
        for limit in (self.minimum, self.maximum):
            try:
                limit is None or datetime.fromisoformat(limit)
            except ValueError:
                raise wrong_value(
                    expected="limits in ISO 8601, such as 2024-02-29 or 2024-02-29T12:30:00",
                    cause=f"{limit!r} is no such time",
                    fix="write year, month and day with two digits and hyphens",
                ) from None
        return self


@register("bytes")
class BytesColumn(ColumnType):
    """Bytes, such as the content of a file."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]


@register("array")
class ArrayColumn(ColumnType):
    """Lists of numbers.

    Attributes:
        length: Of each list; None: they may differ.
    """

    positional: ClassVar[tuple[str, ...]] = ("length",)
    length: Count | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(length=3)]


@register("image")
class ImageColumn(ColumnType):
    """Images, by the path of their file."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]
