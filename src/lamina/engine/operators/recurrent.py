"""Recurrent networks, step by step, with every option that ONNX has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.operators.registry import Context, operator

Act = Callable[[Tensor], Tensor]
Floats = list[float] | None
Words = list[str] | None


def _act(name: str, alpha: float | None, beta: float | None, context: Context) -> Act:
    a = {"LeakyRelu": 0.01, "Elu": 1.0, "HardSigmoid": 0.2, "ThresholdedRelu": 1.0}.get(name, 1.0) if alpha is None else alpha
    b = (0.5 if name == "HardSigmoid" else 0.0) if beta is None else beta
    found: dict[str, Act] = {
        **{"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "softsign": F.softsign, "softplus": F.softplus},
        "affine": lambda x: (1.0 if alpha is None else alpha) * x + b,
        "leakyrelu": lambda x: F.leaky_relu(x, a),
        "thresholdedrelu": lambda x: torch.where(x > a, x, torch.zeros_like(x)),
        "scaledtanh": lambda x: a * torch.tanh((1.0 if beta is None else beta) * x),
        "hardsigmoid": lambda x: (a * x + b).clamp(0, 1),
        "elu": lambda x: F.elu(x, a),
    }
    if name.lower() not in found:
        raise context.refused(expected="an activation of ONNX's recurrent networks", got=name, fix="use another activation")
    return found[name.lower()]


_WITH_ALPHA = {"affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"}
_WITH_BETA = {"affine", "scaledtanh", "hardsigmoid"}


def _acts(names: Words, alphas: Floats, betas: Floats, default: list[str], directions: int, context: Context) -> list[list[Act]]:
    words = list(names) if names else default * directions
    first, second = iter(alphas or []), iter(betas or [])
    made = []
    for word in words:
        alpha = next(first, None) if word.lower() in _WITH_ALPHA else None
        beta = next(second, None) if word.lower() in _WITH_BETA else None
        made.append(_act(word, alpha, beta, context))
    count = len(default)
    return [made[number * count : (number + 1) * count] for number in range(directions)]


class Run:
    """One run over a sequence.

    Args:
        x: ``[steps, batch, features]``, or the other way round by ``layout``.
        lengths: Real steps of each sample.
        direction: ``forward``, ``reverse`` or ``bidirectional``.
        layout: 0 if steps come first, 1 if the batch does.
    """

    def __init__(self, x: Tensor, lengths: Tensor | None, direction: str, layout: int) -> None:
        self.x = x.transpose(0, 1) if layout else x
        self.steps, self.batch = self.x.shape[:2]
        self.lengths, self.layout = lengths, layout
        self.backward = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[direction]

    def initial(self, state: Tensor | None, number: int, hidden: int) -> Tensor:
        """The state that a direction begins with."""
        if state is None:
            return self.x.new_zeros(self.batch, hidden)
        return state[:, number] if self.layout else state[number]

    def along(self, number: int, states: tuple[Tensor, ...], step: Callable[..., tuple[Tensor, ...]]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """All outputs of one direction in the order of the steps, and the last states."""
        order = range(self.steps - 1, -1, -1) if self.backward[number] else range(self.steps)
        outputs: list[Tensor] = [self.x] * self.steps
        for place in order:
            new = step(self.x[place], *states)
            if self.lengths is not None:
                real = (place < self.lengths)[:, None]
                outputs[place] = torch.where(real, new[0], torch.zeros_like(new[0]))
                states = tuple(torch.where(real, fresh, old) for fresh, old in zip(new, states, strict=True))
            else:
                outputs[place] = new[0]
                states = new
        hidden = states[0].shape[-1]
        return (torch.stack(outputs) if outputs else self.x.new_zeros(0, self.batch, hidden)), states

    def result(self, found: list[tuple[Tensor, tuple[Tensor, ...]]]) -> tuple[Tensor, ...]:
        """Outputs ``[steps, directions, batch, hidden]`` and last states ``[directions, batch, hidden]``."""
        y = torch.stack([outputs for outputs, _ in found], 1)
        last = [torch.stack([states[place] for _, states in found]) for place in range(len(found[0][1]))]
        if self.layout:
            return y.permute(2, 0, 1, 3), *(state.transpose(0, 1) for state in last)
        return y, *last


def _clipped(x: Tensor, clip: float | None) -> Tensor:
    return x if clip is None else x.clamp(-clip, clip)


@operator("RNN")
def rnn(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    lengths: Tensor | None = None,
    initial_h: Tensor | None = None,
    *,
    activation_alpha: Floats = None,
    activation_beta: Floats = None,
    activations: Words = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    context: Context,
) -> tuple[Tensor, ...]:
    """A simple recurrent network."""
    run = Run(x, lengths, direction, layout)
    hidden = r.shape[-1]
    acts = _acts(activations, activation_alpha, activation_beta, ["Tanh"], len(run.backward), context)
    found = []
    for number in range(len(run.backward)):
        bias = 0 if b is None else b[number, :hidden] + b[number, hidden:]

        def step(value: Tensor, h: Tensor, number: int = number, bias: Any = bias) -> tuple[Tensor, ...]:
            return (acts[number][0](_clipped(value @ w[number].T + h @ r[number].T + bias, clip)),)

        found.append(run.along(number, (run.initial(initial_h, number, hidden),), step))
    return run.result(found)


@operator("GRU")
def gru(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    lengths: Tensor | None = None,
    initial_h: Tensor | None = None,
    *,
    activation_alpha: Floats = None,
    activation_beta: Floats = None,
    activations: Words = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    linear_before_reset: int = 0,
    context: Context,
) -> tuple[Tensor, ...]:
    """Gated recurrent units; gates z, r, h."""
    run = Run(x, lengths, direction, layout)
    n = r.shape[-1]
    acts = _acts(activations, activation_alpha, activation_beta, ["Sigmoid", "Tanh"], len(run.backward), context)
    found = []
    for number in range(len(run.backward)):
        both = x.new_zeros(6 * n) if b is None else b[number]
        bw, br = both[: 3 * n], both[3 * n :]

        def step(value: Tensor, h: Tensor, number: int = number, bw: Tensor = bw, br: Tensor = br) -> tuple[Tensor, ...]:
            gate, inner = acts[number]
            given = value @ w[number].T + bw
            rec = h @ r[number, : 2 * n].T + br[: 2 * n]
            z = gate(_clipped(given[:, :n] + rec[:, :n], clip))
            reset = gate(_clipped(given[:, n : 2 * n] + rec[:, n:], clip))
            rh, rb = r[number, 2 * n :].T, br[2 * n :]
            past = reset * (h @ rh + rb) if linear_before_reset else (reset * h) @ rh + rb
            return ((1 - z) * inner(_clipped(given[:, 2 * n :] + past, clip)) + z * h,)

        found.append(run.along(number, (run.initial(initial_h, number, n),), step))
    return run.result(found)


@operator("LSTM")
def lstm(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    lengths: Tensor | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    p: Tensor | None = None,
    *,
    activation_alpha: Floats = None,
    activation_beta: Floats = None,
    activations: Words = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
    layout: int = 0,
    context: Context,
) -> tuple[Tensor, ...]:
    """Long short-term memory; gates i, o, f, c, peepholes i, o, f."""
    run = Run(x, lengths, direction, layout)
    n = r.shape[-1]
    acts = _acts(activations, activation_alpha, activation_beta, ["Sigmoid", "Tanh", "Tanh"], len(run.backward), context)
    found = []
    for number in range(len(run.backward)):
        bias = 0 if b is None else b[number, : 4 * n] + b[number, 4 * n :]
        peep = x.new_zeros(3 * n) if p is None else p[number]

        def step(value: Tensor, h: Tensor, c: Tensor, number: int = number, bias: Any = bias, peep: Tensor = peep) -> tuple[Tensor, ...]:
            gate, cell, out = acts[number]
            i, o, f, g = (value @ w[number].T + h @ r[number].T + bias).chunk(4, -1)
            i = gate(_clipped(i + peep[:n] * c, clip))
            f = 1 - i if input_forget else gate(_clipped(f + peep[2 * n :] * c, clip))
            new = f * c + i * cell(_clipped(g, clip))
            o = gate(_clipped(o + peep[n : 2 * n] * new, clip))
            return o * out(new), new

        begin = (run.initial(initial_h, number, n), run.initial(initial_c, number, n))
        found.append(run.along(number, begin, step))
    return run.result(found)
