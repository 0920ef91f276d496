"""Which type a column has: the narrowest that holds every value of every file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.tables.dialect import Dialect

EMPTY, INTEGER, FLOAT, TEXT, BOOLEAN, NUMBERS = 0, 1, 2, 3, 4, 5
"""Types; a column without a value holds missing numbers. Text files have the first four, from narrow to wide."""


def dtype_of(level: int) -> Any:
    """The Polars type of a level."""
    import polars as pl

    return (pl.Float64, pl.Int64, pl.Float64, pl.String, pl.Boolean, pl.List(pl.Float64))[level]


def join(one: int, other: int) -> int:
    """The narrowest type that holds the values of two.

    Example:
        >>> join(INTEGER, FLOAT) == FLOAT, join(EMPTY, BOOLEAN) == BOOLEAN, join(BOOLEAN, INTEGER) == TEXT
        (True, True, True)
    """
    if one == other or EMPTY in (one, other):
        return max(one, other)
    return FLOAT if {one, other} == {INTEGER, FLOAT} else TEXT


def parsed_as(level: int) -> Any:
    """What the parser is told: what isn't known yet stays text."""
    import polars as pl

    return pl.String if level in (EMPTY, TEXT) else dtype_of(level)


def narrowest(values: pl.Series, least: int, dialect: Dialect) -> tuple[int, pl.Series]:
    """The narrowest type from a level on that holds all of some texts, and the texts in it.

    Args:
        values: Trimmed, missing ones null.
        least: The level to begin with.
        dialect: How numbers are written.
    """
    # Polars takes the name of a series for a pattern if it looks like one.
    level, made = _narrowest(values.alias("value"), least, dialect)
    return level, made.alias(values.name)


def _narrowest(values: pl.Series, least: int, dialect: Dialect) -> tuple[int, pl.Series]:
    if least == TEXT:
        return TEXT, values
    missing = values.null_count()
    if missing == len(values):
        return least, values.cast(parsed_as(least))
    plain = _plain(values, dialect)
    for level in range(max(least, INTEGER), TEXT):
        made = plain.cast(dtype_of(level), strict=False)
        if made.null_count() == missing:
            return level, made.fill_nan(None) if level == FLOAT and {"NaN", "nan"} & {*dialect.marks} else made
    return TEXT, values


def first_wrong(values: pl.Series, level: int, dialect: Dialect) -> int:
    """The first row whose text is none of a type."""
    values = values.alias("value")
    plain = _plain(values, dialect)
    wrong = plain.cast(dtype_of(level), strict=False).is_null() & values.is_not_null()
    place = wrong.arg_max()
    return 0 if place is None else int(place)


def _plain(values: pl.Series, dialect: Dialect) -> pl.Series:
    """Numbers of another country as programs write them; what is none in that country becomes text that is none anywhere."""
    import re

    import polars as pl

    values = values if dialect.trim else values.str.strip_chars()
    if dialect.plain_numbers:
        return values
    mark, group = re.escape(dialect.decimal), re.escape(dialect.thousands or "")
    digits = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)" if dialect.thousands else r"\d+"
    number = rf"^[+-]?(?:{digits}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity|nan)$"
    named = values.to_frame("value")
    text = pl.col("value")
    made = text.str.replace_all(dialect.thousands, "", literal=True) if dialect.thousands else text
    if dialect.decimal != ".":
        made = made.str.replace(dialect.decimal, ".", literal=True)
    return (
        named.select(pl.when(text.str.contains(number)).then(made).when(text.is_not_null()).then(pl.lit("-")))
        .to_series()
        .alias(values.name)
    )
