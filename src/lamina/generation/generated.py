"""What was generated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lamina.generation.prompts import Alphabet


@dataclass(frozen=True)
class Generated:
    """Sequences that a network made.

    Attributes:
        sequences: For each sample the tokens made after the prompt, without the stop token.
        log_probabilities: Of each, by the network itself: the sum over its tokens, the stop token included.
        stopped: Whether each came to its end, or was cut off after the greatest number of steps.
        alphabet: Names of the tokens.
    """

    sequences: list[np.ndarray]
    log_probabilities: np.ndarray
    stopped: np.ndarray
    alphabet: Alphabet

    @property
    def texts(self) -> list[str]:
        """The sequences spelled out: characters run together, other tokens by name or number with spaces between."""
        return [self.alphabet.text(tokens.tolist()) for tokens in self.sequences]

    def __len__(self) -> int:
        return len(self.sequences)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.sequences)

    def __getitem__(self, sample: int) -> np.ndarray:
        return self.sequences[sample]
