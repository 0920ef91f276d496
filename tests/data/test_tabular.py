"""Tables of recipes: split before anything is learned, several inputs and targets, sequences, windows; kept and used again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.data.encoded import LARGE_BYTES, EncodedRows
from lamina.data.normalizers import ByName, Normalizer, Standardize
from lamina.data.normalizers.fitted import Linear, Parts
from lamina.data.preprocessing import Preprocessing
from lamina.data.scaled_rows import ScaledRows
from lamina.errors import DataError, DescriptionError, LaminaWarning


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    frame = pl.DataFrame(
        {
            "who": [f"p{i // 6}" for i in range(120)],
            "day": [i % 6 for i in range(120)],
            "x": rng.normal(size=120).round(3),
            "gap": [None if i % 5 == 0 else float(i % 7) for i in range(120)],
            "word": [["red", "blue", "green"][i // 2 % 3] for i in range(120)],
            "note": [["good film", "bad film", "odd"][i % 3] for i in range(120)],
            "y": rng.normal(size=120).round(3),
            "kind": [["a", "b"][i // 6 % 2] for i in range(120)],
        }
    )
    frame.write_csv(tmp_path / "rows.csv")
    return tmp_path / "rows.csv"


def prepared(table: Path, source: str, rest: str = "", seed: int = 4):
    return prepare(DataConfig.from_yaml(f"{{source: {{type: csv, path: {table}, {source}}}, {rest}}}"), seed)


def test_what_steps_learn_they_learn_from_the_training_part(table: Path) -> None:
    rest = "transform: [{type: fill_missing, columns: gap, value: mean}], split: {validation: 0.3}"
    parts = prepared(table, "target: y, features: [x, gap]", rest)
    step = parts.preprocessing.serving.pipeline.steps[0]
    frame = pl.read_csv(table)
    filled = {name: part.inputs["input"][:, 1] for name, part in parts.parts.items()}
    assert step.learned["gap"] != pytest.approx(frame["gap"].mean(), abs=1e-9)
    values = np.concatenate(list(filled.values()))
    assert (np.isclose(values, step.learned["gap"])).sum() == frame["gap"].null_count()
    train = filled["train"][~np.isclose(filled["train"], step.learned["gap"])]
    assert train.mean() == pytest.approx(step.learned["gap"], abs=1e-6)


def test_steps_before_the_first_that_learns_may_change_rows(table: Path) -> None:
    rest = (
        "transform: [{type: group_by, keys: who, aggregates: {x: mean(x), kind: first(kind), n: count()}},"
        " {type: fill_missing, columns: x, value: mean}], split: {validation: 0.2, stratify: true}"
    )
    parts = prepared(table, "target: kind, ignore: who", rest)
    assert {name: len(part) for name, part in parts.parts.items()} == {"train": 16, "validation": 4}
    assert parts.train.columns.names == ("x", "n")


def test_several_inputs_and_targets(table: Path) -> None:
    source = (
        "inputs: {numbers: {columns: [x, gap], missing: mean}, colour: {columns: word, encode: index},"
        " text: {columns: note, vectorize: {}}},"
        " targets: {price: y, kind: kind}"
    )
    data = prepared(table, source, "split: {validation: 0.2}, normalize: standardize")
    assert {name: str(shape) for name, shape in data.schema.inputs.items()} == {
        "numbers": "[batch, 2]",
        "colour": "[batch, 1]",
        "text": "[batch, ?]",
    }
    assert data.schema.targets["kind"].labels == ("a", "b")
    assert data.train.targets["price"].shape == (96, 1)
    assert np.allclose(data.train.inputs["numbers"].mean(axis=0), 0, atol=1e-6)
    again = Preprocessing.from_archive(*data.preprocessing.to_archive())
    frame = pl.read_csv(table)
    raw, kept = data.preprocessing.inputs(frame), again.inputs(frame.drop("y", "kind"))
    assert all(np.array_equal(raw[name], kept[name]) for name in raw)


def test_an_index_keeps_places_for_what_is_missing_and_what_is_new(table: Path) -> None:
    source = "inputs: {colour: {columns: word, encode: index, unknown: ignore}}, target: y"
    data = prepared(table, source)
    rows = pl.DataFrame({"word": ["red", None, "black"]})
    with pytest.warns(LaminaWarning, match="1 rows hold categories"):
        assert data.preprocessing.inputs(rows)["colour"].tolist() == [[4], [0], [1]]


def test_steps_become_sequences_with_masks(table: Path) -> None:
    rest = (
        "transform: [{type: filter, where: \"not (who == 'p3' and day > 2)\"}, {type: to_sequence, keys: who, order: day},"
        ' {type: window, columns: {before: "lag(x, 1)"}}, {type: fill_missing, columns: [before, gap], value: 0.0}],'
        " split: {validation: 0.25}"
    )
    data = prepared(table, "target: kind, features: [x, before, gap]", rest)
    assert str(data.schema.inputs["input"]) == "[batch, ?, 3]"
    both = [data.train, data.validation]
    assert sum(len(part) for part in both) == 20
    lengths = np.concatenate([part.input_masks["input"].sum(1) if part.input_masks else np.full(len(part), 6) for part in both])
    assert sorted(lengths.tolist()) == [3] + [6] * 19
    assert data.train.targets["output"].shape == (len(data.train),)
    one = pl.read_csv(table).filter(who="p7")
    alone = data.preprocessing.unlabelled(one.sample(fraction=1.0, shuffle=True, seed=1)).inputs["input"]
    assert alone.shape == (1, 6, 3)
    assert np.allclose(alone[0, :, 0], one["x"].to_numpy(), atol=1e-6)
    assert np.allclose(alone[0, 1:, 1], alone[0, :-1, 0])


def test_targets_that_change_have_a_value_for_each_step(table: Path) -> None:
    rest = "transform: [{type: to_sequence, keys: who, order: day}]"
    data = prepared(table, "target: y, features: [x]", rest)
    assert data.train.targets["output"].shape == (20, 6, 1)


def test_windows_slide_over_a_series(table: Path) -> None:
    frame = pl.read_csv(table)
    data = prepared(table, "target: y, features: [x, y], window: {steps: 10, horizon: 3, gap: 1, stride: 2}")
    assert data.train.inputs["input"].shape == ((120 - 14) // 2 + 1, 10, 2)
    y = frame["y"].to_numpy()
    assert np.allclose(data.train.targets["output"][5], y[10 + 10 + 1 : 10 + 10 + 4], atol=1e-6)
    assert data.schema.targets["output"].labels == ("y+2", "y+3", "y+4")
    new = data.preprocessing.inputs(frame.select("x", "y").tail(10))["input"]
    assert new.shape == (1, 10, 2)
    with pytest.raises(DataError, match="no window fits") as caught:
        data.preprocessing.inputs(frame.tail(9))
    assert caught.value.code == "DA006"


def test_windows_of_a_group_stay_in_it(table: Path) -> None:
    rest = "transform: [{type: to_sequence, keys: who, order: day}]"
    data = prepared(table, "target: y, features: [x], window: {steps: 4}", rest)
    assert len(data.train) == 20 * 2


def test_large_tables_are_put_together_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    frame = pl.DataFrame(
        {"a": rng.normal(size=3000), "b": [None if i % 9 == 0 else i / 7 for i in range(3000)], "c": ["xyz"[i % 3] for i in range(3000)]}
    )
    frame = frame.with_columns(y=pl.col("a") > 0)
    small = lm.Dataset.from_frame(frame, target="y", missing="median")
    monkeypatch.setattr("lamina.data.encoded.LARGE_BYTES", 1000)
    assert LARGE_BYTES > 1000
    large = lm.Dataset.from_frame(frame, target="y", missing="median")
    assert isinstance(large.inputs["input"], EncodedRows)
    assert np.array_equal(np.asarray(large.inputs["input"]), small.inputs["input"], equal_nan=True)
    normalizers: list[Normalizer] = [
        Standardize(),
        ByName({"a": Standardize(), "b": Normalizer.from_dict({"type": "quantile"})}),
        ByName({"b": Normalizer.from_dict({"type": "log"})}, rest=Normalizer.from_dict({"type": "min_max"})),
        Normalizer.from_dict({"type": "power"}),
    ]
    for normalize in (None, *normalizers):
        ready = [Preprocessing.fit(data, normalize=normalize).prepare(data) for data in (small, large)]
        made = ready[1].inputs["input"]
        assert isinstance(made, ScaledRows)
        assert np.array_equal(ready[0].inputs["input"], np.asarray(made))
        rows = np.array([2999, 0, 7, 7])
        assert np.array_equal(ready[0].inputs["input"][rows], made.select(rows)[:])


def test_a_large_table_of_numbers_is_one_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.data.encoded.LARGE_BYTES", 1000)
    frame = pl.DataFrame({"a": np.arange(500.0), "b": np.arange(500.0) ** 2, "y": [0, 1] * 250})
    data = lm.Dataset.from_frame(frame, target="y")
    ready = Preprocessing.fit(data, normalize=Standardize()).prepare(data)
    assert isinstance(ready.inputs["input"], np.ndarray)
    assert np.allclose(ready.inputs["input"].std(axis=0), 1)


def test_a_number_out_of_range_in_a_large_table_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.data.encoded.LARGE_BYTES", 1000)
    frame = pl.DataFrame({"a": [1.0, 3e38] * 250, "c": ["x", "y"] * 250, "y": [0, 1] * 250})
    data = lm.Dataset.from_frame(frame, target="y")
    small = Preprocessing.fit(data.take(np.arange(0, 500, 2)), normalize=ByName({"a": Normalizer.from_dict({"type": "max_abs"})}))
    small.input_scales["input"] = Parts((np.array([0]),), (Linear(np.array([0.0]), np.array([100.0]), 1),), 3)
    with pytest.raises(DataError, match=r"sample 1, column 'a'") as caught, np.errstate(over="ignore"):
        small.prepare(data)
    assert caught.value.code == "DA001"


def test_lists_are_no_categories_and_may_stand_in_a_test_table(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"v": [[1.0, 2.0], [3.0, 4.0]] * 5, "x": np.arange(10.0), "y": [0, 1] * 5}).write_parquet(path)
    with pytest.raises(DataError, match="one category in each row") as caught:
        prepare(DataConfig.from_yaml(f"{{source: {{type: parquet, path: {path}, target: y, categorical: [v]}}}}"), seed=0)
    assert caught.value.code == "DA016"
    source = f"{{type: parquet, path: {path}, target: y}}"
    data = prepare(DataConfig.from_yaml(f"{{source: {source}, test_source: {source}}}"), seed=0)
    assert data.test is not None
    assert np.array_equal(data.test.inputs["input"], data.train.inputs["input"])


def test_a_test_table_of_its_own_is_read_by_what_training_found(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    pl.read_csv(table).head(7).select(pl.all().reverse()).write_csv(other)
    rest = f"transform: [{{type: one_hot, columns: word}}], test_source: {{type: csv, path: {other}}}"
    data = prepared(table, "target: kind, features: ['word[blue]', 'word[green]', 'word[red]']", rest)
    assert len(data.test) == 7
    assert data.test.inputs["input"].sum(axis=1).tolist() == [1.0] * 7


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{source: iris, transform: [{type: drop, columns: a}]}", "sources that are tables"),
        ("{source: {type: csv, path: a.csv, target: y, targets: {a: b}}}", "targets without target"),
        ("{source: {type: csv, path: a.csv, inputs: {a: {columns: [b, c], encode: index}}}}", "one column for encode: index"),
        ("{source: {type: csv, path: a.csv, invalid: quarantine}}", "quarantine: FILE together"),
    ],
)
def test_what_does_not_go_together(data: str, words: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        DataConfig.from_yaml(data)
    assert words in str(caught.value)
