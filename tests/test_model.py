"""A model: trained on whatever people hold, asked, kept, and gone on with exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lamina as lm
from lamina.learning.schedules import Cosine, OneCycle

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 90)
X = (RNG.normal(size=(90, 4)) + np.eye(3, 4)[Y] * 3).astype(np.float32)


def network(**settings: Any) -> lm.Sequential:
    return lm.Sequential(lm.features(4), [lm.Dense(12, activation="relu", name="hidden", **settings), lm.Output(3, name="out")])


def same(a: lm.Model, b: lm.Model) -> bool:
    ours, theirs = a.parameters(), b.parameters()
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def fitted(**settings: Any) -> lm.Model:
    model = lm.Model(network(), seed=1)
    model.fit(X, Y, **{"epochs": 3, "progress": False, **settings})
    return model


# -- training -----------------------------------------------------------------------------------------------------------


def test_it_learns() -> None:
    model = lm.Model(network(), seed=1)
    before = model.evaluate(X, Y).metrics
    run = model.fit(X, Y, epochs=20, optimizer=lm.Adam(0.01), validation=0.2, progress=False)
    after = model.evaluate(X, Y).metrics
    assert after["accuracy"] > 0.9
    assert after["accuracy"] > before["accuracy"]
    assert after["loss"] < before["loss"]
    assert [row["epoch"] for row in run.history] == list(range(1, 21))
    assert {"train/loss", "validation/loss", "validation/accuracy"} <= set(run.history[-1])


def test_the_seed_decides() -> None:
    assert same(fitted(), fitted())
    other = lm.Model(network(), seed=2)
    other.fit(X, Y, epochs=3, progress=False)
    assert not same(fitted(), other)


def frame(library: str) -> Any:
    columns = {f"x{i}": X[:, i].astype(float) for i in range(4)} | {"kind": np.array(["a", "b", "c"])[Y]}
    if library == "polars":
        import polars

        return polars.DataFrame(columns)
    return pytest.importorskip("pandas").DataFrame(columns)


@pytest.mark.parametrize("kind", ["arrays", "lists", "tensors", "tuple", "dataset", "polars", "pandas"])
def test_all_kinds_of_data_train_the_same(kind: str) -> None:
    model = lm.Model(network(), seed=1)
    settings: dict[str, Any] = {"epochs": 3, "progress": False}
    match kind:
        case "arrays":
            model.fit(X, Y, **settings)
        case "lists":
            model.fit(X.tolist(), Y.tolist(), **settings)
        case "tensors":
            model.fit(torch.from_numpy(X), torch.from_numpy(Y), **settings)
        case "tuple":
            model.fit((X, Y), **settings)
        case "dataset":
            model.fit(lm.Dataset.from_arrays(X, Y), **settings)
        case library:
            model.fit(frame(library), target="kind", **settings)
    assert same(model, fitted())


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_frames_give_their_labels(library: str) -> None:
    model = lm.Model(network(), seed=1)
    table = frame(library)
    model.fit(table, target="kind", epochs=20, optimizer=lm.Adam(0.01), validation=table, progress=False)
    found = model.predict_labels(X)
    assert set(found.labels) == {"a", "b", "c"}
    assert (found.labels == np.array(["a", "b", "c"])[Y]).mean() > 0.9


def test_a_fraction_is_set_aside() -> None:
    model = lm.Model(network(), seed=1)
    run = model.fit(X, Y, epochs=1, validation=0.2, batch_size=8, progress=False)
    assert run.history[-1]["step"] == 9  # 72 of the 90 samples
    assert 0 <= run.history[-1]["validation/accuracy"] <= 1


def test_max_steps_in_the_middle_of_an_epoch() -> None:
    model = lm.Model(network(), seed=1)
    run = model.fit(X, Y, epochs=5, max_steps=4, batch_size=32, progress=False, validation=(X, Y))
    assert [(row["epoch"], row["step"]) for row in run.history] == [(1, 3), (1, 4)]
    assert "validation/accuracy" in run.history[-1]
    longer = lm.Model(network(), seed=1).fit(X, Y, epochs=2, max_steps=100, batch_size=32, progress=False)
    assert longer.history[-1]["step"] == 6


@pytest.mark.parametrize("schedule", [Cosine(0.05), OneCycle(0.05)])
def test_schedules_know_the_length_of_training(schedule: Any) -> None:
    model = lm.Model(network(), seed=1)
    run = model.fit(X, Y, epochs=4, optimizer=lm.Sgd(schedule), callbacks=["learning_rate_monitor"], progress=False)
    rates = [row["train/learning_rate"] for row in run.history]
    assert len(set(rates)) == 4
    assert rates[-1] < rates[0] < 0.05 or max(rates) > rates[-1]


def test_early_stopping_restores_the_best() -> None:
    model = lm.Model(network(), seed=1)
    stop = lm.EarlyStopping("validation/loss", patience=1)
    run = model.fit(X, Y, epochs=300, optimizer=lm.Adam(0.1), validation=(X[:15] * 0.5, Y[:15]), callbacks=[stop], progress=False)
    losses = [row["validation/loss"] for row in run.history]
    assert run.stop_reason is not None
    assert len(losses) < 300
    assert losses[-1] > min(losses)
    assert model.evaluate(X[:15] * 0.5, Y[:15]).metrics["loss"] == pytest.approx(min(losses), rel=1e-12)


def test_an_unknown_metric_is_found_before_the_first_step() -> None:
    model = lm.Model(network(), seed=1)
    before = model.parameters()
    with pytest.raises(lm.LaminaError, match="did you mean 'validation/accuracy'") as caught:
        model.fit(X, Y, epochs=1, validation=0.2, callbacks=[lm.EarlyStopping("validation/acuracy")], progress=False)
    assert caught.value.code == "TR055"
    assert all(np.array_equal(array, before[name]) for name, array in model.parameters().items())


def test_callbacks_given_twice() -> None:
    stop = lm.EarlyStopping("train/loss")
    with pytest.raises(lm.LaminaError, match="remove one of them") as caught:
        lm.Model(network()).fit(X, Y, epochs=1, callbacks=[stop, stop], progress=False)
    assert caught.value.code == "TR008"


def test_an_unknown_setting() -> None:
    with pytest.raises(lm.LaminaError, match="did you mean 'epochs'") as caught:
        lm.Model(network()).fit(X, Y, epoch=1)
    assert caught.value.code == "SP002"


WRONG: dict[str, tuple[Any, str, str]] = {
    "no samples in a batch": (lambda model: model.fit(X, Y, batch_size=0), "SP004", "batch_size"),
    "no samples at once": (lambda model: model.predict(X, batch_size=0), "SP004", "leave batch_size out"),
    "no samples judged at once": (lambda model: model.judge(X, Y, batch_size=0), "SP004", "leave batch_size out"),
    "everything set aside": (lambda model: model.fit(X, Y, validation=1), "SP004", "validation"),
    "resuming nothing": (lambda model: model.fit(X, Y, resume=True), "TR002", "give run_dir"),
    "no targets to learn": (lambda model: model.fit(X), "TR053", r"fit\(x, y\)"),
    "no targets to judge by": (lambda model: model.evaluate(X), "TR053", r"evaluate\(x, y\)"),
    "a shard too many": (lambda model: model.judge(X, Y, shard=(3, 3)), "EV007", r"\(2, 3\)"),
    "an unknown evaluation": (lambda model: model.evaluate(X, Y, evaluation="classificaton"), "SP003", "did you mean 'classification'"),
    "no data": (lambda model: model.predict(X[:0]), "DA006", "samples"),
}


@pytest.mark.parametrize("trained", [True, False], ids=["trained", "new"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_calls(name: str, *, trained: bool) -> None:
    call, code, fix = WRONG[name]
    model = lm.Model(network(), seed=1)
    if trained:
        model.fit(X, Y, epochs=1, progress=False)
    before = model.parameters()
    with pytest.raises(lm.LaminaError, match=fix) as caught:
        call(model)
    assert caught.value.code == code
    assert all(np.array_equal(array, before[name]) for name, array in model.parameters().items())


def test_two_passes_of_fit_go_on_from_the_weights() -> None:
    model = fitted()
    before = model.parameters()
    model.fit(X, Y, epochs=1, progress=False)
    assert not np.array_equal(model.parameters()["hidden/weight"], before["hidden/weight"])


def test_frozen_layers_stay() -> None:
    model = lm.Model(network(frozen=True), seed=1)
    before = model.parameters()
    model.fit(X, Y, epochs=2, progress=False)
    after = model.parameters()
    assert np.array_equal(before["hidden/weight"], after["hidden/weight"])
    assert not np.array_equal(before["out/weight"], after["out/weight"])


def test_weights_of_samples() -> None:
    """A sample that counts twice is a sample that is there twice, in full batches without shuffling."""
    weights = np.where(np.arange(90) < 30, 2.0, 1.0)
    weighted = lm.Model(network(), seed=1)
    common: dict[str, Any] = {"epochs": 5, "shuffle": False, "optimizer": lm.Sgd(0.1), "progress": False}
    weighted.fit(lm.Dataset.from_arrays(X, Y, weight=weights), batch_size=90, **common)
    doubled = lm.Model(network(), seed=1)
    twice = np.concatenate([X[:30], X]), np.concatenate([Y[:30], Y])
    doubled.fit(twice, batch_size=120, **common)
    for name, array in weighted.parameters().items():
        np.testing.assert_allclose(array, doubled.parameters()[name], atol=1e-6)
    figures = weighted.evaluate(lm.Dataset.from_arrays(X, Y, weight=weights)).metrics
    assert figures["accuracy"] == pytest.approx(weighted.evaluate(*twice).metrics["accuracy"])
    assert figures["loss"] == pytest.approx(weighted.evaluate(*twice).metrics["loss"])


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_precisions(precision: str) -> None:
    model = lm.Model(network(), seed=1, dtype="float64" if precision == "float64" else "float32")
    model.fit(X, Y, epochs=20, optimizer=lm.Adam(0.01), precision=precision, progress=False)
    assert model.evaluate(X, Y).metrics["accuracy"] > 0.9
    assert model.parameters()["hidden/weight"].dtype == model.dtype
    assert model.predict(X).dtype == model.dtype


def test_the_callers_random_numbers_are_left_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    fitted()
    assert torch.equal(torch.rand(3), expected)


# -- resuming -----------------------------------------------------------------------------------------------------------


def dropping() -> lm.Sequential:
    layers = [lm.Dense(12, activation="relu"), lm.BatchNorm(), lm.Dropout(0.3), lm.Output(3)]
    return lm.Sequential(lm.features(4), layers)


@pytest.mark.parametrize("stop", [{"epochs": 3}, {"epochs": 6, "max_steps": 8}])
def test_resumed_is_never_stopped(tmp_path: Path, stop: dict[str, int]) -> None:
    optimizer = lm.Adam(0.01)
    checkpoints = lm.Checkpoint(every=lm.every(1, "steps"))
    common: dict[str, Any] = {"optimizer": optimizer, "checkpoints": checkpoints, "validation": (X, Y), "progress": False}
    whole = lm.Model(dropping(), seed=3)
    wanted = whole.fit(X, Y, epochs=6, run_dir=tmp_path / "whole", **common)

    lm.Model(dropping(), seed=3).fit(X, Y, run_dir=tmp_path / "parts", **{**common, **stop})
    again = lm.Model(dropping(), seed=3)
    found = again.fit(X, Y, epochs=6, run_dir=tmp_path / "parts", resume=True, **common)

    assert same(again, whole)
    assert found.history[-1] == wanted.history[-1]
    if "max_steps" not in stop:
        assert (tmp_path / "parts/metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()
    assert same(lm.load(tmp_path / "parts/model.lamina"), whole)


def test_resume_needs_the_same_data(tmp_path: Path) -> None:
    fitted(run_dir=tmp_path / "run")
    with pytest.raises(lm.LaminaError, match="start a new run in another directory") as caught:
        lm.Model(network(), seed=1).fit(X[:40], Y[:40], epochs=4, run_dir=tmp_path / "run", resume=True, progress=False)
    assert caught.value.code == "TR051"


def test_a_run_directory_is_not_written_twice(tmp_path: Path) -> None:
    fitted(run_dir=tmp_path / "run")
    with pytest.raises(lm.LaminaError) as caught:
        fitted(run_dir=tmp_path / "run")
    assert caught.value.code == "TR001"


def test_wrong_data_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(lm.LaminaError):
        lm.Model(network()).fit(X[:, :3], Y, epochs=1, run_dir=tmp_path / "run", progress=False)
    assert list(tmp_path.iterdir()) == []


# -- asking -------------------------------------------------------------------------------------------------------------


def test_predict() -> None:
    model = fitted()
    outputs = model.predict(X)
    assert outputs.shape == (90, 3)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(model.predict(X, batch_size=7), outputs, atol=1e-6)
    assert isinstance(model.outputs(X), dict)
    found = model.predict_labels(X)
    assert np.array_equal(found.indices, outputs.argmax(axis=1))
    np.testing.assert_array_equal(found.probabilities, outputs.max(axis=1))
    assert found.labels[0] == str(found.indices[0])


def test_labels_are_kept(tmp_path: Path) -> None:
    names = np.array(["cat", "dog", "emu"])[Y]
    model = lm.Model(network(), seed=1)
    model.fit(X, names, epochs=2, progress=False)
    model.save(tmp_path / "m.lamina")
    kept = lm.load(tmp_path / "m.lamina")
    assert list(kept.predict_labels(X)) == list(model.predict_labels(X))
    assert set(kept.predict_labels(X).labels) <= {"cat", "dog", "emu"}
    assert kept.evaluate(X, names).metrics == model.evaluate(X, names).metrics


def test_labels_that_were_not_there() -> None:
    model = lm.Model(network(), seed=1)
    model.fit(X, np.array(["cat", "dog", "emu"])[Y], epochs=1, progress=False)
    with pytest.raises(lm.LaminaError, match="fox"):
        model.evaluate(X[:2], ["cat", "fox"])


def test_no_labels_without_classes() -> None:
    model = lm.Model(lm.Sequential(lm.features(4), [lm.Output(1, loss="mse")]))
    model.fit(X, X[:, :1], epochs=1, progress=False)
    with pytest.raises(lm.LaminaError, match=r"use predict\(\)") as caught:
        model.predict_labels(X)
    assert caught.value.code == "AR027"


@pytest.mark.parametrize(
    ("data", "words"), [(X[:, :3], "4"), (np.where(X > 3, np.nan, X), "sample"), ({"inputt": X}, "input")], ids=["shape", "nan", "name"]
)
def test_wrong_questions(data: Any, words: str) -> None:
    with pytest.raises(lm.LaminaError, match=words):
        fitted().predict(data)


def test_wrong_labels_are_found_before_the_first_step() -> None:
    wrong = Y.copy()
    wrong[77] = 3
    model = lm.Model(network(), seed=1)
    with pytest.raises(lm.LaminaError) as caught:
        model.fit(X, wrong, epochs=1, progress=False)
    assert caught.value.code in ("TR054", "EN033", "EN034")
    assert "units" in caught.value.problems[0].fix


def test_numbers_to_a_classifier() -> None:
    with pytest.raises(lm.LaminaError) as caught:
        lm.Model(network()).fit(X, X[:, 0], epochs=1, progress=False)
    assert caught.value.exit_code == 2


# -- several inputs and outputs -------------------------------------------------------------------------------------------


def graph() -> lm.Graph:
    return lm.Graph(
        inputs={"a": lm.features(5), "b": lm.features(3)},
        nodes={
            "h": lm.Dense(8, activation="relu", inputs="a"),
            "k": lm.Dense(8, activation="relu", inputs="b"),
            "sum": lm.Add(inputs=["h", "k"]),
            "kind": lm.Output(3, inputs="sum"),
            "size": lm.Output(1, loss="mse", inputs="sum"),
        },
        outputs=["kind", "size"],
    )


INPUTS = {"a": RNG.normal(size=(60, 5)), "b": RNG.normal(size=(60, 3))}
TARGETS = {"kind": RNG.integers(0, 3, 60), "size": INPUTS["a"].sum(axis=1, keepdims=True)}


def test_two_inputs_and_two_outputs(tmp_path: Path) -> None:
    model = lm.Model(graph(), seed=1)
    run = model.fit(INPUTS, TARGETS, epochs=3, validation=(INPUTS, TARGETS), progress=False)
    assert {"validation/loss", "validation/kind/accuracy", "validation/size/rmse"} <= set(run.history[-1])
    outputs = model.predict(INPUTS)
    assert {name: array.shape for name, array in outputs.items()} == {"kind": (60, 3), "size": (60, 1)}
    report = model.evaluate(INPUTS, TARGETS)
    assert {name: value for name, value in run.history[-1].items() if name.startswith("validation/")} == {
        f"validation/{name}": value for name, value in report.metrics.items()
    }
    assert "output kind, classification: 60 samples" in str(report)
    assert "output size, regression: 60 samples" in str(report)

    model.save(tmp_path / "g.lamina")
    kept = lm.load(tmp_path / "g.lamina")
    assert all(np.array_equal(kept.predict(INPUTS)[name], array) for name, array in outputs.items())
    assert np.array_equal(kept.predict_labels(INPUTS).indices, outputs["kind"].argmax(axis=1))


def test_figures_of_a_second_evaluation() -> None:
    report = fitted().evaluate(X, Y, evaluation=["classification", "roc"])
    run = lm.Model(network(), seed=1).fit(X, Y, epochs=3, validation=(X, Y), evaluation=["classification", "roc"], progress=False)
    assert any(name.startswith("roc_auc") for name in report.metrics)
    assert {f"validation/{name}" for name in report.metrics} == {name for name in run.history[-1] if name.startswith("validation/")}


def test_an_output_without_target() -> None:
    with pytest.raises(lm.LaminaError, match="size") as caught:
        lm.Model(graph()).fit(INPUTS, {"kind": TARGETS["kind"]}, epochs=1, progress=False)
    assert caught.value.code == "TR053"


# -- keeping ------------------------------------------------------------------------------------------------------------


def test_kept_and_loaded(tmp_path: Path) -> None:
    model = lm.Model(dropping(), seed=5)
    model.fit(X, Y, epochs=2, progress=False)
    model.save(tmp_path / "m.lamina")
    kept = lm.load(tmp_path / "m.lamina")
    assert same(kept, model)
    assert kept.seed == 5
    assert kept.description == model.description
    assert np.array_equal(kept.predict(X), model.predict(X))
    kept.save(tmp_path / "again.lamina")
    assert (tmp_path / "again.lamina").read_bytes() == (tmp_path / "m.lamina").read_bytes()
    kept.fit(X, Y, epochs=1, progress=False)
    model.fit(X, Y, epochs=1, progress=False)
    assert same(kept, model)


def test_float64_stays_float64(tmp_path: Path) -> None:
    model = lm.Model(network(), dtype="float64")
    model.save(tmp_path / "m.lamina")
    kept = lm.load(tmp_path / "m.lamina")
    assert kept.dtype == "float64"
    assert same(kept, model)


def test_weights_of_another_network(tmp_path: Path) -> None:
    lm.Model(dropping()).save(tmp_path / "m.lamina")
    model = lm.Model(network(), seed=1)
    before = model.parameters()
    with pytest.raises(lm.LaminaError) as caught:
        model.load_weights(tmp_path / "m.lamina")
    assert caught.value.code == "EN008"
    assert all(np.array_equal(array, before[name]) for name, array in model.parameters().items())
    fitted().save(tmp_path / "own.lamina")
    model.load_weights(tmp_path / "own.lamina")
    assert same(model, fitted())


def test_a_loss_twice() -> None:
    with pytest.raises(lm.LaminaError, match="as the last layer") as caught:
        lm.Model(network(), loss="mse")
    assert caught.value.code == "SP004"


def test_shapes_from_the_data() -> None:
    model = lm.Model(lm.Sequential(None, [lm.Dense(5), lm.Output(3)]))
    with pytest.raises(lm.LaminaError) as caught:
        model.summary()
    assert caught.value.code == "NN007"
    model.fit(X, Y, epochs=1, progress=False)
    assert model.predict(X).shape == (90, 3)


# -- own modules ----------------------------------------------------------------------------------------------------------


class Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop, self.last = nn.Linear(4, 12), nn.Dropout(0.2), nn.Linear(12, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.drop(torch.relu(self.first(x))))


def own() -> lm.Model:
    torch.manual_seed(0)
    return lm.Model(Own(), loss="cross_entropy", seed=2)


def test_an_own_module_as_the_network(tmp_path: Path) -> None:
    model = own()
    run = model.fit(X, Y, epochs=20, optimizer=lm.Adam(0.01), validation=0.2, run_dir=tmp_path / "run", progress=False)
    assert model.evaluate(X, Y).metrics["accuracy"] > 0.9
    assert "validation/accuracy" in run.history[-1]
    with pytest.raises(lm.LaminaError, match="register it as a layer") as caught:
        model.save(tmp_path / "own.lamina")
    assert caught.value.code == "SP009"
    assert not (tmp_path / "own.lamina").exists()
    with pytest.raises(lm.LaminaError, match="model.load_weights") as caught:
        lm.load(tmp_path / "run/model.lamina")
    assert caught.value.code == "AR026"
    again = own()
    again.load_weights(tmp_path / "run/model.lamina")
    assert np.array_equal(again.predict(X), model.predict(X))


def test_an_own_module_resumed(tmp_path: Path) -> None:
    whole = own()
    whole.fit(X, Y, epochs=4, progress=False)
    own().fit(X, Y, epochs=2, run_dir=tmp_path / "run", progress=False)
    again = own()
    again.fit(X, Y, epochs=4, run_dir=tmp_path / "run", resume=True, progress=False)
    assert same(again, whole)


def test_an_own_module_as_a_layer(tmp_path: Path) -> None:
    net = lm.Sequential(lm.features(4), [lm.Module(nn.Linear(4, 7), output=lm.features(7)), lm.Output(3)])
    model = lm.Model(net, seed=1)
    model.fit(X, Y, epochs=2, run_dir=tmp_path / "run", progress=False)
    with pytest.raises(lm.LaminaError) as caught:
        model.save(tmp_path / "m.lamina")
    assert caught.value.code == "SP009"
