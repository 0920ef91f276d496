"""Features computed once: the same numbers as the whole network, kept on disk, and a head that learns on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lamina as lm
from lamina.data.normalizers import Standardize
from lamina.data.preprocessing import Preprocessing
from lamina.data.stored import Stored
from lamina.errors import DescriptionError

RNG = np.random.default_rng(2)
X = RNG.normal(size=(50, 1, 6, 6)).astype("float32")
Y = (X.mean(axis=(1, 2, 3)) > 0).astype(int)


def whole() -> lm.Model:
    net = lm.Sequential(
        lm.image(1, 6, 6), [lm.Conv2d(3, kernel=3, activation="relu"), lm.Dense(8, activation="tanh"), lm.Dropout(0.2), lm.Output(2)]
    )
    return lm.Model(net, seed=1)


def test_features_and_head_together_are_the_whole() -> None:
    model = whole()
    cut = lm.Featurizer(model, "conv2d_1")
    data = cut.features((X, Y), batch_size=16)
    assert data.inputs["input"].shape == (50, 3, 4, 4)
    np.testing.assert_allclose(cut.head.predict(data), model.predict(X), atol=1e-6)
    assert [step.name for step in cut.head.description.steps()] == ["dense_1", "dropout_1", "output_1"]


def test_a_trained_head_goes_back_into_the_whole() -> None:
    model = whole()
    before = model.parameters()
    cut = lm.Featurizer(model, "conv2d_1")
    cut.head.fit(cut.features((X, Y)), epochs=3, progress=False)
    joined = cut.join()
    after = joined.parameters()
    assert (after["conv2d_1/weight"] == before["conv2d_1/weight"]).all()
    assert (after["output_1/weight"] != before["output_1/weight"]).any()
    np.testing.assert_allclose(joined.predict(X), cut.head.predict(cut.features((X, Y))), atol=1e-6)


def test_learning_on_features_is_learning_with_the_rest_frozen() -> None:
    """Without dropout the two are the same arithmetic."""
    net = lm.Sequential(lm.features(4), [lm.Dense(6, activation="tanh"), lm.Output(2)])
    x, y = RNG.normal(size=(40, 4)), np.arange(40) % 2
    model = lm.Model(net, seed=1)
    frozen = lm.start_from(model, freeze_to="dense_1", seed=1)
    cut = lm.Featurizer(model, "dense_1")
    settings = {"epochs": 4, "optimizer": lm.Sgd(0.1), "shuffle": False, "progress": False}
    cut.head.fit(cut.features((x, y)), **settings)
    frozen.fit(x, y, **settings)
    np.testing.assert_allclose(cut.join().parameters()["output_1/weight"], frozen.parameters()["output_1/weight"], atol=1e-6)


def test_kept_features_are_read_again_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = whole()
    cut = lm.Featurizer(model, "conv2d_1")
    first = cut.features((X, Y), cache=tmp_path)
    assert isinstance(first.inputs["input"], Stored)
    monkeypatch.setattr(lm.Featurizer, "_compute", lambda *_: pytest.fail("computed again"))
    again = lm.Featurizer(model, "conv2d_1").features((X, Y), cache=tmp_path)
    assert (again.inputs["input"][:] == first.inputs["input"][:]).all()
    assert len(list(tmp_path.glob("*.npy"))) == 1
    monkeypatch.undo()
    cut.features((X + 1, Y), cache=tmp_path)
    changed = model.parameters()
    model.load_parameters({**changed, "conv2d_1/bias": changed["conv2d_1/bias"] + 1})
    lm.Featurizer(model, "conv2d_1").features((X, Y), cache=tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 3


def test_sequences_keep_their_masks() -> None:
    net = lm.Sequential(lm.sequence(None, 2), [lm.GRU(3), lm.LastStep(), lm.Output(2)])
    model = lm.Model(net, seed=0)
    data = lm.Dataset.from_sequences([RNG.normal(size=(n, 2)) for n in (5, 2, 3)], [0, 1, 0])
    cut = lm.Featurizer(model, "gru_1")
    features = cut.features(data)
    assert features.input_masks["input"].sum(1).tolist() == [5, 2, 3]
    np.testing.assert_allclose(cut.head.predict(features), model.predict(data), atol=1e-6)


def test_a_cut_that_leaves_threads_is_refused() -> None:
    nodes = {
        "a": lm.Dense(3, inputs="x"),
        "b": lm.Dense(3, inputs="x"),
        "sum": lm.Add(inputs=["a", "b"]),
        "out": lm.Output(2, inputs="sum"),
    }
    model = lm.Model(lm.Graph({"x": lm.features(4)}, nodes, "out"))
    with pytest.raises(DescriptionError, match="TR134") as caught:
        lm.Featurizer(model, "a")
    assert "'sum', which also reads 'b'" in str(caught.value)
    assert lm.Featurizer(model, "sum").head.plan is not None
    with pytest.raises(DescriptionError, match="TR130") as caught:
        lm.Featurizer(model, "summ")
    assert caught.value.problems[0].where == "the cut at layer 'summ'"
    assert caught.value.problems[0].fix == "did you mean 'sum'?"
    with pytest.raises(DescriptionError, match="TR134"):
        lm.Featurizer(model, "out")


def test_masks_are_those_of_the_features_kept_or_not(tmp_path: Path) -> None:
    net = lm.Sequential(lm.sequence(None, 2), [lm.layers.Conv1d(3, kernel=2, stride=2), lm.GRU(3, output="last"), lm.Output(2)])
    model = lm.Model(net, seed=0)
    data = lm.Dataset.from_sequences([RNG.normal(size=(n, 2)) for n in (6, 2, 4)], [0, 1, 0])
    cut = lm.Featurizer(model, "conv1d_1")
    for _ in range(2):
        features = cut.features(data, cache=tmp_path)
        assert features.input_masks["input"].sum(1).tolist() == [3, 1, 2]
        np.testing.assert_allclose(cut.head.predict(features), model.predict(data), atol=1e-6)


def test_the_same_weights_in_another_layer_are_other_features(tmp_path: Path) -> None:
    found = []
    for activation in ("relu", "tanh"):
        model = lm.Model(lm.Sequential(lm.features(3), [lm.Dense(4, activation=activation), lm.Output(2)]), seed=1)
        found.append(lm.Featurizer(model, "dense_1").features((RNG.normal(size=(5, 3)) * 0 + 1, np.arange(5) % 2), cache=tmp_path))
    assert (found[0].inputs["input"][:] != found[1].inputs["input"][:]).any()


def test_weights_from_before_the_cut_are_named() -> None:
    nodes = {"one": lm.Dense(3, inputs="x"), "two": lm.layers.Shared("one", inputs="one"), "out": lm.Output(2, inputs="two")}
    with pytest.raises(DescriptionError, match="TR134") as caught:
        lm.Featurizer(lm.Model(lm.Graph({"x": lm.features(3)}, nodes, "out")), "one")
    assert "'two', with the weights of 'one'" in str(caught.value)


def test_that_scaling_is_learned_anew_is_said(tmp_path: Path) -> None:
    data = lm.Dataset.from_arrays(RNG.normal(3, 9, size=(20, 3)), np.arange(20) % 2)
    net = lm.Sequential(lm.features(3), [lm.Dense(4), lm.Output(2)])
    scaled, plain = lm.Model(net, seed=1), lm.Model(net, seed=1)
    scaled.fit(Preprocessing.fit(data, normalize=Standardize()).prepare(data), epochs=1, progress=False)
    plain.fit(data, epochs=1, progress=False)
    scaled.save(tmp_path / "scaled.lamina")
    for source in (scaled, tmp_path / "scaled.lamina"):
        assert "Not taken over: how the data were scaled" in str(lm.start_from(source, freeze="dense_1").taken)
    assert "Not taken over" not in str(lm.start_from(plain, freeze="dense_1").taken)
