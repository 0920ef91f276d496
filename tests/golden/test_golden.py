"""Archives of every format there ever was load, and give what they gave when they were made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lamina as lm
from lamina.archive import FORMAT, Archive

HERE = Path(__file__).parent
GOLDEN = sorted(HERE.glob("v*/*.lamina"))


def test_every_format_has_its_archives() -> None:
    assert {path.parent.name for path in GOLDEN} == {f"v{number}" for number in range(1, FORMAT + 1)}
    assert {path.stem for path in GOLDEN} >= {"table", "conv", "lstm", "graph"}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_it_loads_and_gives_what_it_gave(path: Path) -> None:
    assert path.stat().st_size < 30_000
    assert Archive(path).manifest["format"] == int(path.parent.name[1:])
    model = lm.load(path)
    stored = np.load(path.with_suffix(".npz"), allow_pickle=False)
    inputs = {name.removeprefix("in/"): stored[name] for name in stored.files if name.startswith("in/")}
    outputs = model.outputs(inputs)
    assert {f"out/{name}" for name in outputs} == {name for name in stored.files if name.startswith("out/")}
    for name, array in outputs.items():
        np.testing.assert_allclose(array, stored[f"out/{name}"], atol=1e-6, rtol=0)
        assert array.dtype == stored[f"out/{name}"].dtype
    assert list(model.predict_labels(inputs).labels) == list(stored["labels"])


def test_names_of_classes_are_kept() -> None:
    assert set(np.load(HERE / "v1/table.npz")["labels"]) == {"no", "yes"}
    model = lm.load(HERE / "v1/graph.lamina")
    assert model.schema is not None
    assert set(model.schema.targets["kind"].labels or ()) == {"red", "green", "blue"}
