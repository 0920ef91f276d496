"""Tables of a recipe: read, transformed, split before anything is learned, and encoded the same way in all parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamina.data.roles import Roles
from lamina.data.schema import TARGET
from lamina.data.serving import Serving

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from lamina.data.config import DataConfig
    from lamina.data.dataset import Dataset
    from lamina.data.pipeline.pipeline import Pipeline
    from lamina.data.sources.table import TableSource
    from lamina.data.splits import Split
    from lamina.data.table.schema import Schema, Steps
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
    from lamina.data.pipeline.frames.polars import PolarsFrame
    from lamina.data.pipeline.pipeline import Pipeline
    from lamina.engine.randomness import derive

    rows, schema = source.rows()
    before, after = Pipeline(input=schema, steps=config.transform).until_learning()
    whole = before.apply(rows).collect()
    roles = source.roles()
    places = _places(config.split, whole, before.output, roles, seed, source.place())
    frames = {name: PolarsFrame(whole if len(own) == len(whole) else whole[own]) for name, own in places.items()}
    del rows, whole
    fitted, train = after.fit_apply(frames["train"], seed=derive(seed, PART_PURPOSE), first=len(before.steps) + 1)
    tables = {"train": train.collect()}
    tables |= {name: fitted.apply(frame).collect() for name, frame in frames.items() if name != "train"}
    pipeline = before.joined(fitted)
    own_test = config.test_source
    test = _test_rows(own_test, pipeline, roles) if own_test is not None else None
    steps = fitted.output.steps
    return TableParts(_datasets(tables, test, roles, source.place(), steps), Serving(pipeline, source))


def _places(split: Split | None, rows: pl.DataFrame, schema: Schema, roles: Roles, seed: int, where: str) -> dict[str, np.ndarray]:
    """Rows of each part; of a table of steps, all of a sequence are in the same part."""
    import numpy as np

    if split is None:
        return {"train": np.arange(len(rows))}
    samples = rows if schema.steps is None else rows.unique(list(schema.steps.keys), keep="first", maintain_order=True)
    parts = split.parts(_for_split(samples, roles, where), seed)
    named = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    if schema.steps is None:
        return {name: own for name, own in named.items() if len(own)}
    keys = list(schema.steps.keys)
    numbered = samples.select(keys).with_row_index("__sample")
    number = rows.select(keys).join(numbered, on=keys, how="left", nulls_equal=True, maintain_order="left")
    of_row = number["__sample"].to_numpy()
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
    table = read_frame(rows.select([*dict.fromkeys((*named, *(names if {*names} <= {*known} else ())))]))
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


def _test_rows(source: Any, pipeline: Pipeline, roles: Roles) -> pl.DataFrame:
    from lamina.data.pipeline.frames.given import checked
    from lamina.data.pipeline.frames.polars import PolarsFrame

    frame = PolarsFrame.of(source.frame())
    found: pl.DataFrame = pipeline.apply(checked(frame, pipeline.input, source.place())).collect()
    return found


def _datasets(
    tables: Mapping[str, pl.DataFrame], test: pl.DataFrame | None, roles: Roles, where: str, steps: Steps | None
) -> dict[str, Dataset]:
    """Encode all parts alike: categories and labels are those of the whole table, words of texts those of the training part."""
    from lamina.data.dataset import Dataset
    from lamina.data.encoding import describe_table, encode_table
    from lamina.data.frames import read_frame

    made = {name: read_frame(rows) for name, rows in tables.items()}
    whole = made["train"] if len(made) == 1 else _Together(list(made.values()))
    columns, targets = describe_table(whole, roles, where, texts=made["train"], steps=steps)
    if test is not None:
        made["test"] = read_frame(test)
    return {name: encode_table(Dataset, table, roles, columns, targets, _called(where, name)) for name, table in made.items()}


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


def _called(where: str, part: str) -> str:
    return where if part == "train" else f"{where} ({part} part)"
