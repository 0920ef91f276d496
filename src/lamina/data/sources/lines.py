"""Tables in files of lines: one text each, values at fixed places, or the groups of a regular expression."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import model_validator

from lamina.data.sources.text_table import TextTable
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, listed

if TYPE_CHECKING:
    from lamina.data.tables.scan import Layout


@register("lines")
class Lines(TextTable):
    """Lines of text files, a sample each, as one column; empty lines are rows without a value.

    Lines are taken as they are: nothing is trimmed, and no word means that a value is missing, unless ``trim`` and ``missing_values``
    say so. What the column is for is said as `lamina.data.sources.table.TableSource` describes it.

    Attributes:
        column: Its name.

    Example:
        >>> Lines.from_yaml("{path: reviews.txt, text: line}").column
        'line'
    """

    column: str = "line"
    trim: bool = False
    missing_values: listed(str) = ()  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="poem.txt", text="line"), cls(path="poem.txt", column="verse", text="verse")]

    def layout(self, strict: dict[str, int]) -> Layout:
        from lamina.data.tables.lines import Lines as Layout

        return Layout(self.dialect(quote=None), (self.column,), tuple(strict.items()))


@register("fixed_width")
class FixedWidth(TextTable):
    """Lines of text files, a sample each, whose values stand at fixed places; empty lines are left out.

    What the columns are for is said as `lamina.data.sources.table.TableSource` describes it.

    Attributes:
        widths: Letters of each column, from the start of the line.
        names: Of the columns; ``column_1`` ... by default.
        pad: Whether lines may end early where only blanks would follow.

    Example:
        >>> FixedWidth.from_yaml("{path: rows.dat, widths: [4, 6], names: [id, size]}").names
        ('id', 'size')
    """

    widths: listed(Count)  # type: ignore[valid-type]
    names: listed(str) | None = None  # type: ignore[valid-type]
    pad: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="rows.dat", widths=[3, 4], names=["size", "kind"], target="kind"), cls(path="rows.dat", widths=[3, 4], pad=True)]

    @model_validator(mode="after")
    def _as_many_names(self) -> Self:
        _different(self.names, len(self.widths), "widths")
        return self

    def layout(self, strict: dict[str, int]) -> Layout:
        from lamina.data.tables.lines import FixedWidth as Layout

        names = self.names or tuple(f"column_{i + 1}" for i in range(len(self.widths)))
        return Layout(self.dialect(quote=None), names, tuple(strict.items()), self.widths, self.pad)


@register("regex_lines")
class RegexLines(TextTable):
    r"""Lines of text files, a sample each, whose values are the groups of a regular expression; empty lines are left out.

    What the columns are for is said as `lamina.data.sources.table.TableSource` describes it.

    Attributes:
        pattern: Must fit a whole line; each group is a column.
        names: Of the columns, where groups have no names of their own: ``(?P<name>...)``; ``column_1`` ... by default.
        other: What becomes of lines that the pattern doesn't fit: ``error``; ``drop``, left out and counted.

    Example:
        >>> RegexLines(path="server.log", pattern=r"(?P<level>[A-Z]+) (?P<seconds>\d+)").columns_of_pattern()
        ('level', 'seconds')
    """

    pattern: str
    names: listed(str) | None = None  # type: ignore[valid-type]
    other: Literal["error", "drop"] = "error"

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(path="server.log", pattern=r"(?P<level>[A-Z]+) (?P<seconds>\d+)", target="level"),
            cls(path="server.log", pattern=r"(\w+) (\d+)", names=["level", "seconds"], other="drop"),
        ]

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            raise wrong_value(
                expected="a regular expression",
                cause=f"it can't be read: {error}",
                fix="correct it, or escape its special characters with a backslash",
            ) from None
        if not groups:
            raise wrong_value(
                expected="at least one group",
                cause="each column is a group, and the pattern has none",
                fix="put what you want into brackets: (?P<name>...)",
            )
        _different(self.names, groups, "groups")
        return self

    def columns_of_pattern(self) -> tuple[str, ...]:
        """Names of the columns."""
        if self.names is not None:
            names: tuple[str, ...] = self.names
            return names
        own = re.compile(self.pattern)
        given = {number: name for name, number in own.groupindex.items()}
        return tuple(given.get(number, f"column_{number}") for number in range(1, own.groups + 1))

    def layout(self, strict: dict[str, int]) -> Layout:
        from lamina.data.tables.lines import RegexLines as Layout

        return Layout(self.dialect(quote=None), self.columns_of_pattern(), tuple(strict.items()), self.pattern, self.other)


def _different(names: tuple[str, ...] | None, count: int, of: str) -> None:
    if names is not None and (len(names) != count or len({*names}) < count):
        raise wrong_value(
            expected=f"{count} different names, one for each of the {of}",
            cause=f"names lists {len(names)}, or one of them twice",
            fix="list a name for each column",
        )
