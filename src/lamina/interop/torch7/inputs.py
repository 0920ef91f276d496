"""What a network takes, which no file says: it is read off the first modules that have weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lamina.interop.torch7.graph import parents, walk
from lamina.interop.torch7.module import Module
from lamina.interop.torch7.objects import Instance, listed
from lamina.interop.torch7.values import Anything, Refused, Split, Value
from lamina.shapes import Features, Image, Shape, Tokens, Volume
from lamina.shapes import Sequence as Steps

COUNTS = {
    **dict.fromkeys(("SpatialConvolution", "SpatialConvolutionMM", "SpatialConvolutionMap", "SpatialDilatedConvolution"), "image"),
    **dict.fromkeys(("SpatialFullConvolution", "SpatialConvolutionLocal", "SpatialDepthWiseConvolution", "SpatialSubSampling"), "image"),
    **dict.fromkeys(("SpatialConvolutionCUDA", "SpatialConvolutionFFT"), "image"),
    **dict.fromkeys(("VolumetricConvolution", "VolumetricFullConvolution", "VolumetricDilatedConvolution"), "volume"),
    **dict.fromkeys(("TemporalConvolution", "TemporalSubSampling", "TemporalRowConvolution"), "steps"),
    **dict.fromkeys(("SeqLSTM", "SeqLSTMP", "SeqGRU", "BLSTM", "BGRU", "RNN", "RNNTanh", "RNNReLU"), "steps"),
}
STEPPED = ("LSTM", "FastLSTM", "GRU", "RecLSTM", "RecGRU", "StepLSTM", "StepGRU")
NORMS = {"BatchNormalization": "features", "SpatialBatchNormalization": "image", "VolumetricBatchNormalization": "volume"}
SHAPERS = ("Select", "Narrow", "Squeeze", "Unsqueeze", "Replicate", "Mean", "Sum", "Max", "Min", "Padding", "Bottle", "MM", "MV", "Index")


@dataclass(frozen=True)
class Wanted:
    """What reaches a module that says it.

    Attributes:
        kind: ``features``, ``steps``, ``tokens``, ``image`` or ``volume``.
        count: Features, channels, or the size of the vocabulary.
        first: What whole numbers count from.
        swaps: Axes exchanged before it.
        stepwise: Whether it sees one step after another.
    """

    kind: str
    count: int
    first: int = 0
    swaps: tuple[tuple[int, int], ...] = ()
    stepwise: bool = False

    @property
    def open(self) -> bool:
        """Whether sizes of images are open."""
        return self.kind in ("image", "volume")

    def shape(self, side: int = 1) -> Shape:
        """The shape, with all sides of images equal."""
        found: dict[str, Shape] = {
            "features": Features(self.count),
            "steps": Steps(steps=None, features=self.count),
            "tokens": Tokens(steps=None, vocabulary=self.count),
            "image": Image(self.count, side, side),
            "volume": Volume(self.count, side, side, side),
        }
        return found[self.kind]


def wanted(module: Module, depth: int = 0) -> Wanted | None | bool:
    """What a module takes; None: whatever it gives; False: that can't be said."""
    if depth > 50:
        return False
    kind = module.kind
    try:
        return _wanted(module, kind, depth)
    except Refused:
        return False


def _wanted(module: Module, kind: str, depth: int) -> Wanted | None | bool:
    if kind in ("Linear", "LinearNoBias", "LinearWeightNorm", "Cosine"):
        return Wanted("features", int(module.weight("weight", "v").shape[-1]))
    if kind in STEPPED and not module.full.startswith("cudnn."):
        return Wanted("steps", module.size("inputSize", "inputsize"), stepwise=True)
    if kind in ("LookupTable", "LookupTableMaskZero"):
        return Wanted("tokens", len(module.weight("weight")), 0 if kind.endswith("Zero") else 1)
    if kind == "OneHot":
        return Wanted("tokens", module.size("outputSize"), 1)
    if kind in COUNTS or kind in STEPPED:
        return Wanted(COUNTS.get(kind, "steps"), module.size("nInputPlane", "inputFrameSize", "inputsize", "inputSize"))
    if kind in NORMS:
        return Wanted(NORMS[kind], len(module.weight("running_mean")))
    if kind in ("View", "Reshape"):
        sizes = module.sizes("size")
        count = 1
        for size in sizes:
            count *= size
        if sizes and sizes[0] == -1 and -1 not in sizes[1:]:
            count = -count
        return Wanted("features", count) if count > 0 else False
    if kind == "Transpose":
        pairs = [[int(item) - 1 for item in listed(pair)] for pair in listed(module.instance.fields.get("permutations"))]
        own = 1 if module.whole("numInputDims") else 0
        return Wanted("swaps", 0, swaps=tuple((first + own, second + own) for first, second in pairs))
    return _through(module, kind, depth)


def _through(module: Module, kind: str, depth: int) -> Wanted | None | bool:
    """What containers take: the first of their modules that says it."""
    if kind in ("Sequencer", "Recursor", "MapTable", "BiSequencer", "SeqBRNN"):
        inner = module.child("module", "recurrentModule", "forwardModule") or next(iter(module.children()), None)
        found = wanted(inner, depth + 1) if inner is not None else False
        return Wanted("steps", found.count) if isinstance(found, Wanted) and found.kind in ("features", "steps") else found
    if kind == "gModule":
        return _graph(module, depth)[0]
    if kind in ("ParallelTable", "Parallel") or kind in SHAPERS:
        return False
    children = module.children() or [child for child in [module.child("module")] if child is not None]
    if kind in ("ConcatTable", "Concat", "DepthConcat"):
        return next((found for found in (wanted(child, depth + 1) for child in children) if found), None)
    swaps: tuple[tuple[int, int], ...] = ()
    table = False
    for child in children:
        found = wanted(child, depth + 1)
        table = table or child.kind in ("SplitTable",)
        if isinstance(found, Wanted) and found.kind == "swaps":
            swaps += found.swaps
        elif isinstance(found, Wanted):
            kind = "steps" if table and found.kind == "features" else found.kind
            return Wanted(kind, found.count, found.first, swaps + found.swaps, found.stepwise)
        elif found is False:
            return False
    return Wanted("swaps", 0, swaps=swaps) if swaps else None


def _graph(module: Module, depth: int) -> list[Wanted | None | bool]:
    """What each input of a graph of nodes takes."""
    order, _, inputs, first = walk(module)
    found: list[Wanted | None | bool] = []
    for start in inputs:
        reached = [start]
        answer: Wanted | None | bool = None
        for data in [start, *order]:
            if data is not start and not any(parent is one for parent in parents(data) for one in reached):
                continue
            inner = data.get("module")
            said = wanted(Module(inner, ""), depth + 1) if isinstance(inner, Instance) else None
            if said is not None:
                answer = said
                break
            reached.append(data)
        found.append(answer)
    return found


def all_wanted(module: Module) -> list[Wanted | None | bool]:
    """What each input of a network takes."""
    try:
        if module.kind == "gModule":
            return _graph(module, 0)
        if module.kind == "Sequential" and module.children():
            return all_wanted(module.children()[0]) if module.children()[0].kind in ("ParallelTable", "gModule") else [wanted(module)]
        if module.kind == "ParallelTable":
            return [wanted(child) for child in module.children()]
    except (Refused, RecursionError):
        return [False]
    return [wanted(module)]


def ways(name: str, shape: Shape, swaps: Sequence[tuple[int, int]] = (), first: int = 0) -> list[Anything]:
    """How an array of this shape may lie there: the batch first, or the steps; as a table of steps; or one step at a time."""
    count = len(shape.dims) + 1
    bases = [tuple(range(count))]
    if shape.has_steps:
        bases.append((1, 0, *range(2, count)))
    found: list[Anything] = []
    for base in bases:
        order = list(base)
        for one, other in reversed(swaps):
            if max(one, other) < count:
                order[one], order[other] = order[other], order[one]
        found.append(Value(name, shape, tuple(order), first=first))
    if isinstance(shape, Steps):
        plain = Value(name, shape, (0, 1, 2))
        found += [Split(plain, 1), Value(name, shape, (0, 2), mapped=True)]
    return found
