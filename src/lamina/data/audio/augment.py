"""Sounds a little different each time: shifted, louder, noisier, faster, with parts of the spectrum missing. In training only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, model_validator

from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Positive

if TYPE_CHECKING:
    from typing import Self

    import numpy as np

    from lamina.data.images.draws import Draws

Share = Annotated[float, Field(gt=0, le=1)]


class SoundAugmentation(Description, family="sound_augmentation"):
    """Base of all; what is drawn is a function of seed, epoch and sample, and of the place in the list.

    Attributes:
        probability: How often it is done.
    """

    of_features: ClassVar[bool] = False
    """Whether it takes features ``[frames, planes, bins]``, not samples ``[samples, channels]``."""

    probability: Share = 1.0

    def apply(self, values: np.ndarray, rate: int, draws: Draws) -> np.ndarray:
        """Changed values; those given stay as they are."""
        raise NotImplementedError(type(self).__name__)


@register("time_shift")
class TimeShift(SoundAugmentation):
    """Earlier or later: what is pushed out at one end is lost, silence comes in at the other.

    Attributes:
        seconds: At most so far, to either side.
    """

    positional: ClassVar[tuple[str, ...]] = ("seconds",)
    seconds: Positive = 0.05

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(0.01, probability=0.5)]

    def apply(self, values: np.ndarray, rate: int, draws: Draws) -> np.ndarray:
        import numpy as np

        shift = round(draws.between(-self.seconds, self.seconds) * rate)
        # Something of the sound always stays.
        shift = max(min(shift, len(values) - 1), 1 - len(values))
        moved = np.zeros_like(values)
        moved[max(shift, 0) : len(values) + min(shift, 0)] = values[max(-shift, 0) : len(values) - max(shift, 0)]
        return moved


@register("gain")
class Gain(SoundAugmentation):
    """Louder or quieter.

    Attributes:
        decibels: At most by so much, either way.
    """

    positional: ClassVar[tuple[str, ...]] = ("decibels",)
    decibels: Positive = 6.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(3.0)]

    def apply(self, values: np.ndarray, rate: int, draws: Draws) -> np.ndarray:
        factor = values.dtype.type(10 ** (draws.between(-self.decibels, self.decibels) / 20))
        louder: np.ndarray = values * factor
        return louder


@register("noise")
class SoundNoise(SoundAugmentation):
    """White noise (of a normal distribution) added to each channel; silence stays silent.

    Attributes:
        quietest: Highest ratio of the sound's power to that of the noise, in decibels.
        loudest: Lowest ratio.
    """

    positional: ClassVar[tuple[str, ...]] = ("quietest", "loudest")
    quietest: float = 40.0
    loudest: float = 10.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.quietest < self.loudest:
            raise wrong_value(
                expected="quietest at least loudest",
                cause="the quieter the noise, the higher the ratio of sound to noise",
                fix=f"write quietest: {self.loudest:g} and loudest: {self.quietest:g}",
            )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(20.0, 20.0)]

    def apply(self, values: np.ndarray, rate: int, draws: Draws) -> np.ndarray:
        import numpy as np

        ratio = draws.between(self.loudest, self.quietest)
        size = np.sqrt(np.square(values, dtype=np.float64).mean() * 10 ** (-ratio / 10))
        noisy: np.ndarray = (values + size * draws.normals(values.shape)).astype(values.dtype)
        return noisy


@register("speed")
class Speed(SoundAugmentation):
    """Faster and higher, or slower and lower, as a tape that runs at another speed: another speaker, roughly.

    A clip that gets longer than the longest may be is cut off.

    Attributes:
        factor: At most so many times as fast or as slow.
    """

    positional: ClassVar[tuple[str, ...]] = ("factor",)
    factor: Annotated[float, Field(gt=1, le=4)] = 1.1

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(1.25)]

    def apply(self, values: np.ndarray, rate: int, draws: Draws) -> np.ndarray:
        from lamina.data.audio.shaping import resampled

        # Whole hundredths make short filters.
        speed = max(round(100 * draws.log_between(1 / self.factor, self.factor)), 1)
        return resampled(values, speed, 100)


@register("spec_augment")
class SpecAugment(SoundAugmentation):
    """Bands of frequencies and stretches of time that are not heard (SpecAugment, Park et al. 2019): the mean of the clip stands there.

    Attributes:
        frequency_masks: How many bands.
        frequency_share: A band has at most this share of the frequencies.
        time_masks: How many stretches.
        time_share: A stretch has at most this share of the frames of the clip.
    """

    of_features: ClassVar[bool] = True
    frequency_masks: Annotated[int, Field(ge=0)] = 1
    frequency_share: Share = 0.2
    time_masks: Annotated[int, Field(ge=0)] = 1
    time_share: Share = 0.2

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(frequency_masks=2, time_masks=0)]

    def apply(self, values: np.ndarray, rate: int, draws: Draws) -> np.ndarray:
        changed = values.copy()
        mean = values.mean(axis=(0, 2))
        for axis, count, share in ((2, self.frequency_masks, self.frequency_share), (0, self.time_masks, self.time_share)):
            for _ in range(count):
                size = values.shape[axis]
                width = draws.below(int(share * size) + 1)
                first = draws.below(size - width + 1)
                if axis == 0:
                    changed[first : first + width] = mean[:, None]
                else:
                    changed[:, :, first : first + width] = mean[:, None]
        return changed


def augmented(values: np.ndarray, rate: int, steps: tuple[SoundAugmentation, ...], draws: Draws | None, *, of_features: bool) -> np.ndarray:
    """What is left of values after those steps of a list that take samples, or those that take features.

    Args:
        values: Samples or features.
        rate: Samples in a second.
        steps: All steps; each draws by its place.
        draws: Of the sample; None: nothing is done.
        of_features: Which steps.
    """
    for place, step in enumerate(steps if draws is not None else ()):
        own = draws.child(place) if draws is not None else None
        if own is not None and step.of_features == of_features and own.chance(step.probability):
            values = step.apply(values, rate, own)
    return values
