"""The network as a maker of sequences: what comes after a token, given a prompt and whatever else it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lamina.engine.network import NetworkModule
from lamina.errors import TrainingError
from lamina.shapes import Tokens

if TYPE_CHECKING:
    from lamina.engine.runnable import Network
    from lamina.engine.state import State

_TOLERANCE = 1e-6


class Decoder:
    """Gives the probabilities of the next token.

    Args:
        network: A network with an input of tokens, and an output of probabilities over the same vocabulary.
        given: Names of the inputs that are given as a whole, such as what an encoder reads.
        decoder: Name of the input that sequences are made for; by default the one input of tokens that is not given.
        output: Name of the output; by default the only one.

    Attributes:
        input: Name of the input that sequences are made for.
        output: Name of the output.
        vocabulary: Tokens there are.

    Raises:
        TrainingError: EN080, if the network can't make sequences.
    """

    def __init__(self, network: Network, given: Iterable[str] = (), *, decoder: str | None = None, output: str | None = None) -> None:
        if not isinstance(network, NetworkModule):
            raise _no_decoder(got="an own torch.nn.Module", fix="describe the network, so that its layers can carry their memory")
        self.network = network
        self.input = _input(network, {*given}, decoder)
        self.output = _output(network, output)
        shape = network.input_shapes[self.input]
        self.vocabulary = shape.vocabulary if isinstance(shape, Tokens) else 0
        self._checked = False

    def begin(self, tokens: Tensor, mask: Tensor | None, given: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> tuple[Tensor, State]:
        """Read prompts.

        Args:
            tokens: ``[samples, steps]``, at least one step.
            mask: Which of these are real; None: all.
            given: The other inputs, whole.
            masks: Which of their steps are real.

        Returns:
            Log probabilities of the token after each prompt, ``[samples, vocabulary]`` in float64, and the state.
        """
        state = self.network.start_state(len(tokens), given, masks)
        return self._go_on(tokens, mask, state)

    def advance(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Log probabilities of what comes after one further token of each sample, and the new state."""
        return self._go_on(tokens[:, None], None, state)

    def _go_on(self, tokens: Tensor, mask: Tensor | None, state: State) -> tuple[Tensor, State]:
        scores, _, state = self.network.advance({self.input: tokens}, state, {} if mask is None else {self.input: mask})
        last = scores[self.output]
        if last.dim() == 3:
            if mask is None:
                last = last[:, -1]
            else:
                place = mask.shape[1] - 1 - mask.flip(1).to(torch.uint8).argmax(1)
                last = last[torch.arange(len(last), device=last.device), place]
        return self._log_probabilities(last), state

    def _log_probabilities(self, scores: Tensor) -> Tensor:
        head = self.network.heads.get(self.output)
        wide = scores.double()
        if head is None:
            # An output without a loss gives scores, as far as anybody knows.
            log_p = wide.log_softmax(-1)
        else:
            p = head.activate(wide)
            if not self._checked and (p.dim() != 2 or bool((p < 0).any()) or bool(((p.sum(-1) - 1).abs() > _TOLERANCE).any())):
                raise _no_decoder(
                    got=f"an output {self.output!r} whose values are no probabilities",
                    fix="end the network in {type: output, units: VOCABULARY, loss: cross_entropy}",
                )
            log_p = p.log()
        if log_p.shape[-1] != self.vocabulary:
            raise _no_decoder(
                got=f"{log_p.shape[-1]} probabilities from the output {self.output!r}, for a vocabulary of {self.vocabulary}",
                fix=f"give the output {self.vocabulary} units: each token that is made is read again as the next input",
            )
        self._checked = True
        return log_p


def _input(network: NetworkModule, given: set[str], decoder: str | None) -> str:
    """The input that sequences are made for."""
    kinds = {name: shape for name, shape in network.input_shapes.items() if isinstance(shape, Tokens)}
    free = [decoder] if decoder is not None else [name for name in kinds if name not in given]
    missing = [name for name in network.input_shapes if name not in given and name not in free]
    if len(free) == 1 and free[0] in kinds and not missing:
        return free[0]
    if not kinds:
        raise _no_decoder(got="no input of tokens", fix="give the network an input {type: tokens, vocabulary: ...}")
    if decoder is not None and decoder not in kinds:
        raise _no_decoder(got=f"no input of tokens called {decoder!r}", fix=f"name one of {', '.join(map(repr, kinds))}")
    if missing:
        raise _no_decoder(
            got=f"nothing for the input{'s' if len(missing) > 1 else ''} {', '.join(map(repr, missing))}",
            fix=f"give all inputs but the one that sequences are made for: {{{missing[0]!r}: ...}}",
        )
    raise _no_decoder(
        got=f"{len(free) or 'no'} inputs of tokens that nothing is given for",
        fix=f"name the one that sequences are made for: decoder={next(iter(kinds))!r}",
    )


def _output(network: NetworkModule, output: str | None) -> str:
    if output is None and len(network.outputs) == 1:
        return network.outputs[0]
    if output in network.outputs:
        return output
    raise _no_decoder(
        got=f"the outputs {', '.join(map(repr, network.outputs))}",
        fix=f"say which of them gives the next token: output={network.outputs[0]!r}",
    )


def _no_decoder(*, got: str, fix: str) -> TrainingError:
    return TrainingError(
        "EN080",
        where="generate",
        expected="a network with one input of tokens to make, and one output with a probability for each token that may follow",
        got=got,
        cause="what is made is read again, so the output must have the vocabulary of the input",
        fix=fix,
    )
