"""Tables of a recipe: read, transformed, split before anything is learned, and encoded the same way in all parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lamina.data.caching.disk import Disk
from lamina.data.roles import Roles
from lamina.data.schema import TARGET
from lamina.data.serving import Serving
from lamina.data.sources.table import TableSource

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from lamina.data.columns import Columns
    from lamina.data.config import DataConfig
    from lamina.data.dataset import Dataset
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.pipeline.pipeline import Pipeline
    from lamina.data.preprocessing import Preprocessing
    from lamina.data.schema import Target
    from lamina.data.sources.source import Source
    from lamina.data.spilled import Spill
    from lamina.data.splits import Split
    from lamina.data.table.schema import Schema
    from lamina.data.words import Column

PART_PURPOSE = "transform"


@dataclass(frozen=True)
class TableParts:
    """Parts of a table, neither filled nor scaled yet.

    Attributes:
        parts: Raw data sets by the name of the part.
        serving: How they came about, for rows that come later.
    """

    parts: dict[str, Dataset]
    serving: Serving


def table_parts(config: DataConfig, source: TableSource, seed: int) -> TableParts:
    """Read a table, take the steps of the recipe, and split it.

    Steps that learn nothing are taken first. Then the rows are split; what the other steps learn, they learn from the training part.

    Raises:
        DataError: If the table can't be read, a step can't be taken, or a part would be empty.
    """
    from lamina.data.encoding import describe_table
    from lamina.data.pipeline.pipeline import Pipeline
    from lamina.engine.randomness import derive

    if isinstance(config.cache, Disk):
        return _spilled_parts(config, source, seed, config.cache)
    rows, schema = source.rows()
    before, after = Pipeline(input=schema, steps=config.transform).until_learning()
    whole_rows = before.apply(rows).collect()
    # What isn't needed any more is let go at once: the rows are what takes the memory.
    del rows
    frames = _split(whole_rows, before.output, config.split, source, seed)
    del whole_rows
    fitted, frames["train"] = after.fit_apply(frames["train"], seed=derive(seed, PART_PURPOSE), first=len(before.steps) + 1)
    made = _tables({name: frames.pop(name) if name == "train" else fitted.apply(frames.pop(name)) for name in list(frames)})
    whole = made["train"] if len(made) == 1 else _Together(list(made.values()))
    # Categories and labels are those of the whole table, words of texts those of the training part.
    columns, targets = describe_table(whole, source, source.place(), texts=made["train"], steps=fitted.output.steps)
    pipeline = before.joined(fitted)
    made |= _tables(_test_rows(config.test_source, pipeline))
    return TableParts(_datasets(made, source, columns, targets), Serving(pipeline, source))


def _spilled_parts(config: DataConfig, source: TableSource, seed: int, cache: Disk) -> TableParts:
    """The same parts of a table that may be larger than memory: its rows are written to files, and read from there."""
    from lamina.data.spilled import Spill

    spill = Spill(cache.folder("tables"), cache.limit)
    try:
        return _written(config, source, seed, spill)
    except BaseException:
        spill.remove()
        raise


def _written(config: DataConfig, source: TableSource, seed: int, spill: Spill) -> TableParts:
    from lamina.data.columns import require
    from lamina.data.encoding import describe_table, no_rows
    from lamina.data.pipeline.frames.polars import PolarsFrame
    from lamina.data.pipeline.pipeline import Pipeline
    from lamina.data.spilling import SpilledTable, shown, steering, write_parts
    from lamina.engine.randomness import derive

    where = source.place()
    rows, schema = source.rows(lazily=True)
    before, after = Pipeline(input=schema, steps=config.transform).until_learning()
    # A frame of Polars stays one through all steps.
    whole = SpilledTable(cast("PolarsFrame", before.apply(rows)), spill, source, before.output)
    steer = [name for name in (source.group, source.time, source.part) if name is not None]
    require(dict.fromkeys(before.output.names), steer, f"{where}, when it is split", named=True)
    steered = whole.columns(steering(source))
    if not len(steered):
        raise no_rows(where)
    places = _places(config.split, steered, before.output, source, seed, where)
    del steered
    frames = {name: PolarsFrame(whole.part(own)) for name, own in places.items()}
    fitted, train = after.fit_apply(frames.pop("train"), seed=derive(seed, PART_PURPOSE), first=len(before.steps) + 1)
    made: dict[str, Frame] = {"train": train, **{name: fitted.apply(frame) for name, frame in frames.items()}}
    columns, targets = describe_table(shown(made, source, whole.pace, where), source, where, steps=fitted.output.steps)
    pipeline = before.joined(fitted)
    if isinstance(config.test_source, TableSource):
        made["test"] = pipeline.apply(config.test_source.rows(pipeline.input, lazily=True)[0])
    called = {name: _called(where, name) for name in made}
    parts = write_parts(made, spill, source, columns, targets, called, whole.pace)
    whole.remove()
    return TableParts(parts, Serving(pipeline, source))


def _called(where: str, part: str) -> str:
    return where if part == "train" else f"{where} ({part} part)"


def parts_as_kept(config: DataConfig, source: TableSource, seed: int, kept: Preprocessing) -> dict[str, Dataset]:
    """The same parts by what a model has learned already: its steps, columns, categories and labels.

    Raises:
        DataError: As `table_parts`; DA014 and DA015 for columns and categories that weren't there in training.
    """
    from lamina.data.pipeline.pipeline import Pipeline

    learned = kept.serving.pipeline if kept.serving is not None else None
    rows, schema = source.rows(None if learned is None else learned.input)
    pipeline = learned or Pipeline(input=schema)
    first = next((number for number, step in enumerate(config.transform) if step.learns), len(config.transform))
    same = config.transform[:first] == pipeline.steps[:first]
    before = Pipeline(input=pipeline.input, steps=pipeline.steps[:first] if same else ())
    after = Pipeline(input=before.output, steps=pipeline.steps[len(before.steps) :])
    frames = _split(before.apply(rows).collect(), before.output, config.split, source, seed)
    del rows
    made = _tables({name: after.apply(frames.pop(name)) for name in list(frames)}) | _tables(_test_rows(config.test_source, pipeline))
    columns = cast("Columns", kept.columns)
    return {name: part.replace(schema=kept.schema) for name, part in _datasets(made, source, columns, dict(kept.schema.targets)).items()}


def _split(whole: pl.DataFrame, schema: Schema, split: Split | None, source: TableSource, seed: int) -> dict[str, Frame]:
    """Rows of each part."""
    from lamina.data.encoding import no_rows
    from lamina.data.pipeline.frames.polars import PolarsFrame

    if not len(whole):
        raise no_rows(source.place())
    places = _places(split, whole, schema, source, seed, source.place())
    return {name: PolarsFrame(whole if len(own) == len(whole) else whole[own]) for name, own in places.items()}


def _places(split: Split | None, rows: pl.DataFrame, schema: Schema, roles: Roles, seed: int, where: str) -> dict[str, np.ndarray]:
    """Rows of each part; of a table of steps, all of a sequence are in the same part."""
    import numpy as np

    from lamina.data.expressions.polars import exactly

    if split is None:
        return {"train": np.arange(len(rows))}
    samples = rows if schema.steps is None else rows.unique(exactly(schema.steps.keys), keep="first", maintain_order=True)
    parts = split.parts(_for_split(samples, roles, where), seed)
    named = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    if schema.steps is None:
        return {name: own for name, own in named.items() if len(own)}
    keys = exactly(schema.steps.keys)
    numbered = samples.select(keys).with_row_index("__lamina_sample")
    number = rows.select(keys).join(numbered, on=keys, how="left", nulls_equal=True, maintain_order="left")
    of_row = number["__lamina_sample"].to_numpy()
    return {name: np.flatnonzero(np.isin(of_row, own)) for name, own in named.items() if len(own)}


def _for_split(rows: pl.DataFrame, roles: Roles, where: str) -> Dataset:
    """What a split must know of the samples: how many, their classes, and what stands in the columns that steer it."""
    import numpy as np

    from lamina.data.columns import require
    from lamina.data.dataset import Dataset
    from lamina.data.encoding import target_array
    from lamina.data.frames import read_frame
    from lamina.data.schema import DataSchema, Target
    from lamina.data.targets import encode_target
    from lamina.shapes import Features

    steering = {"groups": roles.group, "times": roles.time, "part": roles.part}
    named = tuple(name for name in steering.values() if name is not None)
    known = dict.fromkeys(rows.columns)
    require(known, named, f"{where}, when it is split", named=True)
    targets = roles.named_targets(TARGET)
    names = next(iter(targets.values())) if len(targets) == 1 else ()
    table = read_frame(rows[[*dict.fromkeys((*named, *(names if {*names} <= {*known} else ())))]])
    arrays: dict[str, Any] = {}
    described: dict[str, Target] = {}
    if names and {*names} <= {*table}:
        values, labels = target_array(table, names, roles.kind, where)
        if labels is not None:
            described[TARGET] = Target(kind="classes", labels=labels)
            arrays[TARGET] = encode_target(values, described[TARGET], f"{where}, target", "float64")
    extras: dict[str, Any] = {key: None if name is None else np.asarray(table[name]) for key, name in steering.items()}
    schema = DataSchema(inputs={"row": Features(1)}, targets=described)
    return Dataset({"row": np.arange(len(rows), dtype=np.float64)[:, None]}, arrays, schema, **extras)


def _test_rows(source: Source | None, pipeline: Pipeline) -> dict[str, Frame]:
    """Rows of a source of their own for the test part."""
    if not isinstance(source, TableSource):
        return {}
    return {"test": pipeline.apply(source.rows(pipeline.input)[0])}


def _tables(frames: dict[str, Frame]) -> dict[str, Mapping[str, Column]]:
    """Columns of each frame; the frames are used up."""
    from lamina.data.frames import read_frame

    return {name: read_frame(frames.pop(name).collect()) for name in list(frames)}


def _datasets(
    tables: Mapping[str, Mapping[str, Column]], source: TableSource, columns: Columns, targets: dict[str, Target]
) -> dict[str, Dataset]:
    from lamina.data.dataset import Dataset
    from lamina.data.encoding import encode_table

    where = source.place()
    return {name: encode_table(Dataset, table, source, columns, targets, _called(where, name)) for name, table in tables.items()}


class _Together(Mapping[str, "Column"]):
    """Tables one after the other; a column is put together when it is asked for, and not kept."""

    def __init__(self, tables: Sequence[Mapping[str, Column]]) -> None:
        self._tables = tables

    def __getitem__(self, name: str) -> Column:
        import numpy as np

        from lamina.data.words import Words

        columns = [table[name] for table in self._tables]
        if any(isinstance(column, Words) for column in columns):
            return Words.joined([column if isinstance(column, Words) else Words.of(column) for column in columns])
        return np.concatenate([np.asarray(column) for column in columns])

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables[0])

    def __len__(self) -> int:
        return len(self._tables[0])
