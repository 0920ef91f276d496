"""How sound becomes pictures: frames, windows, Fourier transforms."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.image import in_full
from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.spectra import mel_weights, window_of
from lamina.network.layers.audio import MelSpectrogram, STFTSpectrogram
from lamina.network.plan import Node

_LEAST = 1e-7
"""Below this a magnitude has no logarithm of its own (Keras's epsilon)."""


class SpectrogramModule(LayerModule):
    """What both share: the window, and frames of samples."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._window = self.made_window().to(torch.float64)

    def made_window(self) -> Tensor:
        """What each frame is multiplied by, float64."""
        raise NotImplementedError(type(self).__name__)

    def computed(self, x: Tensor) -> Tensor:
        """What comes out of samples."""
        raise NotImplementedError(type(self).__name__)

    def forward(self, x: Tensor) -> Tensor:
        return in_full(self.computed, x)

    def transformed(self, x: Tensor, step: int, length: int) -> Tensor:
        """The spectrum of each frame: complex numbers ``[batch, frames, channels, length // 2 + 1]``."""
        window = self._window.to(x)
        spectrum: Tensor = torch.fft.rfft(x.unfold(1, len(window), step) * window, n=length)
        return spectrum

    def check(self, x: Tensor) -> None:
        """See that a stretch of samples is long enough; of sequences of different lengths only now it is known."""
        shape = self.node.input_shapes[0]
        self.node.layer.infer((shape.replace(steps=x.shape[1]),))


@runs(STFTSpectrogram)
class STFTSpectrogramModule(SpectrogramModule):
    """Real Fourier transforms of frames."""

    def made_window(self) -> Tensor:
        layer: Any = self.node.layer
        window = torch.from_numpy(window_of(layer.window, layer.frame_length, periodic=layer.periodic))
        if layer.window is None or layer.scaling is None:
            return window
        return window / (window.square().sum().sqrt() if layer.scaling == "density" else window.abs().sum())

    def computed(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        self.check(x)
        if layer.padding == "same":
            lacking = max((layer.frames(x.shape[1]) - 1) * layer.step + layer.frame_length - x.shape[1], 0)
            x = F.pad(x, (0, 0, lacking // 2, lacking - lacking // 2))
        return self._shown(self.transformed(x, layer.step, layer.length), layer.mode).flatten(2)

    def _shown(self, spectrum: Tensor, mode: str) -> Tensor:
        if mode == "stft":
            return torch.cat([spectrum.real, spectrum.imag], 3)
        if mode == "real":
            return spectrum.real
        if mode == "imag":
            return spectrum.imag
        if mode == "angle":
            return torch.atan2(spectrum.imag + 0.0, spectrum.real)  # So that no zero has a sign.
        power = spectrum.real.square() + spectrum.imag.square()
        if mode == "psd":
            return power + F.pad(power[..., 1:-1], (1, 1)) if power.shape[-1] > 2 else power
        magnitude = power.clamp(min=_LEAST).sqrt()
        return magnitude.clamp(min=_LEAST).log() if mode == "log" else magnitude


@runs(MelSpectrogram)
class MelSpectrogramModule(SpectrogramModule):
    """Power under triangles."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        ends = (layer.min_freq, layer.highest)
        self._bands = torch.from_numpy(mel_weights(layer.num_mel_bins, layer.fft_length // 2 + 1, layer.sampling_rate, *ends))

    def made_window(self) -> Tensor:
        layer: Any = self.node.layer
        size = layer.frame_length or layer.fft_length
        left = (layer.fft_length - size) // 2
        return F.pad(torch.from_numpy(window_of(layer.window, size)), (left, layer.fft_length - size - left))

    def computed(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        self.check(x)
        half = layer.fft_length // 2
        x = F.pad(x.transpose(1, 2), (half, half), mode="reflect").transpose(1, 2)
        spectrum = self.transformed(x, layer.stride, layer.fft_length)
        power = spectrum.real.square() + spectrum.imag.square()
        if layer.mag_exp != 2:
            # The root of nothing has no slope; that of next to nothing has.
            power = power.clamp(min=torch.finfo(x.dtype).tiny) ** (layer.mag_exp / 2)
        bands = (power @ self._bands.to(x)).flatten(2)
        if not layer.power_to_db:
            return bands
        loudness = 10 * bands.clamp(min=layer.min_power).log10() - 10 * math.log10(max(layer.ref_power, layer.min_power))
        return torch.maximum(loudness, loudness.amax((1, 2), keepdim=True) - layer.top_db)
