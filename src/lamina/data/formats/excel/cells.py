"""Places in sheets: ``B7``, ``A3:F100``."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
"""Of a sheet of Excel."""
_RANGE = re.compile(r"\$?([A-Za-z]{1,3})?\$?(\d{1,7})?(?::\$?([A-Za-z]{1,3})?\$?(\d{1,7})?)?")


@dataclass(frozen=True)
class Range:
    """A rectangle of cells, counted from 0; what is None goes on to the end.

    Attributes:
        top: First row.
        left: First column.
        bottom: Row behind the last.
        right: Column behind the last.
    """

    top: int = 0
    left: int = 0
    bottom: int | None = None
    right: int | None = None


def cell_name(row: int, column: int, sheet: str | None = None) -> str:
    """What a spreadsheet calls a cell.

    Args:
        row: From 0.
        column: From 0.
        sheet: Its sheet, put in front.

    Example:
        >>> cell_name(6, 1), cell_name(0, 27, "My data")
        ('B7', "'My data'!AB1")
    """
    letters, rest = "", column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    name = f"{letters}{row + 1}"
    if sheet is None:
        return name
    quoted = sheet if re.fullmatch(r"[A-Za-z_]\w*", sheet) else "'" + sheet.replace("'", "''") + "'"
    return f"{quoted}!{name}"


def column_number(letters: str) -> int:
    """A column from 0, by its letters.

    Example:
        >>> column_number("A"), column_number("AB")
        (0, 27)
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def parse_range(text: str) -> Range | None:
    """A range such as ``A3:F100``, ``B:D``, ``3:20`` or ``B2`` (from there on); None for what is none.

    Example:
        >>> parse_range("B2:C10")
        Range(top=1, left=1, bottom=10, right=3)
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None or not text.strip() or text.strip().endswith(":"):
        return None
    left, top, right, bottom = found.groups()
    made = Range(
        int(top) - 1 if top else 0,
        column_number(left) if left else 0,
        int(bottom) if bottom else None,
        column_number(right) + 1 if right else None,
    )
    inside = (
        0 <= made.top < MOST_ROWS and (made.bottom or 1) <= MOST_ROWS and (made.right or 1) <= MOST_COLUMNS and made.left < MOST_COLUMNS
    )
    ordered = (made.bottom is None or made.bottom > made.top) and (made.right is None or made.right > made.left)
    return made if inside and ordered else None
