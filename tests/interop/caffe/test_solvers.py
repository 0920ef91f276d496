"""Solvers, their states and what readers of data say, and files in all their forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import lamina as lm
from lamina import interop
from lamina.errors import InteropError
from lamina.interop.caffe.schema import SCHEMA
from lamina.interop.protobuf.write import written
from lamina.learning import schedules as s
from lamina.learning.clipping import ClipNorm

pytestmark = pytest.mark.filterwarnings(r"ignore:\[IO012\]:lamina.errors.LaminaWarning")
NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 6 dim: 3 } } }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 6 dim: 2 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param { num_output: 2 }
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0.5 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "t" top: "loss" }
"""
R = np.random.default_rng(3)
X, T = R.normal(size=(6, 3)).astype("float32"), R.normal(size=(6, 2)).astype("float32")
W, B = R.normal(size=(2, 3)).astype("float32"), R.normal(size=2).astype("float32")


def blob(array: np.ndarray) -> dict[str, Any]:
    return {"shape": {"dim": list(array.shape)}, "data": array.reshape(-1).tolist()}


def weights(path: Path) -> Path:
    layer = {"name": "a", "type": "InnerProduct", "top": "a", "blobs": [blob(W), blob(B)]}
    path.write_bytes(written(SCHEMA, "NetParameter", {"name": "n", "layer": [layer]}))
    return path


def given(folder: Path, solver: str) -> list[Path]:
    (folder / "net.prototxt").write_text(NET)
    (folder / "solver.prototxt").write_text(solver)
    return [folder / "solver.prototxt", weights(folder / "w.caffemodel"), folder / "net.prototxt"]


Rule = Callable[[dict[str, np.ndarray], np.ndarray, float, int], np.ndarray]


def momentum(h: dict[str, np.ndarray], g: np.ndarray, rate: float, _: int) -> np.ndarray:
    h["a"] = rate * g + 0.9 * h["a"]
    return h["a"]


def nesterov(h: dict[str, np.ndarray], g: np.ndarray, rate: float, _: int) -> np.ndarray:
    before, h["a"] = h["a"], rate * g + 0.9 * h["a"]
    return 1.9 * h["a"] - 0.9 * before


def adagrad(h: dict[str, np.ndarray], g: np.ndarray, rate: float, _: int) -> np.ndarray:
    h["a"] = h["a"] + g**2
    return rate * g / (np.sqrt(h["a"]) + 1e-3)


def rmsprop(h: dict[str, np.ndarray], g: np.ndarray, rate: float, _: int) -> np.ndarray:
    h["a"] = 0.8 * h["a"] + 0.2 * g**2
    return rate * g / (np.sqrt(h["a"]) + 1e-3)


def adadelta(h: dict[str, np.ndarray], g: np.ndarray, rate: float, _: int) -> np.ndarray:
    h["a"] = 0.9 * h["a"] + 0.1 * g**2
    update = g * np.sqrt((1e-3 + h["b"]) / (1e-3 + h["a"]))
    h["b"] = 0.9 * h["b"] + 0.1 * update**2
    return rate * update


def adam(h: dict[str, np.ndarray], g: np.ndarray, rate: float, step: int) -> np.ndarray:
    h["a"], h["b"] = 0.9 * h["a"] + 0.1 * g, 0.99 * h["b"] + 0.01 * g**2
    correction = np.sqrt(1 - 0.99 ** (step + 1)) / (1 - 0.9 ** (step + 1))
    return rate * correction * h["a"] / (np.sqrt(h["b"]) + 1e-3)


KINDS: dict[str, tuple[str, Rule, int]] = {
    "SGD": ("momentum: 0.9", momentum, 1),
    "Nesterov": ("momentum: 0.9", nesterov, 1),
    "AdaGrad": ("delta: 0.001", adagrad, 1),
    "RMSProp": ("delta: 0.001 rms_decay: 0.8", rmsprop, 1),
    "AdaDelta": ("delta: 0.001 momentum: 0.9", adadelta, 2),
    "Adam": ("delta: 0.001 momentum: 0.9 momentum2: 0.99", adam, 2),
}


def caffe(
    rule: Rule, steps: int, begun: int, history: list[dict[str, np.ndarray]], *, limit: float = 0.0, kind: str = "L2"
) -> list[np.ndarray]:
    """Caffe's updates, written out: clip, decay, rule; a rate that halves every two updates."""
    w, b = W.astype("float64"), B.astype("float64")
    for step in range(begun, begun + steps):
        gap = (X @ w.T + b - T) / len(X)
        grads = [gap.T @ X, gap.sum(0)]
        norm = np.sqrt(sum((g**2).sum() for g in grads))
        if limit and norm > limit:
            grads = [g * limit / norm for g in grads]
        rate = 0.2 * 0.5 ** (step // 2)
        values = [w, b]
        for place, (lr, decay) in enumerate(((1, 1), (2, 0.5))):
            value = values[place]
            g = grads[place] + 0.1 * decay * (value if kind == "L2" else np.sign(value))
            values[place] = value - rule(history[place], g, rate * lr, step)
        w, b = values
    return [w, b]


def fresh() -> list[dict[str, np.ndarray]]:
    return [{key: np.zeros(shape) for key in "ab"} for shape in ((2, 3), (2,))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("table", [False, True])
def test_updates_go_as_caffes_and_go_on_from_a_state(tmp_path: Path, kind: str, table: bool) -> None:
    settings, rule, count = KINDS[kind]
    head = f'type: "{kind}" base_lr: 0.2 lr_policy: "step" gamma: 0.5 stepsize: 2 weight_decay: 0.1 {settings}'
    history = fresh()
    for one in history:
        one["a"], one["b"] = np.abs(R.normal(size=one["a"].shape)) / 10, np.abs(R.normal(size=one["b"].shape)) / 10
    arrays = [one[key] for key in "ab"[:count] for one in history]
    state = tmp_path / "x.solverstate"
    if table:
        with h5py.File(state, "w") as file:
            file["iter"], file["current_step"] = 3, 1
            for place, array in enumerate(arrays):
                file[f"history/{place}"] = array.astype("float32")
    else:
        state.write_bytes(
            written(SCHEMA, "SolverState", {"iter": 3, "learned_net": "w", "history": [blob(a) for a in arrays], "current_step": 1})
        )
    for more, begun, start in (([], 0, fresh()), ([state], 3, history)):
        model = interop.load([*more, *given(tmp_path, head)])
        model.fit(X, T, batch_size=6, shuffle=False, epochs=4, max_steps=4, go_on=True, progress=False)
        wanted = caffe(rule, 4, begun, start)
        np.testing.assert_allclose(model.parameters()["a/weight"], wanted[0], rtol=2e-5, atol=2e-6)
        np.testing.assert_allclose(model.parameters()["a/bias"], wanted[1], rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("kind", ["L1", "L2"])
def test_clipping_and_both_kinds_of_decay(tmp_path: Path, kind: str) -> None:
    head = 'base_lr: 0.2 lr_policy: "step" gamma: 0.5 stepsize: 2 weight_decay: 0.1 momentum: 0.9 clip_gradients: 0.3'
    head += f' regularization_type: "{kind}"'
    model = interop.load(given(tmp_path, head))
    model.fit(X, T, batch_size=6, shuffle=False, epochs=3, max_steps=3, go_on=True, progress=False)
    wanted = caffe(momentum, 3, 0, fresh(), limit=0.3, kind=kind)
    np.testing.assert_allclose(model.parameters()["a/weight"], wanted[0], rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(model.parameters()["a/bias"], wanted[1], rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("policy", "rate"),
    [
        ('lr_policy: "fixed"', lambda t: 0.1),
        ('lr_policy: "step" gamma: 0.5 stepsize: 3', lambda t: 0.1 * 0.5 ** (t // 3)),
        ('lr_policy: "exp" gamma: 0.9', lambda t: 0.1 * 0.9**t),
        ('lr_policy: "inv" gamma: 0.1 power: 0.75', lambda t: 0.1 * (1 + 0.1 * t) ** -0.75),
        ('lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 5', lambda t: 0.1 * 0.5 ** ((t >= 2) + (t >= 5))),
        ('lr_policy: "poly" power: 2 max_iter: 10', lambda t: 0.1 * (1 - t / 10) ** 2),
        ('lr_policy: "sigmoid" gamma: -0.5 stepsize: 4', lambda t: 0.1 / (1 + np.exp(0.5 * (t - 4)))),
    ],
)
def test_policies(tmp_path: Path, policy: str, rate: Callable[[int], float]) -> None:
    imported = interop.read(given(tmp_path, f"base_lr: 0.1 {policy}"))
    assert imported.origin is not None
    assert imported.origin.learning is not None
    found = imported.origin.learning.optimizer.learning_rate
    for step in range(10):
        assert s.value_of(found, step, 0.0) == pytest.approx(rate(step), rel=1e-6)


def test_what_a_solver_says_besides(tmp_path: Path) -> None:
    head = 'base_lr: 0.1 lr_policy: "fixed" iter_size: 4 clip_gradients: 2 max_iter: 500 random_seed: 11 momentum: 0.5'
    imported = interop.read(given(tmp_path, head))
    assert imported.seed == 11
    assert imported.report.facts["Batches an update"] == "4"
    assert imported.report.facts["Updates in all"] == "500 (max_steps)"
    assert imported.origin is not None
    learning = imported.origin.learning
    assert learning is not None
    assert learning.clip == ClipNorm(0.5, epsilon=0.0)
    assert learning.settings["accumulate"] == 4
    assert learning.optimizer == lm.Sgd(0.1, momentum=0.5, form="caffe")


def test_an_update_is_made_of_several_batches(tmp_path: Path) -> None:
    """Two batches of three are one of six."""
    head = 'base_lr: 0.2 lr_policy: "step" gamma: 0.5 stepsize: 2 weight_decay: 0.1 momentum: 0.9 clip_gradients: 0.6 iter_size: 2'
    model = interop.load(given(tmp_path, head))
    model.fit(X, T, batch_size=3, shuffle=False, epochs=3, max_steps=3, go_on=True, progress=False)
    wanted = caffe(momentum, 3, 0, fresh(), limit=0.3)
    np.testing.assert_allclose(model.parameters()["a/weight"], wanted[0], rtol=2e-5, atol=2e-6)


def test_old_solver_types_and_what_is_unknown(tmp_path: Path) -> None:
    imported = interop.read(given(tmp_path, "base_lr: 0.1 lr_policy: 'fixed' solver_type: ADAGRAD"))
    assert imported.origin is not None
    assert imported.origin.learning is not None
    assert imported.origin.learning.optimizer.type_name == "adagrad"
    imported = interop.read(given(tmp_path, "base_lr: 0.1 lr_policy: 'wave' type: 'Own'"))
    assert sorted(remark.path for remark in imported.report.lost) == ["solver, lr_policy", "solver, type"]


def test_a_solver_or_weights_alone_say_what_is_missing(tmp_path: Path) -> None:
    solver, model, _ = given(tmp_path, 'base_lr: 0.1 net: "n.prototxt"')
    assert "n.prototxt" in interop.inspect(solver).missing[0].got
    assert "weights alone" in interop.inspect(model).missing[0].got


def test_a_network_within_a_solver(tmp_path: Path) -> None:
    solver, model, _ = given(tmp_path, "base_lr: 0.1 net_param { " + NET + " }")
    imported = interop.read([solver, model])
    assert imported.report.complete
    assert (imported.arrays["a/weight"] == W).all()


def test_the_history_of_another_network_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "s.solverstate"
    state.write_bytes(written(SCHEMA, "SolverState", {"iter": 3, "history": [blob(W)]}))
    with pytest.raises(InteropError, match="IO005"):
        interop.read([*given(tmp_path, "base_lr: 0.1 momentum: 0.9"), state])


READER = """
layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { scale: 0.5 mirror: true crop_size: 8 mean_value: 10 mean_value: 20 mean_value: 30 }
  data_param { batch_size: 4 source: "/x" } }
layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { scale: 0.5 crop_size: 8 mean_value: 10 mean_value: 20 mean_value: 30 }
  data_param { batch_size: 7 source: "/x" } }
layer { name: "a" type: "InnerProduct" bottom: "c" top: "a" inner_product_param { num_output: 2 } }
layer { name: "acc" type: "Accuracy" bottom: "a" bottom: "label" top: "acc" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "a" bottom: "label" top: "loss" }
"""
CONV = 'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 3 } }\n'


def test_readers_become_inputs_with_their_means(tmp_path: Path) -> None:
    lines = READER.strip().split("\n")
    (tmp_path / "net.prototxt").write_text("\n".join([*lines[:6], CONV, *lines[6:]]))
    imported = interop.read(tmp_path / "net.prototxt")
    assert imported.report.complete, imported.report
    assert {str(shape) for shape in (imported.shapes or {}).values()} == {"[batch, 3, 8, 8]"}
    assert imported.preprocessing is not None
    x = R.uniform(0, 255, size=(2, 3, 8, 8)).astype("float32")
    scaled = imported.preprocessing.scaled({"input": x})["input"]
    np.testing.assert_allclose(scaled, (x - np.array([10, 20, 30])[:, None, None]) * 0.5, rtol=1e-5)
    lost = " ".join(map(str, imported.report.lost))
    assert "evaluate" in lost
    assert "cutting" in lost
    assert "mirrored" not in lost
    (tmp_path / "solver.prototxt").write_text("base_lr: 0.1")
    assert "mirrored" in " ".join(map(str, interop.inspect([tmp_path / "net.prototxt", tmp_path / "solver.prototxt"]).lost))


def test_rules_of_stages_and_levels(tmp_path: Path) -> None:
    layers = """
    state { phase: TEST level: 2 stage: "deploy" }
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 } } }
    layer { name: "a" type: "AbsVal" bottom: "x" top: "a" include { stage: "deploy" min_level: 1 } }
    layer { name: "b" type: "Power" bottom: "a" top: "b" power_param { scale: 2 } exclude { stage: "deploy" } }
    layer { name: "c" type: "Power" bottom: "a" top: "c" power_param { scale: 3 } include { max_level: 1 } include { not_stage: "train" } }
    layer { name: "e" type: "Nonsense" bottom: "a" top: "e" include { phase: TRAIN } }
    """
    (tmp_path / "net.prototxt").write_text(layers)
    model = interop.load(tmp_path / "net.prototxt")
    assert model.predict(np.array([[-1.0, 2.0, -3.0]], "float32")).tolist() == [[3.0, 6.0, 9.0]]


V0 = """
name: "old" input: "data" input_dim: 1 input_dim: 1 input_dim: 5 input_dim: 5
layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "pad" }
layers { layer { name: "conv" type: "conv" num_output: 2 kernelsize: 3 stride: 2 biasterm: true
  blobs_lr: 1. blobs_lr: 2. } bottom: "pad" top: "conv" }
layers { layer { name: "relu" type: "relu" } bottom: "conv" top: "conv" }
layers { layer { name: "pool" type: "pool" pool: AVE kernelsize: 2 stride: 2 } bottom: "conv" top: "pool" }
layers { layer { name: "ip" type: "innerproduct" num_output: 3 } bottom: "pool" top: "ip" }
layers { layer { name: "prob" type: "softmax" } bottom: "ip" top: "prob" }
"""


def test_layers_of_v0(tmp_path: Path) -> None:
    w, b, v, c = (R.normal(size=shape).astype("float32") for shape in ((2, 1, 3, 3), (2,), (3, 8), (3,)))

    def old(array: np.ndarray) -> dict[str, Any]:
        shape = (1,) * (4 - array.ndim) + array.shape
        return {**dict(zip(("num", "channels", "height", "width"), shape, strict=True)), "data": array.reshape(-1).tolist()}

    layers = [
        {"layer": {"name": "conv", "type": "conv", "blobs": [old(w), old(b)]}},
        {"layer": {"name": "ip", "type": "innerproduct", "blobs": [old(v), old(c)]}},
    ]
    (tmp_path / "w.caffemodel").write_bytes(written(SCHEMA, "NetParameter", {"name": "old", "layers": layers}))
    (tmp_path / "net.prototxt").write_text(V0)
    imported = interop.read([tmp_path / "net.prototxt", tmp_path / "w.caffemodel"])
    assert imported.report.version == "V0"
    assert imported.report.complete, imported.report
    x = R.normal(size=(2, 1, 5, 5)).astype("float32")
    import torch
    from torch.nn import functional as F

    y = F.conv2d(torch.from_numpy(x), torch.from_numpy(w), torch.from_numpy(b), stride=2, padding=1).relu()
    y = F.avg_pool2d(y, 2, 2, ceil_mode=True, count_include_pad=False).flatten(1) @ torch.from_numpy(v).T + torch.from_numpy(c)
    np.testing.assert_allclose(imported.model().predict(x), y.softmax(1).numpy(), rtol=1e-5, atol=1e-6)


def test_weights_of_64_bits(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    double = [{"shape": {"dim": list(a.shape)}, "double_data": a.astype("float64").reshape(-1).tolist()} for a in (W, B)]
    layer = {"name": "a", "type": "InnerProduct", "top": "a", "blobs": double}
    (tmp_path / "w.caffemodel").write_bytes(written(SCHEMA, "NetParameter", {"name": "n", "layer": [layer]}))
    imported = interop.read([tmp_path / "net.prototxt", tmp_path / "w.caffemodel"])
    assert imported.dtype == "float64"
    assert imported.arrays["a/weight"].dtype == np.float64


def test_weights_that_no_file_holds_start_afresh(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET.replace('name: "a"', 'name: "new"'))
    imported = interop.read([tmp_path / "net.prototxt", weights(tmp_path / "w.caffemodel")])
    assert imported.fresh == {"new/weight", "new/bias"}
    assert "weights of the layer 'a'" in str(imported.report)
    imported.save(tmp_path / "m.lamina")
    assert lm.load(tmp_path / "m.lamina").parameters()["new/bias"].tolist() == [0, 0]


def test_running_statistics_go_on_as_caffes(tmp_path: Path) -> None:
    """All batches count, each the less the older it is; the file keeps sums and the weight of all."""
    net = """
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 6 dim: 3 } } }
    layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 6 dim: 3 } } }
    layer { name: "n" type: "BatchNorm" bottom: "x" top: "n" batch_norm_param { moving_average_fraction: 0.8 } }
    layer { name: "a" type: "InnerProduct" bottom: "n" top: "a" inner_product_param { num_output: 3 } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "t" top: "loss" }
    """
    mean, var, weight = R.normal(size=3), R.uniform(1, 2, size=3), np.array([1.8])
    blobs = [blob(a.astype("float32")) for a in (mean, var, weight)]
    (tmp_path / "w.caffemodel").write_bytes(
        written(SCHEMA, "NetParameter", {"name": "n", "layer": [{"name": "n", "type": "BatchNorm", "top": "n", "blobs": blobs}]})
    )
    (tmp_path / "net.prototxt").write_text(net)
    (tmp_path / "solver.prototxt").write_text("base_lr: 0.1 momentum: 0.9")
    model = interop.load([tmp_path / name for name in ("net.prototxt", "w.caffemodel", "solver.prototxt")])
    model.fit(X, X, batch_size=6, shuffle=False, epochs=2, max_steps=2, go_on=True, progress=False)
    for _ in range(2):
        weight = 0.8 * weight + 1
        mean, var = 0.8 * mean + X.mean(0), 0.8 * var + X.var(0) * 6 / 5
    found = model.parameters()
    np.testing.assert_allclose(found["n/running_mean"], mean / weight, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["n/running_var"], var / weight, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["n/weight_of_batches"], weight, rtol=1e-6)


def test_hdf5_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["data/a/0"] = h5py.ExternalLink("/etc/hostname", "/")
        file["data/a/1"] = B
    with pytest.raises(InteropError, match="IO002"):
        interop.read([tmp_path / "net.prototxt", tmp_path / "w.h5"])
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_dataset("data/a/0", shape=(1 << 40,), dtype="f4", chunks=(1 << 16,), compression="gzip")
    with pytest.raises(InteropError, match="IO003"):
        interop.read([tmp_path / "net.prototxt", tmp_path / "v.h5"])


def test_names_with_strokes_are_groups_within_groups_in_hdf5(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET.replace('name: "a"', 'name: "fire2/a"'))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["data/fire2/a/0"], file["data/fire2/a/1"] = W, B
        file.create_group("data/x")
    imported = interop.read([tmp_path / "w.h5", tmp_path / "net.prototxt"])
    assert (imported.arrays["fire2_a/weight"] == W).all()
    assert not imported.fresh
    assert "weights alone" in interop.inspect(tmp_path / "w.h5").missing[0].got
