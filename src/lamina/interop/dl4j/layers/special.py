"""Autoencoders, attention and capsules."""

from __future__ import annotations

from typing import Any

from lamina.interop.dl4j import functions
from lamina.interop.dl4j.dialect import component, whole, wholes
from lamina.interop.dl4j.functions import activation
from lamina.interop.dl4j.layers.convolution import padding
from lamina.interop.dl4j.piece import Arrays, Part, Piece, SourceLayer, build, converts, simple
from lamina.network import layers as ls
from lamina.network import reconstructions as r

UNTRIED = "its order of weights is read from the source's code, and was not tried on a file"


@converts("autoencoder")
def autoencoder(source: SourceLayer) -> Piece | None:
    """A denoising autoencoder."""
    units, count = source.units, source.inputs
    loss, _ = functions.loss(source.settings, source.path, source.notes, each_position=False)
    made = build(
        ls.AutoEncoder,
        source,
        units,
        activation=source.activation(),
        loss=loss,
        corruption=min(max(source.number("corruptionLevel", 0.3), 0.0), 0.999),
        **source.common(),
    )
    parts = [Part("W", (count, units)), Part("b", (units,), bias=True), Part("vb", (count,), bias=True, pretraining=True)]
    return simple(made, parts=parts, arrays=lambda given: {"weight": given["W"].T, "bias": given["b"], "visible_bias": given["vb"]})


@converts("rbm")
def rbm(source: SourceLayer) -> Piece | None:
    """A restricted Boltzmann machine, up to 0.9."""
    units, count = source.units, source.inputs
    hidden, visible = source.word("hiddenUnit", "BINARY").lower(), source.word("visibleUnit", "BINARY").lower()
    if visible == "linear":
        source.notes.lose(f"{source.path}.visibleUnit", "LINEAR visible units, which pretraining would take for Gaussian ones")
        visible = "gaussian"
    if hidden not in ("binary", "gaussian", "rectified", "softmax") or visible not in ("binary", "gaussian", "softmax"):
        source.refuse("hiddenUnit", "BINARY, GAUSSIAN, RECTIFIED or SOFTMAX, and visible BINARY, GAUSSIAN, SOFTMAX or LINEAR")
        return None
    made = build(ls.RBM, source, units, hidden=hidden, visible=visible, gibbs_steps=max(whole(source.get("k"), 1), 1), **source.common())
    parts = [Part("W", (count, units)), Part("b", (units,), bias=True), Part("vb", (count,), bias=True, pretraining=True)]
    return simple(made, parts=parts, arrays=lambda given: {"weight": given["W"].T, "bias": given["b"], "visible_bias": given["vb"]})


@converts("variationalautoencoder")
def variational(source: SourceLayer) -> Piece | None:
    """A variational autoencoder."""
    units, count = source.units, source.inputs
    encoder, decoder = (wholes(source.settings.get(f"{name}LayerSizes") or [100]) for name in ("encoder", "decoder"))
    found = reconstruction(source.settings.get("outputDistribution"), f"{source.path}.outputDistribution", source)
    if found is None or min([*encoder, *decoder]) < 1:
        return None
    made = build(
        ls.VariationalAutoencoder,
        source,
        units,
        encoder=encoder,
        decoder=decoder,
        activation=source.activation(),
        latent_activation=source.activation("pzxActivationFn"),
        reconstruction=found,
        samples=max(whole(source.get("numSamples"), 1), 1),
        **source.common(),
    )
    names: dict[str, str] = {}
    parts: list[Part] = []

    def add(there: str, here: str, size: int, inputs: int, *, pretraining: bool) -> None:
        names[there] = here
        parts.append(Part(f"{there}W", (inputs, size), pretraining=pretraining))
        parts.append(Part(f"{there}b", (size,), bias=True, pretraining=pretraining))

    before = count
    for place, size in enumerate(encoder):
        add(f"e{place}", f"encoder_{place}", size, before, pretraining=False)
        before = size
    add("pZXMean", "mean", units, before, pretraining=False)
    add("pZXLogStd2", "log_variance", units, before, pretraining=True)
    before = units
    for place, size in enumerate(decoder):
        add(f"d{place}", f"decoder_{place}", size, before, pretraining=True)
        before = size
    add("pXZ", "reconstruction", found.size(count), before, pretraining=True)

    def arrays(given: Arrays) -> dict[str, Any]:
        weights = {f"{here}_weight": given[f"{there}W"].T for there, here in names.items()}
        return {**weights, **{f"{here}_bias": given[f"{there}b"] for there, here in names.items()}}

    return simple(made, parts=parts, arrays=arrays)


def reconstruction(value: Any, path: str, source: SourceLayer) -> r.Reconstruction | None:
    """What a decoder's scores say of the input."""
    found = component(value, path)
    if found is None:
        return r.GaussianReconstruction(activation="tanh")
    kind = found.kind.removesuffix("reconstructiondistribution").removesuffix("distribution")
    function = activation(found.settings.get("activationFn"), f"{found.path}.activationFn", source.notes)
    if kind == "bernoulli":
        return build(r.BernoulliReconstruction, source, activation=function)  # type: ignore[arg-type, return-value]
    if kind == "gaussian":
        return r.GaussianReconstruction(activation=function)
    if kind == "exponential":
        return r.ExponentialReconstruction(activation=function)
    if kind == "composite":
        sizes = wholes(found.settings.get("distributionSizes") or 0)
        given = found.settings.get("reconstructionDistributions")
        inner = [reconstruction(item, f"{path}[{place}]", source) for place, item in enumerate(given if isinstance(given, list) else [])]
        if len(inner) == len(sizes) and all(one is not None for one in inner) and min(sizes) > 0:
            pairs = zip(sizes, inner, strict=True)
            return r.CompositeReconstruction([r.Part(size, one) for size, one in pairs])
    if kind in ("functionwrapper", "lossfunctionwrapper"):
        loss, _ = functions.loss({"lossFn": found.settings.get("lossFunction")}, found.path, source.notes, each_position=False)
        return build(r.LossReconstruction, source, loss, activation=function)  # type: ignore[arg-type, return-value]
    source.notes.miss(
        path, expected="Bernoulli, Gaussian, Exponential, Composite or a loss", got=found.full, fix="register a converter for this layer"
    )
    return None


@converts("selfattention", "learnedselfattention", "recurrentattention")
def attention(source: SourceLayer) -> Piece | None:
    """Self-attention, with learnt queries, or with its own last output as the query."""
    count = source.inputs
    project = source.flag("projectInput", default=True)
    units = source.units if project or source.kind == "recurrentattention" else count
    heads = max(whole(source.get("nHeads"), 1), 1)
    size = whole(source.get("headSize"), 0) or units // heads
    learned, recurrent = source.kind.startswith("learned"), source.kind.startswith("recurrent")
    bias = recurrent and source.has_bias()
    settings: dict[str, Any] = {"units": units, "activation": source.activation(), **source.common(bias=bias)}
    settings |= {"heads": heads, "head_size": size} if project else {"project": False}
    if learned:
        settings["queries"] = max(whole(source.get("nQueries"), 1), 1)
    if recurrent:
        settings["bias"] = bias
    kinds = {
        "selfattention": ls.SelfAttention,
        "learnedselfattention": ls.LearnedSelfAttention,
        "recurrentattention": ls.RecurrentAttention,
    }
    made = build(kinds[source.kind], source, **settings)
    wide = units if recurrent else count
    own = [Part("W", (count, units), "c"), Part("RW", (units, units), "c")] if recurrent else []
    projections = [("Wq", wide), ("Wk", count), ("Wv", count)]
    if project:
        own += [Part(name, (heads, size, width), "c") for name, width in projections] + [Part("Wo", (heads * size, units), "c")]
    own += [Part("Q", (1, count, settings["queries"]), "c")] if learned else []
    own += [Part("b", (1, units), "c", bias=True)] if bias else []

    def arrays(given: Arrays) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if project:
            for name, there in (("query", "Wq"), ("key", "Wk"), ("value", "Wv")):
                found[f"{name}_weight"] = given[there].reshape(heads * size, -1)
            found["output_weight"] = given["Wo"].T
        if learned:
            found["queries"] = given["Q"][0].T
        if recurrent:
            found |= {"weight": given["W"].T, "recurrent_weight": given["RW"].T}
        return {**found, **({"bias": given["b"].reshape(-1)} if bias else {})}

    return simple(made, parts=own, arrays=arrays, note=UNTRIED)


@converts("primarycapsules")
def primary_capsules(source: SourceLayer) -> Piece | None:
    """The first capsules of an image."""
    channels, dimension = max(whole(source.get("channels"), 32), 1), max(whole(source.get("capsuleDimensions"), 8), 1)
    window = tuple(max(size, 1) for size in source.sizes("kernelSize", 2, 9))
    count, bias = max(whole(source.get("inputChannels"), 1), 1), source.flag("hasBias")
    function: Any = "identity"
    if source.flag("useRelu"):
        function = {"type": "leaky_relu", "slope": source.number("leak")} if source.number("leak") else "relu"
    made = build(
        ls.PrimaryCapsules,
        source,
        channels,
        dimension,
        kernel=window,
        stride=tuple(max(size, 1) for size in source.sizes("stride", 2, 2)),
        padding=padding(source, 2),
        dilation=tuple(max(size, 1) for size in source.sizes("dilation", 2, 1)),
        group="places",
        activation=function,
        bias=bias,
        **source.common(bias=bias),
    )
    filters = channels * dimension
    parts = [Part("weight", (*window, count, filters), "c"), *([Part("bias", (filters,), "c", bias=True)] if bias else [])]

    def arrays(given: Arrays) -> dict[str, Any]:
        return {"weight": given["weight"].transpose(3, 2, 0, 1), **({"bias": given["bias"]} if bias else {})}

    return simple(made, parts=parts, arrays=arrays, note=UNTRIED)


@converts("capsule")
def capsules(source: SourceLayer) -> Piece | None:
    """Capsules with dynamic routing."""
    many, dimension = max(whole(source.get("capsules"), 1), 1), max(whole(source.get("capsuleDimensions"), 1), 1)
    count, size = max(whole(source.get("inputCapsules"), 1), 1), max(whole(source.get("inputCapsuleDimensions"), 1), 1)
    bias = source.flag("hasBias")
    routings = max(whole(source.get("routings"), 3), 1)
    made = build(ls.Capsule, source, many, dimension, routings, bias=bias, **source.common(bias=bias))
    parts = [Part("weight", (1, count, many * dimension, size, 1), "c")]
    parts += [Part("bias", (1, 1, many, dimension, 1), "c", bias=True)] if bias else []

    def arrays(given: Arrays) -> dict[str, Any]:
        weight = given["weight"][0, ..., 0].transpose(1, 0, 2)
        return {"weight": weight, **({"bias": given["bias"].reshape(-1)} if bias else {})}

    return simple(made, parts=parts, arrays=arrays, note=UNTRIED)


@converts("capsulestrength")
def capsule_strength(source: SourceLayer) -> Piece | None:
    """How long each capsule is."""
    return simple(build(ls.CapsuleStrength, source))
