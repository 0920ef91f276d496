"""Pooling, and layers that make images smaller or larger without weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.interop.dl4j.dialect import whole, wholes
from lamina.interop.dl4j.layers.convolution import padding
from lamina.interop.dl4j.piece import Part, Piece, SourceLayer, build, converts, simple
from lamina.network import layers as ls
from lamina.network.layers.layer import Layer

_POOLS: dict[str, tuple[type[Layer], ...]] = {
    "MAX": (ls.MaxPool1d, ls.MaxPool2d, ls.MaxPool3d),
    "AVG": (ls.AvgPool1d, ls.AvgPool2d, ls.AvgPool3d),
    "SUM": (ls.SumPool1d, ls.SumPool2d, ls.SumPool3d),
    "PNORM": (ls.PNormPool1d, ls.PNormPool2d, ls.PNormPool3d),
}


def _pool(axes: int) -> Callable[[SourceLayer], Piece | None]:
    def convert(source: SourceLayer) -> Piece | None:
        kind = source.word("poolingType", "MAX").upper()
        if kind not in _POOLS:
            source.refuse("poolingType", ", ".join(_POOLS))
            return None
        if axes == 3 and source.word("dataFormat", "NCDHW") != "NCDHW":
            source.refuse("dataFormat", "NCDHW")

        def spread(name: str, default: int) -> Any:
            found = tuple(max(size, 1) for size in source.sizes(name, axes, default))
            return found[0] if axes == 1 else found

        size = spread("kernelSize", 2 if axes == 1 else 1)
        settings: dict[str, Any] = {"stride": spread("stride", 2), "padding": padding(source, axes)}
        dilation = spread("dilation", 1)
        if dilation != (1 if axes == 1 else (1,) * axes):
            if kind == "MAX":
                settings["dilation"] = dilation
            else:
                source.refuse("dilation", "1, but for MAX")
        if kind == "AVG":
            settings["include_padding"] = _counts_padding(source, settings["padding"])
        if kind == "PNORM":
            settings["p"] = float(max(whole(source.get("pnorm"), 2), 1))
        return simple(build(_POOLS[kind][axes - 1], source, size, **settings))

    return convert


def _counts_padding(source: SourceLayer, padded: Any) -> bool:
    found = source.settings.get("avgPoolIncludePadInDivisor")
    if isinstance(found, bool):
        return found
    if padded not in (0, (0, 0), (0, 0, 0)):
        source.notes.assume(source.path, "averages count padding, as they did before there was a setting for it")
    return True


pool1d = converts("subsampling1d", "pooling1d")(_pool(1))
pool2d = converts("subsampling", "subsampling2d", "pooling2d")(_pool(2))
pool3d = converts("subsampling3d", "pooling3d")(_pool(3))


@converts("globalpooling")
def global_pool(source: SourceLayer) -> Piece | None:
    """Pooling over all steps or positions."""
    kind = source.word("poolingType", "MAX").upper()
    kinds: dict[str, type[Layer]] = {
        "MAX": ls.GlobalMaxPool,
        "AVG": ls.GlobalAvgPool,
        "SUM": ls.GlobalSumPool,
        "PNORM": ls.GlobalPNormPool,
    }
    if kind not in kinds:
        source.refuse("poolingType", ", ".join(kinds))
        return None
    axes = wholes(source.settings["poolingDimensions"]) if source.settings.get("poolingDimensions") else []
    if axes and sorted(axes) not in ([2], [2, 3], [2, 3, 4]):
        source.refuse("poolingDimensions", "all axes behind the channels")
    if source.settings.get("collapseDimensions") is False:
        source.refuse("collapseDimensions", "true")
    more = {"p": float(max(whole(source.get("pnorm"), 2), 1))} if kind == "PNORM" else {}
    return simple(build(kinds[kind], source, **more))


@converts("zeropadding", "zeropadding1d", "zeropadding2d", "zeropadding3d")
def zero_padding(source: SourceLayer) -> Piece | None:
    """Zeros around."""
    axes = {"1d": 1, "3d": 3}.get(source.kind[-2:], 2)
    kinds: dict[int, type[Layer]] = {1: ls.ZeroPadding1d, 2: ls.ZeroPadding2d, 3: ls.ZeroPadding3d}
    return simple(build(kinds[axes], source, _sides(source, "padding", axes)))


@converts("cropping1d", "cropping2d", "cropping3d")
def cropping(source: SourceLayer) -> Piece | None:
    """Positions cut off."""
    axes = int(source.kind[-2])
    kinds: dict[int, type[Layer]] = {1: ls.Cropping1d, 2: ls.Cropping2d, 3: ls.Cropping3d}
    return simple(build(kinds[axes], source, _sides(source, "cropping", axes)))


def _sides(source: SourceLayer, name: str, axes: int) -> Any:
    """Amounts before and after each axis: all of them, or one for each axis, or one."""
    found = [max(size, 0) for size in wholes(source.get(name) if source.get(name) is not None else 0)]
    if len(found) == axes != 2 * axes:
        found = [size for size in found for _ in (0, 1)]
    if len(found) == 1:
        found = found * 2 * axes
    if len(found) != 2 * axes:
        source.refuse(name, f"{2 * axes} numbers")
        return 0
    pairs = tuple((found[2 * axis], found[2 * axis + 1]) for axis in range(axes))
    return pairs[0] if axes == 1 else pairs


@converts("upsampling1d", "upsampling2d", "upsampling3d")
def upsampling(source: SourceLayer) -> Piece | None:
    """Every position several times."""
    axes = int(source.kind[-2])
    kinds: dict[int, type[Layer]] = {1: ls.Upsampling1d, 2: ls.Upsampling2d, 3: ls.Upsampling3d}
    found = tuple(max(size, 1) for size in source.sizes("size", axes, 2))
    return simple(build(kinds[axes], source, found[0] if axes == 1 else found))


@converts("spacetodepth")
def space_to_depth(source: SourceLayer) -> Piece | None:
    """Blocks into channels."""
    block = max(whole(source.get("blockSize"), 2), 1)
    return simple(build(ls.SpaceToDepth, source, block))


@converts("localresponsenormalization")
def local_response(source: SourceLayer) -> Piece | None:
    """Each number divided by its neighbours in other channels."""
    settings = {"alpha": source.number("alpha", 1e-4), "beta": source.number("beta", 0.75), "k": source.number("k", 2.0)}
    return simple(build(ls.LocalResponseNorm, source, max(int(source.number("n", 5)), 1), **settings))


@converts("batchnormalization")
def batch_norm(source: SourceLayer) -> Piece | None:
    """By the batch in training, by running statistics otherwise."""
    count = source.units
    locked = source.flag("lockGammaBeta")
    logs = source.flag("useLogStd")
    gamma, beta = source.number("gamma", 1.0), source.number("beta", 0.0)
    constant = locked and (gamma, beta) != (1.0, 0.0)
    common = {name: value for name, value in source.common(weights=False).items() if name in ("frozen", "l1_bias", "l2_bias", "dropout")}
    if constant:
        common["learning_rate_factor"] = 0.0
    made = build(
        ls.BatchNorm,
        source,
        momentum=min(max(1 - source.number("decay", 0.9), 1e-6), 1.0),
        epsilon=source.number("eps", 1e-5) or 1e-5,
        scale=not locked or constant,
        bias=not locked or constant,
        variance="biased",
        **common,
    )
    learnt = [] if locked else [Part("gamma", (count,)), Part("beta", (count,))]
    parts = [*learnt, Part("mean", (count,), fixed=True), Part("log10stdev" if logs else "var", (count,), fixed=True)]

    def arrays(given: Any) -> dict[str, Any]:
        import numpy as np

        found = {"running_mean": given["mean"]} if "mean" in given else {}
        if "var" in given:
            found["running_var"] = given["var"]
        if "log10stdev" in given:
            found["running_var"] = np.power(10.0, 2 * given["log10stdev"].astype(np.float64)).astype(given["log10stdev"].dtype)
        if "gamma" in given:
            found |= {"weight": given["gamma"], "bias": given["beta"]}
        elif constant and "mean" in given:
            found |= {"weight": np.full_like(given["mean"], gamma), "bias": np.full_like(given["mean"], beta)}
        return found

    return simple(made, parts=parts, arrays=arrays)
