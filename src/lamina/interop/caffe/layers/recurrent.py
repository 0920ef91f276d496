"""Recurrent layers: sequences one behind the other along axis 0, with a blob that says where each begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.caffe.net import Net, same
from lamina.interop.caffe.piece import converts, initializer
from lamina.interop.caffe.source import Entry
from lamina.network import layers as ls
from lamina.shapes import Features

if TYPE_CHECKING:
    import numpy as np


def gates(array: np.ndarray) -> np.ndarray:
    """Input, forget, output, candidate there; input, forget, candidate, output here."""
    import numpy as np

    i, f, o, g = np.split(array, 4)
    return np.concatenate([i, f, g, o])


@converts("LSTM", "RNN")
def recurrent(layer: Entry, net: Net) -> None:
    """With the blob of where sequences go on, and perhaps one that is the same at every step."""
    given, x, goes_on = layer.settings("recurrent_param"), net.take(layer, 0), net.take(layer, 1)
    units, long = given.integer("num_output"), layer.type == "LSTM"
    if given.boolean("expose_hidden"):
        net.refuse(layer, expected="expose_hidden: false", got="true: the memory as an input and an output")
    if not 2 <= len(layer.bottoms) <= 3 or units < 1:
        net.refuse(layer, expected="2 or 3 bottoms and a num_output", got=f"{len(layer.bottoms)} and {units}")
    if x.batch != 1 or x.rank != 3 or goes_on.batch != 1 or goes_on.rank != 2:
        net.refuse(layer, expected="steps, samples and features, and steps and samples", got=f"{list(x.dims)} and {list(goes_on.dims)}")
    static = net.take(layer, 2) if len(layer.bottoms) == 3 else None
    if static is not None and not isinstance(static.shape, Features):
        net.refuse(layer, expected="samples and features as third bottom", got=f"{list(static.dims)}")
    start = initializer(layer, net, given.message("weight_filler"))
    settings: dict[str, Any] = {
        "initializer": start,
        "recurrent_initializer": start,
        "bias_initializer": initializer(layer, net, given.message("bias_filler")),
        **net.training(layer),
    }
    specs = [layer.spec(index) for index in range(len(layer.specs))]
    if len({(spec.rate, spec.decay) for spec in specs[2:] + specs[:1]}) > 1:
        net.notes.lose(layer.path, "factors of the rates of its single weights: those of the first and of the bias count for all")
    kind = ls.ContinuedLSTM if long else ls.ContinuedRNN
    node = net.add(layer, lambda: kind(units, **settings), x, goes_on, *([static] if static is not None else []))
    rows, turn = (4 * units, gates) if long else (units, same)
    net.keep(layer, node, 0, "weight_ih", (rows, x.dims[2]), turn)
    net.keep(layer, node, 1, "bias_ih", (rows,), turn)
    place = 2
    if static is not None:
        net.keep(layer, node, 2, "weight_static", (rows, static.dims[1]), turn)
        place = 3
    net.keep(layer, node, place, "weight_hh", (rows, units), turn)
    if not long:
        net.keep(layer, node, place + 1, "weight_ho", (units, units))
        net.keep(layer, node, place + 2, "bias_ho", (units,))
    net.give(layer, node, (*x.dims[:2], units), batch=1)
