"""What Deeplearning4j does between layers of different kinds, most of which needs nothing here."""

from __future__ import annotations

from typing import Any

from lamina.interop.dl4j.dialect import component, whole, wholes
from lamina.interop.notes import Notes
from lamina.network import layers as ls
from lamina.network.layers.layer import Layer
from lamina.shapes import Features, Image, Sequence, Shape, Volume

MOST_SIZE = 1 << 20


class Before:
    """What stands before a layer.

    Attributes:
        layers: Layers that do it here.
        takes: The shape that it takes; None if it says nothing of it.
        steps: Whether it takes sequences apart, so that the layer behind sees each step.
        begins: Whether from here on each step is an image.
        ends: Whether from here on steps are vectors again, if they were images.
    """

    def __init__(
        self, layers: list[Layer], takes: Shape | None = None, *, steps: bool = False, begins: bool = False, ends: bool = False
    ) -> None:
        self.layers = layers
        self.takes = takes
        self.steps = steps
        self.begins = begins
        self.ends = ends


def preprocessor(value: Any, path: str, notes: Notes) -> Before:
    """What a preprocessor becomes; one without a counterpart is noted."""
    found = component(value, path)
    if found is None:
        return Before([])
    settings, kind = found.settings, found.kind
    sizes = [whole(settings.get(name)) for name in ("numChannels", "inputHeight", "inputWidth")]
    if kind in ("cnntofeedforward", "tensorflowcnntofeedforward"):
        if not all(0 < size <= MOST_SIZE for size in sizes):
            return Before([ls.Flatten()], ends=True)
        last = kind.startswith("tensorflow") or str(settings.get("format")) == "NHWC"
        return Before([*([ls.Permute([2, 3, 1])] if last else []), ls.Flatten()], Image(*sizes), ends=True)
    if kind == "feedforwardtocnn" and all(0 < size <= MOST_SIZE for size in sizes):
        return Before([ls.Reshape(Image(*sizes))], Features(sizes[0] * sizes[1] * sizes[2]))
    if kind == "rnntocnn" and all(0 < size <= MOST_SIZE for size in sizes):
        image = Image(*sizes)
        return Before([ls.Reshape(image)], Sequence(steps=None, features=image.size or 1), begins=True)
    if kind == "cnntornn":
        return Before([ls.Flatten()], ends=True)
    if kind in ("cnn3dtofeedforward", "feedforwardtocnn3d"):
        deep = [sizes[0], whole(settings.get("inputDepth")), *sizes[1:]]
        if not all(0 < size <= MOST_SIZE for size in deep) or settings.get("isNCDHW") is False:
            notes.miss(path, expected="channels first, and known sizes", got=dict(settings), fix="save the model with NCDHW")
            return Before([])
        volume = Volume(*deep)
        if kind.startswith("cnn3d"):
            return Before([ls.Flatten()], volume)
        return Before([ls.Reshape(volume)], Features(volume.size or 1))
    if kind in ("rnntofeedforward", "feedforwardtornn"):
        return Before([], steps=kind == "rnntofeedforward")
    if kind in ("composableinput", "composable"):
        given = settings.get("inputPreProcessors")
        parts = [preprocessor(item, f"{path}[{place}]", notes) for place, item in enumerate(given if isinstance(given, list) else [])]
        takes = next((part.takes for part in parts[:1] if part.takes is not None), None)
        return Before([layer for part in parts for layer in part.layers], takes, steps=any(part.steps for part in parts[:1]))
    if kind == "reshape":
        return _reshape(settings, path, notes)
    if kind == "kerasflattenrnn":
        return Before([ls.Flatten()])
    notes.miss(
        path,
        expected="a preprocessor between vectors, images, volumes and sequences",
        got=found.full,
        fix="put the layers behind it into a time_distributed layer by hand, or register a converter for the layer that has it",
    )
    return Before([])


def _reshape(settings: Any, path: str, notes: Notes) -> Before:
    target = wholes(settings.get("targetShape") or 0)
    if settings.get("hasMiniBatchDimension") is True:
        target = target[1:]
    if not target or min(target) < 1 or max(target) > MOST_SIZE or len(target) not in (1, 2, 3):
        notes.miss(f"{path}.targetShape", expected="one, two or three known sizes", got=target, fix="save the model with known sizes")
        return Before([])
    if len(target) == 2:
        # Features come before steps there.
        return Before([ls.Reshape(Sequence(steps=target[0], features=target[1])), ls.Permute([2, 1])])
    return Before([ls.Reshape(Features(target[0]) if len(target) == 1 else Image(*target))])
