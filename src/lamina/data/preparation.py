"""How what people hold (photos, sounds, documents) becomes an input: a stored description, the same in training and in serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamina.spec import Description, registry

if TYPE_CHECKING:
    import numpy as np

    from lamina.shapes import Shape

registry.announce(
    "preparation",
    {
        "film": "lamina.data.films.preparation",
        "pictures": "lamina.data.images.preparation",
        "sequences": "lamina.data.sequences.preparation",
        "sound": "lamina.data.audio.preparation",
    },
)


@dataclass(frozen=True)
class Masked:
    """An input whose samples differ in length.

    Attributes:
        values: ``[samples, steps, ...]``, in memory or lazy.
        mask: Which steps are real, ``[samples, steps]``.
    """

    values: Any
    mask: Any

    def __len__(self) -> int:
        return len(self.values)


class Preparation(Description, family="preparation"):
    """Base of all ways from raw things to one input.

    A source that reads such things gives its `Dataset` the preparation it used; `Preprocessing` keeps it in the ``.lamina`` file and
    uses it for whatever is predicted later.
    """

    def takes(self, value: Any, shape: Shape) -> bool:
        """Whether ``value`` is raw (paths, bytes, photos of any size), and not yet an array of the shape that the input has.

        Args:
            value: What a user gave for this input.
            shape: Of one prepared sample.
        """
        raise NotImplementedError(type(self).__name__)

    def prepare(self, value: Any, shape: Shape) -> np.ndarray | Masked:
        """The array of the input, samples first, exactly as in training; or a lazy array, which makes its samples when asked.

        Where samples differ in length, it comes with its mask.

        Args:
            value: What `takes` said yes to.
            shape: Of one prepared sample.

        Raises:
            DataError: Naming the thing that can't be used.
        """
        raise NotImplementedError(type(self).__name__)

    def names(self, value: Any) -> list[str] | None:
        """What the samples in ``value`` are called, such as the files that a folder holds; None if they have no names.

        Args:
            value: What `takes` said yes to.
        """
        return None


def prepared(data: Any, preparations: Mapping[str, Preparation], shapes: Mapping[str, Shape]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What becomes of raw things, by input name, and the rest of what was given as it is; both empty if nothing is raw.

    Args:
        data: What a user gave: things for the only input, or a mapping by input name.
        preparations: By input name.
        shapes: Of one sample of each input.
    """
    if not preparations:
        return {}, {}
    alone = next(iter(shapes)) if len(shapes) == 1 else None
    given = dict(data) if isinstance(data, Mapping) else {alone: data} if alone is not None else {}
    raw = {name: value for name, value in given.items() if name in preparations and preparations[name].takes(value, shapes[name])}
    if not raw:
        return {}, {}
    made = {name: preparations[name].prepare(value, shapes[name]) for name, value in raw.items()}
    return made, {str(name): value for name, value in given.items() if name not in raw}
