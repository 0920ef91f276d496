"""Contract suite of ways to choose the next token: what each must do, ours and third parties'."""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.engine.state import State
from lamina.generation.methods import Method
from lamina.generation.search import search
from lamina.testing.promises import promise

_VOCABULARY, _SAMPLES, _STEPS, _STOP = 5, 6, 4, 0


class _Chain:
    """A Markov chain: what follows depends on the last token alone."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(3)
        self.table = torch.randn(_VOCABULARY, _VOCABULARY, generator=generator, dtype=torch.float64).log_softmax(-1)

    def advance(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """What follows these tokens."""
        return self.table[tokens], state


def check_method(method: Method) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.generation import Greedy
        >>> check_method(Greedy())
    """
    promise(Method.from_yaml(method.to_yaml()) == method, "it round-trips through YAML")
    promise(Method.from_yaml(method.to_json(full=True)).to_dict(full=True) == method.to_dict(full=True), "it round-trips in full")
    chain = _Chain()
    first = chain.table[torch.arange(_SAMPLES) % _VOCABULARY]
    made = search(chain, first, State(_SAMPLES), method, steps=_STEPS, stop=_STOP)
    promise(len(made) == _SAMPLES, "every sample gets a sequence")
    for row, (tokens, total) in enumerate(made):
        promise(1 <= len(tokens) <= _STEPS, f"a sequence has from 1 to {_STEPS} tokens: {tokens}")
        promise(_STOP not in tokens[:-1], f"nothing follows the stop token: {tokens}")
        promise(len(tokens) == _STEPS or tokens[-1] == _STOP, f"a sequence that did not stop has all steps: {tokens}")
        scores = [first[row, tokens[0]], *(chain.table[a, b] for a, b in zip(tokens, tokens[1:], strict=False))]
        promise(abs(float(sum(scores)) - total) < 1e-9, "its log probability is the sum over its tokens")
    again = search(chain, first, State(_SAMPLES), method, steps=_STEPS, stop=_STOP)
    promise(made == again, "the same method makes the same sequences")
    part = search(chain, first[2:4], State(2), method, steps=_STEPS, stop=_STOP, first=2)
    promise(part == made[2:4], "what a sample gets doesn't depend on the others in its batch")
