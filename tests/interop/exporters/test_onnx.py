from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import lamina as lm
from lamina.errors import InteropError
from lamina.interop.emission.drawing import emitters
from lamina.interop.exporting import Exported, export, subject_of
from lamina.interop.trials import trials
from lamina.spec import registry
from lamina.testing.exporters import layer_models, shaken
from lamina.zoo.catalog import CATALOG, make

REFUSED = {
    ("Bidirectional", 4): "projection",
    ("LSTM", 8): "projection",
    ("LSTM", 9): "layer_norm",
    ("LSTM", 11): "projection",
    ("GRU", 9): "layer_norm",
    ("SimpleRNN", 8): "layer_norm",
    ("PeepholeLSTM", 8): "projection",
    ("PeepholeLSTM", 9): "layer_norm",
    ("PeepholeLSTM", 11): "projection",
    ("AdaptiveAvgPool1d", 1): "only the data say",
    ("AdaptiveMaxPool1d", 1): "only the data say",
    ("CenterCrop", 2): "larger than the picture",
    ("CenterCrop", 3): "larger than the picture",
    ("SumPool1d", 2): "only the data say",
}
"""Examples that ONNX has no operators for, with a word of what is said."""


def checked(model: lm.Model, path: Path, **settings: Any) -> Exported:
    done = export(model, path, **settings)
    onnx.checker.check_model(str(path), full_check=True)
    return done


LAYERS = {kind.__name__: kind for kind in emitters() if kind.__module__.startswith("lamina.")}


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_every_layer_gives_the_same(name: str, tmp_path: Path) -> None:
    for number, model in enumerate(layer_models(LAYERS[name])):
        if (name, number) in REFUSED:
            with pytest.raises(InteropError, match=REFUSED[name, number]):
                checked(model, tmp_path / "a.onnx")
            continue
        checked(model, tmp_path / "a.onnx")


@pytest.mark.parametrize("opset", [17, 19, 20, 21])
def test_every_opset(opset: int, tmp_path: Path) -> None:
    layers_ = [
        lm.Conv2d(4, kernel=3, activation="gelu"),
        lm.network.layers.GroupNorm(2),
        lm.Conv2d(4, kernel=3, activation="mish"),
        lm.network.layers.Padding2d(1, mode="circular"),
        lm.GlobalAvgPool(),
        lm.Output(3),
    ]
    checked(shaken(lm.Model(lm.Sequential(lm.image(2, 10, 10), layers_))), tmp_path / "a.onnx", opset=opset)
    made = onnx.load(tmp_path / "a.onnx")
    assert made.opset_import[0].version == opset


def test_opsets_that_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(InteropError, match="IO060"):
        export(lm.Model(lm.Sequential(lm.features(2), [lm.Output(2)])), tmp_path / "a.onnx", opset=11)


@pytest.mark.parametrize("name", sorted(n for n, _ in registry.components("activation")))
def test_every_activation(name: str, tmp_path: Path) -> None:
    kind = registry.get("activation", name)
    for activation in kind.examples():
        layers_ = [lm.network.layers.ActivationLayer(activation)]
        checked(lm.Model(lm.Sequential(lm.features(6), layers_)), tmp_path / "a.onnx")


SMALL = {"alexnet": 64, "vgg16": 32, "vgg19": 32, "inception_resnet_v1": 96, "xception": 96, "tiny_yolo": 96, "unet": 32}
LARGE = {"nbeats", "resnet152", "densenet201", "vgg19", "yolo2"}


@pytest.mark.parametrize("name", sorted(set(CATALOG) - LARGE))
def test_the_zoo(name: str, tmp_path: Path) -> None:
    from lamina.zoo.catalog import function, settings_of

    settings = settings_of(function(name))
    given: dict[str, Any] = {"blocks": 2, "units": 96} if name == "gpt" else {}
    if (settings.get("input") or {}).get("type") == "image":
        size = SMALL.get(name, min(64, settings["input"]["height"]))
        given["input"] = {**settings["input"], "height": size, "width": size}
    model = lm.Model(make(name, given), seed=1)
    done = checked(model, tmp_path / "a.onnx")
    assert done.proof is not None
    assert done.proof.holds
    # And home again.
    back, subject = lm.interop.load(tmp_path / "a.onnx"), subject_of(model)
    for trial in trials(subject.network, subject.plan):
        for wanted, found in zip(trial.outputs.values(), back.outputs(dict(trial.inputs)).values(), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_network_of_the_zoo_that_is_deep_without_norms(tmp_path: Path) -> None:
    """With all its 30 blocks, untrained, outputs are around 1e6 and float32 alone makes a relative difference of 1e-4."""
    checked(lm.Model(make("nbeats", {"stacks": 3, "units": 32}), seed=1), tmp_path / "a.onnx")


def test_several_inputs_outputs_and_free_lengths(tmp_path: Path) -> None:
    nodes = {
        "read": lm.LSTM(4, inputs=["words"]),
        "last": lm.LastStep(inputs=["read"]),
        "both": lm.Concat(inputs=["last", "facts"]),
        "kind": lm.Output(3, loss="cross_entropy", inputs=["both"]),
        "each": lm.Output(2, inputs=["read"]),
    }
    model = lm.Model(lm.Graph(inputs={"words": lm.sequence(None, 3), "facts": lm.features(2)}, nodes=nodes, outputs=["kind", "each"]))
    checked(shaken(model), tmp_path / "a.onnx")
    made = onnx.load(tmp_path / "a.onnx").graph
    assert [put.name for put in made.input] == ["words", "facts"]
    assert [put.name for put in made.output] == ["kind", "each"]
    shape = [dim.dim_param or dim.dim_value for dim in made.input[0].type.tensor_type.shape.dim]
    assert shape == ["batch", "words_steps", 3]
    assert {"read", "last", "both", "kind", "each"} <= {node.name for node in made.node} | {
        name for node in made.node for name in node.output
    }
    assert {"kind/weight", "kind/bias"} <= {tensor.name for tensor in made.initializer}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("output", ["sequence", "last", "state"])
def test_masks_of_sequences(output: str, reverse: bool, tmp_path: Path) -> None:
    layers_ = [lm.LSTM(4, output=output, reverse=reverse), lm.Output(3)]
    checked(shaken(lm.Model(lm.Sequential(lm.sequence(None, 3), layers_))), tmp_path / "a.onnx", masks=True)
    made = onnx.load(tmp_path / "a.onnx").graph
    assert [put.name for put in made.input] == ["input", "input_mask"]


def test_tokens_that_fill_up_may_stand_anywhere(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    layers_ = [lm.Embedding(4, mask_token=0), lm.Bidirectional(lm.GRU(3, output="last")), lm.Output(2)]
    model = shaken(lm.Model(lm.Sequential(lm.tokens(None, 9), layers_)))
    checked(model, tmp_path / "a.onnx")
    tokens = np.array([[3, 0, 5, 0, 0, 7], [0, 0, 1, 2, 3, 4], [4, 4, 4, 4, 4, 4]])
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    np.testing.assert_allclose(session.run(None, {"input": tokens})[0], model.predict(tokens), rtol=1e-4, atol=1e-5)


def test_attention_with_masks(tmp_path: Path) -> None:
    block = lm.network.layers.TransformerEncoder(2, causal=True, positions="rotary", norm="rms", gated=True, activation="swish")
    layers_ = [block, lm.network.layers.TransformerEncoder(2), lm.GlobalAvgPool(), lm.Output(3)]
    checked(shaken(lm.Model(lm.Sequential(lm.sequence(None, 8), layers_))), tmp_path / "a.onnx", masks=True)


def test_what_has_no_counterpart_is_said_all_at_once(tmp_path: Path) -> None:
    layers_ = [lm.LSTM(4, layer_norm=True), lm.Dense(3), lm.GRU(3, layer_norm=True), lm.Output(2)]
    with pytest.raises(InteropError) as caught:
        export(lm.Model(lm.Sequential(lm.sequence(None, 3), layers_)), tmp_path / "a.onnx")
    assert [problem.where for problem in caught.value.problems] == ["layer 'lstm_1' (lstm)", "layer 'gru_1' (gru)"]
    assert list(tmp_path.iterdir()) == []


def test_shared_weights_are_kept_once(tmp_path: Path) -> None:
    nodes = {
        "one": lm.Dense(3, inputs=["a"]),
        "two": lm.network.layers.Shared(of="one", inputs=["b"]),
        "sum": lm.Add(inputs=["one", "two"]),
    }
    model = lm.Model(lm.Graph(inputs={"a": lm.features(4), "b": lm.features(4)}, nodes=nodes, outputs=["sum"]))
    checked(shaken(model), tmp_path / "a.onnx")
    names = [tensor.name for tensor in onnx.load(tmp_path / "a.onnx").graph.initializer]
    assert names.count("one/weight") == 1
    assert not any(name.startswith("two") for name in names)


def test_metadata_say_what_belongs_to_the_model(tmp_path: Path) -> None:
    model = lm.Model(lm.Sequential(lm.features(4), [lm.Output(3, loss="cross_entropy")]), seed=1)
    x = np.random.default_rng(0).normal(5, 2, (30, 4)).astype("float32")
    model.fit((x, ["abc"[i % 3] for i in range(30)]), epochs=1)
    checked(model, tmp_path / "a.onnx")
    props = {prop.key: json.loads(prop.value) for prop in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert props["lamina.labels"] == {"output_1": ["a", "b", "c"]}
    assert lm.network.Network.from_dict(props["lamina.network"]["network"]) == model.description


def test_raw_numbers_go_in_where_that_is_wanted(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from lamina.data.normalizers import Standardize
    from lamina.data.preprocessing import Preprocessing

    x = np.random.default_rng(0).normal([5, -3], [2, 40], (60, 2)).astype("float32")
    model = lm.Model(lm.Sequential(lm.features(2), [lm.Dense(4, activation="tanh"), lm.Output(3, loss="cross_entropy")]), seed=1)
    model.fit((x, [i % 3 for i in range(60)]), epochs=1)
    assert model.schema is not None
    model.preprocessing = Preprocessing(model.schema, inputs={next(iter(model.schema.inputs)): Standardize().fit(x)})
    checked(model, tmp_path / "a.onnx", normalize=True)
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    np.testing.assert_allclose(session.run(None, {"input": x})[0], model.predict(x), rtol=1e-4, atol=1e-5)


def test_large_weights_lie_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.interop.onnx.export.model.MOST_INSIDE", 1000)
    monkeypatch.setattr("lamina.interop.onnx.export.model.SMALL", 100)
    model = lm.Model(lm.Sequential(lm.features(40), [lm.Dense(30), lm.Output(3)]))
    done = checked(model, tmp_path / "a.onnx")
    assert [path.name for path in done.files] == ["a.onnx", "a.onnx.data"]
    assert (tmp_path / "a.onnx").stat().st_size < 6000


def test_models_in_float64(tmp_path: Path) -> None:
    model = lm.Model(lm.Sequential(lm.features(4), [lm.Dense(5, activation="tanh"), lm.Output(3)]), dtype="float64")
    done = checked(model, tmp_path / "a.onnx")
    assert done.proof is not None
    assert done.proof.outputs[0].absolute < 1e-14
