"""Arrays of a file, all with as many rows, as the columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.formats.held import Held, native, refuse_kind
from lamina.data.formats.scanning import BATCH_ROWS, not_there, scan, too_much
from lamina.data.formats.types import plain_type
from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl

MOST_COLUMNS = 100_000
BATCH_BYTES = 64 << 20


@dataclass(frozen=True)
class _Part:
    """A column of an array.

    Attributes:
        array: Which array.
        fields: Names of fields, outer ones first, that lead to it.
        column: Which column, of an array with two axes.
        dtype: Of a value.
        width: Values in each row, if there are several (a list); else None.
    """

    array: str
    fields: tuple[str, ...]
    column: int | None
    dtype: np.dtype[Any]
    width: int | None


def table_of_arrays(
    arrays: Mapping[str, Held],
    where: str,
    *,
    chosen: Sequence[str] | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
    setting: str = "arrays",
) -> pl.LazyFrame:
    """Arrays as a table: one with one axis is a column of its name, one with two the columns ``x_1``, ``x_2`` ...

    Of structured arrays each field is a column, ``x.a`` (only ``a``, if there is no other array; ``a.b`` for a field within a field);
    a field that is an array itself is a column of lists. NaN stays NaN. Rows are read in blocks.

    Args:
        arrays: By name.
        where: The file, for messages.
        chosen: Which of them, in this order; by default all.
        names: Names of the columns of arrays with two axes.
        setting: By which setting of a source they are chosen, for messages.

    Raises:
        DataError: DA061 for an array that isn't there; DA002, if they have different numbers of rows; DA003, for one with more than
            two axes or none; DA016 for more or fewer names than columns; DA017 for names that meet; DA062 for values that no table
            holds; DA064 for more than 100,000 columns.
    """
    import polars as pl

    from lamina.data.arrays import check_lengths
    from lamina.data.foreign import check_names

    for name in (*(chosen or ()), *(names or {})):
        if name not in arrays:
            raise not_there(where, "array", name, list(arrays))
    used = {name: arrays[name] for name in (chosen or arrays)}
    if not used:
        raise DataError(
            "DA006",
            where=where,
            expected="at least one array",
            got="none",
            cause="the file is empty, or holds nothing but what is no array",
            fix="look at how the file was written",
        )
    parts: list[tuple[str, _Part]] = []
    for name, held in used.items():
        if not 1 <= len(held.shape) <= 2:
            raise _axes(held, setting)
        # A structured array alone is a table itself: its fields are the columns.
        parts += _parts(name, held, (names or {}).get(name), alone=len(used) == 1)
    if len(parts) > MOST_COLUMNS:
        raise too_much(where, f"at most {MOST_COLUMNS:,} columns", f"{len(parts):,}", "read it by source: arrays, which keeps arrays whole")
    check_lengths({held.where: held.shape[0] for held in used.values()})
    check_names([name for name, _ in parts], where)
    columns = dict(parts)
    count = next(iter(used.values())).shape[0]
    schema = pl.Schema({name: _type(part, used[part.array].where) for name, part in parts})
    size = sum(held.nbytes // max(1, held.shape[0]) for held in used.values())

    def batches(wanted: list[str], rows: int) -> Iterator[pl.DataFrame]:
        each = max(1, min(rows, BATCH_ROWS, BATCH_BYTES // max(1, size)))
        needed = dict.fromkeys(columns[name].array for name in wanted)
        for start in range(0, count, each):
            blocks = {name: used[name].rows(start, min(start + each, count)) for name in needed}
            made = [_series(name, columns[name], blocks[columns[name].array], used[columns[name].array].where, start) for name in wanted]
            yield pl.DataFrame([series.cast(schema[series.name]) for series in made])

    return scan(schema, batches)


def _axes(held: Held, setting: str) -> DataError:
    several = bool(held.shape)
    return DataError(
        "DA003",
        where=held.where,
        expected="one axis (a column) or two (rows and columns)",
        got=f"{len(held.shape)} axes, {list(held.shape)}",
        cause="images and sequences are no rows of a table" if several else "a single value is no column",
        fix=("read it by source: arrays, which keeps arrays whole; or " if several else "") + f"choose others by {setting}: [NAME, ...]",
    )


def _parts(name: str, held: Held, names: Sequence[str] | None, *, alone: bool) -> Iterator[tuple[str, _Part]]:
    if len(held.shape) == 1 and not names:
        yield from _fields("" if alone and held.dtype.names else name, (), held.dtype, name, held, None)
        return
    width = held.shape[1] if len(held.shape) == 2 else 1
    if width > MOST_COLUMNS:
        raise too_much(held.where, f"at most {MOST_COLUMNS:,} columns", f"{width:,}", "read it by source: arrays, which keeps arrays whole")
    if names is not None and len(names) != width:
        raise DataError(
            "DA016",
            where=held.where,
            expected=f"names for its {width} columns",
            got=f"{len(names)}: {', '.join(names[:8])}",
            cause="some are missing, or there are too many",
            fix="name each column, in order",
        )
    for column in range(width):
        own = names[column] if names is not None else f"{name}_{column + 1}"
        yield from _fields(own, (), held.dtype, name, held, column if len(held.shape) == 2 else None)


def _fields(
    own: str, fields: tuple[str, ...], dtype: np.dtype[Any], array: str, held: Held, column: int | None
) -> Iterator[tuple[str, _Part]]:
    width = None
    if dtype.subdtype is not None:
        dtype, shape = dtype.subdtype
        width = int(np.prod(shape))
    if dtype.names is None:
        yield own, _Part(array, fields, column, dtype, width)
        return
    if width is not None:
        where = f"{held.where}, field {'.'.join(fields)!r}"
        raise refuse_kind(where, "lists of structures")
    for field in dtype.names:
        name = f"{own}.{field}" if own else field
        kind = dtype[field]
        yield from _fields(name, (*fields, field), kind, array, held, column)


def _type(part: _Part, where: str) -> Any:
    import polars as pl

    metadata: Any = part.dtype.metadata or {}
    numbers: dict[str, Any] = {"b": pl.Boolean(), "i": pl.Int64(), "u": pl.Int64(), "f": pl.Float64()}
    kinds: dict[str, Any] = {**numbers, "U": pl.String(), "S": pl.String(), "m": pl.Float64()}
    kind = kinds.get(part.dtype.kind)
    if part.dtype.kind == "M":
        unit = np.datetime_data(part.dtype)[0]
        kind = None if unit == "generic" else pl.Date() if unit in "YMWD" else pl.Datetime("us")
    if "enum" in metadata or metadata.get("vlen") in (str, bytes):
        kind = pl.String()
    elif isinstance(metadata.get("vlen"), np.dtype) and part.width is None:
        inner = numbers.get(metadata["vlen"].kind)
        kind = None if inner is None else pl.List(inner)
    if kind is None or plain_type(kind) is None:
        place = where + (f", field {'.'.join(part.fields)!r}" if part.fields else "")
        several = part.dtype.kind == "c"
        cause = "complex numbers are two numbers each" if several else ""
        raise refuse_kind(place, part.dtype, cause=cause, fix="store real and imaginary part apart" if several else "")
    return pl.List(kind) if part.width is not None else kind


def _series(name: str, part: _Part, block: np.ndarray, where: str, start: int) -> pl.Series:
    import polars as pl

    values = block if part.column is None else block[:, part.column]
    for field in part.fields:
        values = values[field]
    values = native(np.ascontiguousarray(values))
    metadata: Any = part.dtype.metadata or {}
    if metadata:
        found = _marked(values, metadata, where, name, start)
        if found is not None:
            return found.reshape((len(values), part.width)).cast(pl.List(found.dtype)) if part.width is not None else found
    if part.width is None:
        return pl.Series(name, _plain(values, where, name, start))
    flat = pl.Series(name, _plain(values.reshape(-1), where, name, start))
    return flat.reshape((len(values), part.width)).cast(pl.List(flat.dtype))


def _plain(values: np.ndarray, where: str, name: str, start: int) -> np.ndarray | list[Any]:
    """Values that Polars takes, none of them changed."""
    kind = values.dtype.kind
    if kind == "f":
        return values.astype(np.float64)
    if kind == "u" and values.dtype.itemsize == 8 and len(values) and values.max() > 2**63 - 1:
        row = int((values > 2**63 - 1).argmax())
        raise DataError(
            "DA063",
            where=f"{where}, row {start + row + 1}, column {name!r}",
            expected="a whole number of 64 bits, at most 9223372036854775807",
            got=str(values[row]),
            cause="a number that identifies something (a hash, a key) rather than counting it",
            fix="store the column as text, or leave it out",
        )
    if kind in "iu":
        return values.astype(np.int64)
    if kind == "M":
        return _moments(values, where, name, start)
    if kind == "m":
        seconds: np.ndarray = values / np.timedelta64(1, "s")
        return [None if gone else value for value, gone in zip(seconds.tolist(), np.isnat(values).tolist(), strict=True)]
    if kind == "S":
        try:
            return [value.decode() for value in values.tolist()]
        except UnicodeDecodeError:
            return _undecodable(values, where, name, start)
    if kind == "U":
        check_letters(values, f"{where}, row {{row}}, column {name!r}", start)
        texts: list[Any] = values.tolist()
        return texts
    return values


def check_letters(values: np.ndarray, where: str, start: int = 0) -> None:
    """See that texts hold numbers of letters and nothing else.

    Args:
        values: Texts, one axis.
        where: For messages; ``{row}`` stands for the number of the row.
        start: Rows before these.

    Raises:
        DataError: DA063, naming the first row.
    """
    if not values.dtype.itemsize or not len(values):
        return
    codes = np.ascontiguousarray(values).view(np.uint32).reshape(len(values), -1)
    wrong = ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            "DA063",
            where=where.replace("{row}", str(start + row + 1)),
            expected="text of letters that Unicode has",
            got=f"the codes {', '.join(f'{code:#x}' for code in codes[row][:8].tolist())}",
            cause="the file is damaged, or other bytes were stored as text",
            fix="store the text again",
        )


def _marked(values: np.ndarray, metadata: Any, where: str, name: str, start: int) -> pl.Series | None:
    """Values whose meaning HDF5 says beside their type: text and lists of any length, words with a number each."""
    import polars as pl

    if metadata.get("vlen") in (str, bytes):
        flat = values.reshape(-1).tolist()
        try:
            return pl.Series(name, [value.decode() if isinstance(value, bytes) else value for value in flat], dtype=pl.String)
        except UnicodeDecodeError:
            return pl.Series(name, _undecodable(np.asarray(flat, dtype=object), where, name, start), dtype=pl.String)
    if isinstance(metadata.get("vlen"), np.dtype):
        kind = pl.List(pl.Boolean if metadata["vlen"].kind == "b" else pl.Int64 if metadata["vlen"].kind in "iu" else pl.Float64)
        return pl.Series(name, [value.tolist() for value in values.tolist()], dtype=kind)
    if "enum" in metadata:
        words = {int(number): word for word, number in metadata["enum"].items()}
        flat = values.reshape(-1).tolist()
        odd = next((place for place, number in enumerate(flat) if number not in words), None)
        if odd is not None:
            raise DataError(
                "DA063",
                where=f"{where}, row {start + odd // max(1, values.size // len(values)) + 1}, column {name!r}",
                expected=f"a number of one of its words: {', '.join(f'{word} {number}' for number, word in list(words.items())[:12])}",
                got=str(flat[odd]),
                cause="the file says which words the numbers stand for, and this one stands for none",
                fix="correct the value where the file is written",
            )
        return pl.Series(name, [words[number] for number in flat], dtype=pl.String)
    return None


def _moments(values: np.ndarray, where: str, name: str, start: int) -> np.ndarray:
    """Days or microseconds; NumPy counts over silently where a moment is too far away."""
    unit = np.datetime_data(values.dtype)[0]
    made = values.astype("datetime64[D]" if unit in "YMWD" else "datetime64[us]")
    far = np.abs(made.astype(np.int64)) > 2**31 - 1 if unit in "YMWD" else made.astype(values.dtype) != values
    odd = far & ~np.isnat(values) & (unit not in ("ns", "ps", "fs", "as"))
    if odd.any():
        row = int(odd.argmax())
        raise DataError(
            "DA063",
            where=f"{where}, row {start + row + 1}, column {name!r}",
            expected="a moment that 64 bits of microseconds can hold, or a day that 32 bits can",
            got=f"{values[row].astype(np.int64)} {unit} from 1970",
            cause="a mark for a missing value, perhaps, or a number that is no time",
            fix="write NaT where it is missing",
        )
    return made


def _undecodable(values: np.ndarray, where: str, name: str, start: int) -> list[Any]:
    for row, value in enumerate(values.tolist()):
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise DataError(
                "DA063",
                where=f"{where}, row {start + row + 1}, column {name!r}",
                expected="text in UTF-8",
                got=repr(value[:40]),
                cause="bytes of another encoding, or that are no text",
                fix="store text as Unicode (dtype U), or bytes as numbers (dtype uint8)",
            ) from error
    return []
