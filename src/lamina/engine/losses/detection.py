"""Losses for finding things in pictures."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import ActivationFunction, activates, feature_axis
from lamina.engine.losses.function import Activated, LossFunction, SampleLoss, computes
from lamina.network import losses as L
from lamina.network.losses.detection import YoloBoxes


@activates(YoloBoxes)
def _boxes(activation: YoloBoxes) -> ActivationFunction:
    def run(scores: Tensor) -> Tensor:
        axis = feature_axis(scores.dim())
        priors = torch.tensor(activation.priors, dtype=scores.dtype, device=scores.device)
        found = []
        for prior, box in zip(priors, scores.chunk(len(priors), axis), strict=True):
            size = prior.reshape(2, *(1 for _ in range(scores.dim() - 2))) if axis == 1 else prior
            centre, extent, certain, classes = torch.split(box, [2, 2, 1, box.shape[axis] - 5], axis)
            found += [torch.sigmoid(centre), extent.exp() * size, torch.sigmoid(certain), torch.softmax(classes, axis)]
        return torch.cat(found, axis)

    return run


@computes(L.Yolo)
def _yolo(loss: L.Yolo, activate: Activated) -> LossFunction:
    count = len(loss.priors)

    def samples(scores: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        found = activate(scores)
        found = found.reshape(len(found), count, -1, *found.shape[2:])
        centre, size, certain, shares = found[:, :, :2], found[:, :, 2:4], found[:, :, 4], found[:, :, 5:]
        first, last, classes = target[:, :2], target[:, 2:4], target[:, 4:]
        there = classes.sum(1, keepdim=True) > 0
        middle, extent = (first + last) / 2, (last - first).clamp_min(0)
        overlap = _overlap(centre + _grid(scores), size, middle.unsqueeze(1), extent.unsqueeze(1))
        responsible = F.one_hot(overlap.argmax(1), count).movedim(-1, 1) * there
        place = (centre - (middle - middle.floor()).unsqueeze(1)).square().sum(2)
        # Of a box that is responsible for nothing, no root is taken: its width may be 0.
        roots = torch.where(responsible.unsqueeze(2) > 0, size, 1.0).sqrt() - extent.sqrt().unsqueeze(1)
        wrong = loss.coordinates * (place + roots.square().sum(2)) + (certain - overlap).square()
        wrong = wrong + (shares - classes.unsqueeze(1)).square().sum(2)
        return torch.where(responsible > 0, wrong, loss.nothing * certain.square()).sum((1, 2, 3))

    return SampleLoss(loss, samples)


def _grid(scores: Tensor) -> Tensor:
    """Column and row of each cell, ``[2, height, width]``."""
    height, width = scores.shape[2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([columns, rows]).to(scores)


def _overlap(centre: Tensor, size: Tensor, other_centre: Tensor, other_size: Tensor) -> Tensor:
    """Intersection over union of boxes whose x and y stand on axis 2."""
    low = torch.maximum(centre - size / 2, other_centre - other_size / 2)
    high = torch.minimum(centre + size / 2, other_centre + other_size / 2)
    both = (high - low).clamp_min(0).prod(2)
    return both / (size.prod(2) + other_size.prod(2) - both)
