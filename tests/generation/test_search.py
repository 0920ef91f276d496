"""The choice of tokens and the search for sequences, against NumPy and against looking at every sequence there is."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lamina.engine.state import State
from lamina.errors import DescriptionError
from lamina.generation import Beam, Greedy, Sampling
from lamina.generation.choice import draw, restricted, uniforms
from lamina.generation.search import search

F64 = torch.float64


class Tree:
    """Log probabilities that depend on everything made so far; the state is the tokens themselves."""

    def __init__(self, vocabulary: int, seed: int) -> None:
        self.vocabulary, self.seed = vocabulary, seed

    def after(self, tokens: list[int]) -> np.ndarray:
        scores = np.random.default_rng([self.seed, len(tokens), *tokens]).normal(size=self.vocabulary) * 1.5
        return scores - np.log(np.exp(scores).sum())

    def begin(self, samples: int) -> tuple[Tensor, State]:
        # The first token of the state tells the samples apart.
        seen = [[sample] for sample in range(samples)]
        return torch.tensor(np.stack([self.after(tokens) for tokens in seen])), State(
            samples, memories={"it": {"seen": torch.tensor(seen)}}
        )

    def advance(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        seen = torch.cat([state.memories["it"]["seen"], tokens[:, None]], 1)
        return torch.tensor(np.stack([self.after(row) for row in seen.tolist()])), State(len(seen), memories={"it": {"seen": seen}})

    def total(self, sample: int, tokens: tuple[int, ...]) -> float:
        return sum(self.after([sample, *tokens[:place]])[token] for place, token in enumerate(tokens))


def every_sequence(vocabulary: int, steps: int, stop: int) -> list[tuple[int, ...]]:
    found = [s for n in range(1, steps + 1) for s in itertools.product(range(vocabulary), repeat=n) if stop not in s[:-1]]
    return [s for s in found if s[-1] == stop or len(s) == steps]


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_the_best_of_all_sequences(seed: int, penalty: float) -> None:
    tree, steps, stop = Tree(3, seed), 4, 2
    log_p, state = tree.begin(2)
    found = search(tree, log_p, state, Beam(3**steps, length_penalty=penalty), steps=steps, stop=stop)
    for sample, (tokens, total) in enumerate(found):
        best = max(every_sequence(3, steps, stop), key=lambda s: tree.total(sample, s) / len(s) ** penalty)
        assert tuple(tokens) == best
        assert total == pytest.approx(tree.total(sample, best), abs=1e-12)


def beam_written_out(tree: Tree, sample: int, width: int, steps: int, stop: int, penalty: float) -> tuple[int, ...]:
    """A beam search as the textbook has it, with no early end: all ways to go on, those that stop set aside, the best kept."""
    live: list[tuple[int, ...]] = [()]
    done: list[tuple[int, ...]] = []
    for step in range(1, steps + 1):
        ways = sorted(((*own, token) for own in live for token in range(tree.vocabulary)), key=lambda s: -tree.total(sample, s))[
            : 2 * width
        ]
        done += [s for s in ways if s[-1] == stop or step == steps]
        live = [s for s in ways if s[-1] != stop][:width]
    return max(done, key=lambda s: tree.total(sample, s) / len(s) ** penalty)


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_a_narrow_beam_is_the_textbooks(seed: int, width: int, penalty: float) -> None:
    tree = Tree(5, seed)
    log_p, state = tree.begin(3)
    found = search(tree, log_p, state, Beam(width, length_penalty=penalty), steps=5, stop=0)
    assert [tuple(tokens) for tokens, _ in found] == [beam_written_out(tree, sample, width, 5, 0, penalty) for sample in range(3)]


def test_without_a_stop_token_a_beam_of_one_is_greedy() -> None:
    tree = Tree(6, 1)
    made = [search(tree, *tree.begin(3), method, steps=5, stop=None) for method in (Greedy(), Beam(1))]
    assert made[0] == made[1]
    assert [len(tokens) for tokens, _ in made[0]] == [5, 5, 5]
    assert made[0][0][0][0] == int(tree.after([0]).argmax())


def nucleus(p: np.ndarray, top_k: int | None, top_p: float | None) -> np.ndarray:
    order = sorted(range(len(p)), key=lambda token: (-p[token], token))
    kept = order[: top_k or len(p)]
    mass, whole, chosen = 0.0, sum(p[token] for token in kept), []
    for token in kept:
        chosen.append(token)
        mass += p[token] / whole
        if top_p is not None and mass >= top_p:
            break
    out = np.zeros(len(p))
    out[chosen] = p[chosen] / p[chosen].sum()
    return out


@pytest.mark.parametrize("top_k", [None, 1, 3, 50])
@pytest.mark.parametrize("top_p", [None, 0.1, 0.55, 0.9, 1.0])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_restrictions_are_those_of_numpy(temperature: float, top_k: int | None, top_p: float | None) -> None:
    scores = np.random.default_rng(3).normal(size=(5, 9)) * 2
    scores[0, :4] = 1.0  # ties
    found = restricted(torch.tensor(scores), Sampling(temperature, top_k=top_k, top_p=top_p)).numpy()
    for row, own in zip(found, scores, strict=True):
        p = np.exp(own / temperature)
        np.testing.assert_allclose(row, nucleus(p / p.sum(), top_k, top_p), atol=1e-12)


def test_draws_follow_the_distribution() -> None:
    p, count = torch.tensor([[0.1, 0.0, 0.45, 0.25, 0.2]], dtype=F64), 40_000
    uniform = torch.from_numpy(uniforms(7, range(count), 3))
    assert 0 <= float(uniform.min()) < 1e-3
    assert 1 - 1e-3 < float(uniform.max()) < 1
    drawn = torch.bincount(draw(p.expand(count, -1), uniform), minlength=5).numpy()
    expected = p[0].numpy() * count
    assert drawn[1] == 0
    chi_squared = sum((drawn[token] - expected[token]) ** 2 / expected[token] for token in (0, 2, 3, 4))
    assert chi_squared < 16.3  # 99.9 % of the distribution with three degrees of freedom


def test_draws_at_the_edges_are_possible_tokens() -> None:
    p = torch.tensor([[0.0, 0.3, 0.0, 0.7, 0.0]] * 3, dtype=F64)
    assert draw(p, torch.tensor([0.0, 0.3, 1.0], dtype=F64)).tolist() == [1, 3, 3]


def test_what_is_drawn_has_an_address() -> None:
    tree = Tree(20, 5)
    log_p, state = tree.begin(6)
    whole = search(tree, log_p, state, Sampling(seed=3), steps=6, stop=None)
    part = search(tree, log_p[2:5], state.select(torch.tensor([2, 3, 4])), Sampling(seed=3), steps=6, stop=None, first=2)
    assert part == whole[2:5]
    assert search(tree, log_p, state, Sampling(seed=4), steps=6, stop=None) != whole
    assert len({tuple(tokens) for tokens, _ in whole}) == 6


def test_sequences_end_with_the_stop_token() -> None:
    tree = Tree(3, 2)
    for tokens, total in search(tree, *tree.begin(20), Sampling(), steps=8, stop=1):
        assert 1 not in tokens[:-1]
        assert tokens[-1] == 1 or len(tokens) == 8
        assert math.isfinite(total)


@pytest.mark.parametrize("settings", [{"temperature": 0.0}, {"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.5}])
def test_wrong_settings_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(DescriptionError):
        Sampling(**settings)
    with pytest.raises(DescriptionError):
        Beam(0)
