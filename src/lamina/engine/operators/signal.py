"""Spectra and windows of sound."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lamina.engine.operators.registry import Context, operator


def _cosines(size: Tensor, weights: tuple[float, ...], periodic: int, output_datatype: str, context: Context) -> Tensor:
    count = int(size)
    context.allow([count])
    turns = 2 * math.pi * torch.arange(count, device=context.device, dtype=torch.float64) / max(count if periodic else count - 1, 1)
    found = torch.zeros_like(turns)
    for number, weight in enumerate(weights):
        found = found + weight * torch.cos(number * turns)
    return found.to(context.dtype(output_datatype))


@operator("HannWindow")
def hann_window(size: Tensor, *, output_datatype: str = "float32", periodic: int = 1, context: Context) -> Tensor:
    """A window of one cosine that ends in 0."""
    return _cosines(size, (0.5, -0.5), periodic, output_datatype, context)


@operator("HammingWindow")
def hamming_window(size: Tensor, *, output_datatype: str = "float32", periodic: int = 1, context: Context) -> Tensor:
    """A window of one cosine that doesn't."""
    return _cosines(size, (25 / 46, -21 / 46), periodic, output_datatype, context)


@operator("BlackmanWindow")
def blackman_window(size: Tensor, *, output_datatype: str = "float32", periodic: int = 1, context: Context) -> Tensor:
    """A window of two cosines."""
    return _cosines(size, (0.42, -0.5, 0.08), periodic, output_datatype, context)


def _complex(x: Tensor) -> Tensor:
    return x[..., 0] if x.shape[-1] == 1 else torch.complex(x[..., 0].contiguous(), x[..., 1].contiguous())


@operator("DFT")
def dft(
    x: Tensor, length: Tensor | None = None, axis: Tensor | None = None, *, inverse: int = 0, onesided: int = 0, context: Context
) -> Tensor:
    """Frequencies of a signal, or the signal of frequencies."""
    place = (-2 if axis is None else int(axis)) % x.dim()
    count = None if length is None else int(length)
    if count is not None:
        context.allow([*x.shape[:place], count])
    signal = _complex(x)
    if inverse and onesided:
        real: Tensor = torch.fft.irfft(signal.to(torch.promote_types(signal.dtype, torch.complex64)), n=count, dim=place)
        return real.unsqueeze(-1).to(x.dtype)
    found = torch.fft.ifft(signal, n=count, dim=place) if inverse else torch.fft.fft(signal, n=count, dim=place)
    if onesided:
        found = found.narrow(place, 0, found.shape[place] // 2 + 1)
    return torch.view_as_real(found).to(x.dtype)


@operator("STFT")
def stft(x: Tensor, step: Tensor, window: Tensor | None = None, length: Tensor | None = None, *, onesided: int = 1) -> Tensor:
    """Frequencies of pieces of a signal, one after the other."""
    signal = _complex(x) if x.dim() == 3 else x
    size = int(length) if length is not None else window.shape[0] if window is not None else x.shape[1]
    frames = signal.unfold(1, size, int(step))
    if window is not None:
        frames = frames * window
    found = torch.fft.fft(frames, dim=-1)
    if onesided:
        found = found[..., : size // 2 + 1]
    return torch.view_as_real(found).to(x.dtype)


@operator("MelWeightMatrix")
def mel_weight_matrix(
    bins: Tensor, length: Tensor, rate: Tensor, lowest: Tensor, highest: Tensor, *, output_datatype: str = "float32", context: Context
) -> Tensor:
    """Triangles over frequencies, equally wide for the ear."""
    count, size = int(bins), int(length)
    rows = size // 2 + 1
    context.allow([rows, count])
    low, high = (2595 * math.log10(1 + float(edge) / 700) for edge in (lowest, highest))
    width = (high - low) / (count + 2)
    edges = [int((size + 1) * (700 * (10 ** ((number * width + low) / 2595) - 1)) // float(rate)) for number in range(count + 2)]
    found = torch.zeros(rows, count, dtype=torch.float64)
    for column in range(count):
        left, centre, right = edges[column : column + 3]
        if centre == left:
            found[centre, column] = 1
        for row in range(left, centre + 1 if centre > left else centre):
            found[row, column] = (row - left) / (centre - left)
        for row in range(centre, right):
            found[row, column] = (right - row) / (right - centre)
    return found.to(context.dtype(output_datatype)).to(context.device)
