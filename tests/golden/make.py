"""Makes the golden archives of a format version: ``python tests/golden/make.py``.

They are made once for each format and never again: that a later Lamina reads them is the promise which `test_golden.py` holds.
So this refuses to replace what is there. A new format gets a folder of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import lamina as lm
from lamina.archive import FORMAT
from lamina.data.config import DataConfig, prepare

HERE = Path(__file__).parent
ROWS = 12


def table() -> tuple[lm.Model, dict[str, Any]]:
    """Numbers and categories in, named classes out."""
    rng = np.random.default_rng(1)
    age, city = rng.integers(18, 80, 60), rng.choice(["Basel", "Bern", "Genève"], 60)
    answer = np.where((age > 45) ^ (city == "Bern"), "yes", "no")
    path = HERE / "table.csv"
    lines = ["age,city,answer", *(f"{a},{c},{w}" for a, c, w in zip(age, city, answer, strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        config = DataConfig.from_dict({"source": {"type": "csv", "path": str(path), "target": "answer"}, "normalize": "standardize"})
        prepared = prepare(config, 1)
    finally:
        path.unlink()
    model = lm.Model(lm.Sequential(None, [lm.Dense(8, activation="relu", dropout=0.1), lm.Output(2)]), seed=1)
    model.take_schema(prepared.schema)
    model.preprocessing = prepared.preprocessing
    model.fit(prepared.train, epochs=10, optimizer=lm.Adam(0.02), progress=False)
    return model, {"age": age[:ROWS].astype(float), "city": city[:ROWS]}


def conv() -> tuple[lm.Model, dict[str, Any]]:
    """Convolutions with batch norm; no labels."""
    layers = [
        lm.Conv2d(4, kernel=3, padding="same"),
        lm.BatchNorm(activation="leaky_relu"),
        lm.MaxPool2d(2),
        lm.DepthwiseConv2d(kernel=3, activation="elu"),
        lm.Dense(10, activation="tanh"),
        lm.Output(3),
    ]
    x, y = np.random.default_rng(2).normal(size=(40, 2, 8, 8)), np.arange(40) % 3
    model = lm.Model(lm.Sequential(lm.image(2, 8, 8), layers), seed=2)
    model.fit(x, y, epochs=3, progress=False)
    return model, {"input": x[:ROWS].astype(np.float32)}


def lstm() -> tuple[lm.Model, dict[str, Any]]:
    """Tokens through recurrent layers, in float64."""
    layers = [lm.Embedding(6), lm.Bidirectional(lm.LSTM(5)), lm.GRU(4), lm.LastStep(), lm.Output(1, loss="binary_cross_entropy")]
    x, y = np.random.default_rng(3).integers(0, 11, (40, 7)), np.arange(40) % 2
    model = lm.Model(lm.Sequential(lm.tokens(7, 11), layers), seed=3, dtype="float64")
    model.fit(x, y, epochs=3, precision="float64", progress=False)
    return model, {"input": x[:ROWS]}


def graph() -> tuple[lm.Model, dict[str, Any]]:
    """Two inputs, a vertex, two outputs."""
    network = lm.Graph(
        inputs={"left": lm.features(5), "right": lm.sequence(4, 3)},
        nodes={
            "wide": lm.Dense(6, activation="gelu", inputs="left"),
            "steps": lm.SimpleRNN(6, inputs="right"),
            "last": lm.LastStep(inputs="steps"),
            "sum": lm.Add(inputs=["wide", "last"]),
            "normal": lm.LayerNorm(inputs="sum"),
            "kind": lm.Output(3, inputs="normal"),
            "size": lm.Output(2, loss="mse", inputs="normal"),
        },
        outputs=["kind", "size"],
    )
    rng = np.random.default_rng(4)
    x = {"left": rng.normal(size=(40, 5)), "right": rng.normal(size=(40, 4, 3))}
    y = {"kind": np.array(["red", "green", "blue"])[np.arange(40) % 3], "size": rng.normal(size=(40, 2))}
    model = lm.Model(network, seed=4)
    model.fit(x, y, epochs=3, progress=False)
    return model, {name: array[:ROWS].astype(np.float32) for name, array in x.items()}


def main() -> None:
    folder = HERE / f"v{FORMAT}"
    folder.mkdir(exist_ok=True)
    for make in (table, conv, lstm, graph):
        path = folder / f"{make.__name__}.lamina"
        if path.exists():
            print(f"{path.name} is there and stays")
            continue
        model, inputs = make()
        model.save(path)
        arrays = {f"in/{name}": array for name, array in inputs.items()} | {f"out/{n}": a for n, a in model.outputs(inputs).items()}
        labels = model.predict_labels(inputs)
        np.savez(path.with_suffix(".npz"), **arrays, labels=labels.labels.astype(str))
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
