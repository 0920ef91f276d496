"""Pixels to the scale that networks for images were trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from lamina.data.normalizers.normalizer import Need, Normalizer
from lamina.errors import DataError
from lamina.spec import register, wrong_value

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.normalizers.accumulator import Accumulator
    from lamina.data.normalizers.fitted import Fitted

PRESETS: dict[str, tuple[float, tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": (1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "vgg16": (255.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),
}
"""What white becomes before red, green and blue lose their mean and are divided by their deviation."""


def _channels(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (float(value),)
    return tuple(value) if isinstance(value, list) else value


Channels = Annotated[
    tuple[float, ...] | Literal["fit"],
    BeforeValidator(_channels),
    WithJsonSchema({"anyOf": [{"const": "fit"}, {"type": "number"}, {"type": "array", "items": {"type": "number"}, "minItems": 1}]}),
]
"""One number for all channels, one for each, or the word that finds them in the training part."""


@register("image")
class ImageScaling(Normalizer):
    """Pixels from 0 to 255 become ``low`` to ``high``; then each channel may lose its mean and be divided by its deviation.

    Attributes:
        low: What black becomes.
        high: What white becomes.
        bits: Of a pixel: 8 for 0 to 255, 16 for 0 to 65,535.
        mean: What each channel loses then, on the scale of low to high: numbers, or ``fit`` for the mean of the training part.
        std: What each channel is divided by then: numbers, or ``fit`` for the standard deviation of the training part.
        preset: In place of all others but ``bits``: ``imagenet`` (0 to 1, less the mean of ImageNet's colours, by their deviation), or
            ``vgg16`` (0 to 255 less the means that VGG-16 was trained with), each for red, green and blue.
    """

    positional: ClassVar[tuple[str, ...]] = ("low", "high")
    low: float = 0.0
    high: float = 1.0
    bits: Annotated[int, Field(ge=1, le=32)] = 8
    mean: Channels | None = None
    std: Channels | None = None
    preset: Literal["imagenet", "vgg16"] | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.low >= self.high:
            raise wrong_value(expected="low below high", cause="the ends are swapped or equal", fix="exchange low and high")
        given = sorted({"low", "high", "mean", "std"} & self.model_fields_set)
        if self.preset is not None and given:
            raise wrong_value(
                expected="a preset alone, or numbers",
                cause=f"preset says already what {', '.join(given)} would",
                fix=f"remove preset, or {' and '.join(given)}",
            )
        if isinstance(self.std, tuple) and not all(value > 0 for value in self.std):
            raise wrong_value(expected="deviations above 0", cause="channels are divided by them", fix="write positive numbers")
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(low=-1.0, high=1.0), cls(mean="fit", std="fit"), cls(mean=(0.5,), std=(0.25,))]

    def wants(self) -> tuple[Need, ...]:
        return ("moments",) if "fit" in (self.mean, self.std) else ()

    def fitted(self, seen: Accumulator) -> Fitted:
        import numpy as np

        from lamina.data.normalizers.fitted import Linear

        high, mean, std = PRESETS[self.preset] if self.preset is not None else (self.high, self.mean, self.std)
        low = 0.0 if self.preset is not None else self.low
        unit = (high - low) / (2**self.bits - 1)
        offset = seen.moments.mean() if mean == "fit" else (self._numbers(mean, 0.0, seen) - low) / unit
        if std == "fit":
            spread = seen.moments.deviation()
            factor: np.ndarray = 1.0 / np.where(spread > 0, spread, 1.0)
        else:
            factor = unit / self._numbers(std, 1.0, seen)
        offset, factor = np.broadcast_arrays(offset, factor)
        if offset.size == 1 or seen.axis is None:
            return Linear(offset.reshape(-1)[0].reshape(()), factor.reshape(-1)[0].reshape(()), None)
        return Linear(offset.copy(), factor.copy(), seen.axis)

    def _numbers(self, given: Any, default: float, seen: Accumulator) -> np.ndarray:
        import numpy as np

        numbers = np.array([default] if given is None else given, dtype=np.float64)
        if len(numbers) > 1 and len(numbers) != seen.width:
            raise DataError(
                "DA173",
                where=f"normalizer {self.type_name!r}",
                expected=f"a number for each of the {len(numbers)} channels that it has numbers for",
                got=f"data of {seen.width} channels" if seen.width else "data without channels",
                cause="the images are grey or have transparency, or their channels don't come first",
                fix="give as many numbers as there are channels, or one for all; load the images with three colours",
            )
        return numbers
