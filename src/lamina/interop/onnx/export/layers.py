"""Words with weights: products, convolutions, pooling, normalisation."""

from __future__ import annotations

import numpy as np

from lamina.interop.onnx.export.graph import Writer, writes
from lamina.interop.onnx.export.words import FAR, reduced


@writes("linear")
def _linear(w: Writer) -> None:
    """Gemm for vectors; for sequences a product with the transposed matrix."""
    weight, bias = w.operation.weights["weight"], w.role("bias")
    if w.input.rank == 2:
        w.last("Gemm", [w.name(0), w.role("weight"), bias], transB=1)
        return
    if w.graph.uses[weight.key] > 1:
        turned = w.node("Transpose", [w.role("weight")], perm=(1, 0))
    else:
        turned = w.graph.kept(f"{weight.key}.T", lambda: w.graph.draft.arrays[weight.key].T)
    if not bias:
        w.last("MatMul", [w.name(0), turned])
    else:
        w.last("Add", [w.node("MatMul", [w.name(0), turned]), bias])


def _padding(w: Writer) -> dict[str, object]:
    pads = w.settings["pads"]
    if pads == "same":
        return {"auto_pad": "SAME_UPPER"}
    if pads == "ceil":
        return {"ceil_mode": 1}
    return {"pads": [before for before, _ in pads] + [after for _, after in pads]}


@writes("conv")
def _conv(w: Writer) -> None:
    settings = {"strides": w.settings["strides"], "dilations": w.settings["dilations"], "group": w.settings["groups"]}
    kernel = w.operation.weights["weight"].shape[2:]
    w.last("Conv", [w.name(0), w.role("weight"), w.role("bias")], kernel_shape=kernel, **settings, **_padding(w))


@writes("conv_transpose")
def _conv_transpose(w: Writer) -> None:
    crops, extra = w.settings["crops"], w.settings["extra"]
    settings = {"strides": w.settings["strides"], "dilations": w.settings["dilations"], "group": w.settings["groups"]}
    kernel = w.operation.weights["weight"].shape[2:]
    inputs = [w.name(0), w.role("weight"), w.role("bias")]
    w.last("ConvTranspose", inputs, kernel_shape=kernel, pads=[*crops, *crops], output_padding=extra, **settings)


@writes("max_pool")
def _max_pool(w: Writer) -> None:
    settings = {"kernel_shape": w.settings["window"], "strides": w.settings["strides"], "dilations": w.settings["dilations"]}
    w.last("MaxPool", w.names(), **settings, **_padding(w))


@writes("avg_pool")
def _avg_pool(w: Writer) -> None:
    settings = {"kernel_shape": w.settings["window"], "strides": w.settings["strides"]}
    w.last("AveragePool", w.names(), count_include_pad=int(w.settings["include"]), **settings, **_padding(w))


@writes("upsample")
def _upsample(w: Writer) -> None:
    mode = w.settings["mode"]
    scales = w.graph.constant([1.0, 1.0, *map(float, w.settings["factors"])], np.float32)
    if mode == "nearest":
        w.last("Resize", [w.name(0), "", scales], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        return
    where = "align_corners" if w.settings["align"] else "half_pixel"
    kind = "cubic" if mode == "bicubic" else "linear"
    w.last("Resize", [w.name(0), "", scales], mode=kind, coordinate_transformation_mode=where, cubic_coeff_a=-0.75)


# -- normalisation ------------------------------------------------------------------------------------------------------


def _affine(w: Writer, count: int) -> tuple[str, str]:
    """Scale and shift, ones and zeros where there are none."""
    scale, shift = w.role("weight"), w.role("bias")
    return scale or w.graph.constant(np.ones(count), w.graph.dtype), shift or w.graph.constant(np.zeros(count), w.graph.dtype)


@writes("batch_norm")
def _batch_norm(w: Writer) -> None:
    scale, shift = _affine(w, w.operation.weights["mean"].shape[0])
    w.last("BatchNormalization", [w.name(0), scale, shift, w.role("mean"), w.role("var")], epsilon=w.settings["epsilon"])


@writes("layer_norm")
def _layer_norm(w: Writer) -> None:
    sizes = w.settings["sizes"]
    scale = w.role("weight") or w.graph.constant(np.ones(sizes), w.graph.dtype)
    w.last("LayerNormalization", [w.name(0), scale, w.role("bias")], axis=-len(sizes), epsilon=w.settings["epsilon"])


@writes("rms_norm")
def _rms_norm(w: Writer) -> None:
    x, count = w.name(0), len(w.settings["sizes"])
    axes = tuple(range(w.input.rank - count, w.input.rank))
    mean = reduced(w, "ReduceMean", w.node("Mul", [x, x]), axes, keep=True)
    root = w.node("Sqrt", [w.node("Add", [mean, w.number(w.settings["epsilon"])])])
    if not w.role("weight"):
        w.last("Div", [x, root])
    else:
        w.last("Mul", [w.node("Div", [x, root]), w.role("weight")])


@writes("instance_norm")
def _instance_norm(w: Writer) -> None:
    weight = w.operation.weights.get("weight") or w.operation.weights.get("bias")
    if weight is None:
        axes = tuple(range(2, w.input.rank))
        centred = w.node("Sub", [w.name(0), reduced(w, "ReduceMean", w.name(0), axes, keep=True)])
        variance = reduced(w, "ReduceMean", w.node("Mul", [centred, centred]), axes, keep=True)
        w.last("Div", [centred, w.node("Sqrt", [w.node("Add", [variance, w.number(w.settings["epsilon"])])])])
        return
    scale, shift = _affine(w, weight.shape[0])
    w.last("InstanceNormalization", [w.name(0), scale, shift], epsilon=w.settings["epsilon"])


@writes("group_norm")
def _group_norm(w: Writer) -> None:
    """Groups as channels of an instance norm, then scale and shift."""
    groups, rank = w.settings["groups"], w.input.rank
    ones, zeros = w.graph.constant(np.ones(groups), w.graph.dtype), w.graph.constant(np.zeros(groups), w.graph.dtype)
    grouped = w.node("Reshape", [w.name(0), w.ints(0, groups, -1)])
    normed = w.node("InstanceNormalization", [grouped, ones, zeros], epsilon=w.settings["epsilon"])
    parts = [(kind, w.operation.weights[role]) for kind, role in (("Mul", "weight"), ("Add", "bias")) if role in w.operation.weights]
    shape = w.node("Shape", [w.name(0)])
    if not parts:
        w.last("Reshape", [normed, shape])
        return
    y = w.node("Reshape", [normed, shape])
    for number, (kind, weight) in enumerate(parts):
        wide = w.graph.weight(weight.key)
        if rank > 2:
            wide = w.node("Reshape", [wide, w.ints(-1, *(1,) * (rank - 2))])
        y = w.node(kind, [y, wide], w.outputs if number == len(parts) - 1 else None)


@writes("local_response_norm")
def _local_response_norm(w: Writer) -> None:
    size = w.settings["size"]
    if size % 2:
        w.last("LRN", w.names(), alpha=w.settings["alpha"], beta=w.settings["beta"], bias=w.settings["k"], size=size)
        return
    # Of an even number of channels ONNX has one more behind, torch one more before.
    pads = [0] * (2 * w.input.rank)
    pads[1], pads[w.input.rank + 1] = size // 2, (size - 1) // 2
    squares = w.node("Pad", [w.node("Mul", [w.name(0), w.name(0)]), w.ints(*pads), ""])
    ends = [place - size + 1 for place in range(size)]
    parts = [w.node("Slice", [squares, w.ints(place), w.ints(end or FAR), w.ints(1)]) for place, end in enumerate(ends)]
    mean = w.node("Div", [w.node("Sum", parts), w.number(size)])
    weight = w.node("Add", [w.node("Mul", [mean, w.number(w.settings["alpha"])]), w.number(w.settings["k"])])
    w.last("Div", [w.name(0), w.node("Pow", [weight, w.number(w.settings["beta"])])])


@writes("prelu")
def _prelu(w: Writer) -> None:
    weight = w.operation.weights["weight"]
    rank = w.input.rank
    slope = w.role("weight")
    if rank > 2 and weight.shape[0] > 1:
        slope = w.graph.kept(f"{weight.key}.wide", lambda: w.graph.draft.arrays[weight.key].reshape(-1, *(1,) * (rank - 2)))
    elif weight.rank > 1:
        slope = w.graph.kept(f"{weight.key}.flat", lambda: w.graph.draft.arrays[weight.key].reshape(-1))
    w.last("PRelu", [w.name(0), slope])
