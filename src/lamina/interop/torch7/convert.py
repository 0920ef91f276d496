"""From modules to a network: what its inputs are is tried until everything fits."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lamina.errors import LaminaError
from lamina.interop.imported import Options
from lamina.interop.notes import Notes
from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.inputs import Wanted, all_wanted, ways
from lamina.interop.torch7.layers.recurrent import parts
from lamina.interop.torch7.module import Module
from lamina.interop.torch7.objects import Tensor
from lamina.interop.torch7.values import Anything, Misfit, Refused, Value, flat
from lamina.shapes import Features, Shape, Tokens

for _family in ("activations", "containers", "convolution", "linear", "normalization", "pooling", "recurrent", "shaping", "tables"):
    importlib.import_module(f"lamina.interop.torch7.layers.{_family}")
importlib.import_module("lamina.interop.torch7.graph")

MOST_SIDE = 2048
MOST_WAYS = 64


@dataclass
class Traced:
    """A network walked through.

    Attributes:
        builder: Its layers.
        inputs: What it was given.
        outputs: What it gives.
        shapes: Shapes of its inputs, by name.
        open_inputs: Channels of inputs whose sizes only the data know.
    """

    builder: Builder
    inputs: dict[str, Value]
    outputs: Anything
    shapes: dict[str, Shape]
    open_inputs: dict[str, int]


def convert(module: Module, options: Options, notes: Notes) -> Traced | None:
    """Walk through a network; None if what it takes can't be told, or something has no counterpart, which is noted."""
    said = all_wanted(module)
    names = ["input"] if len(said) == 1 else [f"input{number}" for number in range(len(said))]
    given = {name: options.inputs.get(name, options.inputs.get("" if len(said) == 1 else name)) for name in names}
    unsaid = [name for name, one in zip(names, said, strict=True) if given[name] is None and not isinstance(one, Wanted)]
    guessed = _guessed(module, names, said, given, unsaid) if len(unsaid) == 1 and len(names) > 1 else None
    for name in unsaid:
        if guessed is not None:
            given[name] = guessed
            notes.assume(name, f"vectors of {guessed.count} numbers, the only ones that fit")
        else:
            _unsaid(module, name, notes)
    if notes.missing:
        # All that has no counterpart is said at once.
        _look(module, notes)
        return None
    wants = {name: one for name, one in zip(names, said, strict=True) if isinstance(one, Wanted)}
    free = [name for name in names if given[name] is None and wants[name].open]
    if not free:
        shapes = {name: given[name] or wants[name].shape() for name in names}
        return _best(module, shapes, wants, notes)
    return _opened(module, {name: given[name] for name in names}, wants, free, notes)


def _guessed(
    module: Module, names: Sequence[str], said: Sequence[object], given: Mapping[str, Shape | None], unsaid: Sequence[str]
) -> Features | None:
    """Vectors that fit where nothing else says what one of several inputs is, if only those of one size do."""
    sizes: set[int] = set()
    for part in parts(module, "Linear", "LinearNoBias"):
        weight = part.get("weight")
        sizes |= set(weight.sizes) if isinstance(weight, Tensor) else set()
    sizes |= {one.count for one in said if isinstance(one, Wanted)}
    fitting = []
    for size in sorted(sizes)[:32]:
        shapes = {
            name: given[name] or (one.shape() if isinstance(one, Wanted) else Features(size)) for name, one in zip(names, said, strict=True)
        }
        own = Notes("")
        try:
            firsts = [one.first if isinstance(one, Wanted) else 0 for one in said]
            _attempt(module, [ways(name, shape, (), first)[0] for (name, shape), first in zip(shapes.items(), firsts, strict=True)], own)
        except (Misfit, LaminaError):
            continue
        if not own.missing:
            fitting.append(size)
    return Features(fitting[0]) if len(fitting) == 1 else None


def _unsaid(module: Module, name: str, notes: Notes) -> None:
    notes.miss(
        name,
        expected="a module behind it that says what it takes",
        got="none that does",
        cause="the file does not keep the shapes of inputs",
        fix=f"say it: --input {name}:features=4, or inputs={{{name!r}: lm.features(4)}}",
    )


def _look(module: Module, notes: Notes) -> None:
    """Note every module without a counterpart."""
    from lamina.interop.converters import own_converter
    from lamina.interop.torch7.builder import FIX
    from lamina.interop.torch7.module import CONVERTERS

    stack, seen = [module], 0
    while stack and seen < 10_000:
        one, seen = stack.pop(), seen + 1
        if one.kind not in CONVERTERS and own_converter("torch7", one.full, one.kind) is None:
            notes.miss(one.where, expected="a kind of module in docs/importing/torch7.md", got=one.full, fix=FIX)
        elif one.path.count(".") < 50:
            try:
                stack += reversed(one.children())
            except Refused as refused:
                notes.miss(refused.path, expected=refused.expected, got=refused.got, cause=refused.cause, fix=FIX)


def _attempt(module: Module, way: Sequence[Anything], notes: Notes) -> tuple[Builder, Anything]:
    builder = Builder(notes)
    return builder, builder.trace(module, way[0] if len(way) == 1 else tuple(way))


def _best(module: Module, shapes: Mapping[str, Shape], wants: Mapping[str, Wanted], notes: Notes) -> Traced | None:
    """The first way in which arrays of these shapes may lie that fits."""
    options = []
    for name, shape in shapes.items():
        wanted = wants.get(name)
        first = wanted.first if wanted is not None else 1 if isinstance(shape, Tokens) else 0
        options.append(ways(name, shape, wanted.swaps if wanted is not None else (), first))
    errors: list[Misfit] = []
    refused: list[Notes] = []
    for way in itertools.islice(itertools.product(*options), MOST_WAYS):
        own = Notes(notes.where)
        try:
            builder, outputs = _attempt(module, way, own)
        except Misfit as error:
            errors.append(error)
            continue
        if own.missing:
            refused.append(own)
            continue
        notes.lost += own.lost
        notes.assumed += own.assumed
        inputs = {name: flat(one)[0] for name, one in zip(shapes, way, strict=True)}
        for name, one in zip(shapes, way, strict=True):
            if not isinstance(one, Value):
                notes.assume(name, "the table of steps is one array, with the batch as its first axis")
            elif one.mapped:
                notes.assume(name, "the network was given one step after another: here it is given all steps at once")
        return Traced(builder, inputs, outputs, dict(shapes), {})
    if refused:
        least = min(refused, key=lambda one: len(one.missing))
        notes.missing += least.missing
    else:
        misfit = errors[0]
        notes.miss(
            misfit.where,
            expected=misfit.expected,
            got=misfit.got,
            cause="the shape of the input is another, or the modules don't fit each other",
            fix="say the shape: --input image=1,28,28, or inputs=lm.image(1, 28, 28)",
        )
    return None


def _opened(
    module: Module, given: Mapping[str, Shape | None], wants: Mapping[str, Wanted], free: Sequence[str], notes: Notes
) -> Traced | None:
    """Find sizes of images that fit the weights behind them."""

    def shapes(side: int) -> dict[str, Shape]:
        return {name: given[name] or wants[name].shape(side) for name in given}

    def fits(side: int) -> int:
        try:
            found = shapes(side)
            way = [ways(name, shape, wants[name].swaps if name in wants else ())[0] for name, shape in found.items()]
            _attempt(module, way, Notes(notes.where))
        except Misfit as error:
            return error.excess or -1
        except LaminaError:
            return -1
        return 0

    low = _least(lambda side: fits(side) >= 0)
    if low is None or fits(low) > 0:
        return _best(module, shapes(64 if low is None else low), wants, notes)
    high = (_least(lambda side: fits(side) != 0, low) or MOST_SIDE + 1) - 1
    side = max(range(low, high + 1), key=lambda size: size & -size) if high < MOST_SIDE else max(low, 64)
    found = _best(module, shapes(side), wants, notes)
    if found is None:
        return None
    where = ", ".join(free)
    if low == high:
        notes.assume(where, f"{side} x {side}, the only square images that fit the weights")
    elif found.builder.sized:
        notes.assume(where, f"{side} x {side}; other sizes from {low} on fit the weights too, but modules take a size apart: say --input")
    else:
        found.open_inputs = {name: wants[name].count for name in free}
        most = f"to {high}" if high < MOST_SIDE else "on"
        notes.assume(where, f"images from {low} {most} pixels a side fit the weights; {side} if nothing else is said")
    return found


def _least(holds: Callable[[int], bool], low: int = 1) -> int | None:
    """The smallest side for which something holds that holds for all larger ones."""
    high = MOST_SIDE
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
