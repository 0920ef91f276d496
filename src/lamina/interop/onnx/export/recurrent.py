"""Recurrent layers as LSTM, GRU and RNN, one node each."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.interop.onnx.export.graph import Writer, writes
from lamina.network import activations as A

_KINDS = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
_ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
"""Where ONNX's gates stand in torch's: i, o, f, c of i, f, g, o; z, r, h of r, z, n."""
_PLAIN = {A.Tanh: "Tanh", A.Sigmoid: "Sigmoid", A.Relu: "Relu", A.Softsign: "Softsign", A.Softplus: "Softplus"}


@writes("recurrent")
def _recurrent(w: Writer) -> None:
    settings = w.settings
    cell, prefixes = settings["cell"], settings["prefixes"]
    directions = len(prefixes)
    if any(role.endswith("weight_hr") for role in w.operation.weights):
        w.refuse("an LSTM with a projection")
    if any(role.endswith("gain_ih") for role in w.operation.weights):
        w.refuse("a recurrent layer with layer_norm")
    activations = _activations(w)
    inputs = [w.node("Transpose", [w.name(0)], perm=(1, 0, 2)), *_weights(w, cell, prefixes)]
    lengths = w.node("Cast", [w.name(1)], to=6) if w.has(1) else ""
    memory = [w.node("Unsqueeze", [w.name(place), w.ints(0)]) if w.has(place) else "" for place in range(2, len(w.operation.inputs))]
    inputs += [lengths, *memory]
    if cell == "lstm":
        inputs.append(_peepholes(w, prefixes))
    base = w.outputs[0]
    names = [w.graph.unique(f"{base}/{word}") for word in ("Y", "Y_h", "Y_c")[: len(w.outputs)]]
    more: dict[str, Any] = {"linear_before_reset": int(settings["reset_after"])} if cell == "gru" else {}
    w.node(_KINDS[cell], inputs, names, hidden_size=settings["units"], direction=settings["direction"], **more, **activations)
    _arranged(w, names, directions)


def _arranged(w: Writer, names: list[str], directions: int) -> None:
    """From ``[steps, directions, batch, units]`` to ``[batch, steps, directions units]``, memories likewise."""
    width = w.settings["width"]
    turned = w.node("Transpose", [names[0]], perm=(2, 0, 1, 3))
    w.node("Reshape", [turned, w.ints(0, 0, directions * width)], w.outputs[:1])
    for name, output in zip(names[1:], w.outputs[1:], strict=True):
        if directions == 1:
            w.node("Squeeze", [name, w.ints(0)], [output])
        else:
            w.node("Reshape", [w.node("Transpose", [name], perm=(1, 0, 2)), w.ints(0, directions * width)], [output])


def _weights(w: Writer, cell: str, prefixes: tuple[str, ...]) -> list[str]:
    """``W``, ``R`` and ``B``, gates in ONNX's order, directions in front."""
    home = next(iter(w.operation.weights.values())).key.rpartition("/")[0]
    end = f"/{w.operation.part}" if w.operation.part else ""

    def stacked(role: str) -> np.ndarray:
        return np.stack([_gates(_array(w, f"{prefix}{role}"), cell) for prefix in prefixes])

    found = [w.graph.kept(f"{home}{end}/W", lambda: stacked("weight_ih")), w.graph.kept(f"{home}{end}/R", lambda: stacked("weight_hh"))]
    if f"{prefixes[0]}bias_ih" not in w.operation.weights:
        return [*found, ""]

    def biases() -> np.ndarray:
        parts = []
        for prefix in prefixes:
            own = _gates(_array(w, f"{prefix}bias_ih"), cell)
            other = w.array(f"{prefix}bias_hh")
            parts.append(np.concatenate([own, np.zeros_like(own) if other is None else _gates(other, cell)]))
        return np.stack(parts)

    return [*found, w.graph.kept(f"{home}{end}/B", biases)]


def _peepholes(w: Writer, prefixes: tuple[str, ...]) -> str:
    if f"{prefixes[0]}peephole" not in w.operation.weights:
        return ""
    home = w.operation.weights[f"{prefixes[0]}peephole"].key.rpartition("/")[0]

    def made() -> np.ndarray:
        parts = [np.split(_array(w, f"{prefix}peephole"), 3) for prefix in prefixes]
        return np.stack([np.concatenate([i, o, f]) for i, f, o in parts])

    end = f"/{w.operation.part}" if w.operation.part else ""
    return w.graph.kept(f"{home}{end}/P", made)


def _array(w: Writer, role: str) -> np.ndarray:
    found = w.array(role)
    if found is None:
        raise KeyError(role)
    return found


def _gates(array: np.ndarray, cell: str) -> np.ndarray:
    order = _ORDER[cell]
    blocks = np.split(array, len(order))
    return np.concatenate([blocks[place] for place in order])


def _activations(w: Writer) -> dict[str, Any]:
    """Names of the activations with what they are set to, for each direction."""
    settings = w.settings
    main, gate = settings["activation"], settings["gate"]
    one = {"lstm": [gate, main, main], "gru": [gate, main], "rnn": [main]}[settings["cell"]]
    usual = {"lstm": ["Sigmoid", "Tanh", "Tanh"], "gru": ["Sigmoid", "Tanh"], "rnn": ["Tanh"]}[settings["cell"]]
    named = [_named(w, activation) for activation in one]
    if [name for name, *_ in named] == usual:
        return {}
    every = named * len(settings["prefixes"])
    alphas = [alpha for _, alpha, _ in every if alpha is not None]
    betas = [beta for _, _, beta in every if beta is not None]
    return {
        "activations": [name for name, *_ in every],
        "activation_alpha": alphas or None,
        "activation_beta": betas or None,
    }


def _named(w: Writer, activation: Any) -> tuple[str, float | None, float | None]:
    kind = type(activation)
    if kind in _PLAIN:
        return _PLAIN[kind], None, None
    if kind is A.Identity:
        return "Affine", 1.0, 0.0
    if kind is A.HardSigmoid:
        return "HardSigmoid", float(activation.slope), 0.5
    if kind is A.LeakyRelu:
        return "LeakyRelu", float(activation.slope), None
    if kind is A.Elu:
        return "Elu", float(activation.alpha), None
    if kind is A.ThresholdedRelu:
        return "ThresholdedRelu", float(activation.threshold), None
    return w.refuse(f"a recurrent layer with the activation {activation.type_name}")
