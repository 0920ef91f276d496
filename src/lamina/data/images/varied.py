"""Pictures that are arrays already, varied in training: `data.augment`, for sources that are not made of files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.images.draws import Draws
from lamina.data.images.picture import Picture
from lamina.data.images.step import ImageStep, misfit, outline, run
from lamina.data.lazy import Address, Drawn, InMemory, LazyArray, Samples
from lamina.errors import DataError
from lamina.shapes import Image

if TYPE_CHECKING:
    from lamina.data.caching.keeper import Keeper
    from lamina.data.dataset import Dataset
    from lamina.data.schema import DataSchema


class Varied(LazyArray):
    """Pictures ``[samples, channels, height, width]`` after steps that leave size and channels as they are.

    Args:
        source: The pictures, uint8 or uint16.
        steps: What is done where there is an address; nothing without.

    Example:
        >>> from lamina.data.images.steps.geometry import AnyFlip
        >>> pictures = Varied(np.array([[[[1, 2]]]], dtype=np.uint8), [AnyFlip(probability=1.0)])
        >>> pictures[:].tolist(), pictures.take(np.array([0]), Address(seed=1, epoch=0)).tolist()
        ([[[[1, 2]]]], [[[[2, 1]]]])
    """

    def __init__(self, source: Samples, steps: Sequence[ImageStep]) -> None:
        self.source = source if isinstance(source, LazyArray) else InMemory(source)
        self.steps = tuple(steps)
        self.shape, self.dtype = self.source.shape, self.source.dtype

    def keep(self, keeper: Keeper) -> LazyArray:
        return Varied(self.source.keep(keeper), self.steps)

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        return self.draw(indices, address, {})

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> np.ndarray:
        values = self.source.draw(indices, address, drawn)
        if address is None:
            return values
        found = np.empty_like(values)
        for row, seed in enumerate(address.draws(np.asarray(indices), "augment").tolist()):
            found[row] = run(self.steps, Picture(values[row].transpose(1, 2, 0)), Draws(seed)).pixels.transpose(2, 0, 1)
        return found


def varied(dataset: Dataset, steps: Sequence[ImageStep]) -> Dataset:
    """A data set whose pictures are varied wherever there is an address, as in training.

    Raises:
        DataError: DA138, for inputs that are no pictures of whole numbers, and steps that don't fit; see `check_varied`.
    """
    check_varied(dataset.schema, steps)
    for name, target in dataset.targets.items():
        if target.ndim > 2 or (target.ndim > 1 and dataset.schema.targets[name].kind == "classes"):
            raise DataError(
                "DA138",
                where="data.augment",
                expected="targets that speak of a picture as a whole",
                got=f"target {name!r}, which has places in the picture",
                cause="pictures would be moved, and their targets would not",
                fix="write augment in a source detection or segmentation, which moves targets along; or use layers such as random_contrast",
            )
    inputs = dict(dataset.inputs)
    for name, shape in dataset.schema.inputs.items():
        if not isinstance(shape, Image):
            continue
        if inputs[name].dtype not in (np.uint8, np.uint16):
            raise DataError(
                "DA138",
                where="data.augment",
                expected="pixels of 8 or 16 bits, as they are in files",
                got=f"input {name!r} of {inputs[name].dtype}",
                cause="the source gives numbers that are no pixels, or scaled ones",
                fix="use layers such as random_flip and random_crop, which vary any numbers",
            )
        inputs[name] = Varied(inputs[name], steps)
    return dataset.replace(inputs=inputs)


def check_varied(schema: DataSchema, steps: Sequence[ImageStep]) -> None:
    """See that steps can vary the inputs of data without touching their targets.

    Raises:
        DataError: DA138.
    """
    shapes = [shape for shape in schema.inputs.values() if isinstance(shape, Image)]
    if not shapes:
        raise DataError(
            "DA138",
            where="data.augment",
            expected="an input of images",
            got=", ".join(f"{name} {shape}" for name, shape in schema.inputs.items()),
            cause="steps change pictures",
            fix="remove augment",
        )
    for step in steps:
        if step.joins:
            raise misfit(
                step,
                expected="a step that leaves a picture to itself",
                got="one that joins several",
                cause="an image has a label as a whole, and four have four",
                fix="write train: {mix: cutmix}, which mixes labels too",
            )
        for shape in shapes:
            size, channels = (shape.height, shape.width), shape.channels
            if outline([step], size, channels) != (size, channels):
                raise misfit(
                    step,
                    expected="a step that leaves size and channels as they are",
                    got="another size or other channels",
                    cause="augment is left out when the model is judged or asked",
                    fix="remove it, or choose one that changes no size",
                )
