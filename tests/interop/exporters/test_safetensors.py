from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

import lamina as lm
from lamina.errors import InteropError
from lamina.interop.exporters.safetensors import contents, model_of, opened


def trained() -> lm.Model:
    model = lm.Model(lm.Sequential(lm.features(4), [lm.Dense(6, activation="tanh"), lm.Output(3, loss="cross_entropy")]), seed=1)
    x = np.random.default_rng(0).normal(5, 2, (30, 4)).astype("float32")
    model.fit((x, ["abc"[i % 3] for i in range(30)]), epochs=1)
    return model


def test_everything_comes_back(tmp_path: Path) -> None:
    model = trained()
    lm.interop.export(model, tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", framework="numpy") as file:
        metadata, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert metadata["format"] == "lamina"
    assert {"dense_1/weight", "output_1/bias"} <= set(arrays)
    again = model_of(metadata, arrays)
    assert again.description == model.description
    assert again.schema == model.schema
    x = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert contents(again)[0] == contents(model)[0]


def test_files_of_others_and_damaged_ones(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3, "float32")}, tmp_path / "other.safetensors", {"format": "pt"})
    with pytest.raises(InteropError, match="IO001"):
        opened(tmp_path / "other.safetensors")
    lm.interop.export(trained(), tmp_path / "m.safetensors")
    whole = (tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-7])
    with pytest.raises(InteropError, match="IO002"):
        opened(tmp_path / "cut.safetensors")
    save_file({"a": np.zeros(3, "float32")}, tmp_path / "odd.safetensors", {"format": "lamina", "network": "[]"})
    with pytest.raises(InteropError, match="IO002"):
        opened(tmp_path / "odd.safetensors")
