"""Fitting in parts: what is counted is exact or in canonical form, so that merged parts give the numbers of the whole."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lamina.data.arrays import check_finite
from lamina.data.normalizers.fitted import Fitted, iterate_blocks
from lamina.data.statistics.moments import Extremes, Moments
from lamina.data.statistics.ranks import Ranks, limit_for
from lamina.errors import DataError, LaminaWarning

if TYPE_CHECKING:
    from lamina.data.normalizers.normalizer import Normalizer

MOST_RANK_ERROR = 0.01
"""Share of the values by which a quantile may be off before there is a warning."""
STATE_VERSION = 1


class Accumulator:
    """Numbers of a normalizer in the making.

    1, 2 or 7 of them over parts of the same samples, merged in any order, finish with the same numbers to the last bit.

    Attributes:
        normalizer: Whose numbers they are.
        axis: Along which features lie, once known; None for one number for all.
        width: How many features there are; 0 before anything was added.
        count: Samples added.
    """

    def __init__(self, normalizer: Normalizer, axis: int | None = None) -> None:
        self.normalizer = normalizer
        self.axis = axis
        self.width = 0
        self.count = 0
        self.moments, self.extremes = Moments(0), Extremes(0)
        self.ranks: list[Ranks] = []
        self._wants = normalizer.wants()
        self._all = getattr(normalizer, "per", "feature") == "all"

    def add(self, array: Any, mask: np.ndarray | None = None) -> None:
        """Count samples.

        Args:
            array: ``[samples, ...]``, one column ``[rows]``, a memory map, or a lazy array, which are read block by block.
            mask: Which samples, or steps of them, count: its axes are the first ones of ``array``.

        Raises:
            DataError: DA001 for NaN and infinity; DA170, if features are other ones than before.
        """
        if array.ndim == 0:
            got = "one number"
            raise self._nothing(got)
        if 0 in array.shape:
            return
        if not self._wants:
            axis = self._axis(array.ndim)
            self._open(1 if axis is None else array.shape[axis], axis)
            self.count += array.shape[0]
            return
        for part, block in iterate_blocks(array):
            axis = self._axis(block.ndim)
            kept = block if mask is None else block[mask[part]]
            lost = 0 if mask is None else mask.ndim - 1
            self._add_rows(kept, None if axis is None else axis - lost, axis)
            self.count += len(block)

    def _axis(self, ndim: int) -> int | None:
        if self._all or ndim == 1:
            return None
        if self.axis is not None:
            return self.axis
        # Channels of images and volumes come right after the samples; features of vectors and sequences come last.
        return 1 if ndim >= 4 else ndim - 1

    def _add_rows(self, block: np.ndarray, along: int | None, axis: int | None) -> None:
        check_finite(block, f"normalizer {self.normalizer.type_name!r}, samples from {self.count} on")
        if block.dtype.kind not in "biuf":
            block = block.astype(np.float64)
        rows = block.reshape(-1, 1) if along is None else np.moveaxis(block, along, -1).reshape(-1, block.shape[along])
        self._open(rows.shape[1], axis)
        if not len(rows):
            return
        needs = self._wants
        if "moments" in needs:
            self.moments.add(rows)
        if "extremes" in needs:
            self.extremes.add(rows.astype(np.float64, copy=False) if rows.dtype.kind == "b" else rows)
        if "ranks" in needs:
            for ranks, column in zip(self.ranks, rows.T, strict=True):
                ranks.add(column)

    def _open(self, width: int, axis: int | None) -> None:
        if self.width == 0:
            self.width, self.axis = width, axis
            self.moments, self.extremes = Moments(width), Extremes(width)
            self.ranks = [Ranks(limit_for(width)) for _ in range(width)] if "ranks" in self._wants else []
        elif (width, axis) != (self.width, self.axis):
            got = f"{width} along axis {axis}"
            raise self._differ(got)

    def merge(self, other: Accumulator) -> None:
        """Add all that another accumulator of the same normalizer holds.

        Raises:
            DataError: DA170, if it is of another normalizer or other features.
        """
        if other.normalizer != self.normalizer:
            got = f"an accumulator of {other.normalizer!r}"
            raise self._differ(got)
        if other.width == 0:
            return
        self._open(other.width, other.axis)
        self.count += other.count
        self.moments.merge(other.moments)
        self.extremes.merge(other.extremes)
        for own, others in zip(self.ranks, other.ranks, strict=True):
            own.merge(others)

    def finish(self) -> Fitted:
        """The numbers.

        Raises:
            DataError: DA012, if there is nothing to fit to; DA171, if the numbers can't be scaled like this.
        """
        needs = self._wants
        empty = ("moments" in needs and not self.moments.count) or ("ranks" in needs and not any(r.count for r in self.ranks))
        if needs and (self.width == 0 or empty or ("extremes" in needs and not np.isfinite(self.extremes.low).all())):
            raise self._nothing("no samples" if self.count == 0 else f"{self.count} samples of which nothing counts")
        worst = max((ranks.error for ranks in self.ranks), default=0.0)
        if worst > MOST_RANK_ERROR:
            warnings.warn(
                f"[DA172] normalizer {self.normalizer.type_name!r}: quantiles may be off by {worst:.1%} of the values, for one column "
                "has very many different ones over a very wide range; scale its logarithm, or fit to a sample",
                LaminaWarning,
                stacklevel=3,
            )
        return self.normalizer.fitted(self)

    def _nothing(self, got: str) -> DataError:
        return DataError(
            "DA012",
            where=f"normalizer {self.normalizer.type_name!r}",
            expected="samples with at least one number each",
            got=got,
            cause="there is nothing to fit to",
            fix="leave normalize out",
        )

    def _differ(self, got: str) -> DataError:
        return DataError(
            "DA170",
            where=f"normalizer {self.normalizer.type_name!r}",
            expected=f"{self.width} features along axis {self.axis}, as before" if self.width else f"one of {self.normalizer!r}",
            got=got,
            cause="the parts come from different data, or from different normalizers",
            fix="fit all parts with the same normalizer to arrays of the same features",
        )

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        return {
            "version": STATE_VERSION,
            "normalizer": self.normalizer.to_dict(full=True),
            "axis": self.axis,
            "width": self.width,
            "count": self.count,
            "moments": self.moments.state_dict(),
            "extremes": self.extremes.state_dict(),
            "ranks": [ranks.state_dict() for ranks in self.ranks],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten.

        Raises:
            DataError: DA170, if it is of another normalizer or version.
        """
        if state.get("version") != STATE_VERSION or state.get("normalizer") != self.normalizer.to_dict(full=True):
            got = f"the state of {state.get('normalizer')}, version {state.get('version')}"
            raise self._differ(got)
        self.axis, self.width, self.count = state["axis"], int(state["width"]), int(state["count"])
        self.moments.load_state_dict(state["moments"])
        self.extremes.load_state_dict(state["extremes"])
        self.ranks = [Ranks().load_state_dict(ranks) for ranks in state["ranks"]]
        return self
