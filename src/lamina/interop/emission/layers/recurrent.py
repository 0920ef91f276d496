"""Recurrent layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.emission.drawing import emits
from lamina.network.layers import GRU, LSTM, Bidirectional, LastStep, SimpleRNN
from lamina.network.layers.gated import PeepholeLSTM

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Value, Weight
    from lamina.interop.emission.pen import Pen

_CELLS = {LSTM: "lstm", GRU: "gru", SimpleRNN: "rnn", PeepholeLSTM: "lstm"}


@emits(*_CELLS, masks=True)
def _recurrent(pen: Pen, x: Value, *given: Value) -> Value:
    layer = pen.layer
    mask, pen.mask = pen.masks[0], pen.masks[0] if layer.gives == "sequence" else None
    order, lengths = fronted(pen, mask)
    x = x if order is None else pen.op("take_steps", x, order)
    sizes = list(layer.carried().values())
    memory = _parts(pen, given, sizes)
    ends: list[tuple[Value, ...]] = []
    for number in range(layer.layers):
        start = [_layer_of(pen, part, size // layer.layers, number, layer.layers) for part, size in zip(memory, sizes, strict=False)]
        direction = "reverse" if layer.reverse else "forward"
        x, *after = _run(pen, layer, x, start, lengths, direction, [""], number)
        ends.append(tuple(after))
    if layer.gives == "last":
        return ends[-1][0]
    if layer.gives == "state":
        parts = [part for parts in zip(*ends, strict=True) for part in parts]
        return parts[0] if len(parts) == 1 else pen.op("concat", *parts, axis=1)
    return x if order is None else pen.op("untake_steps", x, order)


@emits(Bidirectional, masks=True)
def _bidirectional(pen: Pen, x: Value) -> Value:
    layer = pen.layer.recurrent
    kind = next((word for made, word in _CELLS.items() if type(layer) is made), None)
    if kind is None:
        pen.refuse(f"a {type(layer).__name__} in both directions")
    mask, pen.mask = pen.masks[0], pen.masks[0] if layer.gives == "sequence" else None
    order, lengths = fronted(pen, mask)
    x = x if order is None else pen.op("take_steps", x, order)
    y, *after = _run(pen, layer, x, [], lengths, "bidirectional", ["forward_", "backward_"], 0)
    units = layer.width
    if layer.gives == "last":
        return _merged(pen, after[0], units)
    if layer.gives == "state":
        halves = [[pen.slice(part, 1, place, place + size) for place in (0, size)] for part, size in zip(after, _sizes(layer), strict=True)]
        joined = [parts[0] if len(parts) == 1 else pen.op("concat", *parts, axis=1) for parts in zip(*halves, strict=True)]
        return _both(pen, joined[0], joined[1])
    y = _merged(pen, y, units)
    return y if order is None else pen.op("untake_steps", y, order)


def _sizes(layer: Any) -> list[int]:
    return [size // layer.layers for size in layer.carried().values()]


def _merged(pen: Pen, y: Value, units: int) -> Value:
    if pen.layer.merge == "concat":
        return y
    axis = y.rank - 1
    return _both(pen, pen.slice(y, axis, 0, units), pen.slice(y, axis, units, 2 * units))


def _both(pen: Pen, one: Value, other: Value) -> Value:
    match pen.layer.merge:
        case "concat":
            return pen.op("concat", one, other, axis=one.rank - 1)
        case "sum":
            return pen.op("add", one, other)
        case "multiply":
            return pen.op("mul", one, other)
        case _:
            return pen.op("div", pen.op("add", one, other), 2.0)


def _run(
    pen: Pen, layer: Any, x: Value, start: list[Value], lengths: Value | None, direction: str, prefixes: list[str], number: int
) -> tuple[Value, ...]:
    """One layer over all steps: outputs, and the memory after the last step."""
    kind = next(word for made, word in _CELLS.items() if type(layer) is made)
    end = f"_l{number}" if number else ""
    roles = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "peephole", "weight_hr", "gain_ih", "gain_hh", "gain_cell", "bias_cell")
    weights: dict[str, Weight] = {}
    for prefix in prefixes:
        weights |= {f"{prefix}{role}": found for role in roles if (found := pen.weight(f"{prefix}{role}{end}")) is not None}
    memories = 2 if kind == "lstm" else 1
    settings = {
        "cell": kind,
        "units": layer.units,
        "width": layer.width,
        "direction": direction,
        "prefixes": tuple(prefixes),
        "activation": layer.activation,
        "gate": getattr(layer, "recurrent_activation", None),
        "epsilon": float(layer.epsilon),
        "reset_after": bool(getattr(layer, "reset_after", True)),
    }
    padded: list[Value | None] = [*start, *[None] * (memories - len(start))]
    part = "" if layer.layers == 1 else f"layer{number}"
    return pen.ops("recurrent", x, lengths, *padded, weights=weights, part=part, ranks=(3,) + (2,) * memories, **settings)


def fronted(pen: Pen, mask: Value | None) -> tuple[Value | None, Value | None]:
    """The order in which real steps come first, and how many there are; nothing where all are real."""
    if mask is None:
        return None, None
    count = pen.reduce("sum", pen.op("cast", mask, to="int", gives="int"), 1)
    return pen.op("real_first", mask, gives="int"), count


def _parts(pen: Pen, given: tuple[Value, ...], sizes: list[int]) -> list[Value]:
    if not given or len(given) == len(sizes):
        return list(given)
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return [pen.slice(given[0], 1, end - size, end) for end, size in zip(ends, sizes, strict=True)]


def _layer_of(pen: Pen, part: Value, size: int, number: int, layers: int) -> Value:
    return part if layers == 1 else pen.slice(part, 1, number * size, (number + 1) * size)


@emits(LastStep, masks=True)
def _last_step(pen: Pen, x: Value) -> Value:
    mask, pen.mask = pen.masks[0], None
    if mask is None:
        return pen.take(x, 1, -1)
    places = pen.op("mul", pen.op("cast", mask, to="int", gives="int"), pen.op("arange", pen.size(x, 1), gives="int", rank=1))
    last = pen.op("amax", places, axes=(1,), keep=True, rank=2)
    y = pen.op("take_steps", x, last)
    y = pen.squeeze(y, 1)
    return pen.op("where", pen.reduce("any", mask, 1, keep=True), y, 0.0, gives="float")
