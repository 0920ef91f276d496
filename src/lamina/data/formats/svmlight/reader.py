"""SVMLight files as dense tables, or as sparse rows that become dense when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from lamina.data.formats.scanning import scan, too_much
from lamina.data.formats.svmlight.lines import Block, blocks_of, odd_line
from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.storage import DataFile

KEPT_BYTES = 256 << 20
"""Up to this size what was parsed to find out what there is is kept, and not parsed again."""
DENSE_BYTES = 32 << 20
MOST_LABELS = 10_000
"""How many labels may have a column of their own."""
LABEL, QUERY, FEATURES = "label", "qid", "features"
Layout = Literal["columns", "array"]


def read_svmlight(
    files: Sequence[DataFile],
    *,
    zero_based: bool | None = None,
    width: int | None = None,
    layout: Layout = "columns",
    most: int = 10_000,
) -> pl.LazyFrame:
    r"""Samples as a dense table: ``label``, ``qid`` if there is one, and a column for each feature.

    Where a line has several labels (``1,3``), there is a column ``label_1`` of 0 and 1 for each instead. Features are called by
    their index in the file, ``feature_7``.

    Args:
        files: At least one; their samples follow each other.
        zero_based: Whether the first feature is 0 or 1; by default 0 if that index stands anywhere, else 1.
        width: Features there are; by default as many as the largest index says. Test data need that of the training data.
        layout: ``columns``, or ``array``: one column ``features`` with all of them.
        most: Features there may be at most; as a table they are dense.

    Raises:
        DataError: DA032, with line and column, for what can't be understood; DA064, for more than ``most`` features or an index
            beyond ``width``.

    Example:
        >>> import tempfile, pathlib
        >>> from lamina.data.storage import open_files
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.svm"
        >>> _ = path.write_text("+1 1:0.5 3:2  # first\n-1 2:1\n")
        >>> read_svmlight(open_files(path)).collect().rows()
        [(1, 0.5, 0.0, 2.0), (-1, 0.0, 1.0, 0.0)]
    """
    return SvmLight.of(files, zero_based=zero_based, width=width).frame(layout=layout, most=most)


@dataclass(frozen=True)
class SvmLight:
    """What some files hold.

    Attributes:
        files: The files.
        count: Samples.
        first: Index of the first feature, 0 or 1.
        width: Features.
        labels: What labels there are, in order, if some samples have several; else None.
        whole: Whether all labels are whole numbers.
        labelled: Whether samples have labels at all.
        grouped: Whether there are queries.
        blocks: The samples, if they are few enough to be kept.
    """

    files: Sequence[DataFile]
    count: int
    first: int
    width: int
    labels: tuple[str, ...] | None
    whole: bool
    labelled: bool
    grouped: bool
    blocks: list[Block] | None = field(repr=False, default=None)

    @classmethod
    def of(cls, files: Sequence[DataFile], *, zero_based: bool | None = None, width: int | None = None) -> SvmLight:
        """Go through files once, to see what there is; see `read_svmlight`."""
        survey = _Survey()
        for file in files:
            for block in blocks_of(file):
                survey.see(block, file.name, zero_based=zero_based)
        if survey.count == 0:
            raise DataError(
                "DA006",
                where=files[0].name,
                expected="at least one sample",
                got="none",
                cause="the file is empty, or all of it is comments",
                fix="give a file with samples",
            )
        first = (0 if zero_based else 1) if zero_based is not None else int(survey.low != 0)
        found = max(survey.high - first + 1, 0)
        if width is not None and found > width:
            raise _too_wide(files[0].name, f"at most {width:,} features, as width says", survey, "raise width, or correct the file")
        if not survey.several and survey.unlabelled is not None and survey.parts:
            raise DataError(
                "DA032",
                where=f"{survey.unlabelled[0]}, line {survey.unlabelled[1]}",
                expected="a label before the features, as other lines have",
                got="none",
                cause="the label is missing, or other lines begin with one feature that lacks its index",
                fix="write the label; where samples have several labels or none, at least one line has several (1,3)",
            )
        if survey.several and len(survey.parts) > MOST_LABELS:
            expected = f"at most {MOST_LABELS:,} labels where samples have several"
            raise too_much(files[0].name, expected, "more", "look at the labels; numbers with a decimal comma, perhaps?")
        return cls(
            files,
            survey.count,
            first,
            width or found,
            tuple(_shown(part) for part in sorted(survey.parts)) if survey.several else None,
            survey.whole,
            bool(survey.parts),
            survey.grouped,
            survey.kept,
        )

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        return [f"feature_{self.first + place}" for place in range(self.width)]

    def each(self) -> Iterator[Block]:
        """The samples, some at a time."""
        if self.blocks is not None:
            yield from self.blocks
        else:
            for file in self.files:
                yield from blocks_of(file)

    def sparse(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the values of each sample begin, the feature of each value from 0, and the values."""
        blocks = list(self.each())
        ends = np.cumsum([0, *(len(block.values) for block in blocks)])
        starts = [np.zeros(1, np.int64), *(block.starts[1:] + end for block, end in zip(blocks, ends, strict=False))]
        columns = [block.indices - self.first for block in blocks]
        return np.concatenate(starts), np.concatenate(columns), np.concatenate([block.values for block in blocks])

    def frame(self, *, layout: Layout = "columns", most: int = 10_000) -> pl.LazyFrame:
        """The samples as a dense table, see `read_svmlight`."""
        import polars as pl

        if self.width > most:
            raise too_much(
                self.files[0].name,
                f"at most {most:,} features",
                f"{self.width:,}",
                "write layout: array and raise most, as far as memory allows; source: arrays makes samples dense batch by batch",
            )
        kinds: dict[str, pl.DataType] = {}
        if self.labels is not None:
            kinds |= {f"{LABEL}_{label}": pl.Int64() for label in self.labels}
        elif self.labelled:
            kinds[LABEL] = pl.Int64() if self.whole else pl.Float64()
        if self.grouped:
            kinds[QUERY] = pl.Int64()
        kinds |= dict.fromkeys(self.names, pl.Float64()) if layout == "columns" else {FEATURES: pl.List(pl.Float64())}

        def batches(columns: list[str], rows: int) -> Iterator[pl.DataFrame]:
            each = max(1, min(rows, DENSE_BYTES // (8 * max(1, self.width))))
            for block in self.each():
                for start in range(0, len(block), each):
                    yield self._dense(block, start, min(start + each, len(block)), columns, layout)

        return scan(pl.Schema(kinds), batches)

    def _dense(self, block: Block, start: int, stop: int, columns: list[str], layout: Layout) -> pl.DataFrame:
        import polars as pl

        places = {name: place for place, name in enumerate(self.names)} if layout == "columns" else {}
        chosen = [places[name] for name in columns if name in places]
        made: dict[str, pl.Series] = {}
        if chosen or FEATURES in columns:
            dense = self.rows(block, start, stop)
            if layout == "array":
                made[FEATURES] = pl.Series(FEATURES, dense, dtype=pl.Array(pl.Float64, self.width)).cast(pl.List(pl.Float64))
            else:
                made |= {name: pl.Series(name, np.ascontiguousarray(dense[:, places[name]])) for name in columns if name in places}
        labels = block.labels[start:stop]
        if self.labels is not None:
            parts = labels.str.split(",").list.eval(pl.element().str.strip_prefix("+").cast(pl.Float64, strict=False))
            numbers = {f"{LABEL}_{label}": float(label) for label in self.labels}
            made |= {name: parts.list.contains(number).cast(pl.Int64).alias(name) for name, number in numbers.items() if name in columns}
        elif LABEL in columns:
            made[LABEL] = labels.str.strip_prefix("+").cast(pl.Float64).cast(pl.Int64 if self.whole else pl.Float64).alias(LABEL)
        if QUERY in columns:
            groups = pl.Series(QUERY, block.groups[start:stop])
            made[QUERY] = groups.set(groups < 0, None)
        return pl.DataFrame([made[name] for name in columns])

    def rows(self, block: Block, start: int, stop: int) -> np.ndarray:
        """Some samples of a block, dense: float64 ``[samples, features]``."""
        dense = np.zeros((stop - start, self.width))
        begin, end = block.starts[start], block.starts[stop]
        samples = np.repeat(np.arange(stop - start), np.diff(block.starts[start : stop + 1]))
        dense[samples, block.indices[begin:end] - self.first] = block.values[begin:end]
        return dense


class _Survey:
    """What is seen in going through files."""

    def __init__(self) -> None:
        self.count, self.low, self.high = 0, 2**62, -1
        self.several, self.whole, self.grouped = False, True, False
        self.parts: set[float] = set()
        self.unlabelled: tuple[str, int] | None = None
        self.widest = ("", 0)
        self.kept: list[Block] | None = []
        self._size = 0

    def see(self, block: Block, where: str, *, zero_based: bool | None) -> None:
        self.count += len(block)
        if len(block.indices):
            low, high = int(block.indices.min()), int(block.indices.max())
            if zero_based is False and low == 0:
                sample = int(block.samples()[int(block.indices.argmin())])
                raise odd_line(where, int(block.lines[sample]), "", "0:", "indices from 1, as zero_based: false says")
            if high > self.high:
                self.widest = (where, int(block.lines[block.samples()[int(block.indices.argmax())]]))
            self.low, self.high = min(self.low, low), max(self.high, high)
        self._see_labels(block, where)
        self.grouped |= bool((block.groups >= 0).any())
        self._size += block.nbytes
        if self.kept is not None:
            self.kept = [*self.kept, block] if self._size <= KEPT_BYTES else None

    def _see_labels(self, block: Block, where: str) -> None:
        import polars as pl

        words = block.labels.unique(maintain_order=True)
        gone = words == ""
        if gone.any():
            self.unlabelled = self.unlabelled or (where, int(block.lines[int((block.labels == "").arg_max() or 0)]))
        pieces = pl.DataFrame({"word": words}).filter(~gone).with_columns(part=pl.col("word").str.split(",")).explode("part")
        numbers = pieces["part"].str.strip_prefix("+").cast(pl.Float64, strict=False)
        odd = numbers.is_null() | ~numbers.is_finite().fill_null(value=False)
        if odd.any():
            word = str(pieces.filter(odd)["word"][0])
            line = int(block.lines[int((block.labels == word).arg_max() or 0)])
            raise odd_line(where, line, word, word, "a number as the label, or several parted by commas (1,3)")
        self.several |= len(pieces) > len(words) - int(gone.sum())
        self.whole &= bool(((numbers % 1 == 0) & (numbers.abs() < 2**53)).all())
        if len(self.parts) <= MOST_LABELS:
            self.parts |= {*numbers.to_list()}


def _too_wide(where: str, expected: str, survey: _Survey, fix: str) -> DataError:
    return too_much(f"{survey.widest[0] or where}, line {survey.widest[1]}", expected, f"the index {survey.high:,}", fix)


def _shown(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(number)
