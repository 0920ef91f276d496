"""Batches of sequences without the steps that no sample of the batch has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lamina.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from lamina.data.dataset import Dataset


def lengths_of(dataset: Dataset) -> np.ndarray:
    """Up to which step each sample is real, by the longest of its masked inputs.

    Raises:
        DataError: DA187, if all samples are equally long, as far as anybody says.
    """
    found = [np.asarray(mask) for mask in dataset.input_masks.values()]
    if not found:
        raise DataError(
            "DA187",
            where="data.bucketing",
            expected="sequences of different lengths: an input with a mask",
            got="inputs without masks",
            cause="where nothing says that steps are missing, all samples are equally long",
            fix="leave bucketing out, or give the data masks (Dataset.from_sequences makes them, for texts vectorize: {fill_mask: true})",
        )
    longest: np.ndarray = np.max([_ends(mask) for mask in found], axis=0)
    return longest


def _ends(mask: np.ndarray) -> np.ndarray:
    ends: np.ndarray = mask.shape[1] - mask[:, ::-1].argmax(axis=1)
    return ends


class Trimmer:
    """Knows which arrays of a data set have steps that may be left out.

    Args:
        dataset: The data; inputs are trimmed where their shape leaves the number of steps open.
    """

    def __init__(self, dataset: Dataset) -> None:
        inputs, targets = dataset.schema.inputs, dataset.schema.targets
        # Arrays with as many steps as a masked input go along with it, so they lose the same steps.
        self.steps = {
            dataset.inputs[name].shape[1] for name in dataset.input_masks if inputs[name].has_steps and inputs[name].dims[0] is None
        }
        stepped = [inputs[name].has_steps and inputs[name].dims[0] is None for name in dataset.inputs]
        for name, array in dataset.targets.items():
            shape = targets[name].shape
            along = targets[name].kind == "classes" if shape is None else shape.has_steps
            stepped.append(array.ndim > 1 and (along or name in dataset.target_masks))
        self.first = len(stepped)
        self.stepped = stepped + [True] * (len(dataset.input_masks) + len(dataset.target_masks))

    def trim(self, parts: list[Tensor]) -> list[Tensor]:
        """A batch's inputs, targets, masks (and weights) with as many steps as its longest sample needs."""
        trimmed = list(parts)
        for steps in self.steps:
            places = [place for place, has in enumerate(self.stepped) if has and parts[place].dim() > 1 and parts[place].shape[1] == steps]
            masks = [parts[place] for place in places if place >= self.first]
            longest = max(int(mask.any(dim=0).nonzero()[-1]) + 1 if bool(mask.any()) else 1 for mask in masks)
            for place in places:
                trimmed[place] = parts[place][:, :longest]
        return trimmed
