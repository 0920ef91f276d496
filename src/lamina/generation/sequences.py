"""What a model can do with sequences, beside predicting for whole ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamina.engine.state import State
    from lamina.generation.generated import Generated
    from lamina.generation.methods import Method


class Sequences:
    """The part of `lamina.Model` that makes sequences, and runs networks piece by piece."""

    def generate(
        self, inputs: Any = None, *, steps: int, method: Method | str | Mapping[str, Any] = "greedy", **settings: Any
    ) -> Generated:
        """Make sequences of tokens; see `lamina.generation.generate.generate` for all settings.

        Args:
            inputs: A prompt or several; of a network with several inputs a mapping of all but the decoder's.
            steps: Most tokens to make for each sample.
            method: How the next token is chosen: a `lamina.generation.Greedy`, ``Sampling`` or ``Beam``, or its name.
            **settings: ``start``, ``stop``, ``masks``, ``decoder``, ``output``, ``batch_size``, ``device``.
        """
        from lamina.generation.generate import generate

        return generate(self, inputs, steps=steps, method=method, **settings)  # type: ignore[arg-type]

    def step(self, x: Any, state: State | None = None, **settings: Any) -> tuple[Any, State]:
        """Outputs for the next piece of some sequences, and the state to go on from; see `lamina.generation.stepping.step`.

        Args:
            x: The next steps, any number of them, as for `lamina.Model.predict`.
            state: What the last call gave; None begins anew. ``state.save(path)`` keeps it.
            **settings: ``given`` (inputs known as a whole, at the beginning), ``masks``, ``device``.
        """
        from lamina.generation.stepping import step

        return step(self, x, state, **settings)  # type: ignore[arg-type]
