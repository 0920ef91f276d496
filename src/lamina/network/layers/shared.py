"""One set of weights used at several places of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, Name
from lamina.shapes import Features, Image, Sequence, Series, Shape, Tokens, Volume
from lamina.spec import register, wrong_value

if TYPE_CHECKING:
    from lamina.network.network import Network


@register("shared")
class Shared(Layer):
    """The layer called ``of`` once more: the same settings and the same weights, on other inputs (siamese networks).

    Input and output are those of that layer; it may see another size wherever its weights don't depend on it. Gradients of
    all uses add up. The weights are counted, trained and kept once, under the name of the layer that owns them.

    Attributes:
        of: Name of the layer.
        output: Of a recurrent layer: give this instead of what it gives there, such as ``state``, its memory after the last step.

    Example:
        >>> import lamina as lm
        >>> net = lm.Graph(
        ...     inputs={"left": lm.features(4), "right": lm.features(4)},
        ...     nodes={
        ...         "one": lm.Dense(3, inputs="left"),
        ...         "two": lm.layers.Shared("one", inputs="right"),
        ...         "far": lm.Subtract(inputs=["one", "two"]),
        ...     },
        ...     outputs="far",
        ... )
        >>> [(node.name, len(node.parameters)) for node in net.resolve().nodes]
        [('one', 2), ('two', 0), ('far', 0)]
    """

    positional: ClassVar[tuple[str, ...]] = ("of",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence, Image, Volume, Tokens, Series)
    input_count: ClassVar[tuple[int, int | None]] = (1, None)

    of: Name
    output: Literal["sequence", "last", "state"] | None = None

    @model_validator(mode="after")
    def _another(self) -> Self:
        if self.name is not None and self.name == self.of:
            raise wrong_value(expected="the name of another layer", cause="a layer can't share its own weights", fix="name the owner in of")
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Never asked: `lamina.network.inference` puts the layer called ``of`` in its place.

        Raises:
            ShapeError: NN010, since by itself it stands for nothing.
        """
        raise self.refuse(
            "NN010",
            expected=f"a network with a layer {self.of!r}",
            got="no network",
            cause="a shared layer means something within a network only",
            fix="stand it in the network that holds its owner",
        )

    def surroundings(self, inputs: tuple[Shape, ...]) -> Network:
        from lamina.network.graph import Graph
        from lamina.network.layers.dense import Dense
        from lamina.network.vertices import Subtract

        nodes = {self.of: Dense(3, inputs="left"), "again": self.replace(inputs="right"), "far": Subtract(inputs=[self.of, "again"])}
        return Graph(inputs={"left": inputs[0], "right": inputs[0]}, nodes=nodes, outputs="far")

    def resolved(self, owner: Layer) -> Layer:
        """The owner's layer with this one's name and inputs."""
        own: dict[str, Any] = {"name": self.name, "inputs": self.inputs}
        if self.output is not None:
            own |= {"output": self.output, "return_sequences": True}
        return owner.replace(**own)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls("first"), (Features(4),)), (cls("encoder"), (Sequence(steps=None, features=3),))]
