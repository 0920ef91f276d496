"""The arithmetic of recurrent layers over whole sequences: torch's fused kernels where they compute it, step by step elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from lamina.engine.layers.cells import Memory, Weights, cell_of, run_steps
from lamina.engine.layers.steps import filled_front, last_first, lengths, real_first, take_last, take_steps, undo
from lamina.network.activations import Relu
from lamina.network.layers.recurrent import GRU, LSTM, Recurrent, SimpleRNN

PACKED_BELOW = 0.25
"""Training on a CPU packs sequences that fill less of their batch than this. Measured, forward and backward, batches of 32 to 64,
40 to 200 steps, 64 to 256 units: filled to 55 %, packing takes 1.1 to 2.3 times as long as computing the padding too; filled to
20 %, 0.5 to 0.8 times (but for the smallest LSTM). Outside training nothing is packed: a matrix of other height may round otherwise,
and what is computed for one sample must not depend on the lengths of the others."""

_KERNEL_ORDER = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


class Recurrence(nn.Module):
    """The arithmetic of a recurrent layer, without parameters of its own.

    Memories are tuples of tensors ``[layers, batch, size]``, as in torch; weights are one mapping for each layer.

    Args:
        layer: Its description.
    """

    def __init__(self, layer: Recurrent) -> None:
        super().__init__()
        self.layers = layer.layers
        self.sizes = [size // layer.layers for size in layer.carried().values()]
        self.kernel: Callable[..., Any] | None = _kernel(layer)
        self.cell = cell_of(layer)
        self.between = layer.layer_dropout
        self.dropped = layer.recurrent_dropout

    def start(self, x: Tensor) -> Memory:
        """Zeros for the sequences ``x``."""
        return tuple(x.new_zeros(self.layers, x.shape[0], size) for size in self.sizes)

    def both(self, x: Tensor, forward: Weights, backward: Weights) -> tuple[Tensor, Tensor, Memory]:
        """One layer in both directions over whole sequences: outputs at their steps, and memories ``[2, batch, size]``."""
        if self.kernel is None or (self.training and self.dropped):
            y, memory = self._loop(x, [forward], self.start(x))
            z, other = self._loop(x.flip(1), [backward], self.start(x))
            return y, z.flip(1), tuple(torch.cat(parts) for parts in zip(memory, other, strict=True))
        start = tuple(x.new_zeros(2, x.shape[0], size) for size in self.sizes)
        out, memory = self._fused(x, [forward, backward], start, both=True)
        y, z = out.chunk(2, -1)
        return y, z, memory

    def read(
        self,
        x: Tensor,
        weights: Sequence[Weights],
        memory: Memory,
        mask: Tensor | None,
        *,
        backward: bool = False,
        keep: bool = True,
    ) -> tuple[Tensor, Tensor, Memory]:
        """Read sequences, each as if it were alone.

        Args:
            x: ``[batch, steps, features]``.
            weights: Of each layer.
            memory: What is remembered before.
            mask: Which steps are real; None: all.
            backward: From the last real step to the first.
            keep: Whether the memory at the end is wanted; what is given for it otherwise may be anything.

        Returns:
            Outputs at their steps (anything at masked ones), the output after each sequence's last step that was read, and the memory.
        """
        if mask is None:
            y, after = self._run(x.flip(1) if backward else x, weights, memory)
            return (y.flip(1) if backward else y), y[:, -1], after
        order = last_first(mask) if backward else None if filled_front(mask) else real_first(mask)
        count = lengths(mask)
        front = mask if order is None else torch.arange(x.shape[1], device=x.device) < count[:, None]
        y, after = self._run_masked(x if order is None else take_steps(x, order), weights, memory, front, keep=keep)
        last = torch.where((count > 0)[:, None], take_last(y, count), memory[0][-1])
        return (y if order is None else take_steps(y, undo(order))), last, after

    def _run(self, x: Tensor, weights: Sequence[Weights], memory: Memory) -> tuple[Tensor, Memory]:
        if self.kernel is None or (self.training and self.dropped):
            return self._loop(x, weights, memory)
        return self._fused(x, weights, memory)

    def _run_masked(self, x: Tensor, weights: Sequence[Weights], memory: Memory, mask: Tensor, *, keep: bool) -> tuple[Tensor, Memory]:
        """The same for sequences whose real steps are their first ones."""
        if self.kernel is None or (self.training and self.dropped):
            return self._loop(x, weights, memory, mask if keep else None)
        if self.training and _packs(mask, keep=keep):
            return self._packed(x, weights, memory, mask)
        alone = self.layers == len(self.sizes) == 1  # The memory is the output, and the output of every step is there.
        if not keep or alone:
            y, after = self._fused(x, weights, memory)
            count = lengths(mask)
            return y, (torch.where((count > 0)[:, None], take_last(y, count), memory[0][0])[None],) if keep else after
        return self._loop(x, weights, memory, mask)

    def _loop(self, x: Tensor, weights: Sequence[Weights], memory: Memory, mask: Tensor | None = None) -> tuple[Tensor, Memory]:
        ends = []
        for number, own in enumerate(weights):
            start = tuple(part[number] for part in memory)
            drop = F.dropout(torch.ones_like(start[0]), self.dropped) if self.training and self.dropped else None
            if number and self.training and self.between:
                x = F.dropout(x, self.between)
            x, end = run_steps(self.cell, x, own, start, mask=mask, drop=drop)
            ends.append(end)
        return x, tuple(torch.stack(parts) for parts in zip(*ends, strict=True))

    def _fused(self, x: Tensor, weights: Sequence[Weights], memory: Memory, *, both: bool = False) -> tuple[Tensor, Memory]:
        y, *after = self._call((x,), memory, weights, form=(both, True))
        return y, tuple(after)

    def _packed(self, x: Tensor, weights: Sequence[Weights], memory: Memory, mask: Tensor) -> tuple[Tensor, Memory]:
        count = lengths(mask)
        packed = pack_padded_sequence(x, count.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
        order, back = packed.sorted_indices, packed.unsorted_indices
        ordered = memory if order is None else tuple(part.index_select(1, order) for part in memory)
        y, *after = self._call((packed.data, packed.batch_sizes), ordered, weights, form=(False,))
        out, _ = pad_packed_sequence(PackedSequence(y, packed.batch_sizes, order, back), batch_first=True, total_length=x.shape[1])
        found = after if back is None else [part.index_select(1, back) for part in after]
        real = (count > 0)[None, :, None]
        return out, tuple(torch.where(real, new, old) for new, old in zip(found, memory, strict=True))

    def _call(self, given: tuple[Tensor, ...], memory: Memory, weights: Sequence[Weights], form: tuple[bool, ...]) -> tuple[Tensor, ...]:
        flat = [own[name] for own in weights for name in _KERNEL_ORDER if name in own]
        biases, start = "bias_ih" in weights[0], memory if len(memory) == 2 else memory[0]
        layers, between = self.layers, self.between if self.training else 0.0
        # CUDA's kernel can go backward only in "training"; but for the dropout between layers the flag changes nothing.
        training = torch.is_grad_enabled()
        head = (given[0], start) if len(given) == 1 else (*given, start)
        if self.kernel is None:
            raise TypeError(type(self.cell).__name__)
        with warnings.catch_warnings() if "weight_hr" in weights[0] else nullcontext():
            if "weight_hr" in weights[0]:
                # That oneDNN has no kernel for projections is nothing a user could act on.
                warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
            found: tuple[Tensor, ...] = self.kernel(*head, flat, biases, layers, between, training, *form)
        return found


def _packs(mask: Tensor, *, keep: bool) -> bool:
    """Whether to pack: where it is the faster way to the outputs, or the only fused one to the memory at the last real step."""
    return keep or (mask.device.type == "cpu" and float(mask.sum()) < PACKED_BELOW * mask.numel())


def _kernel(layer: Recurrent) -> Callable[..., Any] | None:
    kinds: dict[type[Recurrent], Callable[..., Any]] = {LSTM: torch.lstm, GRU: torch.gru, SimpleRNN: torch.rnn_tanh}
    kind = next((base for base in type(layer).__mro__ if base in kinds), None)
    if kind is None:
        return None
    if layer.fused:
        return kinds[kind]
    relu = kind is SimpleRNN and isinstance(layer.activation, Relu) and not layer.layer_norm
    return torch.rnn_relu if relu else None
