"""Recurrent modules: those of the package rnn, step by step or whole sequences, and those of cudnn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.layers.containers import stepped
from lamina.interop.torch7.module import Module, converts
from lamina.interop.torch7.objects import Instance
from lamina.interop.torch7.values import Anything, Misfit, Refused, Split, Value
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.network.layers.layer import Layer, last_axis
from lamina.shapes import Sequence as Steps

if TYPE_CHECKING:
    import numpy as np

Arrays = dict[str, "np.ndarray | None"]
KEPT = "that what is remembered is kept from one call to the next"


def parts(module: Module, *kinds: str, depth: int = 0) -> list[Module]:
    """All modules of these kinds within another, in their order."""
    found = [module] if module.kind in kinds else []
    if depth < 12 and not found:
        for child in module.children():
            found += parts(child, *kinds, depth=depth + 1)
            if len(found) > 1000:
                break
    return found


def _linear(module: Module | None, owner: Module, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    if module is None:
        raise owner.refused(name, "a product with a matrix")
    return module.weight("weight"), module.tensor("bias")


@converts("Sequencer")
def sequencer(module: Module, value: Anything, builder: Builder) -> Anything:
    """A module on each step: of a table, or of an array whose first axis are the steps."""
    child = module.child("module") or next(iter(module.children()), None)
    if child is None:
        raise module.refused("module", "a module")
    if module.get("_remember") not in (None, "neither"):
        builder.notes.lose(module.where, KEPT)
    if isinstance(value, Split):
        return stepped(child, value, builder)
    one = builder.one(module, value)
    if not isinstance(one.shape, Steps) or one.mapped or one.order[:2] != (1, 0):
        raise Misfit(module.where, "a table of steps, or an array whose first axis are the steps", f"axes {list(one.order)}")
    found = stepped(child, Split(one, 1), builder).value
    return Value(found.node, found.shape, (1, *found.order))


@converts("Recursor")
def recursor(module: Module, value: Anything, builder: Builder) -> Anything:
    """A module on each step, in its wrapping."""
    child = module.child("recurrentModule", "module") or next(iter(module.children()), None)
    if child is None:
        raise module.refused("module", "a module")
    return builder.trace(child, value)


def _step(module: Module, value: Anything, builder: Builder) -> Value:
    """Steps of vectors, seen one at a time."""
    one = builder.one(module, value)
    if not one.mapped or not isinstance(one.shape, Steps):
        raise Misfit(module.where, "one step after another", str(one.shape))
    if module.flag("maskzero"):
        builder.notes.assume(module.where, "no step of zeros, which would be left out there")
    return one


def _recurrent(module: Module, one: Value, layer: Layer, arrays: Arrays, builder: Builder, suffix: str = "") -> Value:
    """Put a recurrent layer behind others, once its weights are seen to fit."""
    wanted: Any = arrays.get("weight_ih")
    if wanted is not None and wanted.shape[1] != last_axis(one.shape):
        raise Misfit(module.where, f"vectors of {wanted.shape[1]} numbers", str(one.shape), last_axis(one.shape) - wanted.shape[1])
    return builder.enter(module, layer, one, arrays, suffix=suffix, owner=(module.keys() or id(module.instance), suffix))


def _blocks(array: np.ndarray | None, order: tuple[int, ...]) -> np.ndarray | None:
    """Equal parts along the first axis in another order."""
    import numpy as np

    if array is None:
        return None
    if array.shape[0] % len(order):
        where = "recurrent weights"
        raise Misfit(where, f"{len(order)} equal parts", str(array.shape[0]))
    size = array.shape[0] // len(order)
    return np.concatenate([array[place * size : (place + 1) * size] for place in order])


@converts("LSTM", "FastLSTM", "RecLSTM", "GRU", "RecGRU")
def gated(module: Module, value: Anything, builder: Builder) -> Anything:
    """Long short-term memories and gated units."""
    if module.full.startswith("cudnn."):
        return packed(module, value, builder)
    one, gru = _step(module, value, builder), module.kind.endswith("GRU")
    inner = parts(module, "StepLSTM", "StepGRU")
    if inner:
        return _joined_weights(inner[0], one, gru=gru, builder=builder)
    if gru:
        return _gru(module, one, builder)
    return _fast_lstm(module, one, builder) if isinstance(module.get("i2g"), Instance) else _lstm(module, one, builder)


@converts("StepLSTM", "StepGRU")
def step_module(module: Module, value: Anything, builder: Builder) -> Anything:
    """The newer form of both, with one matrix."""
    return _joined_weights(module, _step(module, value, builder), gru=module.kind == "StepGRU", builder=builder)


def _fast_lstm(module: Module, one: Value, builder: Builder) -> Value:
    """All gates in one product: input, candidate, forget, output."""
    if module.flag("bn"):
        raise module.refused("bn", "no batch normalisation within")
    order = (0, 2, 1, 3)
    weight, bias = _linear(module.child("i2g"), module, "i2g")
    memory, _ = _linear(module.child("o2g"), module, "o2g")
    layer = ls.LSTM(memory.shape[1], bias=bias is not None, recurrent_bias=bias is None)
    arrays: Arrays = {"weight_ih": _blocks(weight, order), "weight_hh": _blocks(memory, order), "bias_ih": _blocks(bias, order)}
    return _recurrent(module, one, layer, arrays, builder)


def _lstm(module: Module, one: Value, builder: Builder) -> Value:
    """Each gate by itself; gates may see the cell."""
    import numpy as np

    names = ("inputGate", "forgetGate", "hiddenLayer", "outputGate")
    gates = [module.child(name) for name in names]
    if any(gate is None for gate in gates):
        raise module.refused(next(name for name, gate in zip(names, gates, strict=True) if gate is None), "a gate")
    linears = [parts(gate, "Linear", "LinearNoBias") for gate in gates if gate is not None]
    if any(len(found) != 2 or found[0].kind != "Linear" for found in linears):
        raise module.refused("inputGate", "two products with matrices in each gate")
    weight = np.concatenate([found[0].weight("weight") for found in linears])
    bias = np.concatenate([found[0].weight("bias") for found in linears])
    memory = np.concatenate([found[1].weight("weight") for found in linears])
    peeps = [parts(gate, "CMul") for gate in gates if gate is not None]
    arrays: Arrays = {"weight_ih": weight, "weight_hh": memory, "bias_ih": bias}
    if not any(peeps):
        return _recurrent(module, one, ls.LSTM(memory.shape[1], recurrent_bias=False), arrays, builder)
    if [len(found) for found in peeps] != [1, 1, 0, 1]:
        raise module.refused("inputGate", "a look at the cell in all three gates")
    arrays["peephole"] = np.concatenate([found[0].weight("weight").reshape(-1) for found in peeps if found])
    return _recurrent(module, one, ls.PeepholeLSTM(memory.shape[1], recurrent_bias=False), arrays, builder)


def _gru(module: Module, one: Value, builder: Builder) -> Value:
    """Reset and update in one product, the candidate in others; reset before the product."""
    import numpy as np

    weight, bias = _linear(module.child("i2g"), module, "i2g")
    memory, _ = _linear(module.child("o2g"), module, "o2g")
    others = [part for part in parts(module, "Linear", "LinearNoBias") if part.weight("weight").shape[0] == memory.shape[1]]
    if len(others) != 2 or others[0].kind != "Linear" or memory.shape[0] != 2 * memory.shape[1] or bias is None:
        raise module.refused("modules", "two products with matrices for the candidate")
    arrays: Arrays = {
        "weight_ih": np.concatenate([weight, others[0].weight("weight")]),
        "weight_hh": np.concatenate([memory, others[1].weight("weight")]),
        "bias_ih": np.concatenate([bias, others[0].weight("bias")]),
    }
    return _recurrent(module, one, ls.GRU(memory.shape[1], reset_after=False, recurrent_bias=False), arrays, builder)


def _joined_weights(module: Module, one: Value, *, gru: bool, builder: Builder) -> Value:
    """One matrix for input and memory together: ``[input; memory]`` by gates i, f, o, g, or r, z, n."""
    weight, bias = module.weight("weight"), module.weight("bias").reshape(-1)
    count = module.size("inputsize", "inputSize")
    gates = 3 if gru else 4
    if weight.ndim != 2 or weight.shape[1] % gates or not 0 < count < weight.shape[0] or bias.shape != weight.shape[1:]:
        raise Misfit(module.where, "a matrix of rows for input and memory, and columns for gates", f"{list(weight.shape)}")
    order = (0, 1, 2) if gru else (0, 1, 3, 2)
    units, width = weight.shape[1] // gates, weight.shape[0] - count
    arrays: Arrays = {
        "weight_ih": _blocks(weight[:count].T, order),
        "weight_hh": _blocks(weight[count:].T, order),
        "bias_ih": _blocks(bias, order),
    }
    if gru:
        return _recurrent(module, one, ls.GRU(units, reset_after=False, recurrent_bias=False), arrays, builder)
    projection = module.tensor("weightO")
    if projection is not None:
        arrays["weight_hr"] = projection.T
    layer = ls.LSTM(units, recurrent_bias=False, projection=None if projection is None else width)
    return _recurrent(module, one, layer, arrays, builder)


def _sequence(module: Module, value: Anything, builder: Builder, *, batch_first: bool) -> Value:
    one = builder.one(module, value)
    if not isinstance(one.shape, Steps) or one.mapped or one.order != ((0, 1, 2) if batch_first else (1, 0, 2)):
        first = "batch" if batch_first else "steps"
        raise Misfit(module.where, f"sequences, with the {first} as the first axis", f"{one.shape} with axes {list(one.order)}")
    if module.flag("maskzero"):
        builder.notes.assume(module.where, "no step of zeros, which would be left out there")
    if module.get("_remember") not in (None, "neither"):
        builder.notes.lose(module.where, KEPT)
    return one


@converts("SeqLSTM", "SeqLSTMP", "SeqGRU")
def whole(module: Module, value: Anything, builder: Builder) -> Anything:
    """Whole sequences at once."""
    one = _sequence(module, value, builder, batch_first=module.flag("batchfirst"))
    return _joined_weights(module, one, gru=module.kind == "SeqGRU", builder=builder)


@converts("SeqReverseSequence", "ReverseTable", "ReverseSequence")
def reverse(module: Module, value: Anything, builder: Builder) -> Anything:
    """From the last step to the first."""
    if isinstance(value, tuple):
        return value[::-1]
    one = value.value if isinstance(value, Split) else value
    if not isinstance(one.shape, Steps):
        raise Refused(module.where, "sequences", str(one.shape))
    if isinstance(value, Value) and builder.axis(module, one, module.whole("dim", default=1)) != 1:
        raise Misfit(module.where, "the axis of steps", "another")
    found = builder.enter(module, v.ReverseSteps(), one, suffix="_back")
    return Split(found, 1) if isinstance(value, Split) else found


@converts("BiSequencer", "SeqBRNN")
def both_ways(module: Module, value: Anything, builder: Builder) -> Anything:
    """Once along the steps, once from the last to the first, and both merged."""
    ahead, back = module.child("forwardModule"), module.child("backwardModule")
    merge = module.child("mergeModule", "merge")
    if ahead is None or back is None or merge is None:
        name = "forwardModule"
        raise module.refused(name, "modules for both ways, and one that merges them")
    if module.kind == "SeqBRNN":
        one = builder.one(module, value)
        if module.flag("batchFirst") and one.order == (0, 1, 2):
            one = Value(one.node, one.shape, (1, 0, 2))
        first = builder.trace(ahead, one)
        turned = builder.enter(module, v.ReverseSteps(), one, suffix="_turned")
        second = builder.one(module, builder.trace(back, turned))
        second = builder.enter(module, v.ReverseSteps(), second, suffix="_back")
        found = builder.one(module, builder.trace(merge, (first, second)))
        return Value(found.node, found.shape, (0, 1, 2)) if module.flag("batchFirst") else found
    if not isinstance(value, Split):
        raise Misfit(module.where, "a table of steps", "something else")
    ways = []
    for child, turns in ((ahead, False), (back, True)):
        one = builder.enter(module, v.ReverseSteps(), value.value, suffix="_turned") if turns else value.value
        found = stepped(child, Split(one, 1), builder).value
        ways.append(builder.enter(module, v.ReverseSteps(), found, suffix="_back") if turns else found)
    merged = builder.trace(merge, tuple(Value(one.node, one.shape, one.order, mapped=True) for one in ways))
    merged = builder.one(module, merged)
    return Split(Value(merged.node, merged.shape, merged.order), 1)


GATES = {"LSTM": 4, "BLSTM": 4, "GRU": 3, "BGRU": 3, "RNN": 1, "RNNTanh": 1, "RNNReLU": 1}


@converts("BLSTM", "BGRU", "RNN", "RNNTanh", "RNNReLU")
def packed(module: Module, value: Anything, builder: Builder) -> Anything:
    """cuDNN's: all matrices of all layers, then all biases, in one vector."""
    if not module.full.startswith("cudnn."):
        raise Refused(module.where, "a module of cudnn", module.full)
    one = _sequence(module, value, builder, batch_first=module.flag("batchFirst"))
    size, gates = module.size("hiddenSize"), GATES[module.kind]
    mode = str(module.get("mode") or "")
    gates = {"CUDNN_LSTM": 4, "CUDNN_GRU": 3}.get(mode, gates if not mode.startswith("CUDNN_RNN") else 1)
    both = module.kind.startswith("B") or "BIDIRECTIONAL" in str(module.get("bidirectional", "direction")).replace("UNIDIRECTIONAL", "")
    if "SKIP" in str(module.get("inputMode")):
        raise module.refused("inputMode", "a product with the input")
    weight, layers, ways = module.weight("weight").reshape(-1), module.size("numLayers", default=1), 2 if both else 1
    if layers > 64:
        raise module.refused("numLayers", "at most 64")
    counts = [module.size("inputSize")] + [size * ways] * (layers - 1)
    total = sum(ways * gates * size * (count + size + 2) for count in counts)
    if total != weight.size:
        raise Misfit(module.where, f"a vector of {total:,} weights", f"{weight.size:,}")
    place, found = 0, []
    for count in counts:
        for _ in range(ways):
            pair = {}
            for name, width in (("weight_ih", count), ("weight_hh", size)):
                pair[name] = weight[place : place + gates * size * width].reshape(gates * size, width)
                place += gates * size * width
            found.append(pair)
    for pair in found:
        for name in ("bias_ih", "bias_hh"):
            pair[name] = weight[place : place + gates * size]
            place += gates * size
    dropped = module.number("dropout")
    for number in range(layers):
        made: Any = {4: ls.LSTM, 3: ls.GRU, 1: ls.SimpleRNN}[gates]
        relu = {"activation": "relu"} if "RELU" in mode.upper() or module.kind == "RNNReLU" else {}
        layer = made(size, **relu)
        mine = found[number * ways : (number + 1) * ways]
        arrays = mine[0] if not both else {f"{w}_{k}": a for w, p in zip(("forward", "backward"), mine, strict=True) for k, a in p.items()}
        if number and dropped:
            one = builder.enter(module, ls.Dropout(dropped), one, suffix="_dropout")
        one = _recurrent(module, one, ls.Bidirectional(layer) if both else layer, dict(arrays), builder, f"_l{number}")
    return one
