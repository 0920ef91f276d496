"""Normalizers that bend what is skewed: by rank, by a power, by the logarithm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from lamina.data.normalizers.normalizer import Need, Statistical
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.normalizers.accumulator import Accumulator
    from lamina.data.normalizers.fitted import Fitted


@register("quantile")
class Quantile(Statistical):
    """Each number becomes the share of the training part below it: evenly spread whatever it was, outliers and all.

    As scikit-learn's QuantileTransformer without a subsample. Only the order of numbers counts; numbers beyond those of the
    training part become its ends, and so does what `invert` gives back for them.

    Attributes:
        output: ``uniform``: from 0 to 1. ``normal``: as the normal distribution, from -5.2 to 5.2.
        quantiles: How many are kept of each feature, at most as many as there are numbers; between them it is linear.
        per: ``feature``: each feature or channel has numbers of its own. ``all``: one number for all of them.
    """

    positional: ClassVar[tuple[str, ...]] = ("output",)
    needs: ClassVar[tuple[Need, ...]] = ("ranks",)
    output: Literal["uniform", "normal"] = "uniform"
    quantiles: Annotated[int, Field(ge=2, le=100_000)] = 1000

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(output="normal", quantiles=50), cls(per="all")]

    def fitted(self, seen: Accumulator) -> Fitted:
        import numpy as np

        from lamina.data.normalizers.curves import QuantileCurve

        count = max(1, min(self.quantiles, *(ranks.count for ranks in seen.ranks)))
        shares = np.linspace(0, 1, count)
        found = np.stack([ranks.quantiles(shares) for ranks in seen.ranks], axis=1)
        return QuantileCurve(np.maximum.accumulate(found, axis=0), self.output == "normal", seen.axis)


@register("power")
class Power(Statistical):
    """A power of each feature that makes it look most like the normal distribution, then mean 0 and standard deviation 1.

    The power is the one of greatest likelihood, as in scikit-learn's PowerTransformer; of more different values than are kept
    (131,072 of up to 64 features), the middles of buckets stand for them.

    Attributes:
        method: ``yeo_johnson`` takes all numbers, ``box_cox`` those above zero only.
        per: ``feature``: each feature or channel has numbers of its own. ``all``: one number for all of them.
    """

    positional: ClassVar[tuple[str, ...]] = ("method",)
    needs: ClassVar[tuple[Need, ...]] = ("ranks",)
    method: Literal["yeo_johnson", "box_cox"] = "yeo_johnson"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(method="box_cox"), cls(per="all")]

    def fitted(self, seen: Accumulator) -> Fitted:
        import numpy as np

        from lamina.data.normalizers.curves import PowerCurve
        from lamina.data.normalizers.fitted import unscalable
        from lamina.data.normalizers.likelihood import power_of

        positive = self.method == "box_cox"
        found = []
        for ranks in seen.ranks:
            if positive and ranks.low <= 0:
                low = np.array([ranks.low])
                raise unscalable(low, low <= 0, "numbers above 0, which Box-Cox takes", "use method: yeo_johnson, which takes all numbers")
            found.append(power_of(*ranks.pairs(), positive=positive))
        parts: list[np.ndarray] = [np.array(part) for part in zip(*found, strict=True)]
        if seen.axis is None:
            parts = [part.reshape(()) for part in parts]
        return PowerCurve(parts[0], parts[1], parts[2], parts[3], parts[4], positive, seen.axis)


@register("log")
class Log(Statistical):
    """The logarithm of each number, for what spans powers of ten: prices, counts, incomes.

    Attributes:
        form: ``log1p``: ``ln(1 + x)``, of numbers above -1; nothing is fitted. ``log2_mean``:
            ``log2(1 + (x - min) / (mean - min)) / 2``, so that the mean becomes a half, as Deeplearning4j's Log2Mean.
            ``log2_mean_excluding_min``: the mean is that of the numbers that aren't the smallest.
        per: ``feature``: each feature or channel has numbers of its own. ``all``: one number for all of them.
    """

    positional: ClassVar[tuple[str, ...]] = ("form",)
    form: Literal["log1p", "log2_mean", "log2_mean_excluding_min"] = "log1p"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(form="log2_mean"), cls(form="log2_mean_excluding_min", per="all")]

    def wants(self) -> tuple[Need, ...]:
        return () if self.form == "log1p" else ("moments", "extremes")

    def fitted(self, seen: Accumulator) -> Fitted:
        import numpy as np

        from lamina.data.normalizers.curves import LogCurve

        if self.form == "log1p":
            return LogCurve(np.asarray(0.0), np.asarray(1.0), 1.0, None)
        low, centre = seen.extremes.low, seen.moments.mean()
        if self.form == "log2_mean_excluding_min":
            others = seen.moments.count - seen.extremes.low_count
            rest = seen.moments.total() - low * seen.extremes.low_count
            centre = np.divide(rest, others, out=low.copy(), where=others > 0)
        spread: np.ndarray = np.where(centre > low, centre - low, 1.0)
        shape = () if seen.axis is None else (-1,)
        return LogCurve(low.reshape(shape), spread.reshape(shape), 0.5 / math.log(2), seen.axis)
