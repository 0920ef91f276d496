"""Small networks as Deeplearning4j writes them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamina.interop.dl4j.blobs import write_array

LAYERS = "org.deeplearning4j.nn.conf.layers."
Write = Callable[..., Path]


def layer(kind: str, activation: str = "Identity", package: str = LAYERS, **settings: Any) -> dict[str, Any]:
    return {
        "@class": package + kind,
        "activationFn": {"@class": f"org.nd4j.linalg.activations.impl.Activation{activation}"},
        "iupdater": {"@class": "org.nd4j.linalg.learning.config.Adam", "learningRate": 0.01},
        **settings,
    }


def loss(kind: str) -> dict[str, Any]:
    return {"@class": f"org.nd4j.linalg.lossfunctions.impl.Loss{kind}"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(layers: list[dict[str, Any]] | None, weights: Any, name: str = "model.zip", state: Any = None, **settings: Any) -> Path:
        data = {"confs": [{"layer": one} for one in layers], "inputPreProcessors": {}, **settings} if layers is not None else settings
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("configuration.json", json.dumps(data))
            if weights is not None:
                file.writestr("coefficients.bin", write_array(np.asarray(weights, dtype="float32").reshape(1, -1)))
            if state is not None:
                file.writestr("updaterState.bin", write_array(np.asarray(state, dtype="float32").reshape(1, -1)))
        return path

    return make
