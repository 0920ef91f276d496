"""Layers that carry a loss."""

from __future__ import annotations

from typing import Any

from lamina.interop.dl4j import functions
from lamina.interop.dl4j.dialect import nested
from lamina.interop.dl4j.layers.dense import affine
from lamina.interop.dl4j.piece import Arrays, Part, Piece, SourceLayer, build, converts, simple
from lamina.network import layers as ls
from lamina.network.losses.detection import Yolo
from lamina.network.losses.margin import OneClass

MOST_WINDOW = 1_000_000


@converts("output", "rnnoutput")
def output(source: SourceLayer) -> Piece | None:
    """A dense layer with a loss, for the sample or for each step."""
    bias = source.has_bias()
    loss, summed = functions.loss(source.settings, source.path, source.notes, each_position=source.kind == "rnnoutput")
    parts, arrays = affine(source, bias=bias)
    weight = float(source.units) if summed else 1.0
    common = source.common(bias=bias)
    made = build(ls.Output, source, source.units, loss=loss, activation=source.activation(), loss_weight=weight, bias=bias, **common)
    return simple(made, parts=parts, arrays=arrays)


@converts("loss", "rnnloss", "cnnloss", "cnn3dloss")
def loss_alone(source: SourceLayer) -> Piece | None:
    """A loss on what comes in."""
    found, summed = functions.loss(source.settings, source.path, source.notes, each_position=source.kind != "loss")
    dropped = source.common(bias=False, weights=False).get("dropout")
    if dropped is not None:
        source.notes.lose(f"{source.path}.idropout", "dropout on the input of a loss layer")
    return simple(build(ls.LossLayer, source, found, activation=source.activation()), summed=summed)


@converts("centerlossoutput")
def center_loss(source: SourceLayer) -> Piece | None:
    """An output that keeps what comes in near to the centre of its class."""
    units, count, bias = source.units, source.inputs, source.has_bias()
    loss, summed = functions.loss(source.settings, source.path, source.notes, each_position=False)
    made = build(
        ls.CenterLossOutput,
        source,
        units,
        loss=loss,
        activation=source.activation(),
        loss_weight=float(units) if summed else 1.0,
        bias=bias,
        center_weight=source.number("lambda", 2e-4),
        center_rate=source.number("alpha", 0.05),
        **source.common(bias=bias),
    )
    parts, plain = affine(source, bias=bias)
    parts.append(Part("cL", (units, count), "c", fixed=True))

    def arrays(given: Arrays) -> dict[str, Any]:
        return {**(plain(given) if "W" in given else {}), **({"centers": given["cL"]} if "cL" in given else {})}

    return simple(made, parts=parts, arrays=arrays)


@converts("yolo2output")
def yolo(source: SourceLayer) -> Piece | None:
    """Boxes for every cell of a grid."""
    boxes = nested(source.get("boundingBoxes", "boundingBoxPriors"))
    right = isinstance(boxes, list) and all(isinstance(box, list) and len(box) == 2 for box in boxes) and boxes
    if not right:
        source.refuse("boundingBoxes", "width and height of each prior")
        return None
    priors = [[float(number) for number in box] for box in boxes]
    settings = {"coordinates": source.number("lambdaCoord", 5.0), "nothing": source.number("lambdaNoObj", 0.5)}
    loss = build(Yolo, source, priors, **settings)  # type: ignore[arg-type]
    return None if loss is None else simple(build(ls.LossLayer, source, loss))


@converts("ocnnoutput")
def one_class(source: SourceLayer) -> Piece | None:
    """An output that learns what is usual."""
    hidden, count = max(int(source.number("hiddenSize", 1)), 1), source.inputs
    nu = min(max(source.number("nu", 0.04), 1e-6), 1 - 1e-6)
    window = max(int(source.number("windowSize", 10000)), 1)
    if window > MOST_WINDOW:
        source.refuse("windowSize", f"at most {MOST_WINDOW:,} samples")
        return None
    common = {name: value for name, value in source.common(bias=False).items() if name not in ("l1", "constraints")}
    made = build(
        ls.OneClassOutput,
        source,
        hidden,
        loss=OneClass(nu),
        hidden_activation=source.activation(),
        initial_radius=source.number("initialRValue", 0.1),
        window=window,
        **common,
    )
    parts = [Part("v", (hidden,)), Part("w", (count, hidden)), Part("r", (1,), fixed=True)]

    def arrays(given: Arrays) -> dict[str, Any]:
        import numpy as np

        found = {"weight": given["w"].T, "projection": given["v"].reshape(1, -1)} if "w" in given else {}
        if "r" in given:
            found |= {
                "radius": given["r"].reshape(1),
                "recent": np.zeros(window, given["r"].dtype),
                "filled": np.zeros(1, given["r"].dtype),
            }
        return found

    return simple(made, parts=parts, arrays=arrays, note="its order of weights is read from the source's code, and was not tried on a file")
