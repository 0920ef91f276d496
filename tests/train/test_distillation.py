"""Learning from a teacher: the arithmetic against a loop by hand, exact resuming, and teachers that don't fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import lamina as lm
from lamina.errors import LaminaError
from lamina.learning.distillation import Distill

RNG = np.random.default_rng(1)
X = RNG.normal(size=(48, 5))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)


def net(units: int, *, loss: str = "cross_entropy", outputs: int = 3) -> lm.Sequential:
    return lm.Sequential(lm.features(5), [lm.Dense(units, activation="tanh"), lm.Output(outputs, loss=loss)])


def teacher(folder: Path, y: Any = Y, **settings: Any) -> Path:
    model = lm.Model(net(16, **settings), seed=2, dtype="float64")
    model.fit(X, y, epochs=5, progress=False)
    model.save(folder / "large.lamina")
    return folder / "large.lamina"


@pytest.mark.parametrize(("temperature", "weight"), [(1.0, 0.5), (3.0, 0.8), (2.0, 1.0)])
def test_it_is_the_loop_by_hand(tmp_path: Path, temperature: float, weight: float) -> None:
    file = teacher(tmp_path)
    student = lm.Model(net(4), seed=3, dtype="float64")
    w = {name: torch.tensor(array, requires_grad=True) for name, array in student.parameters().items()}
    t = {name: torch.tensor(array) for name, array in lm.load(file).parameters().items()}
    x, y = torch.tensor(X), torch.tensor(Y)

    def scores(p: dict[str, torch.Tensor]) -> torch.Tensor:
        hidden = torch.tanh(x @ p["dense_1/weight"].T + p["dense_1/bias"])
        return hidden @ p["output_1/weight"].T + p["output_1/bias"]

    for _ in range(6):
        own, taught = scores(w), scores(t)
        soft = F.kl_div(F.log_softmax(own / temperature, 1), F.softmax(taught / temperature, 1), reduction="batchmean") * temperature**2
        loss = (1 - weight) * F.cross_entropy(own, y) + weight * soft
        gradients = torch.autograd.grad(loss, list(w.values()))
        with torch.no_grad():
            for parameter, gradient in zip(w.values(), gradients, strict=True):
                parameter -= 0.3 * gradient
    settings = {"distill": Distill(str(file), temperature=temperature, weight=weight), "optimizer": lm.Sgd(0.3), "shuffle": False}
    student.fit(X, Y, epochs=6, batch_size=48, progress=False, **settings)
    for name, array in student.parameters().items():
        np.testing.assert_allclose(array, w[name].detach().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("loss", "outputs", "y"), [("binary_cross_entropy", 2, np.c_[Y > 0, Y > 1].astype(int)), ("mse", 2, X[:, :2] ** 2)]
)
def test_labels_and_numbers_are_learned_from_a_teacher_alone(tmp_path: Path, loss: str, outputs: int, y: Any) -> None:
    file = teacher(tmp_path, y, loss=loss, outputs=outputs)
    student = lm.Model(net(16, loss=loss, outputs=outputs), seed=5, dtype="float64")

    def far() -> float:
        return float(np.abs(student.predict(X) - lm.load(file).predict(X)).mean())

    student.training_data(X, y)
    before = far()
    student.fit(X, y, epochs=150, distill=Distill(str(file), weight=1.0), optimizer=lm.Adam(0.02), progress=False)
    assert far() < before / 4


def test_a_teacher_is_left_as_it_is_and_let_go(tmp_path: Path) -> None:
    file = teacher(tmp_path)
    content = file.read_bytes()
    student = lm.Model(net(4), dtype="float64")
    student.fit(X, Y, epochs=1, distill={"teacher": str(file)}, progress=False)
    assert student.network.tutor is None
    assert file.read_bytes() == content
    assert set(student.parameters()) == {"dense_1/weight", "dense_1/bias", "output_1/weight", "output_1/bias"}


def test_killed_and_resumed_is_never_killed(tmp_path: Path) -> None:
    file = teacher(tmp_path)
    settings = {"distill": Distill(str(file)), "epochs": 4, "batch_size": 16, "progress": False}
    whole = lm.Model(net(4), seed=7, dtype="float64")
    whole.fit(X, Y, run_dir=tmp_path / "whole", **settings)
    lm.Model(net(4), seed=7, dtype="float64").fit(X, Y, run_dir=tmp_path / "part", max_steps=5, **settings)
    rest = lm.Model(net(4), seed=7, dtype="float64")
    rest.fit(X, Y, run_dir=tmp_path / "part", resume=True, **settings)
    for name, array in whole.parameters().items():
        assert (array == rest.parameters()[name]).all()


def test_masked_steps_and_weights_of_samples_count_as_in_the_task(tmp_path: Path) -> None:
    network = lm.Sequential(lm.sequence(None, 2), [lm.GRU(4), lm.Output(2)])
    sequences = [RNG.normal(size=(n, 2)) for n in (5, 2, 3)]
    tags = [[0, 1, 0, 1, 1], [1, 1], [0, 0, 1]]
    data = lm.Dataset.from_sequences(sequences, tags, dtype="float64")
    large = lm.Model(network, seed=1, dtype="float64")
    large.fit(data, epochs=1, progress=False)
    large.save(tmp_path / "large.lamina")
    student = lm.Model(network, seed=2, dtype="float64")
    settings = {
        "distill": Distill(str(tmp_path / "large.lamina"), weight=1.0),
        "optimizer": lm.Sgd(0.5),
        "shuffle": False,
        "progress": False,
    }
    run = student.fit(data, epochs=1, batch_size=3, **settings)
    start = lm.Model(network, seed=2, dtype="float64")
    distances = []
    for sequence in sequences:
        x = torch.tensor(sequence)[None]
        own, taught = (F.log_softmax(model.network(x)["output_1"] / 2, -1) for model in (start, large))
        distances.append(float((taught.exp() * (taught - own)).sum(-1).mean().detach() * 4))
    assert run.history[0]["train/loss"] == pytest.approx(np.mean(distances), rel=1e-9)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lm.Sequential(lm.features(5), [lm.Output(4)]), "same outputs"),
        (lm.Sequential(lm.features(6), [lm.Output(3)]), "same inputs"),
    ],
)
def test_a_teacher_of_other_data_is_refused_before_the_first_step(tmp_path: Path, other: lm.Sequential, said: str) -> None:
    lm.Model(other).save(tmp_path / "other.lamina")
    student = lm.Model(net(4))
    with pytest.raises(LaminaError, match=said) as caught:
        student.fit(X, Y, epochs=1, distill=Distill(str(tmp_path / "other.lamina")), progress=False)
    assert caught.value.code == "TR140"


def test_a_teacher_with_other_scales_or_labels_is_refused(tmp_path: Path) -> None:
    file = teacher(tmp_path)
    names = np.array(["a", "b", "c"])[Y]
    with pytest.raises(LaminaError, match="same labels"):
        lm.Model(net(4)).fit(X, names, epochs=1, distill=Distill(str(file)), progress=False)
    with pytest.raises(LaminaError, match="distill without mix"):
        lm.Model(net(4)).fit(X, Y, epochs=1, distill=Distill(str(file)), mix="mixup", progress=False)


def test_a_recipe_says_where_its_teacher_is_named(tmp_path: Path) -> None:
    from lamina.train.recipe import load_recipe

    text = (
        "data: {source: {type: iris}}\nnetwork: {type: sequential, layers: [{type: output, units: 3}]}\n"
        "train:\n  epochs: 1\n  distill: {teacher: large.lamina}\n"
    )
    (tmp_path / "r.yaml").write_text(text)
    recipe, document = load_recipe(tmp_path / "r.yaml")
    with pytest.raises(LaminaError, match=r"r\.yaml:5") as caught:
        recipe.check(document)
    assert caught.value.code == "AR021"
    lm.Model(net(4)).save(tmp_path / "large.lamina")
    with pytest.raises(LaminaError, match="same inputs") as caught:
        recipe.check(document)
    assert "r.yaml:5" in str(caught.value)


def test_parts_of_a_batch_hear_the_teacher_as_the_whole_does(tmp_path: Path) -> None:
    file = teacher(tmp_path)
    whole, parts = lm.Model(net(4), seed=3, dtype="float64"), lm.Model(net(4), seed=3, dtype="float64")
    settings = {"distill": Distill(str(file)), "epochs": 3, "optimizer": lm.Sgd(0.3), "progress": False}
    whole.fit(X, Y, batch_size=48, **settings)
    parts.fit(X, Y, batch_size=16, accumulate=3, **settings)
    for name, array in whole.parameters().items():
        np.testing.assert_allclose(parts.parameters()[name], array, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("way", [{"optimizer": "lbfgs"}, {"sharpness": "sam"}, {"averaging": "ema"}])
def test_other_ways_of_learning_hear_the_teacher_too(tmp_path: Path, way: dict[str, Any]) -> None:
    file = teacher(tmp_path)
    settings = {"epochs": 3, "batch_size": 48, "progress": False, **way}
    alone, taught = lm.Model(net(4), seed=3, dtype="float64"), lm.Model(net(4), seed=3, dtype="float64")
    alone.fit(X, Y, **settings)
    taught.fit(X, Y, distill=Distill(str(file), weight=0.9), **settings)
    assert any((array != taught.parameters()[name]).any() for name, array in alone.parameters().items())
