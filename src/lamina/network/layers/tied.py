"""An output that uses the weights of another layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from lamina.network.layers.embedding import Embedding
from lamina.network.layers.layer import Borrowed, Layer, Name, Parameter
from lamina.network.layers.output import Output
from lamina.shapes import Sequence, Shape, Tokens
from lamina.spec import register

if TYPE_CHECKING:
    from lamina.network.network import Network


@register("tied_output")
class TiedOutput(Output):
    """`Output` with the weights of another layer: ``scores = x W^T + b``, ``W`` that of an embedding, say (Press and Wolf 2017).

    The tensor is trained, counted and kept once, under the name of the layer that owns it, with the sum of both gradients; noise on
    weights, ``l2`` and constraints are settings of that layer.

    Input and output as for `Output`; ``n`` must be the length of the owner's vectors, ``units`` their number. Parameter of its own:
    ``bias [units]``.

    Attributes:
        units: Number of outputs: the size of the vocabulary.
        of: Name of the layer that owns the weights.
        parameter: Name of the tensor there.

    Example:
        >>> import lamina as lm
        >>> net = lm.Sequential(lm.tokens(5, vocabulary=7), [
        ...     lm.Embedding(3, name="words"),
        ...     lm.layers.TiedOutput(7, of="words"),
        ... ])
        >>> [list(node.parameters) for node in net.resolve().nodes]
        [['weight'], ['bias']]
    """

    unused_settings: ClassVar[tuple[str, ...]] = (
        "initializer", "weight_noise", "l1", "l2", "weight_decay", "constraints",
    )  # fmt: skip
    positional: ClassVar[tuple[str, ...]] = ("units", "of")

    of: Name
    parameter: Name = "weight"

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        return {name: p for name, p in super().parameters(inputs).items() if name != "weight"}

    def borrowed(self, inputs: tuple[Shape, ...]) -> Mapping[str, Borrowed]:
        return {"weight": Borrowed(self.of, self.parameter, (self.units, inputs[0].dims[-1] or 1))}

    def surroundings(self, inputs: tuple[Shape, ...]) -> Network:
        from lamina.network.sequential import Sequential

        (shape,) = inputs
        words = Embedding(shape.dims[-1] or 1, name=self.of)
        return Sequential(Tokens(steps=shape.dims[0], vocabulary=self.units), [words, self])

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(7, of="words"), (Sequence(steps=4, features=3),)),
            (cls(5, of="words", bias=False), (Sequence(steps=None, features=2),)),
        ]
