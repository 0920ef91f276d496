"""A network of Caffe as it stands in the file, V0, V1 and V2 alike: layers with their settings, blobs and rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamina.interop.caffe.schema import SCHEMA
from lamina.interop.problems import too_large, unreadable
from lamina.interop.protobuf.message import Message

MOST_LAYERS = 15_000
TYPES = {
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "ELTWISE": "Eltwise",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SLICE": "Slice",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
}
"""Types of V1 as V2 spells them."""


@dataclass(frozen=True)
class Spec:
    """How a blob is trained and shared.

    Attributes:
        name: Blobs of one name are one blob.
        rate: Factor of the learning rate.
        decay: Factor of the weight decay.
    """

    name: str = ""
    rate: float = 1.0
    decay: float = 1.0


@dataclass(frozen=True)
class Entry:
    """A layer.

    Attributes:
        path: Where it stands.
        name: Its name.
        type: Its type, as V2 spells it.
        bottoms: Blobs that it takes.
        tops: Blobs that it gives.
        message: Its settings.
        blobs: Its weights.
        specs: How they are trained; the default, where there is none.
        loss_weights: How its tops count in the loss.
        include: Rules, one of which must hold.
        exclude: Rules, none of which may hold.
    """

    path: str
    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    message: Message
    blobs: tuple[Message, ...] = ()
    specs: tuple[Spec, ...] = ()
    loss_weights: tuple[float, ...] = ()
    include: tuple[Message, ...] = ()
    exclude: tuple[Message, ...] = ()

    def settings(self, name: str) -> Message:
        """A message of settings, such as ``convolution_param``; an empty one, if it isn't there."""
        made = self.message.kind.fields.get(name)
        found = self.message.message(name) if made is not None else None
        if found is not None:
            return found
        kind = made.kind if made is not None else SCHEMA.messages["LayerParameter"].fields[name].kind
        return Message(SCHEMA, SCHEMA.messages[kind], {}, f"{self.message.where}.{name}")

    def spec(self, index: int) -> Spec:
        """How its blob of this number is trained."""
        return self.specs[index] if index < len(self.specs) else Spec()


@dataclass
class Source:
    """A network.

    Attributes:
        where: The file.
        name: What it is called.
        version: Which of the three forms its layers have.
        layers: In the order of the file.
        inputs: Blobs that it is given by name, with their sizes; None where they are not said.
        state: The phase, level and stages that it is meant for, if it says so.
        unknown: Fields that are not known here, by place.
        binary: Whether it was read from a binary file.
    """

    where: str
    name: str
    version: str
    layers: list[Entry]
    inputs: dict[str, tuple[int, ...] | None] = field(default_factory=dict)
    state: Message | None = None
    unknown: list[str] = field(default_factory=list)
    binary: bool = False


def source(message: Message, where: str) -> Source:
    """A network of a parsed file.

    Raises:
        InteropError: IO010, if it has no layers, or layers of two forms; IO003, if they are too many.
    """
    new, old = message.messages("layer"), message.messages("layers")
    if len(new) + len(old) > MOST_LAYERS:
        raise too_large(where=where, expected=f"at most {MOST_LAYERS:,} layers", got=f"{len(new) + len(old):,}")
    if (new and old) or not (new or old):
        got = "both" if new else "neither"
        raise unreadable(where=where, expected="layers of one form, 'layer' or 'layers'", got=got, cause="it is no network of Caffe")
    found = Source(where, message.text("name"), "V2" if new else "V1", [], inputs=_inputs(message, where), state=message.message("state"))
    for place, one in enumerate(new or old):
        found.unknown += [f"layer {place} {name}" for name in one.names() if name.startswith("#")]
        if new:
            found.layers.append(_new(one, f"layer[{place}]"))
        elif one.has("layer"):
            found.version = "V0"
            found.layers.append(_oldest(one, f"layers[{place}]"))
        else:
            found.layers.append(_old(one, f"layers[{place}]"))
    if found.version == "V0":
        found.layers = _padded(found.layers)
    return found


def _inputs(message: Message, where: str) -> dict[str, tuple[int, ...] | None]:
    names = message.texts("input")
    shapes: list[tuple[int, ...] | None] = [sizes(shape) for shape in message.messages("input_shape")]
    if not shapes:
        dims = message.integers("input_dim")
        if len(dims) % 4:
            raise unreadable(where=f"{where}, input_dim", expected="4 numbers an input", got=f"{len(dims)}", cause="a number is missing")
        shapes = [tuple(dims[start : start + 4]) for start in range(0, len(dims), 4)]
    if shapes and len(shapes) != len(names):
        raise unreadable(where=f"{where}, input", expected="a shape an input", got=f"{len(names)} inputs, {len(shapes)} shapes")
    return dict(zip(names, shapes or [None] * len(names), strict=True))


def sizes(shape: Message | None) -> tuple[int, ...]:
    """Sizes of a ``BlobShape``."""
    return () if shape is None else tuple(shape.integers("dim"))


def _new(one: Message, path: str) -> Entry:
    specs = tuple(Spec(p.text("name"), p.number("lr_mult", 1.0), p.number("decay_mult", 1.0)) for p in one.messages("param"))
    return Entry(f"{path} {one.text('name')!r}", one.text("name"), one.text("type"), *_wired(one), one, **_common(one), specs=specs)


def _wired(one: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(one.texts("bottom")), tuple(one.texts("top"))


def _common(one: Message) -> dict[str, Any]:
    return {
        "blobs": tuple(one.messages("blobs")),
        "loss_weights": tuple(float(value) for value in one.numbers("loss_weight")),
        "include": tuple(one.messages("include")),
        "exclude": tuple(one.messages("exclude")),
    }


def _specs(one: Message, names: Sequence[str] = ()) -> tuple[Spec, ...]:
    rates, decays = one.numbers("blobs_lr").tolist(), one.numbers("weight_decay").tolist()
    count = max(len(rates), len(decays), len(names))
    return tuple(
        Spec(*(_at(items, place, default) for items, default in ((names, ""), (rates, 1.0), (decays, 1.0)))) for place in range(count)
    )


def _at(items: Sequence[Any], place: int, default: Any) -> Any:
    return items[place] if place < len(items) else default


def _old(one: Message, path: str) -> Entry:
    word, name = one.word("type", "NONE"), one.text("name")
    kind = TYPES.get(word, word)
    return Entry(f"{path} {name!r}", name, kind, *_wired(one), one, **_common(one), specs=_specs(one, one.texts("param")))


_OLDEST = {
    "conv": "Convolution",
    "pool": "Pooling",
    "innerproduct": "InnerProduct",
    "relu": "ReLU",
    "tanh": "TanH",
    "softmax_loss": "SoftmaxWithLoss",
    "lrn": "LRN",
    "data": "Data",
    "images": "ImageData",
    "hdf5_data": "HDF5Data",
    "hdf5_output": "HDF5Output",
    "window_data": "WindowData",
    "bnll": "BNLL",
    "sigmoid_cross_entropy_loss": "SigmoidCrossEntropyLoss",
    "multinomial_logistic_loss": "MultinomialLogisticLoss",
    "euclidean_loss": "EuclideanLoss",
    "hinge_loss": "HingeLoss",
    "infogain_loss": "InfogainLoss",
}
_FIELDS: dict[str, tuple[str, dict[str, str]]] = {
    "Convolution": (
        "convolution_param",
        {
            "num_output": "num_output",
            "biasterm": "bias_term",
            "weight_filler": "weight_filler",
            "bias_filler": "bias_filler",
            "pad": "pad",
            "kernelsize": "kernel_size",
            "group": "group",
            "stride": "stride",
        },
    ),
    "Pooling": ("pooling_param", {"pool": "pool", "kernelsize": "kernel_size", "stride": "stride", "pad": "pad"}),
    "InnerProduct": (
        "inner_product_param",
        {"num_output": "num_output", "biasterm": "bias_term", "weight_filler": "weight_filler", "bias_filler": "bias_filler"},
    ),
    "Padding": ("convolution_param", {"pad": "pad"}),
    "Dropout": ("dropout_param", {"dropout_ratio": "dropout_ratio"}),
    "LRN": ("lrn_param", {"local_size": "local_size", "alpha": "alpha", "beta": "beta", "k": "k"}),
    "Concat": ("concat_param", {"concat_dim": "concat_dim"}),
}
_TRANSFORM = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}


def _oldest(outer: Message, path: str) -> Entry:
    """A layer of V0 with its settings where V2 has them."""
    one = outer.message("layer")
    if one is None:
        one = Message(SCHEMA, SCHEMA.messages["V0LayerParameter"], {}, path)
    word, name = one.text("type"), one.text("name")
    kind = _OLDEST.get(word, word[:1].upper() + word[1:])
    values: dict[str, list[Any]] = {}
    if kind in _FIELDS:
        key, names = _FIELDS[kind]
        values[key] = [_renamed(one, names, SCHEMA.messages["LayerParameter"].fields[key].kind, path)]
    if kind in ("Data", "ImageData", "WindowData"):
        values["transform_param"] = [_renamed(one, _TRANSFORM, "TransformationParameter", path)]
    made = Message(SCHEMA, SCHEMA.messages["LayerParameter"], values, f"{one.where}")
    return Entry(f"{path} {name!r}", name, kind, *_wired(outer), made, blobs=tuple(one.messages("blobs")), specs=_specs(one))


def _renamed(one: Message, names: dict[str, str], kind: str, path: str) -> Message:
    values = {new: list(one._values[old]) for old, new in names.items() if one.has(old)}  # noqa: SLF001 - moved as they are
    return Message(SCHEMA, SCHEMA.messages[kind], values, path)


def _padded(layers: list[Entry]) -> list[Entry]:
    """Padding was a layer of its own, before a convolution."""
    pads = {top: one for one in layers if one.type == "Padding" for top in one.tops}
    found: list[Entry] = []
    for one in layers:
        before = pads.get(one.bottoms[0]) if one.type in ("Convolution", "Pooling") and one.bottoms else None
        if before is None:
            found += [] if one.type == "Padding" else [one]
            continue
        key = _FIELDS[one.type][0]
        one.settings(key)._values["pad"] = [_pad(before)]  # noqa: SLF001 - what V1 has there
        found.append(Entry(one.path, one.name, one.type, before.bottoms, one.tops, one.message, one.blobs, one.specs))
    return found


def _pad(before: Entry) -> int:
    return before.settings("convolution_param").integers("pad")[-1] if before.settings("convolution_param").has("pad") else 0


def holds(one: Entry, phase: str, level: int = 0, stages: Iterable[str] = ()) -> bool:
    """Whether a layer is part of the network in a phase."""
    if one.include:
        return any(_meets(rule, phase, level, {*stages}) for rule in one.include)
    return not any(_meets(rule, phase, level, {*stages}) for rule in one.exclude)


def _meets(rule: Message, phase: str, level: int, stages: set[str]) -> bool:
    if rule.has("phase") and rule.word("phase") != phase:
        return False
    if rule.has("min_level") and level < rule.integer("min_level"):
        return False
    if rule.has("max_level") and level > rule.integer("max_level"):
        return False
    return {*rule.texts("stage")} <= stages and not {*rule.texts("not_stage")} & stages
