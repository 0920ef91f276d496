"""A model trained on raw rows of the census, saved, loaded in a new process, and asked by file, mapping, list and frame."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

NAMES = [
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race", "sex"),
    *("capital_gain", "capital_loss", "hours_per_week", "native_country", "income"),
]
RECIPE = f"""
seed: 3
data:
  source: {{type: csv, path: train.csv, header: false, names: [{", ".join(NAMES)}], target: income, ignore: [fnlwgt, education]}}
  transform:
    - {{type: fill_missing, columns: [workclass, occupation, native_country], value: unknown}}
    - {{type: filter, where: "age >= 18"}}
    - {{type: apply, columns: [capital_gain, capital_loss], expression: log1p(x)}}
    - {{type: target_encode, columns: occupation, target: income, positive: ">50K"}}
    - {{type: one_hot, columns: [workclass, marital_status, relationship, race, sex, native_country], minimum: 5, unknown: other}}
  split: {{validation: 0.2, stratify: true}}
  normalize: standardize
network:
  type: sequential
  layers:
    - {{type: dense, units: 16, activation: relu}}
    - {{type: output, units: 2, loss: cross_entropy}}
train: {{epochs: 2}}
"""
ASK = """
import json, sys
import numpy as np
import polars as pl
import lamina as lm

model = lm.load("run/model.lamina")
names = json.loads(sys.argv[1])
frame = pl.read_csv("new.csv", has_header=False, new_columns=names, infer_schema=False)
found = {
    "file": model.predict("new.csv"),
    "frame": model.predict(frame),
    "lazy frame": model.predict(frame.lazy()),
    "columns": model.predict(frame.to_dict(as_series=False)),
    "records": model.predict(frame.to_dicts()),
    "no answer": model.predict(frame.drop("income")),
    "other order": model.predict(frame.select(sorted(names))),
    "pandas": model.predict(frame.to_pandas()),
}
assert found["file"].shape == (300, 2) and np.isfinite(found["file"]).all()
different = [name for name, array in found.items() if not np.array_equal(array, found["file"])]
assert not different, different
frame.head(1).write_csv("one.csv", include_header=False)
one = {"file": model.predict("one.csv"), "mapping": model.predict(frame.row(0, named=True)), "frame": model.predict(frame.head(1))}
assert all(np.array_equal(array, one["file"]) for array in one.values())
assert np.allclose(one["file"][0], found["file"][0], atol=1e-6)
renamed = frame.rename({"workclass": "work_class"})
try:
    model.predict(renamed)
except lm.LaminaError as error:
    assert error.code == "DA014" and "'work_class'" in str(error), error
else:
    raise AssertionError("a renamed column was taken")
print("all the same")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    folder = tmp_path_factory.mktemp("census")
    lines = gzip.decompress((shared_data / "adult" / "adult.data.gz").read_bytes()).decode().splitlines()
    (folder / "train.csv").write_text("\n".join(lines[:3000]) + "\n")
    (folder / "new.csv").write_text("\n".join(lines[3000:3300]) + "\n")
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


def run(folder: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_bit_equal_probabilities_whatever_holds_the_rows(folder: Path) -> None:
    run(folder, "-m", "lamina", "train", "recipe.yaml", "--run-dir", "run")
    assert "all the same" in run(folder, "-c", ASK, json.dumps(NAMES))
    written = run(folder, "-m", "lamina", "predict", "run/model.lamina", "new.csv", "-o", "answers.csv")
    assert (folder / "answers.csv").read_text().count("\n") == 301, written
