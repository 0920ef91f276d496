"""What every normalizer is: a description that is fitted to the training part alone, in one pass and in parts if need be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lamina.spec import Description

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.lazy import Samples
    from lamina.data.normalizers.accumulator import Accumulator
    from lamina.data.normalizers.fitted import Fitted

Need = Literal["moments", "extremes", "ranks"]
"""What a normalizer wants counted: `lamina.data.statistics`."""


class Normalizer(Description, family="normalizer"):
    """Base of all normalizers.

    Vectors and sequences are scaled feature by feature, images and volumes channel by channel, a single column as a whole. A
    feature that never changes is only shifted, since there is nothing to scale it by.
    """

    needs: ClassVar[tuple[Need, ...]] = ()
    """What is counted of the training part, whatever its settings; nothing, for one that isn't fitted."""

    @classmethod
    def adapt(cls, value: Any) -> Any:
        from collections.abc import Mapping

        # Names of inputs or columns with a normalizer for each; what has numbers in it has forgotten its type.
        kinds = (str, Mapping, cls, type(None))
        if isinstance(value, Mapping) and value and "type" not in value and all(isinstance(item, kinds) for item in value.values()):
            return {"type": "by_name", "of": dict(value)}
        return value

    @classmethod
    def shorthand_schema(cls) -> list[dict[str, Any]]:
        family = {"anyOf": [{"x-lamina-family": cls.family}, {"type": "null"}]}
        return [{"type": "object", "minProperties": 1, "properties": {"type": False}, "additionalProperties": family}]

    def wants(self) -> tuple[Need, ...]:
        """What is counted of the training part, with these settings."""
        return self.needs

    def start(self, axis: int | None = None) -> Accumulator:
        """An empty accumulator: arrays go into it, others are merged into it, and `Accumulator.finish` gives the numbers.

        Args:
            axis: Along which features or channels lie; None: right after the samples in images and volumes, last in all else.

        Example:
            >>> import numpy as np
            >>> from lamina.data.normalizers import Standardize
            >>> one, other = Standardize().start(), Standardize().start()
            >>> one.add(np.array([[1.0], [2.0]])), other.add(np.array([[6.0]]))
            (None, None)
            >>> one.merge(other)
            >>> one.finish().offset.tolist()
            [3.0]
        """
        from lamina.data.normalizers.accumulator import Accumulator

        return Accumulator(self, axis)

    def fit(self, array: Samples, axis: int | None = None, mask: np.ndarray | None = None) -> Fitted:
        """Find the numbers in the training part.

        Args:
            array: ``[samples, ...]``, a single column ``[rows]``, a memory map or a lazy array; read block by block.
            axis: As for `start`.
            mask: Which samples, or steps of them, count: its axes are the first ones of ``array``.

        Raises:
            DataError: DA012, if there is nothing to fit to; DA001 for NaN and infinity; DA171 for numbers that it can't scale.
        """
        seen = self.start(axis)
        seen.add(array, mask)
        return seen.finish()

    def fitted(self, seen: Accumulator) -> Fitted:
        """The numbers, from what an accumulator counted."""
        raise NotImplementedError(type(self).__name__)


class Statistical(Normalizer):
    """Base of the normalizers that are fitted.

    Attributes:
        per: ``feature``: each feature or channel has numbers of its own. ``all``: one number for all of them.
    """

    per: Literal["feature", "all"] = "feature"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(per="all")]
