"""What the zoo holds: each network, where its function is, and what others have counted of it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lamina.errors import DescriptionError, nearest
from lamina.network.network import Network
from lamina.shapes import Shape

TORCHVISION = "torchvision's documentation"
KERAS = "Keras Applications' documentation"
UNPUBLISHED = ""


@dataclass(frozen=True)
class Figure:
    """A number of parameters that somebody published.

    Attributes:
        count: How many.
        source: Where it stands; empty: nobody did, and the number follows from the paper's configuration by a formula in the tests.
        counts: ``trained``: what training changes by its gradient; ``all``: running means and variances of batch
            normalisation too, as Keras and Darknet's files count.
        settings: Settings of the function that give the network that was counted, where they are not its defaults.
    """

    count: int
    source: str
    counts: Literal["trained", "all"] = "trained"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A network of the zoo.

    Attributes:
        module: Module in the package whose function of the network's name makes it.
        figures: What was published; the table in the documentation and its test come from here.
    """

    module: str
    figures: tuple[Figure, ...]


def _vision(module: str, count: int) -> Entry:
    return Entry(f"images.{module}", (Figure(count, TORCHVISION),))


CATALOG: dict[str, Entry] = {
    "lenet": Entry("images.lenet", (Figure(431_080, "Caffe's lenet.prototxt"),)),
    "alexnet": _vision("alexnet", 61_100_840),
    "vgg16": _vision("vgg", 138_357_544),
    "vgg19": _vision("vgg", 143_667_240),
    "googlenet": _vision("googlenet", 6_624_904),
    "resnet18": _vision("resnet", 11_689_512),
    "resnet34": _vision("resnet", 21_797_672),
    "resnet50": _vision("resnet", 25_557_032),
    "resnet101": _vision("resnet", 44_549_160),
    "resnet152": _vision("resnet", 60_192_808),
    "squeezenet1_0": _vision("squeezenet", 1_248_424),
    "squeezenet1_1": _vision("squeezenet", 1_235_496),
    "inception_resnet_v1": Entry(
        "images.inception_resnet",
        (Figure(22_808_144, "facenet_keras", "all", {"classes": None}), Figure(22_779_312, "facenet_keras", "trained", {"classes": None})),
    ),
    "xception": Entry("images.xception", (Figure(22_910_480, KERAS, "all"), Figure(22_855_952, "Keras's summary"))),
    "densenet121": _vision("densenet", 7_978_856),
    "densenet169": _vision("densenet", 14_149_480),
    "densenet201": _vision("densenet", 20_013_928),
    "mobilenet_v2": _vision("mobilenet", 3_504_872),
    "mobilenet_v3_large": _vision("mobilenet", 5_483_032),
    "mobilenet_v3_small": _vision("mobilenet", 2_542_856),
    "efficientnet_b0": _vision("efficientnet", 5_288_548),
    "convnext_tiny": _vision("convnext", 28_589_128),
    "darknet19": Entry("images.darknet", (Figure(20_842_376, "a port to PyTorch (its summary)"),)),
    "tiny_yolo": Entry(
        "images.darknet",
        (Figure(15_867_885, "Darknet's weight file, ports to Keras", "all"), Figure(15_861_773, "ports to Keras")),
    ),
    "yolo2": Entry(
        "images.darknet",
        (Figure(50_983_561, "Darknet's weight file, ports to Keras", "all"), Figure(50_962_889, "ports to Keras")),
    ),
    "nasnet_mobile": Entry("images.nasnet", (Figure(5_326_716, KERAS, "all"), Figure(5_289_978, "Keras's summary"))),
    "vit_tiny": Entry("images.vit", (Figure(5_717_416, "timm"),)),
    "vit_small": Entry("images.vit", (Figure(22_050_664, "timm"),)),
    "unet": Entry(
        "images.unet",
        (
            Figure(31_037_633, "milesial/Pytorch-UNet (its summary)"),
            Figure(7_763_041, "mateuszbuda/brain-segmentation-pytorch", settings={"filters": 32}),
        ),
    ),
    "char_lstm": Entry("text.char_lstm", (Figure(240_321, "karpathy/char-rnn (its output)"),)),
    "text_cnn": Entry("text.text_cnn", (Figure(6_360_902, UNPUBLISHED),)),
    "transformer_classifier": Entry("text.transformer_classifier", (Figure(657_758, UNPUBLISHED),)),
    "gpt": Entry("text.gpt", (Figure(124_439_808, "gpt2 of the Hugging Face hub"),)),
    "seq2seq": Entry("text.seq2seq", (Figure(8_873_744, UNPUBLISHED),)),
    "wavenet": Entry("series.wavenet", (Figure(1_064_480, UNPUBLISHED),)),
    "nbeats": Entry("series.nbeats", (Figure(26_652_750, UNPUBLISHED),)),
}
"""Every network by its name, in the order of the documentation."""


def function(name: str) -> Callable[..., Network]:
    """The function that makes a network.

    Raises:
        DescriptionError: NN080, if there is none of this name.
    """
    entry = CATALOG.get(name)
    if entry is None:
        near = nearest(name, CATALOG)
        raise DescriptionError(
            "NN080",
            where=f"the zoo's {name!r}",
            expected=f"one of {', '.join(CATALOG)}",
            got=repr(name),
            cause="a typo" if near else "the zoo does not hold it",
            fix=f"did you mean {near!r}?" if near else "lamina zoo lists all; an own network is written as layers",
        )
    found: Callable[..., Network] = getattr(importlib.import_module(f"lamina.zoo.{entry.module}"), name)
    return found


def settings_of(maker: Callable[..., Network]) -> dict[str, Any]:
    """The settings of a function of the zoo with their defaults, as plain data."""
    defaults = {key: parameter.default for key, parameter in inspect.signature(maker).parameters.items()}
    return {key: value.to_dict(full=True) if isinstance(value, Shape) else value for key, value in defaults.items()}


def summary_of(name: str) -> str:
    """What a network is, in a line: the first of its function's documentation."""
    return (inspect.getdoc(function(name)) or "").partition("\n")[0].rstrip(".")


def make(name: str, settings: Mapping[str, Any] | None = None) -> Network:
    """A network by its name, with settings as a file or a command line has them.

    Args:
        name: As in `CATALOG`.
        settings: Of its function; a shape may be given as a mapping: ``{"type": "image", "channels": 3, ...}``.

    Raises:
        DescriptionError: NN080 for an unknown name, NN081 for an unknown setting.

    Example:
        >>> make("lenet", {"classes": 3}).resolve().output_shapes
        {'ip2': Features(count=3)}
    """
    maker = function(name)
    known = inspect.signature(maker).parameters
    given: dict[str, Any] = {}
    for key, value in (settings or {}).items():
        if key not in known:
            near = nearest(key, known)
            raise DescriptionError(
                "NN081",
                where=f"the zoo's {name!r}",
                expected=f"one of {', '.join(known)}",
                got=f"the setting {key!r}",
                cause="the network has no such setting",
                fix=f"did you mean {near!r}?" if near else f"remove {key!r}, or change the network's layers once it is made",
            )
        given[key] = Shape.from_dict(value) if isinstance(value, Mapping) and "type" in value else value
    return maker(**given)
