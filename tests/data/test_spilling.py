"""Tables larger than memory: the same samples, bit for bit, as of a table in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import lamina as lm
from lamina.data.config import DataConfig, Prepared, prepare
from lamina.data.lazy import LazyArray
from lamina.data.loader import Loader
from lamina.data.spilled import Spill
from lamina.data.spilling import Pace
from lamina.errors import DataError
from lamina.launch import train_recipe

ROWS = 5_000


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    frame = pl.DataFrame(
        {
            "who": rng.integers(0, 400, ROWS),
            "when": np.datetime64("2024-01-01") + rng.integers(0, 400, ROWS),
            "income": pl.Series(rng.lognormal(10, 1, ROWS)).set(pl.Series(rng.random(ROWS) < 0.1), None),
            "rate": pl.Series(rng.normal(size=ROWS)).set(pl.Series(rng.random(ROWS) < 0.1), None),
            "city": [None if value > 8 else f" City {value} " for value in rng.integers(0, 10, ROWS)],
            "plan": rng.choice(["a", "b", "c"], ROWS),
            "member": rng.random(ROWS) < 0.5,
            "count": rng.uniform(1, 3, ROWS),
            "bought": rng.choice(["yes", "no"], ROWS),
            "price": rng.normal(size=ROWS).round(3),
        }
    )
    frame.write_csv(tmp_path / "rows.csv")
    return tmp_path / "rows.csv"


STEPS = """
  - {type: filter, where: "count > 1.01"}
  - {type: fill_missing, columns: income, value: median}
  - {type: derive, columns: {load: "log1p(income) * rate", month: "month(parse_time(when, '%Y-%m-%d'))"}}
  - {type: fill_missing, columns: city, value: none}
  - {type: target_encode, columns: plan, target: price}
  - {type: drop, columns: [when]}
"""
SETTINGS = {
    "classes": "{source: {type: csv, path: %s, target: bought, ignore: [who, price], missing: mean}, normalize: standardize}",
    "numbers": "{source: {type: csv, path: %s, target: price, features: [income, city, rate], missing: median}, "
    "normalize: {income: log}, normalize_targets: min_max}",
    "groups": "{source: {type: csv, path: %s, target: bought, group: who, weight: count, ignore: [when, price], missing: zero}, "
    "split: {type: grouped, validation: 0.2, test: 0.1}}",
    "inputs": "{source: {type: csv, path: %s, targets: {a: bought, b: price}, "
    "inputs: {x: {columns: [count, member]}, y: {columns: [plan, member]}}}, split: {validation: 0.3}}",
    "steps": "{source: {type: csv, path: %s, target: bought, ignore: [who], missing: mean}, transform: STEPS, "
    "split: {validation: 0.2, test: 0.2}, normalize: {income: standardize, load: robust}}",
}


def ready(settings: str, path: Path, cache: str | None) -> Prepared:
    steps = ", ".join(line.strip().removeprefix("- ") for line in STEPS.strip().splitlines())
    config = DataConfig.from_yaml((settings % path).replace("STEPS", f"[{steps}]"))
    return prepare(config if cache is None else config.replace(cache={"type": "disk", "path": cache}), seed=3)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_samples_as_in_memory(name: str, table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    memory, disk = ready(SETTINGS[name], table, None), ready(SETTINGS[name], table, str(folder))
    assert disk.parts.keys() == memory.parts.keys()
    assert disk.schema == memory.schema
    (disk_words, disk_numbers), (words, numbers) = disk.preprocessing.to_archive(), memory.preprocessing.to_archive()
    assert disk_words["columns"] == words["columns"]
    assert disk_numbers.keys() == numbers.keys()
    for key, wanted_number in numbers.items():
        assert np.array_equal(disk_numbers[key], wanted_number), key
    assert name != "steps" or disk_words["table"] == words["table"]
    for part, wanted in memory.parts.items():
        found = disk.parts[part]
        for key, array in wanted.inputs.items():
            assert isinstance(found.inputs[key], LazyArray)
            assert np.array_equal(np.asarray(found.inputs[key]), np.asarray(array)), (part, key)
        for key, array in wanted.targets.items():
            assert np.array_equal(found.targets[key], array), (part, key)
        assert (found.weight is None) == (wanted.weight is None)
        assert found.weight is None or np.array_equal(found.weight, wanted.weight)
        order: Any = np.random.default_rng(0).permutation(len(wanted))[:50]
        assert all(np.array_equal(found.inputs[key].select(order)[:], np.asarray(wanted.inputs[key])[order]) for key in wanted.inputs)
    one = next(iter(Loader(memory.train, 64, seed=1)))
    other = next(iter(Loader(disk.train, 64, seed=1, resident_bytes=0)))
    assert all(one.inputs[key].equal(other.inputs[key]) for key in one.inputs)
    assert any(folder.iterdir())
    del disk, found, other
    assert not any(folder.iterdir()), "files are gone with the data"


def test_a_recipe_trains_and_predicts(table: Path, tmp_path: Path) -> None:
    recipe = f"""
data: {{source: {{type: csv, path: {table}, target: bought, features: [count, plan, member]}}, cache: disk, split: {{validation: 0.2}}}}
network: {{type: sequential, layers: [{{type: dense, units: 4}}, {{type: output, units: 2}}]}}
train: {{epochs: 1}}
"""
    path = tmp_path / "recipe.yaml"
    models = []
    for name, text in (("disk", recipe), ("memory", recipe.replace("cache: disk, ", ""))):
        path.write_text(text)
        models.append(train_recipe(lm.Recipe.load(path), run_dir=tmp_path / name).model)
    frame = pl.read_csv(table).head(20)
    assert np.array_equal(models[0].predict(frame), models[1].predict(frame))


@pytest.mark.parametrize(
    ("source", "cache", "says"),
    [
        ("target: price, features: [count], window: {steps: 3}", "{type: disk}", "windows"),
        ("target: bought, text: plan", "{type: disk}", "texts"),
        ("target: bought, features: [count, plan]", "{type: disk, limit: 2 kB}", "2,000 bytes"),
        ("target: bought, features: [count, plan]", "{type: disk, path: rows.csv}", "File exists"),
        ("target: bought, text: plan", "memory", "in memory already"),
    ],
)
def test_what_cannot_be(table: Path, monkeypatch: pytest.MonkeyPatch, source: str, cache: str, says: str) -> None:
    monkeypatch.chdir(table.parent)
    monkeypatch.setenv("LAMINA_CACHE", str(table.parent / "cache"))
    config = DataConfig.from_yaml(f"{{source: {{type: csv, path: {table}, {source}}}, cache: {cache}}}")
    with pytest.raises(DataError, match=says) as caught:
        prepare(config, seed=0)
    assert caught.value.code == "DA188"


def test_a_wrong_value_far_down_is_placed(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.data.pipeline.frames.polars.BATCH_ROWS", 1000)
    frame = pl.read_csv(table).with_columns(rate=pl.lit(1.0))
    frame[4_321, "rate"] = None
    frame.write_csv(table)
    text = f"{{source: {{type: csv, path: {table}, target: bought, features: [rate]}}, cache: {{type: disk, path: {table.parent}/kept}}}}"
    with pytest.raises(DataError, match=r"after row 4000, row 322, column 'rate'") as caught:
        prepare(DataConfig.from_yaml(text), seed=0)
    assert caught.value.code == "DA001"
    assert not any((table.parent / "kept").iterdir())


@pytest.mark.parametrize(
    "step",
    [
        "{type: filter, where: 'count > 9'}",
        "{type: join, table: {who: [-1], z: [1]}, kinds: {who: integer, z: integer}, on: [who], how: inner}",
    ],
)
def test_steps_that_leave_nothing(table: Path, step: str) -> None:
    source = f"{{type: csv, path: {table}, target: bought, features: [count]}}"
    text = f"{{source: {source}, transform: [{step}], cache: {{type: disk, path: {table.parent}/kept}}}}"
    with pytest.raises(DataError, match="at least one row") as caught:
        prepare(DataConfig.from_yaml(text), seed=0)
    assert caught.value.code == "DA006"


def both(path: Path, source: str, more: str = "") -> list[Prepared]:
    """The same data in memory and from files."""
    text = f"{{source: {{type: csv, path: {path}, {source}}}{more}}}"
    config = DataConfig.from_yaml(text)
    return [prepare(one, seed=1) for one in (config, config.replace(cache={"type": "disk", "path": str(path.parent / "kept")}))]


def small_batches(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr("lamina.data.pipeline.frames.polars.BATCH_ROWS", rows)
    monkeypatch.setattr("lamina.data.spilling.BATCH_ROWS", rows)


def test_many_categories_that_are_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, 500)
    pl.DataFrame({"id": np.arange(5000) // 2, "x": np.arange(5000.0), "y": np.arange(5000) % 2}).write_parquet(tmp_path / "a.parquet")
    source = f"{{source: {{type: parquet, path: {tmp_path}/a.parquet, target: y, categorical: [id]}}}}"
    config = DataConfig.from_yaml(source)
    memory, disk = prepare(config, seed=1), prepare(config.replace(cache={"type": "disk", "path": str(tmp_path / "kept")}), seed=1)
    assert disk.preprocessing.columns == memory.preprocessing.columns
    assert np.array_equal(np.asarray(disk.train.inputs["input"]), np.asarray(memory.train.inputs["input"]))


def test_categories_alone(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.data.encoded.LARGE_BYTES", 100)
    for more in ("", ", normalize: standardize"):
        memory, disk = both(table, "target: bought, features: [plan]", more)
        assert np.array_equal(np.asarray(disk.train.inputs["input"]), np.asarray(memory.train.inputs["input"]))
        assert memory.train.inputs["input"].shape == (ROWS, 3)


def test_a_step_that_keeps_few_rows_does_not_wait(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, 100)
    waits: list[float] = []
    monkeypatch.setattr("lamina.data.spilling.Pace.MOMENT", 0.01)
    original = Pace.wait

    def wait(pace: Pace, number: int) -> None:
        start = time.perf_counter()
        original(pace, number)
        waits.append(time.perf_counter() - start)

    monkeypatch.setattr(Pace, "wait", wait)
    steps = ", transform: [{type: fill_missing, columns: income, value: mean}, {type: filter, where: 'rate > 1.2'}]"
    memory, disk = both(table, "target: bought, features: [income, rate]", steps)
    assert np.array_equal(np.asarray(disk.train.inputs["input"]), memory.train.inputs["input"])
    assert sum(wait >= 0.01 for wait in waits) < len(waits) / 2


@pytest.mark.parametrize("kind", ["", ", kind: classes", ", kind: numbers"])
def test_a_missing_answer_far_down_is_placed(table: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    small_batches(monkeypatch, 1000)
    frame = pl.read_csv(table).with_columns(grade=pl.int_range(pl.len()) % 3)
    frame[3900, "grade"] = None
    frame.write_csv(table)
    source = f"{{type: csv, path: {table}, target: grade, features: [count]{kind}}}"
    text = f"{{source: {source}, cache: {{type: disk, path: {table.parent}/kept}}}}"
    with pytest.raises(DataError, match="after row 3000.*row 901"):
        prepare(DataConfig.from_yaml(text), seed=0)


def test_learned_steps_that_leave_nothing(table: Path) -> None:
    steps = ", transform: [{type: fill_missing, columns: income, value: mean}, {type: filter, where: 'count > 9'}]"
    text = f"{{source: {{type: csv, path: {table}, target: bought}}, cache: {{type: disk, path: {table.parent}/kept}}{steps}}}"
    with pytest.raises(DataError) as caught:
        prepare(DataConfig.from_yaml(text), seed=0)
    assert caught.value.code == "DA006"


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from lamina.data.spilled import Spill
spill = Spill(Path({str(tmp_path)!r}))
spill.file(".rows").write_bytes(b"x" * 1000)
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(lm.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", script], env=environment, timeout=60, check=False)
    (left,) = tmp_path.iterdir()
    first = Spill(tmp_path)
    assert not left.exists()
    second = Spill(tmp_path)
    assert first.path.exists(), "what is in use stays"
    del first, second
    assert not any(tmp_path.iterdir())
