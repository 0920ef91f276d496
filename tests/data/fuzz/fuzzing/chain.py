"""The whole way as users go it: a description, its schema, reading, fitting, batches, and raw records that a model is asked about."""

from __future__ import annotations

import json
import math
import os
from datetime import datetime
from typing import Any

import yaml
from hypothesis import strategies as st

from lamina.data.config import DataConfig, prepare
from lamina.data.pipeline import Pipeline
from lamina.data.sources import Source
from lamina.data.table.schema import Schema

from .damage import PIECES, damaged, damaged_inside
from .packing import PACKERS, packed
from .steps import ODD, odd, pipelines
from .tables import rare, tables
from .watch import Case, Fault, Refused
from .written import WRITERS

BATCHES = 4


def table_case(draw: st.DrawFn, case: Case, reader: str) -> None:
    """A file for a reader of tables, right, damaged or of another kind; then all that is done with a table."""
    source = _source(draw, case, reader)
    case.note(source=source)
    with case.stage("describe the source"):
        described = Source.from_dict(source)
    with case.stage("read"):
        rows, schema = described.rows()
        raw = rows.collect()
    steps, after = draw(pipelines(schema))
    case.note(steps=steps)
    if steps:
        run_pipeline(case, schema, steps, raw)
    config = {"source": {**source, **roles(draw, after)}, **settings(draw, after)}
    if steps:
        config["transform"] = steps
    if rare(draw, 14):
        config = odd(draw, config, tuple(DataConfig.model_fields))
    prepared = use(draw, case, config)
    serve(draw, case, prepared, raw.to_dicts())


def _source(draw: st.DrawFn, case: Case, reader: str) -> dict[str, Any]:
    table = draw(tables())
    # A reader is asked about files of other kinds too.
    kind = draw(st.sampled_from([*WRITERS])) if rare(draw, 19) else reader
    made = WRITERS[kind](draw, table)
    content, way = made.content, draw(st.sampled_from(("whole", "whole", "whole", "damaged", "damaged", "pieces")))
    if way == "damaged":
        inside = content[:2] == b"PK" and draw(st.booleans())
        content = draw(damaged_inside(content) if inside else damaged(content, (content, _other(draw))))
    elif way == "pieces" and draw(st.booleans()):
        content = b"".join(draw(st.lists(st.sampled_from(PIECES), max_size=30)))
    name = f"rows{made.ending}"
    packing = "" if reader == "sql" else draw(st.sampled_from((*[""] * 20, *PACKERS)))
    if packing:
        name, content = packed(packing, name, content)
        if way == "damaged" and draw(st.booleans()):
            content = draw(damaged(content))
    path = case.write(name, content)
    if reader == "sql":
        source = {"type": "sql", "url": f"sqlite:///{path}", **(made.settings if kind == "sql" else {"table": "t"})}
    else:
        source = {"type": reader, "path": str(path), **_fitting(reader, kind, made.settings)}
    if rare(draw, 11):
        from lamina.spec import registry

        component = registry.get("source", reader)
        source = {**odd(draw, source, tuple(component.model_fields) if component else ()), "type": reader}
        for key in ("path", "url"):
            # What is read lies in the folder of the case, whatever it is called.
            if isinstance(source.get(key), str) and not source[key].startswith(("sqlite:///", str(case.folder))):
                source[key] = str(case.folder / "none")
    return source


def _other(draw: st.DrawFn) -> bytes:
    return b"".join(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5))) or b"\0"


def _fitting(reader: str, kind: str, own: dict[str, Any]) -> dict[str, Any]:
    """Settings of the file's own reader; for others what they can't do without."""
    if reader == kind or {reader, kind} == {"csv", "tsv"}:
        return own
    return {"fixed_width": {"widths": [2, 3]}, "regex_lines": {"pattern": r"(\w*),?(.*)"}}.get(reader, {})


NUMBERS = ("integer", "float", "boolean")


def roles(draw: st.DrawFn, schema: Schema) -> dict[str, Any]:
    """What the columns are for: the right kind mostly."""
    names, kinds = list(schema.names), schema.kinds
    made: dict[str, Any] = {}
    unlearned = [name for name in names if kinds[name] in ("time", "bytes", "array", "image")]
    if unlearned and not rare(draw, 5):
        made["ignore"] = unlearned
    if not rare(draw, 4) and len(names) > 1:
        made["target"] = (
            draw(st.sampled_from(names)) if not rare(draw, 5) else draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
        )
    if rare(draw, 3):
        fitting = [name for name in names if name not in unlearned and name != made.get("target")] or names
        made["features"] = draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=3, unique=True))
    if not rare(draw, 1):
        made["missing"] = draw(st.sampled_from(("mean", "median", "zero", "zero", "error")))
    if not rare(draw, 1):
        made["unknown"] = draw(st.sampled_from(("ignore", "error")))
    words = [name for name in names if kinds[name] in ("string", "categorical", "text")]
    numbers = [name for name in names if kinds[name] in NUMBERS]
    seldom: dict[str, Any] = {
        "kind": st.sampled_from(("classes", "numbers", "multilabel")),
        "categorical": st.lists(st.sampled_from(numbers or names), max_size=2, unique=True),
        "numeric": st.lists(st.sampled_from(numbers or names), max_size=2, unique=True),
        "group": st.sampled_from(names),
        "time": st.sampled_from(names),
        "part": st.sampled_from(names),
        "weight": st.sampled_from(numbers or names),
        "text": st.sampled_from(words or names),
        "window": st.fixed_dictionaries(
            {"steps": st.integers(1, 3)}, optional={"horizon": st.integers(1, 3), "stride": st.integers(1, 3), "gap": st.integers(0, 2)}
        ),
        "invalid": st.sampled_from(("drop", "error")),
        "shape": st.sampled_from(
            (
                {"type": "features", "count": 2},
                {"type": "image", "channels": 1, "height": 1, "width": 2},
                {"type": "sequence", "steps": 1, "features": 2},
            )
        ),
        "vectorize": st.sampled_from(
            (
                {},
                {"output": "counts"},
                {"output": "tf_idf"},
                {"length": 3},
                {"max_tokens": 5},
                {"tokenizer": "characters"},
                {"tokenizer": "word_piece"},
            )
        ),
        "columns": st.dictionaries(
            st.sampled_from((*names, "nope")),
            st.sampled_from(
                (
                    "string",
                    "integer",
                    "float",
                    "boolean",
                    "categorical",
                    "time",
                    "text",
                    "array",
                    {"type": "integer", "minimum": 0},
                    {"type": "time", "zone": "Europe/Zurich", "format": "%d.%m.%Y"},
                )
            ),
            max_size=2,
        ),
        "inputs": st.fixed_dictionaries(
            {
                "u": st.fixed_dictionaries(
                    {"columns": st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)},
                    optional={"encode": st.sampled_from(("index", "one_hot")), "missing": st.just("zero"), "unknown": st.just("ignore")},
                )
            }
        ),
        "targets": st.fixed_dictionaries({"v": st.sampled_from(names)}),
    }
    for name, strategy in seldom.items():
        if rare(draw, 24):
            made[name] = draw(strategy)
    if "text" in made and draw(st.integers(0, 3)):
        made = {name: value for name, value in made.items() if name in ("text", "target", "vectorize", "kind", "columns")}
    return made


def settings(draw: st.DrawFn, schema: Schema | None = None) -> dict[str, Any]:
    """The other settings of the data section."""
    share = st.sampled_from((0.2, 0.5))
    splits = st.one_of(
        st.fixed_dictionaries({"type": st.just("random")}, optional={"validation": share, "test": share, "stratify": st.booleans()}),
        st.fixed_dictionaries({"type": st.sampled_from(("grouped", "by_time"))}, optional={"validation": share, "test": share}),
        st.fixed_dictionaries({"type": st.just("predefined")}, optional={"holds": st.just(["train"])}),
        st.fixed_dictionaries(
            {"type": st.just("fold"), "folds": st.integers(2, 3)}, optional={"kind": st.sampled_from(("stratified", "grouped", "time"))}
        ),
    )
    scales = st.sampled_from(
        (
            None,
            "standardize",
            "min_max",
            "robust",
            "quantile",
            "power",
            "max_abs",
            "log",
            {"type": "scale", "factor": 0.5},
            {"type": "quantile", "points": 3},
        )
    )
    samplings = st.sampled_from(
        ("balanced", "weighted", {"type": "weighted", "classes": {"x": 3}}, {"type": "mixture", "shares": {"x": 1}}, "nope")
    )
    optional = {
        "split": splits,
        "normalize": scales,
        "normalize_targets": scales,
        "batch_size": st.integers(1, 5),
        "shuffle": st.booleans(),
        "sampling": samplings if rare(draw, 3) else st.none(),
        "bucketing": st.integers(1, 3) if rare(draw, 5) else st.none(),
        "drop_last": st.booleans(),
        "steps_per_epoch": st.integers(1, 3) if rare(draw, 3) else st.none(),
        "cache": st.just("memory") if rare(draw, 5) else st.none(),
    }
    made = draw(st.fixed_dictionaries({}, optional=optional))
    return {name: value for name, value in made.items() if value is not None or name == "normalize"}


def run_pipeline(case: Case, schema: Schema, steps: list[Any], raw: Any) -> None:
    """The steps by themselves: described, written and read again, fitted and run."""
    with case.stage("describe the pipeline"):
        pipeline = Pipeline(schema, steps)
        pipeline.explain()
    with case.stage("the pipeline from YAML", works=True):
        if Pipeline.from_yaml(pipeline.to_yaml()) != pipeline:
            raise Fault("another pipeline after YAML", case.shown())
    with case.stage("fit the pipeline"):
        fitted, trained = pipeline.fit_apply(raw, seed=1)
        trained.collect()
    with case.stage("run the pipeline"):
        found = fitted.run(raw)
    if list(found.columns) != list(fitted.output.names):
        raise Fault("other columns than the schema says", f"{found.columns} {fitted.output.names}\n{case.shown()}")
    with case.stage("a fitted pipeline from JSON", works=True):
        again = Pipeline.from_yaml(fitted.to_json())
        if again != fitted:
            raise Fault("another pipeline after JSON", case.shown())
        if not again.run(raw).equals(found):
            raise Fault("other rows after JSON", case.shown())


def use(draw: st.DrawFn, case: Case, config: dict[str, Any]) -> Any:
    """Prepare what a recipe describes, and go through some batches."""
    from lamina.data.loader import Loader

    text, start = yaml.safe_dump(config, allow_unicode=True) if draw(st.booleans()) else None, draw(st.integers(0, 3))
    case.note(config=config)
    with case.stage("describe"):
        described = DataConfig.from_dict(config) if text is None else DataConfig.from_yaml(text)
    with case.stage("the description from YAML", works=True):
        again = DataConfig.from_yaml(described.to_yaml())
        if again != described:
            raise Fault("another description after YAML", case.shown())
    if rare(draw, 3):
        with case.stage("schema"):
            described.schema()
    with case.stage("prepare"):
        prepared = prepare(described, seed=start)
    for part in prepared.parts.values():
        with case.stage("batches"):
            loader = Loader(
                part,
                described.batch_size,
                seed=1,
                shuffle=described.shuffle,
                sampling=described.sampling,
                bucketing=described.bucketing,
                steps_per_epoch=described.steps_per_epoch,
                drop_last=described.drop_last,
            )
            for number, batch in enumerate(loader):
                if not all(bool(tensor.isfinite().all()) for tensor in batch.inputs.values()):
                    raise Fault("a batch that isn't finite", case.shown())
                if number + 1 == BATCHES:
                    break
    return prepared


def serve(draw: st.DrawFn, case: Case, prepared: Any, records: list[dict[str, Any]]) -> None:
    """Ask what is kept of the preprocessing about raw records, right ones and odd ones, in all the forms that users give."""
    import numpy as np

    from lamina.data.preprocessing import Preprocessing

    with case.stage("keep", works=True):
        data, arrays = prepared.preprocessing.to_archive()
        kept = Preprocessing.from_archive(json.loads(json.dumps(data)), arrays)
    if not records:
        return
    given = records[:5]
    case.note(records=given)
    answers = []
    for preprocessing in (prepared.preprocessing, kept):
        try:
            with case.stage("serve"):
                answers.append({name: np.asarray(array) for name, array in preprocessing.inputs(given).items()})
        except Refused as refusal:
            answers.append(str(refusal))
    first, second = answers
    same = (
        first == second
        if isinstance(first, str) or isinstance(second, str)
        else all(np.array_equal(first[name], second[name]) for name in first)
    )
    if not same:
        raise Fault("another answer after keeping", case.shown())
    for _ in range(3):
        own = [dict(record) for record in draw(st.lists(st.sampled_from(records), min_size=1, max_size=3))]
        for record in own:
            _oddly(draw, record)
        form = draw(st.sampled_from(("records", "record", "columns", "polars", "pandas", "file", "rows")))
        asked = _in_form(case, own, form)
        case.note(asked=repr(asked), form=form)
        try:
            with case.stage("serve odd records"):
                found = {name: np.asarray(array) for name, array in kept.inputs(asked).items()}
        except Refused:
            continue
        if not all(np.isfinite(array.astype(np.float64)).all() for array in found.values()):
            raise Fault("an input that isn't finite", case.shown())


RECORD_VALUES = (
    *ODD,
    math.nan,
    -math.inf,
    10**30,
    -1,
    "new word",
    "1",
    " x ",
    datetime(2024, 1, 1),
    b"\xff",
    ["x"],
    (1, 2),
    {"u": {}},
    "é" * 2000,
    0.1 + 0.2,
    object,
    {1, 2},
)


def _oddly(draw: st.DrawFn, record: dict[str, Any]) -> None:
    for _ in range(draw(st.integers(0, 2))):
        if not record:
            return
        key = draw(st.sampled_from([*record]))
        way = draw(st.sampled_from(("value", "value", "value", "gone", "name", "new")))
        if way == "value":
            record[key] = draw(st.sampled_from(RECORD_VALUES))
        elif way == "gone":
            del record[key]
        elif way == "name":
            record[f"{key}s"] = record.pop(key)
        else:
            record["more"] = 1


def _in_form(case: Case, records: list[dict[str, Any]], form: str) -> Any:
    """Records as people give them; as they are where a form can't hold them."""
    import pandas as pd
    import polars as pl

    columns = {name: [record.get(name) for record in records] for name in {key: None for record in records for key in record}}
    if form == "records":
        return records
    if form == "record":
        return records[0]
    if form == "columns":
        return columns
    if form == "rows":
        return [list(record.values()) for record in records]
    try:
        if form == "polars":
            return pl.DataFrame(columns, strict=False)
        if form == "pandas":
            return pd.DataFrame(columns)
        path = case.folder / "asked.csv"
        pl.DataFrame(columns, strict=False).write_csv(path)
        return os.fspath(path)
    except BaseException:  # noqa: BLE001 (whatever these libraries can't hold is not Lamina's)
        return records


def serve_raw(draw: st.DrawFn, case: Case, prepared: Any, paths: list[str], contents: list[bytes]) -> None:
    """Ask about raw things (files, bytes, arrays, texts) what is kept of the preprocessing."""
    import numpy as np

    from lamina.data.preprocessing import Preprocessing

    with case.stage("keep", works=True):
        data, arrays = prepared.preprocessing.to_archive()
        kept = Preprocessing.from_archive(json.loads(json.dumps(data)), arrays)
    things = [
        *(
            paths[0],
            paths[:2],
            contents[0],
            contents[:2],
            [contents[0], b"\0"],
            "nope",
            ["a cat", "", "x" * 300],
            [],
            {},
            None,
            3,
            math.nan,
        ),
        *(
            np.zeros((1, 2, 3)),
            np.zeros((2, 8, 8, 3), "u1"),
            np.full((1, 8, 8), np.nan),
            [[1.0, 2.0]],
            {"input": contents[0]},
            {"input": [[1.0]]},
        ),
        *(np.zeros((0, 3)), np.array(["x", None], dtype=object), [{"a": 1}], {"nope": [1]}, "\0", [paths[0], 7], (np.zeros(5, "f4"), 4000)),
    ]
    for _ in range(3):
        asked = draw(st.sampled_from(things))
        case.note(asked=repr(asked))
        try:
            with case.stage("serve odd things"):
                found = {name: np.asarray(array) for name, array in kept.inputs(asked).items()}
        except Refused:
            continue
        if not all(np.isfinite(array.astype(np.float64)).all() for array in found.values()):
            raise Fault("an input that isn't finite", case.shown())
