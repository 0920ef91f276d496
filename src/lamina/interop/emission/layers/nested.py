"""Networks within a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.emission.drawing import draw, emits
from lamina.interop.emission.pen import refuse
from lamina.network.layers import Nested, Repeat, Residual, TimeDistributed

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Value
    from lamina.interop.emission.pen import Pen


def asked(
    pen: Pen, inputs: tuple[Value, ...], masks: tuple[Value | None, ...], part: str = "", again: str = ""
) -> tuple[Value, Value | None]:
    """What an inner network gives, and its mask.

    Args:
        pen: Of the layer that holds it.
        inputs: What it is given.
        masks: Masks of these.
        part: Which of its networks.
        again: Added to the names, where it is asked several times.
    """
    module: Any = pen.module
    network = module.network(part)
    given = {name: (value, mask) for name, value, mask in zip(network.input_shapes, inputs, masks, strict=True)}
    before = len(pen.draft.problems)
    prefix, home = f"{pen.name}{again}/{part}", f"{pen.owner}/{part}"
    found = draw(pen.draft, network, given, prefix=prefix, home=home, target=pen.target, scores=True)
    (name,) = network.outputs
    if name not in found:
        if len(pen.draft.problems) > before:
            own = pen.draft.problems.pop()
            refuse(f"{own.got}, inside: {own.where}", own.fix)
        refuse("a layer inside that can't be written")
    return found[name]


@emits(Nested, masks=True)
def _nested(pen: Pen, *inputs: Value) -> Value:
    y, pen.mask = asked(pen, inputs, pen.masks)
    return y


@emits(Residual, masks=True)
def _residual(pen: Pen, x: Value) -> Value:
    y, pen.mask = asked(pen, (x,), pen.masks)
    return pen.op("add", x, y)


@emits(Repeat, masks=True)
def _repeat(pen: Pen, x: Value) -> Value:
    mask = pen.masks[0]
    for turn in range(int(pen.layer.times)):
        x, mask = asked(pen, (x,), (mask,), again=f"/turn{turn + 1}")
    pen.mask = mask
    return x


@emits(TimeDistributed)
def _each_step(pen: Pen, x: Value) -> Value:
    """All steps of all samples at once, as if each were a sample."""
    inner = [-1 if size is None else size for size in pen.shape.dims[1:]]
    y, _ = asked(pen, (pen.reshape(x, -1, *inner),), (None,))
    outer = [-1 if size is None else size for size in pen.node.output_shape.dims[1:]]
    if -1 in inner or -1 in outer:
        pen.refuse("steps within steps whose number only the data say", "give the inner sequences a fixed length")
    return pen.reshape(y, pen.size(x, 0), pen.size(x, 1), *outer)
