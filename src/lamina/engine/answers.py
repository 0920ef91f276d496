"""What a network says of new data: predictions for whole arrays, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lamina.engine.runnable import Network


def answers(
    network: Network,
    inputs: Mapping[str, np.ndarray],
    masks: Mapping[str, np.ndarray],
    *,
    batch_size: int,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Predictions of each output by name, ``[samples, ...]``; 0 at steps that are not real.

    Args:
        network: The network; it is moved to ``device`` and left in the mode for predictions.
        inputs: Arrays by input name, samples first.
        masks: Which steps of an input are real, by its name.
        batch_size: Samples computed at once.
        device: Where to compute.
    """
    network = network.to(device).eval()
    count = len(next(iter(inputs.values())))
    parts: dict[str, list[np.ndarray]] = {name: [] for name in network.outputs}
    with torch.inference_mode():
        for start in range(0, max(count, 1), batch_size):
            batch, real = ({name: _part(array, start, batch_size, device) for name, array in given.items()} for given in (inputs, masks))
            scores, found = network.run(batch, real)
            predictions = network.activate(dict(zip(network.outputs, scores, strict=True)))
            for (name, prediction), mask in zip(predictions.items(), found, strict=True):
                parts[name].append(_real(prediction, mask).cpu().numpy())
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _part(array: np.ndarray, start: int, size: int, device: torch.device) -> Tensor:
    part = array[start : start + size]
    # Features that are kept on disk can't be written to, of which torch would warn.
    return torch.from_numpy(part if part.flags.writeable else part.copy()).to(device)


def _real(prediction: Tensor, mask: Tensor | None) -> Tensor:
    # Filled in, not multiplied: what a network makes of steps that are not real may be no number.
    return prediction if mask is None else prediction.masked_fill(~mask.reshape(*mask.shape, *(1 for _ in prediction.shape[2:])), 0)
