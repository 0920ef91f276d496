"""State dicts, whole modules, TorchScript and safetensors, put onto networks."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import lamina as lm
from lamina import interop, zoo
from lamina.cli.app import main
from lamina.errors import InteropError
from lamina.interop.format import formats

pytestmark = pytest.mark.filterwarnings(r"ignore:\[IO012\]:lamina.errors.LaminaWarning")
NETS: dict[str, Any] = {
    "mlp": lm.Sequential(lm.features(20), [lm.Dense(32, activation="relu"), lm.Dense(10, activation="softmax")]),
    "lenet": lm.Sequential(
        lm.image(1, 28, 28),
        [
            lm.Conv2d(6, kernel=5, activation="tanh", name="c1"),
            lm.MaxPool2d(2),
            lm.Conv2d(16, kernel=5, activation="tanh", name="c2"),
            lm.MaxPool2d(2),
            lm.Dense(84, activation="tanh", name="f1"),
            lm.Dense(10, name="f2"),
        ],
    ),
    "lstm": lm.Sequential(lm.tokens(None, 30), [lm.Embedding(8), lm.LSTM(16, return_sequences=False), lm.Dense(5)]),
    "gru": lm.Sequential(lm.sequence(None, 6), [lm.GRU(10), lm.Dense(4)]),
}


@pytest.mark.parametrize("folder", ["pytorch1.0", "pytorch2"])
def test_outputs_are_those_of_torch(shared_fixtures: Path, folder: str) -> None:
    files = [path for path in formats.get("pytorch").samples(shared_fixtures / folder) if path.suffix != ".pt2"]
    assert len(files) == (12 if folder == "pytorch1.0" else 16)
    for path in files:
        name = path.name.partition(".")[0]
        model = interop.load(path, onto=NETS[name])
        proof = interop.verify(model, path.with_name(f"{name}.npz"))
        assert proof.holds, (path, proof)


def test_what_is_no_network_says_how_to_bring_one(shared_fixtures: Path) -> None:
    report = interop.inspect(shared_fixtures / "pytorch1.0" / "lenet.module.pt")
    (problem,) = report.missing
    assert "a whole module, __main__.LeNet of 8 tensors" in problem.got
    assert "code, which is not run" in problem.got
    assert "torch.nn.modules.conv.Conv2d" in report.facts["classes"]
    assert [row.name for row in report.rows][:2] == ["c1.weight", "c1.bias"]
    with pytest.raises(InteropError, match="IO004"):
        interop.load(shared_fixtures / "pytorch2" / "mlp.safetensors")


def test_published_weights_are_read(shared_models: Path) -> None:
    files = formats.get("pytorch").samples(shared_models / "pytorch")
    assert len(files) >= 2
    for path in files:
        own = torch.load(path, weights_only=True, map_location="cpu")
        found = interop.read(path).arrays
        assert list(found) == list(own)
        assert all(np.array_equal(found[name], tensor.numpy()) for name, tensor in own.items())


def saved(path: Path, value: Any, how: str) -> Path:
    if how == "safetensors":
        save_file({name: tensor.contiguous() for name, tensor in value.items()}, path)
    else:
        torch.save(value, path, _use_new_zipfile_serialization=how == "zip")
    return path


@pytest.mark.parametrize("how", ["zip", "legacy"])
def test_every_kind_of_tensor(tmp_path: Path, how: str) -> None:
    base = torch.arange(24.0)
    kinds = [
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
        torch.bool,
    ]
    tensors = {str(kind): base.to(kind) for kind in kinds}
    tensors |= {
        "view": base.view(4, 6)[1:3, ::2],
        "turned": base.view(4, 6).T,
        "repeated": base[:3].expand(4, 3),
        "shared": base[5:9],
        "number": torch.tensor(3.5),
        "empty": torch.zeros(0, 3),
        "parameter": nn.Parameter(base[:2]),
    }
    found = interop.read(saved(tmp_path / "x.pt", tensors, how)).arrays
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        assert found[name].shape == tuple(tensor.shape), name
        wanted = tensor.detach().float().numpy() if tensor.dtype == torch.bfloat16 else tensor.detach().numpy()
        assert np.array_equal(found[name], wanted), name


def test_safetensors_in_one_file_and_in_several(tmp_path: Path) -> None:
    tensors = {"a.weight": torch.randn(3, 4), "a.bias": torch.randn(3), "b": torch.ones(2).bfloat16()}
    saved(tmp_path / "one.safetensors", tensors, "safetensors")
    found = interop.read(tmp_path / "one.safetensors").arrays
    assert all(np.array_equal(found[name], tensor.float().numpy()) for name, tensor in tensors.items())
    saved(tmp_path / "x-1.safetensors", {"a.weight": tensors["a.weight"]}, "safetensors")
    saved(tmp_path / "x-2.safetensors", {"a.bias": tensors["a.bias"]}, "safetensors")
    index = {"metadata": {}, "weight_map": {"a.weight": "x-1.safetensors", "a.bias": "x-2.safetensors"}}
    (tmp_path / "index.json").write_text(json.dumps(index))
    net = lm.Sequential(lm.features(4), [lm.Dense(3, name="a")])
    assert np.array_equal(interop.load(tmp_path / "index.json", onto=net).parameters()["a/weight"], tensors["a.weight"].numpy())
    index["weight_map"]["a.bias"] = "../x-2.safetensors"  # type: ignore[index]
    (tmp_path / "index.json").write_text(json.dumps(index))
    with pytest.raises(InteropError, match="files beside the index"):
        interop.read(tmp_path / "index.json")


class Payload:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/never",)


class Quiet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 2)
        self.register_buffer("kept", torch.ones(2))
        self.register_buffer("passing", torch.ones(2), persistent=False)


@pytest.mark.parametrize("how", ["zip", "legacy"])
def test_a_payload_is_refused_by_name(tmp_path: Path, how: str) -> None:
    path = saved(tmp_path / "x.pt", {"a": torch.ones(2), "b": Payload()}, how)
    with pytest.raises(InteropError, match=r"IO050[\s\S]*a call of posix.system"):
        interop.read(path)
    assert not Path("/tmp/never").exists()


@pytest.mark.parametrize("code", [b"cos\nsystem\n(S'ls'\ntR.", b"(S'ls'\nios\nsystem\n.", b"(cbuiltins\neval\nS'1'\no."])
def test_old_ways_to_call_are_refused_too(code: bytes) -> None:
    from lamina.interop.cursor import Cursor
    from lamina.interop.pytorch.calls import call
    from lamina.interop.pytorch.pickles import Machine

    with pytest.raises(InteropError, match="IO050"):
        Machine(Cursor(code, "a file"), lambda name, args: call(name, args, "a file"), lambda found: found).load()


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_plain_data_are_read_as_they_were(protocol: int) -> None:
    from lamina.interop.cursor import Cursor
    from lamina.interop.pytorch.calls import call
    from lamina.interop.pytorch.pickles import Machine

    data = {"a": [1, -2, 2**40, 1.5, None, True, False, "é", b"\x01"], "b": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)), 3: {"x": [[]] * 3}}
    machine = Machine(Cursor(pickle.dumps(data, protocol), "x"), lambda name, args: call(name, args, "x"), lambda found: found)
    assert machine.load() == data


def test_a_whole_module_gives_its_state_dict(tmp_path: Path) -> None:
    torch.save(Quiet(), tmp_path / "x.pt")
    assert list(interop.read(tmp_path / "x.pt").arrays) == list(Quiet().state_dict())


def test_checkpoints_around_state_dicts(tmp_path: Path) -> None:
    net = nn.DataParallel(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.BatchNorm1d(3)))
    optimizer = torch.optim.Adam(net.parameters())
    checkpoint = {
        "epoch": 3,
        "state_dict": {f"model.{name}": item for name, item in net.state_dict().items()},
        "optimizer": optimizer.state_dict(),
    }
    torch.save(checkpoint, tmp_path / "x.ckpt")
    onto = lm.Sequential(lm.features(4), [lm.Dense(3, activation="relu"), lm.BatchNorm()])
    imported = interop.read(tmp_path / "x.ckpt", onto=onto)
    assert imported.report.facts["epoch"] == "3"
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("f4")
    np.testing.assert_allclose(imported.model().predict(x), net.module.eval()(torch.from_numpy(x)).detach().numpy(), atol=1e-6)


def alike(net: nn.Module, onto: Any, x: torch.Tensor, tmp_path: Path, take: Callable[[Any], Any] = lambda y: y, **more: Any) -> Any:
    torch.save(net.state_dict(), tmp_path / "x.pt")
    model = interop.load(tmp_path / "x.pt", onto=onto, **more)
    np.testing.assert_allclose(model.predict(x.numpy()), take(net.eval()(x)).detach().numpy(), rtol=1e-4, atol=1e-5)
    return model


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x)[0]


class Steps(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)[0]


def test_layers_with_parts_of_their_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 5, 8)
    attention = lm.layers.MultiHeadAttention(heads=2, name="attention")
    alike(Attention(), lm.Sequential(lm.sequence(5, 8), [attention]), x, tmp_path)
    recurrent = lm.layers.Bidirectional(lm.LSTM(4), name="inner")
    alike(Steps(nn.LSTM(8, 4, bidirectional=True, batch_first=True)), lm.Sequential(lm.sequence(None, 8), [recurrent]), x, tmp_path)
    deep = lm.GRU(4, layers=2, name="inner")
    alike(Steps(nn.GRU(8, 4, 2, batch_first=True)), lm.Sequential(lm.sequence(None, 8), [deep]), x, tmp_path)
    single = lm.LSTM(4, recurrent_bias=False)
    alike(Steps(nn.LSTM(8, 4, batch_first=True)), lm.Sequential(lm.sequence(None, 8), [single]), x, tmp_path)
    single = lm.LSTM(4, recurrent_bias=False, name="inner")
    alike(Steps(nn.LSTM(8, 4, batch_first=True)), lm.Sequential(lm.sequence(None, 8), [single]), x, tmp_path)


@pytest.mark.parametrize(
    "wrap", [nn.utils.weight_norm, nn.utils.parametrizations.weight_norm, nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm]
)
@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
def test_normed_weights_are_folded(tmp_path: Path, wrap: Any) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(wrap(nn.Conv2d(3, 4, 3)))
    net(torch.randn(2, 3, 6, 6))
    torch.save(net.state_dict(), tmp_path / "x.pt")
    onto = lm.Sequential(lm.image(3, 6, 6), [lm.Conv2d(4, kernel=3)])
    alike(net, onto, torch.randn(2, 3, 6, 6), tmp_path)
    assert interop.inspect(tmp_path / "x.pt", onto=onto).lost


def named(plan: Any) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(0)
    shapes = {f"{node.name}/{name}": p.shape for node in plan.nodes for name, p in node.parameters.items()}
    shapes |= {f"{node.name}/{name}": shape for node in plan.nodes for name, shape in node.buffers.items()}
    return {name: chance.normal(size=shape).astype("f4") for name, shape in shapes.items()}


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "alexnet", "mobilenet_v3_small"])
def test_the_zoo_takes_the_names_of_torchvision(tmp_path: Path, name: str) -> None:
    net = getattr(zoo, name)()
    wanted = named(net.resolve())
    tensors = {key.replace("_", ".").replace("running.", "running_").replace("/", "."): torch.from_numpy(a) for key, a in wanted.items()}
    tensors |= {key.replace("running_mean", "num_batches_tracked"): torch.tensor(1) for key in tensors if "running_mean" in key}
    saved(tmp_path / "x.safetensors", tensors, "safetensors")
    imported = interop.read(tmp_path / "x.safetensors", onto=net)
    assert imported.report.assumed == ()
    assert all(np.array_equal(imported.arrays[key], array) for key, array in wanted.items())


def test_what_is_left_over_is_named_on_both_sides(tmp_path: Path) -> None:
    saved(tmp_path / "x.pt", {"body.weight": torch.ones(3, 4), "body.bias": torch.ones(3), "old.weight": torch.ones(9, 9)}, "zip")
    net = lm.Sequential(lm.features(4), [lm.Dense(3), lm.Dense(2, name="head")])
    with pytest.raises(InteropError, match=r"IO005[\s\S]*head/weight \[2, 3\], head/bias \[2\][\s\S]*old.weight \[9, 9\]"):
        interop.load(tmp_path / "x.pt", onto=net)
    smaller = lm.Sequential(lm.features(4), [lm.Dense(3, name="first")])
    model = interop.load(tmp_path / "x.pt", onto=smaller, mapping={"body": "first", "old": ""})
    assert model.parameters()["first/weight"].tolist() == np.ones((3, 4)).tolist()
    with pytest.raises(InteropError, match=r"the mapping[\s\S]*nothing_like_it"):
        interop.load(tmp_path / "x.pt", onto=smaller, mapping={"nothing_like_it": "first"})


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(tmp_path / "x.pt", {"body.weight": torch.ones(3, 4), "body.bias": torch.ones(3), "old": torch.ones(9)}, "zip")
    net = lm.Sequential(lm.features(4), [lm.Dense(3, name="first")])
    (tmp_path / "net.yaml").write_text(net.to_yaml())
    arguments = ["import", str(tmp_path / "x.pt"), "--onto", str(tmp_path / "net.yaml"), "--map", "body=first", "--map", "old="]
    assert command(*arguments, "-o", str(tmp_path / "x.lamina")) == 0
    assert "first" in capsys.readouterr().out
    assert lm.load(tmp_path / "x.lamina").parameters()["first/bias"].tolist() == [1, 1, 1]
    assert command(*arguments[:4], "--map", "wrong", "--dry-run") != 0
    again = ["import", str(tmp_path / "x.pt"), "--onto", str(tmp_path / "x.lamina"), "--map", "old=", "--map", "body=first", "--dry-run"]
    assert command(*again) == 0


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"shape": [1 << 40, 1 << 20]}, "numbers within"),
        ({"data_offsets": [0, 1 << 40]}, "numbers within"),
        ({"dtype": "F8_E4M3"}, "F8_E4M3"),
        ({"shape": ["x"]}, "sizes or strides"),
        ({"data_offsets": [-4, 12]}, "numbers within"),
    ],
)
def test_headers_that_lie(tmp_path: Path, change: dict[str, Any], what: str) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **change}}).encode()
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<q", len(header)) + header + bytes(16))
    with pytest.raises(InteropError, match=what):
        interop.read(tmp_path / "x.safetensors")


def test_views_beyond_their_storage(tmp_path: Path) -> None:
    raw = io.BytesIO()
    torch.save({"a": torch.ones(4, 4)}, raw, _use_new_zipfile_serialization=False)
    data = raw.getvalue()
    assert data.count(b"K\x04K\x04\x86") == 1
    (tmp_path / "x.pt").write_bytes(data.replace(b"K\x04K\x04\x86", b"K\x08K\x04\x86"))
    with pytest.raises(InteropError, match="a view of a storage of 16 numbers"):
        interop.read(tmp_path / "x.pt")


@pytest.mark.parametrize(("kind", "layer"), [(nn.LSTM, "LSTM"), (nn.RNN, "SimpleRNN")])
def test_two_biases_are_added_up_where_that_is_the_same(tmp_path: Path, kind: Any, layer: str) -> None:
    torch.manual_seed(3)
    theirs, x = kind(3, 5, batch_first=True), torch.randn(2, 4, 3)
    torch.save({f"rnn.{name.removesuffix('_l0')}": value for name, value in theirs.state_dict().items()}, tmp_path / "w.pt")
    made = getattr(lm, layer)(5, recurrent_bias=False, name="rnn")
    model = interop.load(tmp_path / "w.pt", onto=lm.Sequential(lm.sequence(4, 3), [made]))
    assert np.abs(model.predict(x.numpy()) - theirs(x)[0].detach().numpy()).max() < 1e-6


def test_two_biases_of_a_gru_are_not(tmp_path: Path) -> None:
    theirs = nn.GRU(3, 5, batch_first=True)
    torch.save({f"rnn.{name.removesuffix('_l0')}": value for name, value in theirs.state_dict().items()}, tmp_path / "w.pt")
    with pytest.raises(InteropError, match="bias_hh"):
        interop.load(tmp_path / "w.pt", onto=lm.Sequential(lm.sequence(4, 3), [lm.GRU(5, recurrent_bias=False, name="rnn")]))


def test_words_joined_again_and_again_stay_short() -> None:
    from lamina.interop.pytorch.calls import call
    from lamina.interop.pytorch.pickles import Name

    found: Any = "x" * 30
    for _ in range(40):
        found = call(Name("torch", "device"), (found, found), "a file")
    assert len(found) < 100


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    for name in ("pytorch", "onnx", "keras", "torch7", "caffe", "dl4j"):
        with pytest.raises(InteropError, match="IO001"):
            interop.inspect(tmp_path, format=name)
