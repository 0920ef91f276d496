"""What archives say of models: checked against each other before a weight is read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.archive import LABELS, NETWORK, WEIGHTS, Archive, write_archive
from lamina.keep import described
from lamina.train.state import TrainingState


@pytest.fixture
def model() -> lm.Model:
    return lm.Model(lm.Sequential(lm.features(3), [lm.Dense(4), lm.BatchNorm(), lm.Output(2)]), seed=9)


@pytest.fixture
def path(model: lm.Model, tmp_path: Path) -> Path:
    model.save(tmp_path / "m.lamina")
    return tmp_path / "m.lamina"


def changed(path: Path, change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> Path:
    """The same archive with another description or other weights, its hashes right."""
    archive = Archive(path)
    network, weights = archive.json(NETWORK), archive.arrays(WEIGHTS)
    change(network, weights)
    write_archive(path, json_members={NETWORK: network, LABELS: archive.json(LABELS)}, tensor_members={WEIGHTS: weights})
    return path


def code_of(path: Path) -> str:
    with pytest.raises(lm.LaminaError) as caught:
        lm.load(path)
    assert str(path) in str(caught.value)
    assert all(caught.value.problems[0].__getattribute__(part) for part in ("where", "expected", "got", "cause", "fix"))
    return caught.value.code


def test_every_setting_is_written_out(path: Path, model: lm.Model) -> None:
    kept = Archive(path).json(NETWORK)
    assert kept["network"]["layers"][0]["bias"] is True
    assert kept["seed"] == 9
    assert kept["dtype"] == "float32"
    assert described(Archive(path)).network == model.description
    assert described(Archive(path)).plan.output_shapes == model.plan.output_shapes  # type: ignore[union-attr]


def test_no_code_and_no_clock(path: Path, model: lm.Model, tmp_path: Path) -> None:
    model.save(tmp_path / "again.lamina")
    assert (tmp_path / "again.lamina").read_bytes() == path.read_bytes()
    assert b"pickle" not in path.read_bytes()


def test_weights_are_those_of_the_network(path: Path) -> None:
    assert set(Archive(path).header(WEIGHTS)) == {
        "dense_1/weight",
        "dense_1/bias",
        "batch_norm_1/weight",
        "batch_norm_1/bias",
        "batch_norm_1/running_mean",
        "batch_norm_1/running_var",
        "output_1/weight",
        "output_1/bias",
    }


def drop(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    del weights["dense_1/bias"]


def add(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    weights["dense_9/bias"] = np.zeros(3, np.float32)


def reshape(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    weights["dense_1/weight"] = weights["dense_1/weight"].T.copy()


def retype(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    weights["dense_1/weight"] = weights["dense_1/weight"].astype(np.float64)


def widen(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    network["network"]["layers"][0]["units"] = 10**9


def stranger(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    network["network"]["layers"][0]["type"] = "hyperdense"


def misspelt(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    network["network"]["layers"][0]["unitz"] = 4


def no_seed(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    del network["seed"]


def odd_dtype(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    network["dtype"] = "float8"


def odd_inputs(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    network["inputs"] = {"input": {"type": "features", "count": -1}}


def other_inputs(network: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    network["inputs"] = [1, 2]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (drop, "AR025"),
        (add, "AR025"),
        (reshape, "AR025"),
        (retype, "AR025"),
        (widen, "AR025"),
        (stranger, "AR026"),
        (misspelt, "AR022"),
        (no_seed, "AR022"),
        (odd_dtype, "AR022"),
        (odd_inputs, "AR022"),
        (other_inputs, "AR022"),
    ],
)
def test_parts_that_do_not_belong_together(path: Path, change: Callable[..., None], code: str) -> None:
    assert code_of(changed(path, change)) == code


def test_labels_that_are_none(path: Path) -> None:
    archive = Archive(path)
    for labels in ([1], {"inputs": 3}, {"targets": {"a": {"kind": "melody"}}}):
        members = {NETWORK: archive.json(NETWORK), LABELS: labels}
        write_archive(path, json_members=members, tensor_members={WEIGHTS: archive.arrays(WEIGHTS)})
        with pytest.raises(lm.LaminaError) as caught:
            lm.load(path)
        assert caught.value.exit_code == 2


def test_no_file_and_no_archive(tmp_path: Path) -> None:
    assert code_of(tmp_path / "nothing.lamina") == "AR021"
    (tmp_path / "text.lamina").write_text("hello")
    assert code_of(tmp_path / "text.lamina") == "AR021"


def test_a_folder_that_is_not_there(model: lm.Model, tmp_path: Path) -> None:
    with pytest.raises(lm.LaminaError, match="choose another place") as caught:
        model.save(tmp_path / "no/where.lamina")
    assert caught.value.code == "AR020"


def test_what_was_there_stays_when_a_model_cannot_be_kept(path: Path, tmp_path: Path) -> None:
    import torch

    before = path.read_bytes()
    with pytest.raises(lm.LaminaError):
        lm.Model(torch.nn.Linear(3, 2), loss="cross_entropy").save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.lamina"]


def test_training_state_rides_along(model: lm.Model, tmp_path: Path) -> None:
    state = TrainingState({"step": 3}, {"momentum": np.arange(3.0)})
    model.save(tmp_path / "c.lamina", training=state)
    again = TrainingState.read(Archive(tmp_path / "c.lamina"))
    assert again.values == {"step": 3}
    assert again.arrays["momentum"].tolist() == [0, 1, 2]
    assert np.array_equal(lm.load(tmp_path / "c.lamina").predict(np.ones((1, 3))), model.predict(np.ones((1, 3))))


def test_a_model_moves_alone(path: Path, tmp_path: Path, model: lm.Model) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(path, elsewhere / "renamed.lamina")
    assert np.array_equal(lm.load(elsewhere / "renamed.lamina").predict(np.ones((2, 3))), model.predict(np.ones((2, 3))))


def test_the_file_is_strict_json(path: Path) -> None:
    for member in (NETWORK, LABELS):
        json.dumps(Archive(path).json(member), allow_nan=False)
