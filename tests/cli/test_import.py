"""``lamina import``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina import interop
from lamina.testing.dl4j import layer, loss, write_zip

Lamina = Callable[..., Any]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    layers = [layer("DenseLayer", "TanH", nin=3, nout=4), layer("OutputLayer", "Softmax", nin=4, nout=2, lossFn=loss("MCXENT"))]
    return write_zip(tmp_path / "model.zip", layers, np.random.default_rng(0).normal(size=26))


def test_a_report_and_a_file(lamina: Lamina, model: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.lamina"
    assert lamina("import", model, "--dry-run").code == 0
    assert not target.exists()
    outcome = lamina("import", model, "-o", target)
    assert outcome.code == 0
    assert "layer0: dense activation=tanh units=4" in outcome.out
    assert lm.load(target).predict(np.ones((1, 3))).shape == (1, 2)
    data = lamina("import", model, "-o", target, "--json").data
    assert data["written"] == str(target)
    assert [row["becomes"] for row in data["report"]["layers"]] == [
        ["layer0: dense activation=tanh units=4"],
        data["report"]["layers"][1]["becomes"],
    ]


def test_outputs_are_proven_before_anything_is_written(lamina: Lamina, model: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(5, 3)).astype("float32")
    y = interop.load(model).predict(x)
    np.savez(tmp_path / "io.npz", x=x, y=y)
    outcome = lamina("import", model, "--verify", tmp_path / "io.npz", "-o", tmp_path / "a.lamina")
    assert outcome.code == 0
    assert "proven  layer1" in outcome.out
    np.savez(tmp_path / "io.npz", x=x, y=y + 0.01)
    for more in ([], ["--json"]):
        outcome = lamina("import", model, "--verify", tmp_path / "io.npz", "-o", tmp_path / "b.lamina", *more)
        assert outcome.code == 3
        assert not (tmp_path / "b.lamina").exists()


def test_what_has_no_counterpart_and_what_is_damaged(lamina: Lamina, model: Path, tmp_path: Path) -> None:
    own = write_zip(tmp_path / "own.zip", [layer("Mine", package="my.own.", nin=3, nout=4), layer("Other", package="my.own.")], np.ones(4))
    outcome = lamina("import", own, "-o", tmp_path / "a.lamina", "--json")
    assert (outcome.code, outcome.problems) == (2, ["IO004", "IO004"])
    dry = lamina("import", own, "--dry-run", "--json")
    assert dry.code == 2
    assert len(dry.data["report"]["missing"]) == 2
    (tmp_path / "cut.zip").write_bytes(model.read_bytes()[:200])
    assert lamina("import", tmp_path / "cut.zip", "-o", tmp_path / "a.lamina", "--json").problems == ["IO002"]
    assert lamina("import", model, "--from", "dlj4", "--dry-run", "--json").problems == ["IO013"]
    assert not (tmp_path / "a.lamina").exists()


def test_shapes_and_layouts(lamina: Lamina, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [layer("ConvolutionLayer", nin=2, nout=3, kernelSize=[2, 2])], np.ones(3 + 24))
    target = tmp_path / "a.lamina"
    assert lamina("import", path, "-o", target, "--json").problems == ["IO006"]
    assert lamina("import", path, "-o", target, "--input", "image=2,5,4").code == 0
    assert lm.load(target).predict(np.ones((1, 2, 5, 4))).shape == (1, 3, 4, 3)
    x = np.ones((1, 2, 6, 6), "float32")
    np.savez(tmp_path / "io.npz", x=x, y=interop.load(path).predict(x))
    assert lamina("import", path, "-o", target, "--verify", tmp_path / "io.npz").code == 0
    assert lm.load(target).plan.inputs["input"] == lm.image(2, 6, 6)  # type: ignore[union-attr]
    for wrong in ("image=2,5", "picture=1,2,3", "image=a,b,c"):
        assert lamina("import", path, "-o", target, "--input", wrong).code == 2
    assert lamina("import", path).code == 2
    assert lamina("import", path, "-o", target, "--layout", "mine").code == 2
