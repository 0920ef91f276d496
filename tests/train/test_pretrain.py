"""Layer-wise pretraining: each layer alone, on what those below give, as a hand-written loop would; killed and resumed, never killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lamina as lm
from lamina.archive import Archive
from lamina.data.dataset import Dataset
from lamina.engine.parameters import FlatParameters
from lamina.engine.pretraining import Stage
from lamina.engine.step import StepRunner
from lamina.errors import LaminaError
from lamina.train.recipe import Recipe

N = 12
X = (np.random.default_rng(0).random((40, N)) < np.linspace(0.1, 0.9, N)).astype(np.float32)
Y = (X[:, 3:9].sum(1) > 3).astype(int)


def stack(*layers: Any, seed: int = 3) -> lm.Model:
    return lm.Model(lm.Sequential(lm.features(N), [*layers, lm.Output(2)]), seed=seed)


def deep(seed: int = 3) -> lm.Model:
    return stack(
        lm.layers.RBM(8, persistent=True, chains=5, name="below"),
        lm.layers.VariationalAutoencoder(3, encoder=[6], decoder=[6], activation="tanh", reconstruction="bernoulli", name="above"),
        seed=seed,
    )


def same(one: lm.Model, other: lm.Model) -> bool:
    ours, theirs = one.parameters(), other.parameters()
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def quiet(model: lm.Model, data: Any = X, **settings: Any) -> Any:
    return model.pretrain(data, **{"epochs": 2, "batch_size": 8, "optimizer": lm.Adam(0.01), "progress": False} | settings)


def test_a_layer_learns_as_in_a_hand_written_loop() -> None:
    model = stack(lm.layers.AutoEncoder(5, corruption=0.0, name="code"))
    before = model.parameters()
    weight, bias, back = (torch.tensor(before[f"code/{name}"], requires_grad=True) for name in ("weight", "bias", "visible_bias"))
    optimizer = torch.optim.SGD([weight, bias, back], lr=0.5)
    losses = []
    for _ in range(3):
        total = 0.0
        for start in range(0, 40, 16):
            x = torch.tensor(X[start : start + 16])
            y = torch.nn.functional.linear(torch.sigmoid(torch.nn.functional.linear(x, weight, bias)), weight.T, back)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(y, x)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item() * len(x)
        losses.append(total / 40)
    run = quiet(model, epochs=3, batch_size=16, shuffle=False, optimizer=lm.Sgd(0.5))
    after = model.parameters()
    for name, wanted in (("weight", weight), ("bias", bias), ("visible_bias", back)):
        np.testing.assert_allclose(after[f"code/{name}"], wanted.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose([row["train/loss"] for row in run.history["code"]], losses, rtol=1e-5)
    assert np.array_equal(before["output_1/weight"], after["output_1/weight"])
    assert str(run).startswith("code: train/loss")


def test_a_layer_sees_what_those_below_give_at_prediction() -> None:
    settings = {"epochs": 2, "optimizer": lm.Adam(0.01)}
    whole = stack(
        lm.layers.RBM(8, dropout=0.5, name="below"),
        lm.layers.BatchNorm(),
        lm.Dropout(0.5),
        lm.layers.AutoEncoder(4, loss="mse", name="above"),
    )
    run = quiet(whole, **settings)
    assert list(run.history) == ["below", "above"]
    weights = whole.parameters()
    code = 1 / (1 + np.exp(-(X.astype(np.float64) @ weights["below/weight"].T + weights["below/bias"])))
    code = (code / np.sqrt(1 + 1e-5)).astype(np.float32)  # batch norm that has seen nothing
    alone = lm.Model(lm.Sequential(lm.features(8), [lm.layers.AutoEncoder(4, loss="mse", name="above")]), seed=3)
    quiet(alone, code, **settings)
    for name in ("weight", "bias", "visible_bias"):
        np.testing.assert_allclose(whole.parameters()[f"above/{name}"], alone.parameters()[f"above/{name}"], rtol=1e-3, atol=1e-5)


def test_draws_depend_on_seed_layer_and_step_alone() -> None:
    first, second, other = deep(), deep(), deep(seed=4)
    quiet(first)
    torch.manual_seed(99)
    torch.rand(7)
    quiet(second, layers="below")
    quiet(second, layers=["above"], workers=2)
    assert same(first, second)
    quiet(other)
    assert not same(first, other)
    assert np.unique(first.parameters()["below/chain"]).tolist() == [0.0, 1.0]


def test_targets_are_not_looked_at() -> None:
    models = [deep() for _ in range(4)]
    for model, data in zip(models, (X, (X, Y), Dataset.from_arrays(X), Dataset.from_arrays(X, ["a"] * 40)), strict=True):
        quiet(model, data)
        assert same(model, models[0])
        assert model.schema is None
    models[3].fit(X, Y, epochs=1, progress=False)


def test_samples_count_by_their_weight() -> None:
    model = stack(lm.layers.AutoEncoder(5, corruption=0.0, name="code"))
    stage = Stage(model.network, "code")  # type: ignore[arg-type]
    x, weight = torch.tensor(X), torch.arange(40.0)
    each = stage.layer.pretrain_loss(x).detach()
    assert torch.allclose(stage.loss(x, {}, weight), (each * weight).sum() / weight.sum())
    assert stage.loss(x, {}, torch.zeros(40)) == 0
    with torch.no_grad():
        assert list(stage.activations(x)) == ["code, input", "code"]


def test_what_only_pretraining_uses_is_left_alone_afterwards() -> None:
    model = deep()
    quiet(model)
    before = model.parameters()
    model.fit(X, Y, epochs=2, optimizer={"type": "adamw", "weight_decay": 0.3}, progress=False)
    after = model.parameters()
    idle = ["below/visible_bias", "above/log_variance_weight", "above/decoder_0_weight", "above/reconstruction_bias", "below/chain"]
    assert all(np.array_equal(before[name], after[name]) for name in idle)
    assert not np.array_equal(before["below/weight"], after["below/weight"])
    names = {slot.name for slot in FlatParameters(model.network).slots}
    assert "above/mean_weight" in names
    assert not names & set(idle)
    quiet(model, layers="above")  # and learns again, if it is pretrained again
    assert not np.array_equal(after["above/decoder_0_weight"], model.parameters()["above/decoder_0_weight"])


class _Kill(BaseException):
    pass


def killed_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Whatever trains is killed in that step, counted over all layers and what follows."""
    train, made = StepRunner.train, [0]

    def dying(self: StepRunner, *given: Any, **more: Any) -> Any:
        made[0] += 1
        if made[0] > step:
            raise _Kill
        return train(self, *given, **more)

    monkeypatch.setattr(StepRunner, "train", dying)


EVERY_STEP = {"type": "checkpoint", "every": {"type": "every", "count": 1, "unit": "steps"}}


@pytest.mark.parametrize("step", [0, 3, 10, 14])
def test_killed_and_resumed_is_never_killed(step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, part = deep(), deep()
    wanted = quiet(whole, run_dir=tmp_path / "whole").history
    with monkeypatch.context() as patch:
        killed_at(patch, step)
        with pytest.raises(_Kill):
            quiet(part, run_dir=tmp_path / "part", checkpoints=EVERY_STEP)
    fresh = deep()
    run = quiet(fresh, run_dir=tmp_path / "part", checkpoints=EVERY_STEP, resume=True)
    assert same(whole, fresh)
    assert run.history == wanted
    assert same(lm.load(tmp_path / "part" / "model.lamina"), whole)
    again = deep()
    assert quiet(again, run_dir=tmp_path / "part", resume=True).history == wanted  # nothing is left to do
    assert same(again, whole)


@pytest.mark.parametrize("step", [4, 13, 23])
def test_a_run_that_pretrains_is_resumed_in_its_phase(step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(model: lm.Model, folder: str, *, resume: bool = False) -> Any:
        settings: dict[str, Any] = {"pretrain": {"epochs": 2, "optimizer": {"type": "adam", "learning_rate": 0.01}}}
        settings |= {"epochs": 3, "batch_size": 8, "progress": False, "checkpoints": EVERY_STEP}
        return model.fit(X, Y, run_dir=tmp_path / folder, resume=resume, **settings)

    whole = deep()
    run = fit(whole, "whole")
    assert list(run.pretraining) == ["below", "above"]
    assert len(run.history) == 3
    assert run.to_dict()["pretraining"]["below"][1]["epoch"] == 2
    with monkeypatch.context() as patch:
        killed_at(patch, step)
        with pytest.raises(_Kill):
            fit(deep(), "part")
    fresh = deep()
    assert fit(fresh, "part", resume=True).history == run.history
    assert same(whole, fresh)
    assert Archive(tmp_path / "part" / "pretraining" / "1-below" / "model.lamina").has("training.json")


def test_a_run_without_a_folder_pretrains_too() -> None:
    one, other = deep(), deep()
    one.fit(X, Y, epochs=1, batch_size=8, progress=False, pretrain={"epochs": 2, "layers": "below"})
    quiet(other, layers="below", optimizer=lm.Adam())
    other.fit(X, Y, epochs=1, batch_size=8, progress=False)
    assert same(one, other)


@pytest.mark.parametrize(
    ("layers", "code", "said"),
    [
        ("belwo", "TR120", "did you mean 'below'"),
        ("output_1", "TR121", r"'output_1' \(output\)"),
        ("still", "TR121", r"'still' \(rbm, frozen\)"),
    ],
)
def test_layers_that_are_not_there_or_cannot(layers: str, code: str, said: str, tmp_path: Path) -> None:
    model = stack(lm.layers.RBM(4, name="below"), lm.layers.RBM(4, frozen=True, name="still"))
    with pytest.raises(LaminaError, match=rf"(?s){code}.*{said}"):
        quiet(model, layers=layers, run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert list(quiet(model).history) == ["below"]


def test_networks_that_have_nothing_to_pretrain() -> None:
    with pytest.raises(LaminaError, match="(?s)TR121.*none"):
        quiet(stack(lm.Dense(3)))
    with pytest.raises(LaminaError, match=r"(?s)TR121.*torch.nn.Module"):
        quiet(lm.Model(torch.nn.Linear(N, 2), loss="cross_entropy"))


def test_values_that_cannot_be_given_back_are_found_before_anything_is_written(tmp_path: Path) -> None:
    wrong = X.copy()
    wrong[33, 2] = 1.5
    model = deep()
    before = model.parameters()
    with pytest.raises(LaminaError, match=r"(?s)EN100.*'below' \(rbm\), sample 33, value 2"):
        quiet(model, wrong, run_dir=tmp_path / "run")
    with pytest.raises(LaminaError, match="EN100"):
        model.fit(wrong, Y, pretrain={"epochs": 1}, run_dir=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
    assert all(np.array_equal(before[name], value) for name, value in model.parameters().items())
    above = stack(lm.Dense(4, activation="tanh"), lm.layers.RBM(4))
    with pytest.raises(LaminaError, match=r"(?s)EN100.*'rbm_1'.*gaussian"):
        quiet(above)


def test_a_recipe_names_the_line_of_a_layer_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text(
        "data: {source: digits}\n"
        "network:\n  type: sequential\n  layers: [{type: rbm, units: 9, name: below}, {type: output, units: 10}]\n"
        "train:\n  pretrain:\n    layers: [belwo]\n"
    )
    from lamina.train.recipe import load_recipe

    recipe, document = load_recipe(file)
    with pytest.raises(LaminaError, match=r"(?s)deep.yaml:7.*TR120|TR120.*deep.yaml:7"):
        recipe.check(document)


def test_a_recipe_pretrains(tmp_path: Path) -> None:
    from lamina.launch import train_recipe

    recipe = Recipe.from_yaml(
        """
        data: {source: {type: digits}, split: {validation: 0.1}, normalize: min_max, batch_size: 64}
        network: {type: sequential, layers: [{type: rbm, units: 30}, {type: output, units: 10}]}
        train: {epochs: 1, progress: false, pretrain: {epochs: 2, optimizer: {type: sgd, learning_rate: 0.1}}}
        """
    )
    run = train_recipe(recipe, run_dir=tmp_path / "run")
    losses = [row["train/loss"] for row in run.pretraining["rbm_1"]]
    assert losses[1] < losses[0] < 0.7
    assert (tmp_path / "run" / "pretraining" / "1-rbm_1" / "metrics.jsonl").is_file()


def test_boltzmann_machines_learn_as_well_as_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits
    from sklearn.neural_network import BernoulliRBM

    x = (load_digits().data / 16.0).astype(np.float32)
    theirs = BernoulliRBM(n_components=32, learning_rate=0.05, batch_size=20, n_iter=5, random_state=0).fit(x)
    model = lm.Model(lm.Sequential(lm.features(64), [lm.layers.RBM(32, persistent=True, chains=20, name="rbm")]))
    quiet(model, x, epochs=5, batch_size=20, optimizer=lm.Sgd(0.05))
    ours = BernoulliRBM(n_components=32, random_state=0).fit(x[:1])
    ours.components_, ours.intercept_hidden_, ours.intercept_visible_ = (
        model.parameters()[f"rbm/{name}"].astype(np.float64) for name in ("weight", "bias", "visible_bias")
    )
    # Pseudo-likelihood with the same random bit flips, by scikit-learn's own arithmetic.
    ours.random_state, theirs.random_state = 1, 1
    assert abs(ours.score_samples(x).mean() - theirs.score_samples(x).mean()) < 2.0
    np.testing.assert_allclose(model.predict(x), ours.transform(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stray", [{"averaging": "ema"}, {"evaluate_every": 2}, {"pretrain": {"epochs": 1}}])
def test_settings_of_learning_with_targets_are_refused(stray: dict[str, Any]) -> None:
    with pytest.raises(LaminaError, match=f"(?s)SP002.*{next(iter(stray))}"):
        quiet(deep(), **stray)


def test_an_optimiser_that_needs_a_loss_does_not_train_a_boltzmann_machine() -> None:
    with pytest.raises(LaminaError, match=r"(?s)TR122.*'below' \(rbm\)"):
        quiet(deep(), optimizer="lbfgs")
    run = quiet(deep(), optimizer="lbfgs", layers="above", batch_size=40, epochs=6)
    losses = [row["train/loss"] for row in run.history["above"]]
    assert losses[-1] < losses[0]


def test_a_layer_above_sequences_of_different_lengths_learns_from_each_as_it_is_alone() -> None:
    lengths = np.random.default_rng(1).integers(2, 7, size=20)
    sequences = [np.random.default_rng(k).random((n, 3)).astype(np.float32) for k, n in enumerate(lengths)]
    layers = [lm.LSTM(5, activation="sigmoid"), lm.layers.LastStep(), lm.layers.RBM(4, visible="gaussian", name="rbm")]

    def made(shape: Any) -> lm.Model:
        return lm.Model(lm.Sequential(shape, layers), seed=1)

    padded = made(lm.sequence(None, 3))
    quiet(padded, Dataset.from_sequences(sequences), batch_size=20, shuffle=False)
    below = made(lm.sequence(None, 3)).network
    with torch.no_grad():
        codes = torch.cat([below.feeds("rbm", torch.tensor(x)[None])[0][0] for x in sequences])  # type: ignore[operator]
    alone = lm.Model(lm.Sequential(lm.features(5), layers[2:]), seed=1)
    quiet(alone, codes.numpy(), batch_size=20, shuffle=False)
    np.testing.assert_allclose(padded.parameters()["rbm/weight"], alone.parameters()["rbm/weight"], rtol=1e-4, atol=1e-6)


def test_branches_that_a_layer_does_not_need_are_not_computed() -> None:
    class Bomb(torch.nn.Module):
        output_shape = lm.features(N)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            message = "not needed"
            raise RuntimeError(message)

    graph = lm.Graph(
        inputs={"x": lm.features(N)},
        nodes={
            "first": lm.Dense(6, activation="sigmoid", inputs="x"),
            "bomb": lm.Module(Bomb(), lm.features(N), inputs="x"),
            "rbm": lm.layers.RBM(4, inputs="first"),
            "both": lm.Concat(inputs=["rbm", "bomb"]),
            "out": lm.Output(2, inputs="both"),
        },
        outputs="out",
    )
    run = quiet(lm.Model(graph, seed=0), {"x": X})
    assert list(run.history) == ["rbm"]


@pytest.mark.parametrize("way", ["pretrain", "fit"])
def test_interrupted_by_a_signal_it_is_resumed_where_it_stopped(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def go(model: lm.Model, folder: str, *, resume: bool = False) -> Any:
        if way == "pretrain":
            return quiet(model, run_dir=tmp_path / folder, resume=resume)
        pretraining = {"epochs": 2, "optimizer": {"type": "adam", "learning_rate": 0.01}}
        return model.fit(X, Y, epochs=1, batch_size=8, progress=False, pretrain=pretraining, run_dir=tmp_path / folder, resume=resume)

    whole, part, fresh = deep(), deep(), deep()
    wanted = go(whole, "whole")
    with monkeypatch.context() as patch:
        train, made = StepRunner.train, [0]

        def signalled(self: StepRunner, *given: Any, **more: Any) -> Any:
            made[0] += 1
            if made[0] == 7:
                os.kill(os.getpid(), signal.SIGTERM)
            return train(self, *given, **more)

        patch.setattr(StepRunner, "train", signalled)
        stopped = go(part, "part")
    assert stopped.interrupted == signal.SIGTERM
    assert not (tmp_path / "part" / "model.lamina").exists()
    assert go(fresh, "part", resume=True).history == wanted.history
    assert same(whole, fresh)


def test_callbacks_watch_a_layer_as_they_do_a_network(tmp_path: Path) -> None:
    model = deep()
    settings: dict[str, Any] = {"early_stopping": {"monitor": "train/loss", "patience": 1, "restore_best": True}}
    settings["callbacks"] = [{"type": "gradient_watch", "every": 1}]
    run = quiet(model, layers="above", epochs=40, optimizer=lm.Sgd(0.2), run_dir=tmp_path / "run", **settings)
    assert 1 < len(run.history["above"]) < 40
    assert run.history["above"][0]["train/gradient_norm"] > 0
    watched = json.loads((tmp_path / "run" / "pretraining" / "1-above" / "gradients.jsonl").read_text().splitlines()[0])
    assert list(watched["layers"]) == ["above"]


def test_numbers_that_are_not_finite_are_found_in_the_layer() -> None:
    model = stack(lm.layers.VariationalAutoencoder(3, encoder=[6], decoder=[6], activation="relu", name="vae"))
    with pytest.raises(LaminaError, match=r"(?s)TR010.*'vae|TR010.*the loss"):
        quiet(model, optimizer=lm.Sgd(1e4), epochs=20)
