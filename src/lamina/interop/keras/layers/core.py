"""Dense layers, activations, noise, embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.interop.keras import functions
from lamina.interop.keras.layers.steps import by_step, over_steps
from lamina.interop.keras.net import Value, channels, identity, with_features
from lamina.interop.keras.piece import Made, SourceLayer, converts, has_bias
from lamina.interop.keras.source import Generation
from lamina.network import layers as ls
from lamina.network import noise as n
from lamina.network.activations import Activation
from lamina.shapes import Features, Series, Tokens
from lamina.shapes import Sequence as Steps


def kernel_and_bias(config: Mapping[str, Any], _: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The weights of most layers."""
    return ("kernel", *(("bias",) if has_bias(config) else ())), ()


def activated(source: SourceLayer, made: Value, function: Activation) -> Value:
    """An activation behind what a layer gives."""
    if function.type_name == "identity":
        return made
    if function.over_features:
        made = source.net.plain(made, source.path, with_features(made.rank, made.rank))
    return source.put(ls.ActivationLayer(function), made, name=f"{source.name}_activation")


def own_activation(source: SourceLayer, made_order: tuple[int, ...], function: Activation) -> tuple[Activation, Activation]:
    """The activation that the layer itself has, and the one behind it: softmax is over the last axis there, and over channels here."""
    from lamina.network.activations import Identity

    rank = len(made_order)
    if function.over_features and made_order != with_features(rank, rank):
        return Identity(), function
    return function, Identity()


@converts("Dense", "TimeDistributedDense", weights=kernel_and_bias)
def dense(source: SourceLayer) -> Made:
    """A fully connected layer along the last axis."""
    units = source.whole("units", "output_dim")
    function, bias = source.activation("activation"), source.bias
    value = source.inputs[0]
    given = source.arrays(["kernel", *(["bias"] if bias else [])])
    if isinstance(value.shape, Series) and value.shape.steps is None:
        return by_step(source, value)
    weight = given["kernel"].T
    rest = {"bias": given["bias"]} if bias else {}
    settings: dict[str, Any] = {"activation": function, "bias": bias, **source.common()}
    if value.rank <= 2:
        taken = source.plain(0, identity(value.rank))
        layer = source.build(ls.Dense, units, **settings)
        return source.put(layer, taken, arrays={"weight": weight, **rest})
    taken = source.plain(0, channels(value.rank, first=False))
    kind = ls.Conv2d if value.rank == 3 else ls.Conv3d
    layer = source.build(kind, units, kernel=1, **settings)
    ones = (1,) * (value.rank - 1)
    return source.put(layer, taken, arrays={"weight": weight.reshape(*weight.shape, *ones), **rest})


@converts("Highway", weights=lambda config, _: (("W", "W_carry", *(("b", "b_carry") if has_bias(config) else ())), ()))
def highway(source: SourceLayer) -> Made:
    """Keras 1: ``t f(W x + b) + (1 - t) x`` with ``t = sigmoid(W_carry x + b_carry)``."""
    import numpy as np

    bias = source.bias
    given = source.arrays(["W", "W_carry", *(["b", "b_carry"] if bias else [])])
    layer = source.build(ls.Highway, activation=source.activation("activation"), bias=bias, **source.common())
    arrays = {"weight": np.concatenate([given["W"].T, given["W_carry"].T])}
    arrays |= {"bias": np.concatenate([given["b"], given["b_carry"]])} if bias else {}
    return source.put(layer, source.plain(), arrays=arrays)


@converts("MaxoutDense", weights=lambda config, _: (("W", *(("b",) if has_bias(config) else ())), ()))
def maxout(source: SourceLayer) -> Made:
    """Keras 1: the largest of several dense layers."""
    bias, units, pieces = source.bias, source.whole("output_dim"), source.whole("nb_feature")
    given = source.arrays(["W", *(["b"] if bias else [])])
    layer = source.build(ls.Maxout, units, pieces=pieces, bias=bias, **source.common())
    arrays = {"weight": given["W"].transpose(0, 2, 1).reshape(units * pieces, -1)}
    arrays |= {"bias": given["b"].reshape(-1)} if bias else {}
    return source.put(layer, source.plain(), arrays=arrays)


@converts("EinsumDense", weights=lambda config, _: (("kernel", *(("bias",) if config.get("bias_axes") else ())), ()))
def einsum_dense(source: SourceLayer) -> Made:
    """A dense layer along any axes."""
    axes = source.get("bias_axes")
    given = source.arrays(["kernel", *(["bias"] if axes else [])])
    shape = source.get("output_shape", default=[])
    sizes = shape if isinstance(shape, list) else [shape]
    equation = source.word("equation")
    layer = source.build(
        ls.EinsumDense,
        equation,
        sizes,
        bias_axes=axes,
        activation=source.activation("activation"),
        **{key: value for key, value in source.common(bias=bool(axes)).items() if key != "bias_initializer"},
    )
    value = source.plain(0, identity(source.inputs[0].rank))
    arrays = {"weight": given["kernel"]}
    if axes:
        wanted = layer.parameters((value.shape,))["bias"].shape
        arrays["bias"] = given["bias"].reshape(wanted) if given["bias"].size == _size(wanted) else given["bias"]
    return source.put(layer, value, order=_einsum_order(equation, value), arrays=arrays)


def _size(shape: tuple[int, ...]) -> int:
    found = 1
    for size in shape:
        found *= size
    return found


def _einsum_order(equation: str, value: Value) -> tuple[int, ...]:
    made = equation.replace(" ", "").partition("->")[2].replace("...", "")
    given = equation.partition(",")[0].replace("...", "")
    return identity(value.rank - len(given) + len(made))


@converts("Activation")
def activation(source: SourceLayer) -> Made:
    """An activation by itself."""
    return alone(source, [source.activation("activation")])


def alone(source: SourceLayer, functions_: list[Activation], axis: int | None = None) -> Value:
    """Activations one after the other, over an axis of the source if they look at all features together."""
    value = source.inputs[0]
    if isinstance(value.shape, Series) and value.shape.steps is None:
        return by_step(source, value)
    made = source.plain()
    for place, function in enumerate(functions_):
        if function.over_features:
            made = source.net.plain(made, source.path, with_features(made.rank, made.rank if axis is None else axis))
        made = source.put(source.build(ls.ActivationLayer, function), made, name=source.name if place == 0 else f"{source.name}_limit")
    return made


@converts("LeakyReLU", "ELU", "ThresholdedReLU", "ReLU")
def advanced(source: SourceLayer) -> Made:
    """Activations with settings of their own."""
    found = functions.advanced(source.kind, source.config)
    if found is None:
        raise source.stop(name="", expected="a slope of at least 0, and a maximum above the threshold")
    return alone(source, found)


@converts("Softmax")
def softmax(source: SourceLayer) -> Made:
    """Softmax along an axis."""
    from lamina.network.activations import Softmax

    axis = source.get("axis", default=-1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    rank = source.inputs[0].rank
    if not isinstance(axis, int) or axis == 0 or not -rank <= axis <= rank:
        raise source.stop(name="axis", expected="one axis behind the batch")
    return alone(source, [Softmax()], axis if axis > 0 else rank + 1 + axis)


@converts("PReLU", weights=lambda config, _: (("alpha",), ()))
def prelu(source: SourceLayer) -> Made:
    """A slope for each number of a sample, or for some together."""
    import numpy as np

    alpha = source.arrays(["alpha"])["alpha"]
    value = source.plain()
    shared = source.get("shared_axes", default=[])
    axes = {axis if axis > 0 else value.rank + 1 + axis for axis in shared if isinstance(axis, int)} if isinstance(shared, list) else set()
    frozen = source.config.get("trainable") is False
    turned = np.transpose(alpha, [axis - 1 for axis in value.order]) if alpha.ndim == value.rank else alpha
    if value.rank == 1 or not axes:
        layer = source.build(ls.PReLU, 0.0, shared="none", frozen=frozen)
    else:
        channel = value.order[-1 if value.rank == 2 else 0]
        everything = set(range(1, value.rank + 1))
        if axes == everything - {channel}:
            layer, turned = source.build(ls.PReLU, 0.0, shared="positions", frozen=frozen), turned.reshape(-1)
        elif axes == everything:
            layer, turned = source.build(ls.PReLU, 0.0, shared="all", frozen=frozen), turned.reshape(-1)
        else:
            layer = source.build(ls.PReLU, 0.0, shared="none", frozen=frozen)
            wanted = tuple(1 if size is None else size for size in value.shape.dims)
            turned = np.ascontiguousarray(np.broadcast_to(turned, wanted))
            source.notes.lose(source.path, "that some slopes are shared: in training each would go its own way")
    return source.put(layer, value, arrays={"weight": turned})


@converts(
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
)
def noise(source: SourceLayer) -> Made:
    """Noise in training."""
    rate = source.number("rate", "p", "stddev", "sigma")
    value = source.inputs[0]
    spatial = source.kind.startswith("Spatial")
    shape = source.get("noise_shape")
    if isinstance(shape, list) and len(shape) == value.rank + 1 and not spatial:
        spatial = all(size == 1 for size in shape[1:-1]) and shape[-1] != 1 and value.rank > 1
        if not spatial:
            source.notes.lose(f"{source.path}.noise_shape", "which numbers are dropped together")
    if rate <= 0:
        layer: Any = ls.IdentityLayer()
    elif source.kind == "GaussianNoise":
        layer = source.build(ls.Dropout, n.GaussianNoise(rate))
    else:
        kinds = {"AlphaDropout": n.AlphaDropoutNoise, "GaussianDropout": n.GaussianDropoutNoise}
        kind = n.SpatialDropoutNoise if spatial else kinds.get(source.kind, n.DropoutNoise)
        layer = source.build(lambda: ls.Dropout(kind(rate)))
    if isinstance(value.shape, Series) and value.shape.steps is None:
        return by_step(source, value)
    order = channels(value.rank, first=source.first) if spatial and value.rank > 2 else None
    return source.put(layer, source.plain(0, order))


@converts("ActivityRegularization")
def activity(source: SourceLayer) -> Made:
    """A penalty on what flows through."""
    pair = {name: source.number(name) for name in ("l1", "l2") if source.number(name) > 0}
    return source.put(source.build(ls.ActivityPenalty, **pair) if pair else ls.IdentityLayer(), source.plain())


@converts("Identity")
def identity_layer(source: SourceLayer) -> Made:
    """Nothing."""
    return source.put(ls.IdentityLayer(), source.plain())


@converts("Masking")
def masking(source: SourceLayer) -> Made:
    """Steps of one value are not real."""
    value = source.inputs[0]
    if not isinstance(value.shape, Series):
        value = source.plain(0, identity(value.rank))
        if value.rank > 2:
            value = source.net.arranged(value, source.path, kind=Series)
    made = source.put(source.build(ls.MaskSteps, source.number("mask_value")), value, masked=True)
    return made if source.uses.get("mask") else source.put(ls.ApplyMask(), made, name=f"{source.name}_end", masked=False)


@converts("Embedding", weights=lambda config, _: (("embeddings",), ()))
def embedding(source: SourceLayer) -> Made:
    """A vector for each token."""
    value = source.inputs[0]
    units, count = source.whole("output_dim"), source.whole("input_dim")
    weight = source.arrays(["embeddings"])["embeddings"]
    common = source.common(weights="embeddings", bias=False)
    masks = source.flag("mask_zero") and source.uses.get("mask", False)
    if masks and source.uses.get("raw"):
        raise source.stop(name="mask_zero", expected="a mask that every layer behind takes, or that none does")
    shape = value.shape
    tokens = shape.item if isinstance(shape, Series) else shape
    if not isinstance(tokens, Tokens):
        raise source.stop(name="", expected="an embedding behind an input", cause="tokens are known as such only where they come in")
    if tokens.vocabulary != count and weight.shape[0] == count:
        import numpy as np

        more = tokens.vocabulary - count
        weight = np.concatenate([weight, np.zeros((more, weight.shape[1]), weight.dtype)])
        source.notes.assume(source.path, f"vectors of 0 for {more} tokens that another embedding of the same input has more")
    layer = source.build(ls.Embedding, units, mask_token=0 if masks else None, **common)
    if isinstance(shape, Series):
        return over_steps(source, value, layer, {"weight": weight})
    return source.put(layer, order=identity(2), arrays={"weight": weight}, masked=masks)


@converts("Flatten")
def flatten(source: SourceLayer) -> Made:
    """All numbers of a sample in one row, in the order of the source."""
    value = source.inputs[0]
    if isinstance(value.shape, Tokens):
        raise source.stop(name="", expected="numbers")
    # With channels first, Keras brings them to the end before.
    turned = source.config.get("data_format") == "channels_first" and value.rank > 1
    order = (*range(2, value.rank + 1), 1) if turned else identity(value.rank)
    return source.put(ls.Flatten(), source.plain(0, order), order=(1,), masked=False)


@converts("Reshape")
def reshape(source: SourceLayer) -> Made:
    """The same numbers in another shape."""
    from lamina.interop.keras.net import KINDS

    given = source.get("target_shape", "dims", default=[])
    sizes: list[Any] = list(given) if isinstance(given, list) else [given]
    value = source.plain(0, identity(source.inputs[0].rank))
    total = value.shape.size
    if -1 in sizes and total is not None:
        known = 1
        for size in sizes:
            known *= size if isinstance(size, int) and size > 0 else 1
        sizes = [total // max(known, 1) if size == -1 else size for size in sizes]
    kind = KINDS.get(len(sizes))
    open_end = kind is Steps and sizes[0] in (-1, None)
    if kind is None or not all(isinstance(size, int) and size > 0 for size in (sizes[1:] if open_end else sizes)):
        raise source.stop(name="target_shape", expected="1 to 4 sizes")
    shape = kind(**dict(zip(kind.axes, [None, *sizes[1:]] if open_end else sizes, strict=True)))
    return source.put(source.build(ls.Reshape, shape), value, order=identity(len(sizes)), masked=False)


@converts("Permute")
def permute(source: SourceLayer) -> Made:
    """Axes in another order: only their names change here, until a layer needs them elsewhere."""
    from dataclasses import replace

    dims = source.get("dims", default=[])
    value = source.plain()
    if not isinstance(dims, list) or sorted(dims) != list(identity(value.rank)):
        raise source.stop(name="dims", expected=f"each of the axes 1 to {value.rank} once")
    made = source.put(ls.IdentityLayer(), value)
    return replace(made, order=tuple(dims.index(axis) + 1 for axis in value.order), masked=False)


@converts("RepeatVector")
def repeat(source: SourceLayer) -> Made:
    """A vector at every step."""
    if not isinstance(source.inputs[0].shape, Features):
        raise source.stop(name="", expected="vectors")
    return source.put(source.build(ls.RepeatVector, source.whole("n")), order=identity(2), masked=False)
