"""Files that Keras itself wrote, with what it computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lamina import interop
from lamina.errors import InteropError

pytestmark = pytest.mark.filterwarnings(r"ignore:\[IO012\]:lamina.errors.LaminaWarning")
ENDS = (".legacy.h5", ".weights.h5", ".h5", ".keras")


def stem(path: Path) -> Path:
    return path.with_name(next(path.name.removesuffix(end) for end in ENDS if path.name.endswith(end)))


def proven(path: Path) -> interop.Proof | None:
    """What comparing with the stored outputs gives; None if there are none."""
    base = stem(path)
    paths = [base.with_suffix(".json"), path] if path.name.endswith(".weights.h5") else [path]
    model = interop.load(paths)
    stored = base.with_name(f"{base.name}.npz")
    if not stored.exists():
        return None
    with np.load(stored) as file:
        return interop.verify(model, {name: file[name] for name in file.files if name[0] in "xy"})


@pytest.mark.parametrize("folder", ["keras1-theano", "keras2-theano", "keras2-tensorflow", "keras3"])
def test_outputs_are_those_of_keras(shared_fixtures: Path, folder: str) -> None:
    files = [path for path in sorted((shared_fixtures / folder).iterdir()) if path.name.endswith((".h5", ".keras"))]
    assert len(files) >= 10
    for path in files:
        proof = proven(path)
        assert proof is not None
        assert proof.holds, (path.name, str(proof))


UNREADABLE = {
    "cnn3d_22": "nothing would be left",
    "permute": "TensorFlowOpLayer",
    "reshape": "TensorFlowOpLayer",
    "tfop_0": "TensorFlowOpLayer",
}


def test_outputs_are_those_of_tf_keras(shared_fixtures: Path) -> None:
    """Models of many kinds that TensorFlow's Keras 2.2.4 to 2.11 wrote."""
    files = sorted((shared_fixtures / "dl4j" / "keras" / "tfkeras").glob("*.h5"))
    count = 0
    for path in files:
        name = path.name.removesuffix(".h5")
        if name in UNREADABLE:
            with pytest.raises(InteropError, match=f"IO004(?s:.*){UNREADABLE[name]}"):
                interop.load(path)
            continue
        proof = proven(path)
        assert proof is None or proof.holds, (path.name, str(proof))
        count += proof is not None
    assert count >= 215
