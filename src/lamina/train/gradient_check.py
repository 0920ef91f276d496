"""Checking the gradients of a model on data of its own: what ``lamina doctor gradients`` and `lamina.Model.check_gradients` do."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch

from lamina.data.loader import Loader
from lamina.engine.randomness import generator

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.engine.gradients import GradientReport
    from lamina.engine.runnable import Network
    from lamina.model import Model


def check_gradients(
    model: Model, dataset: Dataset, *, samples: int = 8, numbers: int = 30, largest_error: float | None = None
) -> GradientReport:
    """Compare backpropagation with small differences of the loss, on a copy of the network in float64.

    Parameters that are exactly 0, as biases begin, are moved a little on the copy: rectifiers often have their kink there, where no
    gradient could be compared.

    Args:
        model: Left as it is.
        dataset: Prepared data; the first ``samples`` are used.
        samples: How many: few, for each number costs two forward passes of all of them.
        numbers: Numbers of each tensor to compare.
        largest_error: Largest relative error; None: `lamina.engine.gradients.LARGEST_ERROR`.

    Raises:
        TrainingError: EN006, if the network has no loss.
    """
    from lamina.engine.gradients import LARGEST_ERROR, compare_gradients

    network = copy.deepcopy(model.network).to("cpu", torch.float64)
    _leave_zero(network)
    part = dataset.take(np.arange(min(samples, len(dataset)))).astype("float64")
    batch = next(iter(Loader(part, len(part), shuffle=False)))
    return compare_gradients(
        network,
        batch.inputs,
        batch.targets,
        weight=batch.weight,
        masks=batch.masks,
        numbers=numbers,
        largest_error=LARGEST_ERROR if largest_error is None else largest_error,
    )


def _leave_zero(network: Network) -> None:
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator(0, "gradients", "zeros", name), dtype=parameter.dtype)
            parameter.add_(torch.where(parameter == 0, 0.01 * noise, 0.0))
