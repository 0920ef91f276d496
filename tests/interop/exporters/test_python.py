from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lamina as lm
from lamina.errors import InteropError
from lamina.interop.emission.drawing import emitters
from lamina.interop.exporters.python import PythonExporter
from lamina.interop.exporting import export, subject_of
from lamina.interop.trials import compared, trials
from lamina.spec import registry
from lamina.testing.exporters import layer_models, shaken
from lamina.zoo.catalog import CATALOG, make

LAYERS = {kind.__name__: kind for kind in emitters() if kind.__module__.startswith("lamina.")}
REFUSED = {
    ("AdaptiveAvgPool1d", 1): "only the data say",
    ("AdaptiveMaxPool1d", 1): "only the data say",
    ("CenterCrop", 2): "larger than the picture",
    ("CenterCrop", 3): "larger than the picture",
    ("SumPool1d", 2): "only the data say",
}
"""Examples that can't be written, with a word of what is said."""
RUFF = ["ruff", "check", "--isolated", "--select", "E4,E7,E9,F,W,I", "--quiet"]


def opened(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("exported", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def same(model: lm.Model, path: Path, **settings: Any) -> Any:
    """Export, load here, compare: as `export` does in another process, which takes longer."""
    made, subject = PythonExporter(**settings), subject_of(model)
    problems = made.check(subject, path)
    if problems:
        raise InteropError.of(problems)
    made.write(subject, path)
    module = opened(path)
    network = module.load()
    found = []
    for trial in trials(subject.network, subject.plan, masks=made.masked_inputs(subject)):
        with torch.inference_mode():
            y = network(*[torch.from_numpy(array) for array in (*trial.inputs.values(), *trial.masks.values())])
        named = y if isinstance(y, dict) else {subject.plan.outputs[0]: y}
        found.append((trial, {name: value.numpy() for name, value in named.items()}))
    compared(found, path, "source")
    return module


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_every_layer_gives_the_same(name: str, tmp_path: Path) -> None:
    done = 0
    for number, model in enumerate(layer_models(LAYERS[name])):
        done += 1
        if (name, number) in REFUSED:
            with pytest.raises(InteropError, match=REFUSED[name, number]):
                same(model, tmp_path / f"a{number}.py")
            continue
        same(model, tmp_path / f"a{number}.py")
    assert done or name == "TiedOutput"
    subprocess.run([*RUFF, str(tmp_path)], check=True)


@pytest.mark.parametrize("name", sorted(name for name, _ in registry.components("activation")))
def test_every_activation(name: str, tmp_path: Path) -> None:
    for activation in registry.get("activation", name).examples():  # type: ignore[union-attr]
        same(lm.Model(lm.Sequential(lm.features(6), [lm.ActivationLayer(activation)])), tmp_path / "a.py")


SMALL = {"alexnet": 64, "vgg16": 32, "vgg19": 32, "inception_resnet_v1": 96, "xception": 96, "tiny_yolo": 96, "unet": 32}
LARGE = {"resnet152", "densenet201", "vgg19", "yolo2"}
SETTINGS: dict[str, dict[str, Any]] = {"gpt": {"blocks": 2, "units": 96}}


@pytest.mark.parametrize("name", sorted(set(CATALOG) - LARGE))
def test_the_zoo(name: str, tmp_path: Path) -> None:
    from lamina.zoo.catalog import function, settings_of

    given, known = dict(SETTINGS.get(name, {})), settings_of(function(name)).get("input") or {}
    if known.get("type") == "image":
        size = SMALL.get(name, min(64, known["height"]))
        given["input"] = {**known, "height": size, "width": size}
    same(lm.Model(make(name, given), seed=1), tmp_path / "net.py")
    subprocess.run([*RUFF, str(tmp_path)], check=True)


def test_it_runs_where_there_is_no_lamina(tmp_path: Path) -> None:
    model = lm.Model(make("lenet", {}), seed=1)
    done = export(model, tmp_path / "lenet.py")
    assert [path.name for path in done.files] == ["lenet.py", "lenet.safetensors"]
    assert "lamina" not in (tmp_path / "lenet.py").read_text().replace("written by Lamina", "")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import lenet, torch; net = lenet.load(); print(net(torch.zeros(2, 1, 28, 28)).shape)"
    )
    code += "; assert 'lamina' not in sys.modules"
    found = subprocess.run([sys.executable, "-I", "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "torch.Size([2, 10])"


def test_it_is_readable(tmp_path: Path) -> None:
    model = lm.Model(make("lenet", {}), seed=1)
    export(model, tmp_path / "net.py", verify=False)
    text = (tmp_path / "net.py").read_text()
    assert "self.conv1 = nn.Conv2d(1, 20, 5)" in text
    assert "def forward(self, input_: Tensor) -> Tensor:" in text or "def forward(self, input: Tensor) -> Tensor:" in text
    assert "conv1 = self.conv1(input)" in text
    assert set(opened(tmp_path / "net.py").load().state_dict()) >= {"conv1.weight", "conv1.bias", "ip1.weight"}


def test_what_it_gives_wrongly_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamina.interop.python import words

    model = shaken(lm.Model(lm.Sequential(lm.features(4), [lm.Dense(5, activation="relu"), lm.Output(2)])))
    for wrong, said in (("torch.tanh", "IO061"), ("torch.nothing", "nothing")):
        monkeypatch.setitem(words.CALLS, "relu", wrong)
        with pytest.raises(lm.errors.ProofError, match=said):
            export(model, tmp_path / "a.py")
    assert list(tmp_path.iterdir()) == []


def test_normaliser_and_labels_are_written_out(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal([5, -3], [2, 40], (60, 2)).astype("float32")
    model = lm.Model(lm.Sequential(lm.features(2), [lm.Dense(4, activation="tanh"), lm.Output(3, loss="cross_entropy")]), seed=1)
    model.fit((x, ["abc"[i % 3] for i in range(60)]), epochs=1)
    from lamina.data.normalizers import Standardize
    from lamina.data.preprocessing import Preprocessing

    assert model.schema is not None
    name = next(iter(model.schema.inputs))
    model.preprocessing = Preprocessing(model.schema, inputs={name: Standardize().fit(x)})
    export(model, tmp_path / "net.py", verify=False)
    module = opened(tmp_path / "net.py")
    assert module.LABELS == {"output_1": ["a", "b", "c"]}
    scaled = module.scale_input(torch.from_numpy(x))
    with torch.inference_mode():
        found = module.load()(scaled).numpy()
    np.testing.assert_allclose(found, model.predict(x), rtol=1e-4, atol=1e-5)
    subprocess.run([*RUFF, str(tmp_path)], check=True)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_masks_of_sequences(kind: str, reverse: bool, tmp_path: Path) -> None:
    layer = {"lstm": lm.LSTM, "gru": lm.GRU}[kind]
    for output in ("sequence", "last", "state"):
        model = shaken(lm.Model(lm.Sequential(lm.sequence(None, 3), [layer(4, output=output, reverse=reverse), lm.Output(3)])))
        same(model, tmp_path / "a.py", masks=True)
        subprocess.run([*RUFF, str(tmp_path)], check=True)


def test_attention_with_masks(tmp_path: Path) -> None:
    block = lm.network.layers.TransformerEncoder(2, causal=True, positions="rotary", norm="rms", gated=True, activation="swish")
    layers = [block, lm.network.layers.TransformerEncoder(2, positions="alibi"), lm.GlobalAvgPool(), lm.Output(3)]
    same(shaken(lm.Model(lm.Sequential(lm.sequence(None, 8), layers))), tmp_path / "a.py", masks=True)


def test_several_inputs_and_outputs_and_shared_weights(tmp_path: Path) -> None:
    nodes = {
        "one": lm.Dense(3, inputs=["a"]),
        "two": lm.network.layers.Shared(of="one", inputs=["b"]),
        "class": lm.Add(inputs=["one", "two"]),
        "kind": lm.Output(3, loss="cross_entropy", inputs=["class"]),
    }
    graph = lm.Graph(inputs={"a": lm.features(4), "b": lm.features(4)}, nodes=nodes, outputs=["class", "kind"])
    module = same(shaken(lm.Model(graph)), tmp_path / "net.py")
    assert [name for name, _ in module.Network().named_modules()] == ["", "one", "kind"]
    assert json.dumps(sorted(module.load().state_dict())) == json.dumps(["kind.bias", "kind.weight", "one.bias", "one.weight"])


def test_models_in_float64(tmp_path: Path) -> None:
    model = lm.Model(lm.Sequential(lm.features(4), [lm.Dense(5, activation="tanh"), lm.BatchNorm(), lm.Output(3)]), dtype="float64")
    same(model, tmp_path / "a.py")
