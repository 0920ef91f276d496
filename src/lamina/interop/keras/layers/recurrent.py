"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lamina.interop.keras import functions, regularity
from lamina.interop.keras.net import Value, identity
from lamina.interop.keras.piece import Made, SourceLayer, converts, has_bias
from lamina.interop.keras.source import Generation, component
from lamina.interop.keras.weights import Weights
from lamina.network import layers as ls
from lamina.network import noise as n
from lamina.network import vertices as v
from lamina.network.layers.layer import Layer

GATES = {"LSTM": ("i", "c", "f", "o"), "GRU": ("z", "r", "h")}
KINDS: dict[str, Any] = {"LSTM": ls.LSTM, "GRU": ls.GRU, "SimpleRNN": ls.SimpleRNN}
CUDNN = ("CuDNNLSTM", "CuDNNGRU")


def base(kind: str) -> str:
    """The kind without what says how it is computed."""
    return kind.removeprefix("CuDNN").removesuffix("Cell")


def cell_names(kind: str, config: Mapping[str, Any], generation: Generation) -> tuple[str, ...]:
    """The weights of a recurrent layer, in the order of the source."""
    bias = has_bias(config)
    own = base(kind)
    if generation == "1" and own in GATES and config.get("consume_less") != "gpu":
        return tuple(f"{letter}_{gate}" for gate in GATES[own] for letter in ("W", "U", "b"))
    return ("kernel", "recurrent", *(("bias",) if bias else ()))


def _counted(kind: str) -> Any:
    return lambda config, generation: (cell_names(kind, config, generation), ())


def cell(source: SourceLayer, weights: Weights, *, sequences: bool, reverse: bool = False) -> tuple[Layer, dict[str, Any]]:
    """A recurrent layer of Lamina's with its weights."""
    import numpy as np

    kind, bias = base(source.kind), has_bias(source.config)
    names = cell_names(source.kind, source.config, source.generation)
    reader = SourceLayer(source.kind, source.config, source.name, source.path, [], weights, source.net, source.back)
    given = dict(reader.arrays(names, "cell"))
    if "kernel" not in given:
        order = ("i", "f", "c", "o") if kind == "LSTM" else GATES["GRU"]
        given = {
            name: np.concatenate([given[f"{letter}_{gate}"] for gate in order], axis=-1)
            for name, letter in (("kernel", "W"), ("recurrent", "U"), ("bias", "b"))
        }
    if source.kind in CUDNN:
        given = _from_cudnn(given, kind)
    units = source.whole("units", "output_dim")
    after = kind == "GRU" and (source.flag("reset_after", default=source.generation == "3") or source.kind in CUDNN)
    two = after and bias
    settings: dict[str, Any] = {
        "activation": source.activation("activation", default="tanh"),
        "return_sequences": sequences,
        "reverse": reverse,
        "bias": bias,
        **training(source),
    }
    if bias and not two:
        settings["recurrent_bias"] = False
    if kind in GATES:
        default = "hard_sigmoid" if source.generation in ("1", "2") and source.kind not in CUDNN else "sigmoid"
        settings["recurrent_activation"] = source.activation("recurrent_activation", "inner_activation", default=default)
    if kind == "GRU":
        settings["reset_after"] = after
    if kind == "LSTM":
        forget = source.flag("unit_forget_bias", default=True)
        settings["forget_bias"] = 1.0 if forget else 0.0
    if source.config.get("layer_norm") or source.config.get("projection_size"):
        raise source.stop(name="", expected="an ordinary recurrent layer")
    layer = source.build(KINDS[kind], units, **settings)

    def turn(array: Any) -> Any:
        return _reordered(array, units) if kind == "GRU" else array

    arrays = {"weight_ih": turn(given["kernel"].T), "weight_hh": turn(given["recurrent"].T)}
    if two:
        both = given["bias"].reshape(2, -1)
        arrays |= {"bias_ih": turn(both[0]), "bias_hh": turn(both[1])}
    elif bias:
        arrays["bias_ih"] = turn(given["bias"])
    return layer, arrays


def _reordered(array: Any, units: int) -> Any:
    """Gates z, r, h become r, z, n."""
    import numpy as np

    return np.concatenate([array[units : 2 * units], array[:units], array[2 * units :]])


def _from_cudnn(given: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Matrices are turned there, gate by gate, and there are two biases."""
    import numpy as np

    gates = 4 if kind == "LSTM" else 3
    found = {
        "kernel": np.hstack([block.T.reshape(block.shape, order="F") for block in np.hsplit(given["kernel"], gates)]),
        "recurrent": np.hstack([block.T for block in np.hsplit(given["recurrent"], gates)]),
    }
    if "bias" in given:
        both = given["bias"].reshape(2, -1)
        found["bias"] = both.sum(0) if kind == "LSTM" else both
    return found


def training(source: SourceLayer) -> dict[str, Any]:
    """Noise, penalties, constraints and first values."""
    found = source.common(bias=has_bias(source.config))
    start = functions.initializer(source.get("recurrent_initializer", "inner_init"))
    found |= {"recurrent_initializer": start} if start is not None else {}
    rate = source.number("dropout", "dropout_W")
    if 0 < rate < 1:
        found["dropout"] = n.SpatialDropoutNoise(rate)
    rate = source.number("recurrent_dropout", "dropout_U")
    if 0 < rate < 1:
        found["recurrent_dropout"] = rate
    one = regularity.penalties(source.config, "kernel", source.path, source.notes, bias=False)
    other = regularity.penalties(source.config, "recurrent", source.path, source.notes, bias=False)
    if one != other:
        source.notes.lose(f"{source.path}.recurrent_regularizer", "a penalty of its own on recurrent weights: here one holds for both")
    if source.get("recurrent_constraint", "U_constraint") != source.get("kernel_constraint", "W_constraint"):
        source.notes.lose(f"{source.path}.recurrent_constraint", "a constraint of its own on recurrent weights: here one holds for both")
    if source.flag("stateful"):
        source.notes.assume(
            source.path,
            "stateful: there the memory goes on from batch to batch; here every batch begins without",
        )
    return found


def held(source: SourceLayer, made: Value, *, reverse: bool = False, zero: bool = False) -> Value:
    """At steps that aren't real, Keras gives the last output once more; that matters where somebody looks at them."""
    if not made.masked or source.uses.get("mask"):
        if made.masked and source.uses.get("raw") and not zero:
            raise source.stop(name="return_sequences", expected="a mask that every layer behind takes, or that none does")
        return made
    if zero or source.flag("zero_output_for_mask"):
        return source.put(ls.ApplyMask(), made, name=f"{source.name}_end", masked=False)
    return source.put(ls.HoldSteps(reverse=reverse), made, name=f"{source.name}_held", masked=False)


def _sequence(source: SourceLayer) -> Value:
    value = source.inputs[0]
    if value.rank != 2:
        raise source.stop(name="", expected=f"a sequence, not {value.rank} axes behind the batch")
    return source.plain(0, identity(2))


def initial(source: SourceLayer) -> list[Value]:
    """What the memory begins with, if other layers give that."""
    given = source.given.get("initial_state")
    if isinstance(given, Value):
        return [given]
    return [*source.inputs[1:], *(given if isinstance(given, tuple) else ())]


def run(source: SourceLayer, inputs: Sequence[Value], weights: Weights, *, reverse: bool, slot: str, zero: bool = False) -> list[Value]:
    """One direction: what it gives, then its memory if that is asked for.

    The outputs stand at the steps they belong to.
    """
    sequences, states = source.flag("return_sequences"), source.flag("return_state")
    layer, arrays = cell(source, weights, sequences=sequences, reverse=reverse)
    name = f"{source.name}{slot}"
    made = source.put(layer, *inputs, name=name, arrays=arrays, slot=slot, order=identity(2 if sequences else 1))
    found = [held(source, made, reverse=reverse, zero=zero) if sequences else made]
    if not states:
        return found
    units = source.whole("units", "output_dim")
    owner = source.net.owners[source.path, slot]
    memory = source.net.name(f"{name}_state")
    source.net.nodes[memory] = ls.Shared(owner, inputs=tuple(value.node for value in inputs), output="state")
    shape = layer.replace(output="state", return_sequences=True).infer(tuple(value.shape for value in inputs))
    source.net.shapes[memory] = shape
    whole = Value(memory, shape, (1,))
    if base(source.kind) != "LSTM":
        return [*found, whole]
    parts = ((0, units, "hidden"), (units, 2 * units, "cell"))
    return [*found, *(source.put(v.Slice(a, b), whole, name=f"{name}_{word}", masked=False) for a, b, word in parts)]


@converts("LSTM", weights=_counted("LSTM"))
@converts("GRU", weights=_counted("GRU"))
@converts("SimpleRNN", weights=_counted("SimpleRNN"))
@converts("CuDNNLSTM", weights=_counted("CuDNNLSTM"))
@converts("CuDNNGRU", weights=_counted("CuDNNGRU"))
def recurrent(source: SourceLayer) -> Made:
    """Steps one after the other."""
    backwards = source.flag("go_backwards")
    inputs = [_sequence(source), *initial(source)]
    found = run(source, inputs, source.weights, reverse=backwards, slot="")
    if backwards and source.flag("return_sequences"):
        found[0] = source.put(v.ReverseSteps(), found[0], name=f"{source.name}_as_read")
    return found


def _rnn(config: Mapping[str, Any], generation: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(name for kind, inner in _cells(config) for name in cell_names(kind, inner, generation)), ()


def _cells(config: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    kind, inner = component(config.get("cell"))
    listed = inner.get("cells") if kind == "StackedRNNCells" else None
    return [component(one) for one in listed] if isinstance(listed, list) else [(kind, inner)]


@converts("RNN", weights=_rnn)
def rnn(source: SourceLayer) -> Made:
    """A recurrent layer made of a cell, or of several one above the other."""
    from lamina.interop.keras.weights import snake

    cells = _cells(source.config)
    unknown = [kind for kind, _ in cells if base(kind) not in KINDS]
    if unknown:
        raise source.stop(name="cell", expected="LSTMCell, GRUCell or SimpleRNNCell")
    if len(cells) > 1 and (source.flag("return_state") or initial(source)):
        raise source.stop(name="return_state", expected="several cells without memories that come in or go out")
    value, left = _sequence(source), list(source.weights.stored)
    seen: dict[str, int] = {}
    found: list[Value] = [value]
    for place, (kind, config) in enumerate(cells):
        word = snake(kind)
        number = seen[word] = seen.get(word, -1) + 1
        count = len(cell_names(kind, config, source.generation))
        weights = Weights(left[:count])
        left = left[count:]
        if source.weights.file is not None:
            inner = source.weights.part("cell")
            weights = inner if len(cells) == 1 else inner.part("cells").part(word if number == 0 else f"{word}_{number}")
        last = place == len(cells) - 1
        more = {name: source.config[name] for name in ("return_sequences", "return_state", "stateful") if last and name in source.config}
        own = {**config, **({"return_sequences": True} if not last else {}), **more}
        name = source.name if last else f"{source.name}_{place}"
        inputs = [found[0], *(initial(source) if len(cells) == 1 else [])]
        made = SourceLayer(kind, own, name, source.path, inputs, weights, source.net, source.back)
        made.uses = source.uses if last else {"mask": True}
        found = run(made, inputs, weights, reverse=source.flag("go_backwards"), slot=f"_{place}" if not last else "")
    if source.flag("go_backwards") and source.flag("return_sequences"):
        found[0] = source.put(v.ReverseSteps(), found[0], name=f"{source.name}_as_read")
    return found


def _both(config: Mapping[str, Any], generation: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kind, inner = component(config.get("layer"))
    from lamina.interop.keras.layers.conv_lstm import conv_names

    if kind.startswith("ConvLSTM"):
        names = conv_names(inner, generation)[0]
    else:
        names = _rnn(inner, generation)[0] if kind == "RNN" else cell_names(kind, inner, generation)
    return (*(f"forward_{name}" for name in names), *(f"backward_{name}" for name in names)), ()


MERGES = {"concat": "concat", "sum": "sum", "ave": "average", "mul": "multiply"}
VERTICES: dict[str, Any] = {"concat": v.Concat, "sum": v.Add, "ave": v.Average, "mul": v.Multiply}


@converts("Bidirectional", weights=_both)
def bidirectional(source: SourceLayer) -> Made:
    """A recurrent layer in both directions."""
    from lamina.interop.keras.layers.conv_lstm import conv_both

    there, back = source.weights.halves()
    first = source.child("layer", source.inputs, there)
    second = source.child("backward_layer" if source.config.get("backward_layer") else "layer", source.inputs, back)
    if first.kind.startswith("ConvLSTM") and second.kind == first.kind:
        return conv_both(source, (first, second), (there, back))
    for one in (first, second):
        if base(one.kind) not in KINDS:
            raise source.stop(name="layer", expected="LSTM, GRU or SimpleRNN")
        if source.config.get("trainable") is False:
            one.config = {**one.config, "trainable": False}
    merge = source.get("merge_mode") if "merge_mode" in source.config else "concat"
    if merge is not None and merge not in MERGES:
        raise source.stop(name="merge_mode", expected=", ".join(MERGES))
    value = _sequence(source)
    sequences = first.flag("return_sequences")
    plain = first.kind == second.kind and (not source.config.get("backward_layer") or _alike(first.config, second.config))
    holds = value.masked and sequences and not source.uses.get("mask")
    if (
        plain
        and not first.flag("go_backwards")
        and merge is not None
        and not initial(source)
        and not first.flag("return_state")
        and not holds
    ):
        return _whole(source, first, (there, back), value, MERGES[str(merge)])
    return _apart(source, (first, second), (there, back), value, merge)


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return {**one, "name": "", "go_backwards": False} == {**other, "name": "", "go_backwards": False}


def _whole(source: SourceLayer, first: SourceLayer, halves: tuple[Weights, Weights], value: Value, merge: str) -> Made:
    layer, arrays = cell(first, halves[0], sequences=first.flag("return_sequences"))
    _, others = cell(first, halves[1], sequences=first.flag("return_sequences"))
    made = source.build(ls.Bidirectional, layer, merge=merge)
    named = {f"{word}_{key}": array for word, part in (("forward", arrays), ("backward", others)) for key, array in part.items()}
    order = identity(2 if first.flag("return_sequences") else 1)
    return source.put(made, value, arrays=named, order=order)


def _apart(source: SourceLayer, pair: tuple[SourceLayer, SourceLayer], halves: tuple[Weights, Weights], value: Value, merge: Any) -> Made:
    """The directions as two layers."""
    states = initial(source)
    half = len(states) // 2
    found = []
    first_back = pair[0].flag("go_backwards")
    for place, one in enumerate(pair):
        one.name, one.path = source.name, source.path
        own = states[:half] if place == 0 else states[half:]
        zero = source.generation in ("tf", "3") and one.flag("return_sequences")
        one.uses = {**source.uses}
        reverse = one.flag("go_backwards") if source.config.get("backward_layer") else first_back != (place == 1)
        found.append(run(one, [value, *own], halves[place], reverse=reverse, slot="_backward" if place else "_forward", zero=zero))
    memories = [*found[0][1:], *found[1][1:]]
    if first_back and pair[0].flag("return_sequences"):  # What each gives stands in the order of its reading, turned once.
        for ends in found:
            ends[0] = source.put(v.ReverseSteps(), ends[0], name=f"{ends[0].node}_as_read")
    if merge is None:
        return [found[0][0], found[1][0], *memories]
    joined = source.put(VERTICES[str(merge)](), found[0][0], found[1][0], name=source.name)
    return [joined, *memories]
