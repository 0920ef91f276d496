"""Small files as Deeplearning4j writes them, for tests of what reads them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamina.interop.dl4j.blobs import write_array

LAYERS = "org.deeplearning4j.nn.conf.layers."
ADAM = {"@class": "org.nd4j.linalg.learning.config.Adam", "learningRate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}


def layer(kind: str, activation: str = "Identity", package: str = LAYERS, **settings: Any) -> dict[str, Any]:
    """A layer in the later dialect.

    Example:
        >>> layer("DenseLayer", "TanH", nin=3, nout=4)["activationFn"]
        {'@class': 'org.nd4j.linalg.activations.impl.ActivationTanH'}
    """
    function = {"@class": f"org.nd4j.linalg.activations.impl.Activation{activation}"}
    return {"@class": package + kind, "activationFn": function, "iupdater": ADAM, **settings}


def loss(kind: str) -> dict[str, Any]:
    """A loss in the later dialect."""
    return {"@class": f"org.nd4j.linalg.lossfunctions.impl.Loss{kind}"}


def write_zip(path: Path, layers: Sequence[dict[str, Any]] | None, weights: Any = None, *, state: Any = None, **settings: Any) -> Path:
    """A model as a zip.

    Args:
        path: Where.
        layers: Of a MultiLayerNetwork; None: the settings describe a graph.
        weights: The flat vector.
        state: That of the updater.
        **settings: Of the whole configuration.
    """
    data = settings if layers is None else {"confs": [{"layer": one} for one in layers], "inputPreProcessors": {}, **settings}
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("configuration.json", json.dumps(data))
        for name, vector in (("coefficients.bin", weights), ("updaterState.bin", state)):
            if vector is not None:
                file.writestr(name, write_array(np.asarray(vector, dtype="float32").reshape(1, -1)))
    return path
