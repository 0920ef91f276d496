"""From a decoder to whole sequences: token by token, or by a search over many beginnings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from lamina.engine.state import State
from lamina.generation.choice import draw, restricted, uniforms
from lamina.generation.methods import Beam, Method, Sampling

Found = list[tuple[list[int], float]]
"""For each sample the tokens made, and the sum of their log probabilities."""


class Decoding(Protocol):
    """What a search needs of `lamina.generation.decoder.Decoder`."""

    def advance(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Log probabilities ``[rows, vocabulary]`` of the token after these, in float64, and the new state."""


def search(decoder: Decoding, log_p: Tensor, state: State, method: Method, *, steps: int, stop: int | None, first: int = 0) -> Found:
    """Make sequences.

    Args:
        decoder: Gives what comes after a token.
        log_p: Log probabilities of the first token, ``[samples, vocabulary]``.
        state: What is remembered of the prompt.
        method: How to choose.
        steps: Most tokens to make.
        stop: The token that ends a sequence; it is the last one of those that it ends.
        first: Number of the first sample, of which random draws are a function.
    """
    if isinstance(method, Beam):
        return beam(decoder, log_p, state, method, steps=steps, stop=stop)
    numbers = range(first, first + len(log_p))

    def choose(scores: Tensor, step: int) -> Tensor:
        if not isinstance(method, Sampling):
            return scores.argmax(-1)
        uniform = torch.from_numpy(uniforms(method.seed, numbers, step))
        return draw(restricted(scores, method), uniform.to(scores.device))

    return walk(decoder, log_p, state, choose, steps=steps, stop=stop)


def walk(decoder: Decoding, log_p: Tensor, state: State, choose: Callable[[Tensor, int], Tensor], *, steps: int, stop: int | None) -> Found:
    """One token after another, for all samples together until each has stopped."""
    made: list[list[int]] = [[] for _ in range(len(log_p))]
    totals = [0.0] * len(log_p)
    going = torch.ones(len(log_p), dtype=torch.bool)
    for step in range(steps):
        tokens = choose(log_p, step)
        gained = log_p.gather(-1, tokens[:, None]).squeeze(-1).tolist()
        for row, token in enumerate(tokens.tolist()):
            if going[row]:
                made[row].append(token)
                totals[row] += gained[row]
        if stop is not None:
            going &= tokens.cpu() != stop
        if step == steps - 1 or not going.any():
            break
        log_p, state = decoder.advance(tokens, state)
    return list(zip(made, totals, strict=True))


@dataclass
class _Best:
    """The best finished sequence of a sample, by score."""

    tokens: list[int]
    total: float
    score: float = -math.inf

    def offer(self, tokens: list[int], total: float, penalty: float) -> None:
        """Take a finished sequence if it is better; of equals the earlier stays."""
        score = total / len(tokens) ** penalty
        if score > self.score:
            self.tokens, self.total, self.score = tokens, total, score


@dataclass(frozen=True)
class _Beginning:
    """A sequence that may be gone on with: its tokens, the sum of their log probabilities, and the row it was made from."""

    tokens: list[int]
    total: float
    source: int


def beam(decoder: Decoding, log_p: Tensor, state: State, method: Beam, *, steps: int, stop: int | None) -> Found:
    """The best sequence of each sample that a beam search finds."""
    samples, vocabulary, width = len(log_p), log_p.shape[-1], method.width
    best = [_Best([], 0.0) for _ in range(samples)]
    # At first there is one beginning for each sample; the others can't be chosen from.
    nothing = _Beginning([], -math.inf, 0)
    beams = [[_Beginning([], 0.0, 0), *[nothing] * (width - 1)] for _ in range(samples)]
    rows = torch.arange(samples, device=log_p.device).repeat_interleave(width)
    log_p, state = log_p.index_select(0, rows), state.select(rows)
    for step in range(steps):
        totals = torch.tensor([[one.total for one in own] for own in beams], dtype=torch.float64, device=log_p.device)
        candidates = (totals[:, :, None] + log_p.view(samples, width, vocabulary)).flatten(1)
        # Of twice as many as are kept at most half end here: each beginning has one way to stop.
        values, places = torch.sort(candidates, dim=-1, descending=True, stable=True)
        kept: list[list[_Beginning]] = []
        for sample, own in enumerate(beams):
            found: list[_Beginning] = []
            for total, place in zip(values[sample, : 2 * width].tolist(), places[sample, : 2 * width].tolist(), strict=True):
                source, token = divmod(place, vocabulary)
                tokens = [*own[source].tokens, token]
                if total > -math.inf and (token == stop or step == steps - 1):
                    best[sample].offer(tokens, total, method.length_penalty)
                elif len(found) < width:
                    found.append(_Beginning(tokens, total, sample * width + source))
            kept.append(found + [_Beginning([0], -math.inf, sample * width)] * (width - len(found)))
        beams = kept
        # No sum grows, and none is divided by more than at full length: a search is over when none can win any more.
        if all(best[sample].score >= own[0].total / steps**method.length_penalty for sample, own in enumerate(beams)):
            break
        if step == steps - 1:
            break
        flat = [one for own in beams for one in own]
        tokens_now = torch.tensor([one.tokens[-1] for one in flat], device=log_p.device)
        log_p, state = decoder.advance(tokens_now, state.select(torch.tensor([one.source for one in flat], device=log_p.device)))
    return [(own.tokens, own.total) for own in best]
