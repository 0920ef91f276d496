"""Tables as users name them: files, or the sources of recipes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.sources.table import TableSource
    from lamina.data.table.schema import Schema
    from lamina.data.table.validation import Validated

HELP = "A table, read by its ending (csv, parquet ...); or a recipe, data section or source, as a file or written out."
_SECTIONS = (".yaml", ".yml", ".json")


def table_of(spec: str, *, like: TableSource | None = None) -> tuple[TableSource, str | None]:
    """The source of a table, and the column that it says shall be learned, if any.

    Args:
        spec: A file, read by its ending; or a recipe, data section or source in a file (YAML, JSON) or written out.
        like: A source of another such table, which says how a file of the same kind is read.

    Raises:
        DataError: DA090, for an ending that nobody reads; DA176, for a source that is no table.
    """
    from lamina.cli.labelled import read_section
    from lamina.data.sources.reading import reader_for
    from lamina.data.sources.table import TableSource

    if "{" not in spec and "\n" not in spec and (Path(spec).suffix.lower() not in _SECTIONS or _holds_records(spec)):
        return reader_for(spec, like=like), None
    source = read_section(spec)[0].source
    if not isinstance(source, TableSource):
        raise DataError(
            "DA176",
            where=spec if len(spec) < 80 else f"{spec[:77]}...",
            expected="a source of a table, such as csv or parquet",
            got=repr(source.type_name),
            cause="images, sequences and texts have no columns to look at",
            fix="name a table",
        )
    return source, source.target[0] if len(source.target) == 1 else None


def validated(rows: Frame, schema: Schema, table: TableSource) -> Validated:
    """Rows held against a schema; what becomes of those that aren't so, the source says (``invalid``).

    Raises:
        DataError: DA103, naming row, column and value of the first wrong ones, unless they are left out or set aside.
    """
    from lamina.data.table.validation import validate

    quarantine = None if table.quarantine is None else Path(table.quarantine)
    return validate(rows, schema, policy=table.invalid, quarantine=quarantine, where=table.place(), at=table.row_place)


def _holds_records(path: str) -> bool:
    """Whether a file of JSON or YAML is a list, and so a table rather than a description of one."""
    with suppress(OSError), Path(path).open("rb") as opened:
        start = opened.read(4096).decode(errors="replace").lstrip("\ufeff \t\r\n")
        lines = [line for line in start.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        return start.startswith("[") or bool(lines and (lines[0] == "-" or lines[0].startswith("- ")))
    return False
