"""Whether targets are what a loss can judge: looked at once, before the first step, never in the hot path."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from torch import Tensor

from lamina.errors import DataError, DescriptionError
from lamina.network.losses import FMeasure, Loss
from lamina.shapes import Image, Sequence, Shape, Volume

# How far the shares of a distribution over classes may add up to something else than 1.
_TOLERANCE = 1e-3


def check_targets(
    loss: Loss,
    output: Shape,
    targets: np.ndarray[Any, Any] | Tensor,
    name: str,
    *,
    classes: int | None = None,
    mask: np.ndarray[Any, Any] | Tensor | None = None,
) -> None:
    """Refuse targets that the loss can't judge, naming the first wrong sample.

    Args:
        loss: The loss.
        output: Shape of the output it judges.
        targets: All targets of that output; the first axis counts samples.
        name: Name of the output, for the message.
        classes: Number of known class labels, if there are any: it must be the number of output units.
        mask: Which steps of which sample are real, ``[samples, steps]``; what stands in the others doesn't matter.

    Raises:
        DataError: EN033, if the targets' shape doesn't fit the output's; EN034, for a class label that the output has no
            unit for; EN035, for other values that the loss can't judge, such as NaN.
        DescriptionError: EN037, if the loss can't judge an output of this shape at all.
    """
    _Check(loss, output, _array(targets), name, None if mask is None else _array(mask)).run(classes)


def _array(targets: np.ndarray[Any, Any] | Tensor) -> np.ndarray[Any, Any]:
    if isinstance(targets, Tensor):
        targets = targets.detach().cpu()
        return np.asarray((targets if targets.dtype.itemsize != 2 or not targets.is_floating_point() else targets.float()).numpy())
    return targets


class _Check:
    def __init__(self, loss: Loss, output: Shape, targets: np.ndarray[Any, Any], name: str, mask: np.ndarray[Any, Any] | None) -> None:
        self.loss, self.output, self.targets, self.name = loss, output, targets, name
        self.mask = mask
        dims = list(output.dims)
        self.axis = 0 if isinstance(output, Image | Volume) else len(dims) - 1
        self.units = dims[self.axis] or 1
        self.positions = tuple(dims[: self.axis] + dims[self.axis + 1 :])
        self.whole = targets.dtype.kind in "iub"

    def run(self, classes: int | None) -> None:
        misfit = self.loss.unfit(self.output, self.units)
        if misfit is not None:
            raise DescriptionError(
                "EN037",
                where=f"output {self.name!r} with loss {self.loss.type_name}",
                expected=misfit.expected,
                got=misfit.got,
                cause=misfit.cause,
                fix=misfit.fix,
            )
        if self.loss.target == "groups":
            self._groups()
            return
        if self.loss.target == "sequences":
            self._sequences()
            return
        if self.loss.target == "classes":
            # The labels themselves first: a single one that is out of range is named, and not taken for one more class.
            self._classes()
            if classes is not None and classes != self.units:
                self._wrong_units(classes, f"{classes} class labels")
            return
        self._shaped()
        self._values()

    # -- classes ---------------------------------------------------------------------------------------------------

    def _classes(self) -> None:
        as_indices = self._matches(self.positions) or self._matches(self._with_features(1))
        as_shares = self._matches(self._with_features(self.units))
        if as_shares and not (as_indices and self.whole):
            self._shares()
        elif not as_indices:
            self._wrong_class_shape()
        elif self.whole:
            self._indices()
        else:
            self._refuse(
                "EN035",
                expected="class indices as whole numbers (dtype int64)",
                got=f"an array of {self.targets.dtype}",
                cause="an index names a class; numbers with a fraction don't",
                fix='convert the labels: y.astype("int64"), or use a loss for numbers such as mse',
            )

    def _wrong_class_shape(self) -> None:
        shape = list(self.targets.shape)
        widths = self._shaped_but_for_width()
        if widths is not None and widths > 1:
            self._wrong_units(widths, f"an array of shape {shape}, which holds {widths} classes")
        self._wrong_shape([["samples", *self.positions], ["samples", *self._with_features(self.units)]])

    def _indices(self) -> None:
        wrong = self._real((self.targets < 0) | (self.targets >= self.units))
        if not wrong.any():
            return
        known = self.targets if self.mask is None else self.targets[self.mask]
        low, high = int(known.min()), int(known.max())
        place, value = self._first(wrong)
        cause = f"a class that the output has no unit for, in {int(wrong.sum())} places"
        fix = f"write units: {high + 1}, or correct the label"
        if low == 1 and high == self.units:
            cause, fix = "the labels count from 1", "subtract 1 from all labels"
        elif low < 0 and high < self.units:
            cause = f"a negative label, perhaps a mark for missing labels, in {int(wrong.sum())} places"
            fix = "remove the samples without a label"
        self._refuse("EN034", expected=f"class indices from 0 to {self.units - 1}", got=f"{value} at {place}", cause=cause, fix=fix)

    def _shares(self) -> None:
        if self.loss.indices_only:
            self._refuse(
                "EN035",
                expected="class indices",
                got=f"an array of shape {list(self.targets.shape)}: a share for each class",
                cause=f"{self.loss.type_name} takes indices only",
                fix="use loss: cross_entropy, or y.argmax(axis=1)",
            )
        self._refuse_if((self.targets < 0) | (self.targets > 1) | ~np.isfinite(self.targets), "shares between 0 and 1 (one-hot labels)")
        total = self.targets.sum(axis=self.axis + 1)
        wrong = self._real(np.abs(total - 1) > _TOLERANCE)
        if wrong.any():
            index = np.unravel_index(int(wrong.argmax()), wrong.shape)
            self._refuse(
                "EN035",
                expected="shares that add up to 1 over the classes",
                got=f"{float(total[index]):.6g} at {self._place(index)}",
                cause="labels that don't exclude each other need a loss for each label alone",
                fix="use loss: binary_cross_entropy for several labels at once, or make the labels one-hot",
            )

    # -- whole numbers that name no unit ------------------------------------------------------------------------------

    def _groups(self) -> None:
        if not self._matches(()) and not self._matches((1,)):
            self._wrong_shape([["samples"]])
        self._whole_numbers("a whole number for each sample, the same for those that belong together")

    def _sequences(self) -> None:
        if self.targets.ndim != 2:
            self._wrong_shape([["samples", "length"]])
        # Data that hold numbers keep them as floats; labels are told by their values.
        if self.whole or (self.targets != np.round(self.targets)).any():
            self._whole_numbers("labels as whole numbers, padded to one length")
        blank, padding = getattr(self.loss, "blank", None), getattr(self.loss, "padding", None)
        given = self.targets != padding
        wrong = given & ((self.targets < 0) | (self.targets >= self.units) | (self.targets == blank))
        self._refuse_if(wrong, f"labels from 0 to {self.units - 1} but for the blank, {blank}; {padding} behind the end")

    def _whole_numbers(self, expected: str) -> None:
        if not self.whole:
            self._refuse(
                "EN035",
                expected=expected,
                got=f"an array of {self.targets.dtype}",
                cause="labels are told apart, not measured",
                fix='convert them: y.astype("int64")',
            )

    # -- numbers ---------------------------------------------------------------------------------------------------

    def _shaped(self) -> None:
        width = self.loss.target_width(self.units)
        if self._matches(self._with_features(width)) or (width == 1 and self._matches(self.positions)):
            return
        if isinstance(self.loss, FMeasure) and self._matches(self._with_features(self.units)):
            return
        got = self._shaped_but_for_width()
        if got is not None and width == self.units:
            if self.loss.target == "binary" and got == 1 and self.whole:
                self._classes_for_binary()
            self._wrong_units(got, f"an array of shape {list(self.targets.shape)}")
        self._wrong_shape([["samples", *self._with_features(width)], *([["samples", *self.positions]] if width == 1 else [])])

    def _classes_for_binary(self) -> None:
        self._refuse(
            "EN033",
            expected=f"0 or 1 for each of the {self.units} output units",
            got=f"one class index for each sample (shape {list(self.targets.shape)})",
            cause=f"{self.loss.type_name} is for labels that don't exclude each other",
            fix="use loss: cross_entropy for one class of several, or write units: 1 for two classes",
        )

    def _values(self) -> None:
        kind = self.loss.target
        if kind == "binary":
            beyond = self._real(self.targets > 1)
            if self.whole and self.units == 1 and beyond.any():
                place, value = self._first(beyond)
                count = int(self.targets[beyond].max()) + 1
                self._refuse(
                    "EN034",
                    expected="0 or 1",
                    got=f"{value} at {place}",
                    cause=f"there are {count} classes, and one unit tells two apart",
                    fix=f"write units: {count}, loss: cross_entropy",
                )
            self._refuse_if(~((self.targets >= 0) & (self.targets <= 1)), "0 or 1, or a probability between")
        elif kind == "signs":
            if self.whole:
                self._refuse_if((self.targets != 0) & (self.targets != 1), "whole numbers 0 and 1, or numbers -1.0 and 1.0")
            else:
                self._refuse_if(np.abs(self.targets) != 1, "-1.0 and 1.0, or whole numbers 0 and 1")
        else:
            self._refuse_if(~np.isfinite(self.targets), "finite numbers")
            wrong = self.loss.wrong_targets(self.targets)
            if wrong is not None:
                self._refuse_if(wrong, self.loss.target_rule)

    # -- helpers ---------------------------------------------------------------------------------------------------

    def _with_features(self, width: int) -> tuple[int | None, ...]:
        return (*self.positions[: self.axis], width, *self.positions[self.axis :])

    def _matches(self, dims: tuple[int | None, ...]) -> bool:
        got = self.targets.shape[1:]
        return self.targets.ndim >= 1 and len(got) == len(dims) and all(d is None or d == g for d, g in zip(dims, got, strict=True))

    def _shaped_but_for_width(self) -> int | None:
        """Values at each position, if only their number differs from what it should be."""
        if self._matches(self.positions):
            return 1
        dims = list(self._with_features(self.units))
        if self.targets.ndim != len(dims) + 1:
            return None
        dims[self.axis] = None
        return int(self.targets.shape[self.axis + 1]) if self._matches(tuple(dims)) else None

    def _first(self, wrong: np.ndarray[Any, Any]) -> tuple[str, Any]:
        index = np.unravel_index(int(wrong.argmax()), wrong.shape)
        return self._place(index), self.targets[index].item()

    @staticmethod
    def _place(index: tuple[Any, ...]) -> str:
        sample, *rest = (int(i) for i in index)
        return f"sample {sample}" + (f", position {rest}" if rest else "")

    def _real(self, wrong: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Only what is wrong at a real step."""
        return wrong if self.mask is None else wrong & self.mask.reshape(*self.mask.shape, *(1 for _ in wrong.shape[2:]))

    def _refuse_if(self, wrong: np.ndarray[Any, Any], expected: str) -> None:
        wrong = self._real(wrong)
        if not wrong.any():
            return
        place, value = self._first(wrong)
        fix = "correct or remove these samples, or choose a loss that can judge them"
        if self.loss.target == "signs":
            fix = "write the two classes as 0 and 1 (whole numbers)"
        self._refuse(
            "EN035",
            expected=expected,
            got=f"{value} at {place}, {int(wrong.sum())} such values in all",
            cause=f"{self.loss.type_name} has no meaning for these targets",
            fix=fix,
        )

    def _wrong_units(self, wanted: int, got: str) -> NoReturn:
        self._refuse(
            "EN033",
            expected=f"targets for {self.units} output units",
            got=got,
            cause=f"the output has {self.units} units, the labels need {wanted}",
            fix=f"write units: {wanted}",
        )

    def _wrong_shape(self, allowed: list[list[Any]]) -> NoReturn:
        cause = f"targets belong to the output {self.output}, sample by sample"
        fix = "reshape the targets, or let the network end in a layer that gives their shape"
        if isinstance(self.output, Sequence) and self.targets.ndim in (1, 2) and self.targets.ndim < len(self.output.dims) + 1:
            cause = "the network predicts at every step, and there is one target for each sample"
            fix = "set return_sequences: false in the last recurrent layer, or put a last_step or a global_avg_pool before the output"
        shown = " or ".join(f"[{', '.join('?' if d is None else str(d) for d in dims)}]" for dims in allowed)
        self._refuse(
            "EN033",
            expected=f"targets of shape {shown}",
            got=f"{list(self.targets.shape)}",
            cause=cause,
            fix=fix,
        )

    def _refuse(self, code: str, *, expected: str, got: str, cause: str, fix: str) -> NoReturn:
        raise DataError(
            code, where=f"targets of {self.name!r} with loss {self.loss.type_name}", expected=expected, got=got, cause=cause, fix=fix
        )
