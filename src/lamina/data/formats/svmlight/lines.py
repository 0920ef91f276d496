"""Lines of SVMLight files as numbers, many at once; what can't be understood is named by line and column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from lamina.data.formats.scanning import too_much
from lamina.errors import DataError, Source

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.storage import DataFile

BLOCK_BYTES = 4 << 20
LINE_BYTES = 256 << 20
"""The longest line that is believed; one of 1 GB is no sample."""


@dataclass(frozen=True)
class Block:
    """Some samples, sparse.

    Attributes:
        starts: Where the values of each sample begin in ``indices`` and ``values``, and where the last one's end.
        indices: As in the file.
        values: Beside them.
        labels: Text of each sample's label; ``""`` where there is none.
        groups: ``qid`` of each sample; -1 where there is none.
        lines: Line of each sample, from 1.
    """

    starts: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    labels: pl.Series
    groups: np.ndarray
    lines: np.ndarray

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def nbytes(self) -> int:
        """Bytes in memory, about."""
        return int(self.indices.nbytes + self.values.nbytes + self.starts.nbytes + self.groups.nbytes + self.lines.nbytes + 16 * len(self))

    def samples(self) -> np.ndarray:
        """For each value, of which sample it is."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


def blocks_of(file: DataFile) -> Iterator[Block]:
    """The samples of a file, some at a time.

    Raises:
        DataError: DA032, naming line and column, for what is no ``INDEX:VALUE``, or an index that stands twice; DA064 for a line
            that is longer than can be.
    """
    line = 0
    with file.open() as stream:
        for text in _texts(stream, file.name):
            lines = text.split("\n")
            block = _parsed(lines, line, file.name)
            line += len(lines)
            if len(block):
                yield block


def _texts(stream: BinaryIO, where: str) -> Iterator[str]:
    """The content in pieces that end where a line does; line ends of any kind are one."""
    rest = b""
    while piece := stream.read(BLOCK_BYTES):
        rest += piece
        cut = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, len(rest) - 1))
        if cut < 0:
            if len(rest) > LINE_BYTES:
                got = f"no line end within {len(rest):,} bytes"
                raise too_much(
                    where, f"lines of at most {LINE_BYTES:,} bytes", got, "look at what the file is; samples stand on lines of their own"
                )
            continue
        # \r\n must not be torn apart, for it is one end.
        yield _plain(rest[:cut])
        rest = rest[cut + 1 :]
    if rest:
        yield _plain(rest.removesuffix(b"\n"))


def _plain(content: bytes) -> str:
    # Comments may be in any encoding; everything else is ASCII.
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\t", b" ").decode("latin-1")


def _parsed(lines: list[str], before: int, where: str) -> Block:
    import polars as pl

    texts = pl.Series("text", lines, dtype=pl.String)
    if any("#" in line for line in lines):
        texts = texts.str.extract(r"^([^#]*)")
    frame = pl.DataFrame({"text": texts.str.strip_chars()}).with_row_index("line").filter(pl.col("text") != "")
    tokens = frame.with_columns(token=pl.col("text").str.split(" "))
    unlabelled = pl.col("token").list.first().str.contains(":", literal=True)
    tokens = tokens.with_row_index("sample").select(
        "sample",
        "line",
        label=pl.when(unlabelled).then(pl.lit("")).otherwise(pl.col("token").list.first()),
        token=pl.when(unlabelled).then(pl.col("token")).otherwise(pl.col("token").list.slice(1)),
    )
    pairs = tokens.select("sample", "line", "token").explode("token").filter(pl.col("token").is_not_null() & (pl.col("token") != ""))
    pairs = pairs.with_columns(pl.col("token").str.splitn(":", 2).struct.rename_fields(["key", "value"]).alias("pair")).unnest("pair")
    groups = np.full(len(tokens), -1, dtype=np.int64)
    named = pairs.filter(pl.col("key") == "qid")
    if len(named):
        groups[named["sample"].to_numpy()] = _numbers(named, "value", pl.Int64, lines, before, where, "a query's number, qid:3").to_numpy()
        _check_once(named.select("sample", "line", key=pl.lit(0)), lines, before, where, "one qid for each sample")
        pairs = pairs.filter(pl.col("key") != "qid")
    indices = _numbers(pairs, "key", pl.Int64, lines, before, where, "INDEX:VALUE, the index a whole number from 0")
    values = _numbers(pairs, "value", pl.Float64, lines, before, where, "INDEX:VALUE, the value a number")
    samples, keys = pairs["sample"].to_numpy(), indices.to_numpy()
    apart = np.diff(samples) != 0
    if ((np.diff(keys) <= 0) & ~apart).any():
        _check_once(pairs.select("sample", "line", key=indices), lines, before, where, "each index once")
    starts = np.zeros(len(tokens) + 1, dtype=np.int64)
    np.cumsum(np.bincount(samples, minlength=len(tokens)), out=starts[1:])
    numbers = tokens["line"].to_numpy().astype(np.int64) + before + 1
    return Block(starts, keys, values.to_numpy(), tokens["label"], groups, numbers)


def _numbers(pairs: pl.DataFrame, column: str, kind: type, lines: list[str], before: int, where: str, expected: str) -> pl.Series:
    import polars as pl

    texts = pairs[column].str.strip_prefix("+")
    numbers = texts.cast(kind, strict=False)
    wrong = numbers.is_null() if kind is pl.Float64 else numbers.is_null() | (numbers < 0)
    if wrong.any():
        place = int(wrong.arg_max() or 0)
        line, token = int(pairs["line"][place]), str(pairs["token"][place])
        raise odd_line(where, before + line + 1, lines[line], token, expected)
    return numbers


def _check_once(pairs: pl.DataFrame, lines: list[str], before: int, where: str, expected: str) -> None:
    again = pairs.select("sample", "key").is_duplicated()
    if again.any():
        line = int(pairs.filter(again)["line"][0])
        key = pairs.filter(again)["key"][0]
        raise odd_line(where, before + line + 1, lines[line], f"{key}:" if expected.startswith("each") else "qid:", expected)


def odd_line(where: str, line: int, text: str, token: str, expected: str) -> DataError:
    """DA032: a line that is no sample."""
    column = text.find(token) + 1 or 1
    return DataError(
        "DA032",
        where="the sample",
        expected=expected,
        got=repr(token if len(token) <= 60 else token[:57] + "..."),
        cause="the file is not in the SVMLight format, or this line is damaged",
        fix="correct the line: LABEL INDEX:VALUE INDEX:VALUE ..., parted by blanks",
        source=Source(where, line, column),
    )
