"""Networks of torch, exported by torch, run by onnxruntime and here: what they are made of, and that they compute the same."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lamina as lm

onnxruntime = pytest.importorskip("onnxruntime")


class Block(nn.Module):
    def __init__(self, inside: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(inside, out, 3, stride, 1, bias=False), nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.na, self.nb = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        self.short = nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out)) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.nb(self.b(torch.relu(self.na(self.a(x))))) + self.short(x))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.qkv, self.norm, self.last = nn.Embedding(30, 8), nn.Linear(8, 24), nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.table(x)
        q, k, v = self.qkv(y).reshape(-1, 6, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(q @ k.transpose(-1, -2) / 2, -1)
        y = self.norm(y + (weights @ v).transpose(1, 2).reshape(-1, 6, 8))
        return self.last(y.mean(1))


class Recurrent(nn.Module):
    def __init__(self, kind: Any, both: bool) -> None:
        super().__init__()
        self.inner = kind(5, 6, 2, batch_first=True, bidirectional=both)
        self.last = nn.Linear(12 if both else 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.inner(x)[0][:, -1])


class Pyramid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.down = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1)
        self.up, self.wide, self.last = nn.ConvTranspose2d(8, 8, 2, 2), nn.Upsample(scale_factor=2), nn.Conv2d(24, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = nn.functional.leaky_relu(self.first(x), 0.2)
        z = nn.functional.hardswish(self.down(y))
        return torch.sigmoid(self.last(torch.cat([y, self.up(z), self.wide(z)], 1)))


def along() -> nn.Module:
    return nn.Sequential(nn.Conv1d(4, 8, 3, padding=1), nn.BatchNorm1d(8), nn.Tanh(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(48, 3))


def resnet() -> nn.Module:
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)]
    start = [nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*start, Block(8, 8), Block(8, 16, 2), *head)


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], set[str]]] = {
    "resnet": (resnet, (3, 32, 32), {"conv2d", "activation", "max_pool2d", "add", "global_avg_pool", "dense"}),
    "along": (along, (4, 12), {"conv1d", "activation", "max_pool1d", "permute", "flatten", "dense"}),
    "pyramid": (Pyramid, (3, 8, 8), {"conv2d", "activation", "conv_transpose2d", "upsampling2d", "concat"}),
    "lstm": (lambda: Recurrent(nn.LSTM, both=False), (7, 5), {"lstm", "last_step", "dense"}),
    "both": (lambda: Recurrent(nn.LSTM, both=True), (7, 5), {"bidirectional", "last_step", "dense"}),
    "gru": (lambda: Recurrent(nn.GRU, both=True), (7, 5), {"bidirectional", "last_step", "dense"}),
    "rnn": (lambda: Recurrent(nn.RNN, both=False), (7, 5), {"simple_rnn", "last_step", "dense"}),
}


def exported(net: nn.Module, x: Tensor, path: Path, open_axes: dict[int, str]) -> Any:
    """A session of the exported file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axes = {"x": open_axes, "y": {0: "N"}}
        torch.onnx.export(net.eval(), (x,), path, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"], dynamic_axes=axes)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def kinds(model: lm.Model) -> set[str]:
    assert model.plan is not None
    return {str(node.layer.type_name) for node in model.plan.nodes}


@pytest.mark.parametrize("name", CASES)
def test_networks_become_layers(name: str, tmp_path: Path) -> None:
    make, sizes, wanted = CASES[name]
    torch.manual_seed(0)
    session = exported(make(), torch.randn(2, *sizes), tmp_path / "net.onnx", {0: "N"})
    x = torch.randn(5, *sizes).numpy()
    model = lm.interop.load(tmp_path / "net.onnx")
    assert kinds(model) - {"elementwise_multiplication", "multiply"} == wanted or name == "pyramid"
    assert wanted <= kinds(model)
    np.testing.assert_allclose(model.predict(x), session.run(None, {"x": x})[0], rtol=1e-4, atol=1e-5)


def test_attention_goes_into_operators_between_layers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    session = exported(Attention(), torch.randint(0, 30, (2, 6)), tmp_path / "net.onnx", {0: "N"})
    x = np.random.default_rng(0).integers(0, 30, (5, 6))
    model = lm.interop.load(tmp_path / "net.onnx")
    assert {"embedding", "operators", "dense", "layer_norm"} <= kinds(model)
    np.testing.assert_allclose(model.predict(x), session.run(None, {"x": x})[0], rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "kept.lamina")
    np.testing.assert_array_equal(lm.load(tmp_path / "kept.lamina").predict(x), model.predict(x))


def test_images_of_open_sizes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    session = exported(resnet(), torch.randn(2, 3, 32, 32), tmp_path / "net.onnx", {0: "N", 2: "h", 3: "w"})
    x = torch.randn(3, 3, 40, 24).numpy()
    model = lm.interop.load(tmp_path / "net.onnx")
    np.testing.assert_allclose(model.predict(x), session.run(None, {"x": x})[0], rtol=1e-4, atol=1e-5)
    said = lm.interop.load(tmp_path / "net.onnx", inputs=lm.image(3, 40, 24))
    np.testing.assert_allclose(said.predict(x), model.predict(x), rtol=1e-6, atol=1e-6)


def test_a_resnet_is_fine_tuned_with_a_new_head(tmp_path: Path) -> None:
    torch.manual_seed(0)
    exported(resnet(), torch.randn(2, 3, 32, 32), tmp_path / "net.onnx", {0: "N"})
    model = lm.interop.load(tmp_path / "net.onnx")
    last = list(model.description.nodes)[-1]
    tuned = lm.start_from(tmp_path / "net.onnx", replacements={last: lm.Output(3)})
    before = tuned.parameters()
    x, y = np.random.default_rng(0).normal(size=(8, 3, 32, 32)).astype(np.float32), np.arange(8) % 3
    tuned.fit(x, y, epochs=1, batch_size=4)
    assert tuned.predict(x).shape == (8, 3)
    assert any(not np.array_equal(array, tuned.parameters()[name]) for name, array in before.items() if "weight" in name)
    assert io.StringIO(str(tuned.summary())).read()
