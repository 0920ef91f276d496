"""Trained models in files, whoever wrote them, as the start of a training, as a teacher, and in the summary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import lamina as lm
from lamina.cli.app import app
from lamina.errors import ArchiveError, InteropError
from lamina.launch import train_recipe
from lamina.learning.distillation import Distill
from lamina.testing.dl4j import layer, loss, write_zip
from lamina.train.recipe import load_recipe
from lamina.trained import trained
from lamina.transfer import Transfer

WEIGHTS = np.random.default_rng(0).normal(size=4 * 8 + 8 + 8 * 3 + 3).astype("f4")
RECIPE = """
data: {source: {type: iris}, split: {validation: 0.2, test: 0.2}, normalize: standardize}
transfer: {model: MODEL, freeze_to: layer0, replacements: {layer1: {type: output, units: 3, loss: cross_entropy}}}
train: {epochs: 2, progress: false}
"""


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    layers = [layer("DenseLayer", "TanH", nin=4, nout=8), layer("OutputLayer", "Softmax", nin=8, nout=3, lossFn=loss("MCXENT"))]
    return write_zip(tmp_path / "model.zip", layers, WEIGHTS)


def test_a_foreign_model_and_its_import_are_the_same(foreign: Path, tmp_path: Path) -> None:
    lm.interop.load(foreign).save(tmp_path / "model.lamina")
    theirs, ours = trained(foreign), trained(tmp_path / "model.lamina")
    assert theirs.kept.network.to_dict(full=True) == ours.kept.network.to_dict(full=True)
    assert {name: array.tolist() for name, array in theirs.weights().items()} == {
        name: array.tolist() for name, array in ours.weights().items()
    }


def test_a_recipe_starts_from_a_foreign_model(foreign: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.replace("MODEL", foreign.name))
    run = train_recipe(load_recipe(recipe)[0], run_dir=tmp_path / "run")
    kept = lm.interop.load(foreign).parameters()
    assert (run.model.parameters()["layer0/weight"] == kept["layer0/weight"]).all()
    assert not (run.model.parameters()["layer1/weight"] == kept["layer1/weight"]).any()
    assert run.report is not None


def test_start_from_takes_a_file_of_another_system(foreign: Path) -> None:
    model = lm.start_from(foreign, replacements={"layer1": lm.Output(5)})
    assert model.predict(np.zeros((2, 4), dtype="f4")).shape == (2, 5)
    assert model.taken is not None
    assert lm.start_from([foreign], Transfer(freeze="layer0")).plan is not None


def test_a_foreign_teacher_teaches(foreign: Path) -> None:
    x = np.random.default_rng(1).normal(size=(200, 4)).astype("f4")
    teacher = lm.interop.load(foreign)
    y = teacher.predict(x).argmax(axis=1)
    net = lm.Sequential(lm.features(4), [lm.Dense(16, activation="tanh"), lm.Output(3)])
    student = lm.Model(net, seed=1)
    student.fit(x, y, epochs=60, distill=Distill(str(foreign), weight=1.0), optimizer=lm.Adam(0.02), progress=False)
    assert (student.predict(x).argmax(axis=1) == y).mean() > 0.9


def test_the_summary_shows_a_foreign_model(foreign: Path) -> None:
    found = CliRunner().invoke(app, ["summary", str(foreign)])
    assert found.exit_code == 0, found.output
    assert "layer1" in found.output


def test_what_is_no_model_is_said_to_be_none(tmp_path: Path) -> None:
    other = tmp_path / "model.lamina"
    with pytest.raises(ArchiveError, match="AR021"):
        trained(other)
    other.write_bytes(b"something else")
    with pytest.raises(ArchiveError, match="AR021"):
        trained(other)


def test_a_damaged_foreign_model_is_named_by_its_own_reader(foreign: Path, tmp_path: Path) -> None:
    short = write_zip(tmp_path / "short.zip", [layer("DenseLayer", nin=4, nout=8)], WEIGHTS[:5])
    with pytest.raises(InteropError):
        trained(short)
