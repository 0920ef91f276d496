"""Files that Torch7 itself wrote, with what it computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina import interop
from lamina.errors import InteropError
from lamina.interop.format import formats
from lamina.interop.torch7.objects import Function, Storage, Tensor
from lamina.interop.torch7.reader import read_file

NAMES = ["checkpoint", "cnn_bn", "gru_sequencer", "lenet", "mlp.ascii", "mlp", "mlp_double", "nngraph", "seq_lstm"]


@pytest.fixture(scope="module")
def folder(shared_fixtures: Path) -> Path:
    return shared_fixtures / "torch7"


def test_every_file_is_recognised(folder: Path) -> None:
    assert sorted(path.name.removesuffix(".t7") for path in formats.get("torch7").samples(folder)) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_the_original(folder: Path, name: str, tmp_path: Path, verified: Any) -> None:
    model = interop.load(folder / f"{name}.t7")
    proof = interop.verify(model, folder / f"{name.partition('.')[0]}.npz")
    assert proof.holds, proof
    verified(interop.inspect(folder / f"{name}.t7"), max(difference.relative for difference in proof.outputs))
    with np.load(folder / f"{name.partition('.')[0]}.npz") as io:
        found = model.predict(io["x"])
        assert (np.abs(found - io["y"]) <= 1e-5 + 1e-4 * np.abs(io["y"])).all()
        model.save(tmp_path / "model.lamina")
        assert np.array_equal(lm.load(tmp_path / "model.lamina").predict(io["x"]), found)


def test_training_goes_as_it_went(folder: Path) -> None:
    with np.load(folder / "mlp.npz") as io:
        arrays = dict(io)
    targets = np.eye(10, dtype="float32")[arrays["ft_t"] - 1]
    wanted = arrays["ft_losses"]
    for step in range(len(wanted)):
        model = interop.load(folder / "mlp.t7")
        if step:
            rate = float(arrays["ft_lr"][0])
            model.fit(arrays["x"], targets, batch_size=8, shuffle=False, epochs=step, optimizer=lm.Sgd(rate), progress=False)
        loss = -model.predict(arrays["x"])[np.arange(8), arrays["ft_t"] - 1].mean()
        assert abs(loss - wanted[step]) <= 1e-4 * wanted[step]
    model = interop.load(folder / "mlp.t7")
    rate = float(arrays["ft_lr"][0])
    model.fit(arrays["x"], targets, batch_size=8, shuffle=False, epochs=len(wanted), optimizer=lm.Sgd(rate), progress=False)
    assert np.abs(model.predict(arrays["x"]) - arrays["ft_y_after"]).max() < 1e-5


def test_everything_else_in_a_table_is_said_and_nothing_is_run(folder: Path) -> None:
    report = interop.inspect(folder / "checkpoint.t7")
    assert report.facts["fn"] == "a function of 49 bytes of Lua, which is not run"
    assert report.facts["the network"] == "model"
    found = read_file(folder / "checkpoint.t7")
    assert isinstance(found["fn"], Function)
    assert found["model"] is found["same_model"]
    assert found["view"].array().tolist() == found["view"].storage.array.reshape(2, 3).T.tolist()
    assert found["types"]["empty"].array().size == 0
    assert isinstance(found["storage"], Storage)
    assert (found["best"], found["epoch"], found["lr"], found["name"], found["none_list"]) == (True, 7.0, 0.05, "run-1", {})
    kinds = {name: item.array().dtype.str[1:] for name, item in found["types"].items() if isinstance(item, Tensor)}
    assert {**kinds, "empty": ""} == {
        "double": "f8", "short": "i2", "char": "i1", "int": "i4", "empty": "", "long": "i8", "float": "f4", "byte": "u1",
    }  # fmt: skip


def test_the_face_detector_gives_what_it_gave(shared_models: Path) -> None:
    folder = shared_models / "torch7" / "elab-face-detector"
    wanted = json.loads((folder / "expected.json").read_text())["log_softmax"]
    model = interop.load(folder / "model.net")
    found = model.predict(np.linspace(-1, 1, 1024, dtype="float32").reshape(1, 1, 32, 32))[0]
    assert (np.abs(found - wanted) <= 1e-5 + 1e-4 * np.abs(wanted)).all()


def test_small_cases_of_serialisation(shared_models: Path) -> None:
    folder = shared_models / "torch7" / "torchfile-tests"
    found = {path.stem: read_file(path) for path in sorted(folder.glob("*.t7"))}
    assert len(found) == 15
    assert found["doubletensor"].array().shape == (2, 3)
    assert found["hello=123"] == {"hello": 123.0}
    assert isinstance(found["function_upvals"], Function)
    assert found["recursive_class"].fields["a"] is found["recursive_class"]
    network = interop.load(folder / "gmodule_with_linear_identity.t7")
    assert list(network.origin.inputs) == ["input0", "input1"]  # type: ignore[union-attr]
    with pytest.raises(InteropError, match="IO010"):
        interop.read(folder / "doubletensor.t7", format="torch7")
