"""Images in other sizes, parts of images, and boxes."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.operators.registry import Context, operator
from lamina.engine.operators.shaping import ints


@operator("GridSample")
def grid_sample(x: Tensor, grid: Tensor, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros") -> Tensor:
    """An image sampled at places that the data says."""
    how = {"linear": "bilinear", "bilinear": "bilinear", "nearest": "nearest", "cubic": "bicubic", "bicubic": "bicubic"}[mode]
    return F.grid_sample(x, grid.to(x.dtype), mode=how, padding_mode=padding_mode, align_corners=bool(align_corners))


@operator("AffineGrid")
def affine_grid(theta: Tensor, size: Tensor, *, align_corners: int = 0, context: Context) -> Tensor:
    """Places of an image that is turned, moved and stretched."""
    sizes = ints(size)
    context.allow(sizes)
    return F.affine_grid(theta, sizes, align_corners=bool(align_corners))


def _corners(boxes: Tensor, centre: int) -> Tensor:
    if centre:
        middle, half = boxes[..., :2], boxes[..., 2:] / 2
        return torch.cat([middle - half, middle + half], -1)
    return torch.cat([torch.minimum(boxes[..., :2], boxes[..., 2:]), torch.maximum(boxes[..., :2], boxes[..., 2:])], -1)


@operator("NonMaxSuppression")
def non_max_suppression(
    boxes: Tensor,
    scores: Tensor,
    most: Tensor | None = None,
    overlap: Tensor | None = None,
    lowest: Tensor | None = None,
    *,
    center_point_box: int = 0,
) -> Tensor:
    """The best boxes that don't cover each other: rows of batch, class and box."""
    count = 0 if most is None else int(most)
    limit = 0.0 if overlap is None else float(overlap)
    found: list[list[int]] = []
    for batch in range(scores.shape[0]):
        corners = _corners(boxes[batch], center_point_box)
        area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
        for kind in range(scores.shape[1]):
            score = scores[batch, kind]
            order = torch.argsort(score, descending=True, stable=True)
            if lowest is not None:
                order = order[score[order] > float(lowest)]
            kept = 0
            while len(order) and kept < count:
                best = order[0]
                found.append([batch, kind, int(best)])
                kept += 1
                rest = order[1:]
                size = (torch.minimum(corners[best, 2:], corners[rest, 2:]) - torch.maximum(corners[best, :2], corners[rest, :2])).clamp(
                    min=0
                )
                shared = size[:, 0] * size[:, 1]
                order = rest[shared / (area[best] + area[rest] - shared) <= limit]
    return torch.tensor(found, dtype=torch.int64, device=boxes.device).reshape(-1, 3)


@operator("RoiAlign")
def roi_align(
    x: Tensor,
    rois: Tensor,
    batches: Tensor,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
    context: Context,
) -> Tensor:
    """Regions of an image in one size, sampled between its points."""
    context.allow([rois.shape[0], x.shape[1], output_height, output_width])
    half = coordinate_transformation_mode == "half_pixel"
    found = []
    for box, batch in zip(rois, batches.tolist(), strict=True):
        x1, y1, x2, y2 = (box * spatial_scale - (0.5 if half else 0.0)).tolist()
        width, height = x2 - x1, y2 - y1
        if not half:
            width, height = max(width, 1.0), max(height, 1.0)
        rows, columns = (
            sampling_ratio or max(math.ceil(side / count), 1) for side, count in ((height, output_height), (width, output_width))
        )
        context.allow([x.shape[1], output_height * rows, output_width * columns])
        ys = y1 + (torch.arange(output_height * rows, device=x.device, dtype=x.dtype) + 0.5) * (height / (output_height * rows))
        xs = x1 + (torch.arange(output_width * columns, device=x.device, dtype=x.dtype) + 0.5) * (width / (output_width * columns))
        parts = _between(x[int(batch)], ys, xs)
        shape = (x.shape[1], output_height, rows, output_width, columns)
        if mode == "avg":
            found.append(sum(parts).reshape(shape).mean((2, 4)))  # type: ignore[union-attr]
        else:
            # The largest of the four weighted neighbours, as the specification has it.
            largest = torch.stack(parts).amax(0)
            found.append(largest.reshape(shape).amax((2, 4)))
    return torch.stack(found) if found else x.new_zeros(0, x.shape[1], output_height, output_width)


def _between(image: Tensor, ys: Tensor, xs: Tensor) -> list[Tensor]:
    """The four neighbours of each point, weighted; 0 for points far outside."""
    height, width = image.shape[1:]
    inside = ((ys >= -1) & (ys <= height))[:, None] & ((xs >= -1) & (xs <= width))[None]
    pairs = []
    for places, size in ((ys, height), (xs, width)):
        real = places.clamp(min=0)
        low = real.floor().clamp(max=size - 1)
        high = (low + 1).clamp(max=size - 1)
        share = torch.where(low >= size - 1, torch.zeros_like(real), real - low)
        pairs.append([(low.long(), 1 - share), (high.long(), share)])
    return [
        image[:, rows][:, :, columns] * torch.where(inside, row_share[:, None] * share[None], torch.zeros((), device=image.device))
        for rows, row_share in pairs[0]
        for columns, share in pairs[1]
    ]


@operator("MaxRoiPool")
def max_roi_pool(x: Tensor, rois: Tensor, *, pooled_shape: list[int], spatial_scale: float = 1.0, context: Context) -> Tensor:
    """The largest numbers of parts of regions."""
    rows, columns = pooled_shape
    context.allow([rois.shape[0], x.shape[1], rows, columns])
    height, width = x.shape[2:]
    found = []
    for roi in rois.tolist():
        batch, (x1, y1, x2, y2) = int(roi[0]), (math.floor(side * spatial_scale + 0.5) for side in roi[1:])
        high, wide = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        cells = []
        for row in range(rows):
            top, bottom = (min(max(v, 0), height) for v in (math.floor(row * high / rows) + y1, math.ceil((row + 1) * high / rows) + y1))
            for column in range(columns):
                left, right = (
                    min(max(v, 0), width) for v in (math.floor(column * wide / columns) + x1, math.ceil((column + 1) * wide / columns) + x1)
                )
                part = x[batch, :, top:bottom, left:right]
                cells.append(part.amax((1, 2)) if part.numel() else x.new_zeros(x.shape[1]))
        found.append(torch.stack(cells, 1).reshape(-1, rows, columns))
    return torch.stack(found) if found else x.new_zeros(0, x.shape[1], rows, columns)


@operator("ImageDecoder")
def image_decoder(data: Tensor, *, pixel_format: str = "RGB") -> Tensor:
    """The points of an encoded picture."""
    import io

    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data.cpu().numpy().tobytes())) as picture:
        array: Any = np.array(picture.convert("L" if pixel_format == "Grayscale" else "RGB"))
    if pixel_format == "BGR":
        array = array[..., ::-1]
    return torch.from_numpy(np.ascontiguousarray(array.reshape(*array.shape[:2], -1))).to(data.device)
