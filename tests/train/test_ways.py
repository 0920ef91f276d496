"""Ways of learning in a whole run: counted in updates, resumed exactly, refused where they don't fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.errors import LaminaError
from lamina.learning import ConjugateGradient, Lbfgs, LineGradientDescent, Sam

X = np.random.default_rng(0).normal(size=(46, 3)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


def model(**more: Any) -> lm.Model:
    layers = [lm.Dense(4, activation="tanh", dropout=0.2), lm.BatchNorm(), lm.Output(2)]
    return lm.Model(lm.Sequential(lm.features(3), layers), seed=4, **more)


def settings(run_dir: Path) -> dict[str, Any]:
    every = lm.Checkpoint(every={"steps": 1})
    return {"epochs": 3, "batch_size": 10, "validation": (X, Y), "progress": False, "run_dir": run_dir, "checkpoints": every}


WAYS = {
    "accumulate": {"accumulate": 2},
    "sam": {"sharpness": Sam(0.1)},
    "both": {"sharpness": "sam", "accumulate": 3},
    "mixup": {"mix": "mixup"},
    "mixup, searched": {"mix": {"type": "mixup", "blend": True}, "accumulate": 2, "optimizer": Lbfgs(iterations=2)},
    "class weights": {"class_weights": "balanced"},
    "lbfgs": {"optimizer": Lbfgs(memory=3, iterations=3)},
    "conjugate gradient": {"optimizer": ConjugateGradient(iterations=3), "accumulate": 2},
    "line gradient descent": {"optimizer": LineGradientDescent(iterations=2)},
}


@pytest.mark.parametrize("ways", WAYS.values(), ids=WAYS)
def test_killed_and_resumed_is_never_killed(check_resumes: Any, ways: dict[str, Any]) -> None:
    check_resumes(4, model, (X, Y), **ways)


# -- accumulation ------------------------------------------------------------------------------------------------------


def plain() -> lm.Model:
    return lm.Model(lm.Sequential(lm.features(3), [lm.Dense(4, activation="tanh"), lm.Output(2)]), seed=4, dtype="float64")


@pytest.mark.parametrize("weight", [None, np.linspace(0.1, 2.0, 46)])
def test_accumulated_batches_are_large_ones(weight: np.ndarray | None) -> None:
    """23 small batches in groups of 4, the last of 3, are 6 large ones, the last of 6 samples."""
    data = lm.Dataset.from_arrays(X, Y, weight=weight)
    small, large = plain(), plain()
    few = small.fit(data, epochs=3, batch_size=2, accumulate=4, progress=False)
    many = large.fit(data, epochs=3, batch_size=8, progress=False)
    assert [row["step"] for row in few.history] == [row["step"] for row in many.history] == [6, 12, 18]
    for one, other in zip(few.history, many.history, strict=True):
        assert abs(one["train/loss"] - other["train/loss"]) < 1e-12
    for name, array in large.parameters().items():
        np.testing.assert_allclose(small.parameters()[name], array, rtol=0, atol=1e-12)


def test_steps_and_schedules_count_updates() -> None:
    rates: list[float] = []

    class Spy(lm.callbacks.CallbackRun):
        needs_step = True

        def on_step(self, trainer: Any) -> None:
            rates.append(trainer.optimizer.learning_rate)

    class Watch(lm.callbacks.Callback):
        def start(self) -> Spy:
            return Spy(self)

    optimizer = lm.Sgd(lm.schedules.Linear(1.0, 0.0))
    run = plain().fit(X, Y, epochs=2, batch_size=10, accumulate=2, optimizer=optimizer, callbacks=[Watch()], progress=False)
    assert [row["step"] for row in run.history] == [3, 6]
    assert len(rates) == 6
    assert rates == sorted(rates, reverse=True)
    assert plain().fit(X, Y, epochs=2, batch_size=10, accumulate=2, max_steps=4, progress=False).history[-1]["step"] == 4


def test_a_loss_of_whole_batches_can_not_be_accumulated() -> None:
    net = lm.Model(lm.Sequential(lm.features(3), [lm.Output(1, activation="sigmoid", loss="f_measure")]))
    with pytest.raises(LaminaError) as caught:
        net.fit(X, Y, accumulate=2, progress=False)
    assert caught.value.code == "TR110"
    assert "f_measure" in str(caught.value)


# -- searching ---------------------------------------------------------------------------------------------------------


def test_lbfgs_on_all_data_finds_the_minimum_of_a_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    labels = (X.sum(axis=1) + np.random.default_rng(1).normal(size=46) > 0).astype(np.int64)
    net = lm.Model(lm.Sequential(lm.features(3), [lm.Output(1, activation="sigmoid", loss="binary_cross_entropy", l2=1 / 46)]))
    net.widen()
    net.fit(X.astype(np.float64), labels, epochs=30, batch_size=46, optimizer="lbfgs", progress=False)
    reference = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(X.astype(np.float64), labels)
    weight = net.parameters()["output_1/weight"]
    np.testing.assert_allclose(weight.ravel(), reference.coef_.ravel(), atol=1e-4)
    np.testing.assert_allclose(net.parameters()["output_1/bias"], reference.intercept_, atol=1e-4)


REFUSED = [
    ({"optimizer": "lbfgs", "clip": 1.0}, "SP004", "clip"),
    ({"optimizer": "conjugate_gradient", "sharpness": "sam"}, "SP004", "sharpness"),
    ({"optimizer": "line_gradient_descent", "precision": "float16"}, "SP004", "float16"),
    ({"sharpness": {"type": "sam", "rho": 0}}, "SP004", "rho"),
    ({"accumulate": 0}, "SP004", "accumulate"),
]


@pytest.mark.parametrize(("ways", "code", "word"), REFUSED)
def test_what_does_not_go_together_is_said_at_once(ways: dict[str, Any], code: str, word: str) -> None:
    with pytest.raises(LaminaError) as caught:
        plain().fit(X, Y, progress=False, **ways)
    assert caught.value.code == code
    assert word in str(caught.value)


def test_layers_with_a_rate_of_their_own_can_not_be_searched(tmp_path: Path) -> None:
    slow = lm.Dense(4, learning_rate_factor=0.5, name="slow")
    for layer, said in ((slow, "'slow'"), (lm.layers.Nested([slow], name="block"), "'block/slow'")):
        with pytest.raises(LaminaError) as caught:
            lm.Model(lm.Sequential(lm.features(3), [layer, lm.Output(2)])).fit(X, Y, optimizer="lbfgs", progress=False)
        assert caught.value.code == "TR110"
        assert said in str(caught.value)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "data: {source: {type: iris}}\n"
        "network: {type: sequential, layers: [{type: dense, units: 4, learning_rate_factor: 0.5}, {type: output, units: 3}]}\n"
        "train: {optimizer: lbfgs}\n"
    )
    from lamina.train.recipe import load_recipe

    loaded, document = load_recipe(recipe)
    with pytest.raises(LaminaError) as caught:
        loaded.check(document)
    assert caught.value.code == "TR110"
    assert "recipe.yaml:3" in str(caught.value)


# -- averaging ---------------------------------------------------------------------------------------------------------


AVERAGES = {
    "ema": {"averaging": {"type": "ema", "decay": 0.8}},
    "ema every two": {"averaging": {"type": "ema", "decay": 0.8, "every": 2}, "accumulate": 2},
    "swa": {"averaging": {"type": "swa", "start": 1}},
    "swa by steps": {"averaging": {"type": "swa", "start": 3, "every": 2, "unit": "steps"}},
    "swa late": {"averaging": "swa"},
}


@pytest.mark.parametrize(("ways", "step"), list(zip(AVERAGES.values(), [2, 5, 8, 6, 3], strict=True)), ids=AVERAGES)
def test_averages_are_resumed(check_resumes: Any, ways: dict[str, Any], step: int) -> None:
    check_resumes(step, model, (X, Y), **ways)


@pytest.mark.parametrize("ways", [AVERAGES["ema"], AVERAGES["swa"], WAYS["both"], WAYS["lbfgs"]])
def test_stopped_by_a_signal_and_resumed_is_never_stopped(check_resumes: Any, ways: dict[str, Any]) -> None:
    check_resumes(3, model, (X, Y), gently=True, **ways)


def test_an_average_does_not_change_training() -> None:
    """The same steps are made; what is judged and kept is their average, computed here from the weights after each step."""
    kept: list[dict[str, np.ndarray]] = []

    class Spy(lm.callbacks.CallbackRun):
        needs_step = True

        def on_step(self, trainer: Any) -> None:
            kept.append({name: array.copy() for name, array in trainer.network.named_arrays().items()})

    class Watch(lm.callbacks.Callback):
        def start(self) -> Spy:
            return Spy(self)

    plain_model, averaged = model(), model()
    plain_run = plain_model.fit(X, Y, epochs=2, batch_size=10, validation=(X, Y), callbacks=[Watch()], progress=False)
    run = averaged.fit(X, Y, epochs=2, batch_size=10, validation=(X, Y), averaging={"type": "ema", "decay": 0.7}, progress=False)
    assert [row["train/loss"] for row in run.history] == [row["train/loss"] for row in plain_run.history]
    expected = {name: array.astype(np.float64) for name, array in kept[0].items()}
    for arrays in kept[1:]:
        expected = {name: 0.7 * expected[name] + 0.3 * array for name, array in arrays.items()}
    for name, array in averaged.parameters().items():
        np.testing.assert_allclose(array, expected[name], atol=1e-5, err_msg=name)
    judged = averaged.evaluate(X, Y).metrics
    assert judged["loss"] == run.history[-1]["validation/loss"]
    assert judged["loss"] != plain_run.history[-1]["validation/loss"]


def test_checkpoints_hold_the_average_as_the_model(tmp_path: Path) -> None:
    trained = model()
    trained.fit(X, Y, **(settings(tmp_path / "run") | {"averaging": {"type": "swa", "start": 1}}))
    last = lm.load(max((tmp_path / "run" / "checkpoints").glob("step-*.lamina")))
    for name, array in trained.parameters().items():
        np.testing.assert_array_equal(last.parameters()[name], array)
        np.testing.assert_array_equal(lm.load(tmp_path / "run" / "model.lamina").parameters()[name], array)


def test_the_best_epoch_is_that_of_the_average(tmp_path: Path) -> None:
    stopping = lm.EarlyStopping("validation/loss", patience=50)
    trained = model()
    run = trained.fit(
        X, Y, epochs=6, batch_size=10, validation=(X, Y), averaging={"type": "ema", "decay": 0.5}, early_stopping=stopping, progress=False
    )
    assert trained.evaluate(X, Y).metrics["loss"] == min(row["validation/loss"] for row in run.history)


@pytest.mark.parametrize("averaging", [{"type": "swa", "start": 9}, {"type": "ema", "every": 100}])
def test_an_average_that_never_begins_is_refused(averaging: dict[str, Any]) -> None:
    with pytest.raises(LaminaError) as caught:
        model().fit(X, Y, epochs=3, batch_size=10, averaging=averaging, progress=False)
    assert caught.value.code == "TR110"


def test_a_run_with_another_average_can_not_be_resumed(tmp_path: Path) -> None:
    model().fit(X, Y, **(settings(tmp_path / "run") | {"averaging": "ema"}))
    with pytest.raises(LaminaError) as caught:
        model().fit(X, Y, **settings(tmp_path / "run"), resume=True)
    assert caught.value.code == "TR051"


# -- mixing ------------------------------------------------------------------------------------------------------------


IMAGES = np.random.default_rng(2).normal(size=(20, 1, 6, 6)).astype(np.float32)


def test_cutmix_of_images_learns() -> None:
    labels = (np.arange(20) % 2).astype(np.int64)
    net = lm.Model(lm.Sequential(lm.image(1, 6, 6), [lm.Conv2d(4, kernel=3, activation="relu"), lm.Output(2)]), seed=1)
    run = net.fit(IMAGES + labels[:, None, None, None], labels, epochs=8, batch_size=10, mix="cutmix", progress=False)
    assert run.history[-1]["train/loss"] < run.history[0]["train/loss"]


def test_what_can_not_be_mixed_is_said() -> None:
    tokens = lm.Sequential(lm.tokens(5, 9), [lm.Embedding(3), lm.LSTM(4), lm.Output(2)])
    features = lm.Sequential(lm.features(3), [lm.Output(2)])
    steps = lm.Sequential(lm.sequence(5, 3), [lm.LSTM(4), lm.Output(2)])
    ids = np.random.default_rng(0).integers(0, 9, size=(12, 5))
    series, places = X[:12, None].repeat(5, 1), np.arange(60).reshape(12, 5) % 2
    masked = lm.Dataset.from_arrays(series, places, masks=np.arange(5) < np.full((12, 1), 3), kind="classes")
    cases = [
        (tokens, lm.Dataset.from_arrays(ids, places, shape=lm.tokens(5, 9), kind="classes"), "mixup", "half a token"),
        (features, lm.Dataset.from_arrays(X, Y), "cutmix", "mixup"),
        (steps, lm.Dataset.from_arrays(series, places, kind="classes"), "cutmix", "single places"),
        (steps, masked, "mixup", "masks"),
    ]
    for network, data, mix, word in cases:
        with pytest.raises(LaminaError) as caught:
            lm.Model(network).fit(data, mix=mix, progress=False)
        assert caught.value.code == "TR110"
        assert word in str(caught.value)


def test_own_modules_are_trained_in_every_way_that_needs_no_description() -> None:
    from torch import nn

    def own() -> lm.Model:
        return lm.Model(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)), loss="cross_entropy", seed=1)

    ways: list[dict[str, Any]] = [*WAYS.values(), *AVERAGES.values()]
    for way in ways:
        run = own().fit(X, Y, epochs=5, batch_size=10, progress=False, **way)
        assert np.isfinite(run.history[-1]["train/loss"])
    with pytest.raises(LaminaError) as caught:
        own().fit(X, Y, mix="cutmix", progress=False)
    assert caught.value.code == "TR110"


def test_python_hears_what_check_refuses_in_a_recipe() -> None:
    """A loss in the middle would do nothing: nothing is left out in silence."""
    nodes = {"h": lm.Dense(4, inputs="x"), "aux": lm.LossLayer(loss="mse", inputs="h"), "main": lm.Output(2, inputs="aux")}
    x, y = np.ones((4, 3)), np.array([0, 1, 0, 1])
    with pytest.warns(lm.LaminaWarning, match=r"(?s)CK007.*network.nodes.aux"):
        lm.Model(lm.Graph({"x": lm.features(3)}, nodes, "main")).fit(x, y, epochs=1, progress=False)
    lm.Model(lm.Graph({"x": lm.features(3)}, nodes, "main", ignore=["CK007"])).fit(x, y, epochs=1, progress=False)
