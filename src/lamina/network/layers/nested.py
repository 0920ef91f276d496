"""Networks as layers: nested, residual, repeated, or one for each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lamina.network.layers.container import Container, Follows, Inner, only_output
from lamina.network.layers.layer import Layer
from lamina.network.network import Network
from lamina.shapes import Features, Image, Sequence, Series, Shape, Volume, each_step, with_steps
from lamina.spec import register
from lamina.spec.fields import Count


@register("nested")
class Nested(Follows):
    """A whole network as one layer: a block that is described once, shared (`shared`), frozen or replaced as a whole.

    Input: as many as the inner network has, in its order. Output: that of the inner network, which must have one.

    Attributes:
        network: The network; its inputs need no shapes. A list of layers is a chain.

    Example:
        >>> from lamina.network.layers import Dense
        >>> block = Nested([Dense(8, activation="relu"), Dense(4)])
        >>> str(block.infer((Features(3),))), list(block.parameters((Features(3),)))[0]
        ('[batch, 4]', 'dense_1/weight')
    """

    positional: ClassVar[tuple[str, ...]] = ("network",)
    input_count: ClassVar[tuple[int, int | None]] = (1, None)

    network: Inner

    def parts(self) -> Mapping[str, Network]:
        return {"": self.network}

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return only_output(self.plans(inputs)[""])

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        from lamina.network.graph import Graph
        from lamina.network.layers.convolution import Conv2d
        from lamina.network.layers.dense import Dense
        from lamina.network.layers.dropout import Dropout
        from lamina.network.layers.normalization import BatchNorm
        from lamina.network.layers.recurrent import GRU
        from lamina.network.vertices import Add

        nodes: dict[str, Layer] = {"a": Dense(3, inputs="x"), "b": Dense(3, inputs="y"), "sum": Add(inputs=["a", "b"])}
        return [
            (cls([Dense(4, activation="tanh"), Dense(2, l2=0.1)]), (Features(3),)),
            (cls(Graph(nodes=nodes, outputs="sum")), (Features(2), Features(4))),
            (cls([Conv2d(2, kernel=3, padding="same"), BatchNorm()]), (Image(channels=2, height=4, width=5),)),
            (cls([GRU(3), Dense(2)]), (Sequence(steps=None, features=2),)),
            (cls([Dense(3), Dropout(0.5)]), (Features(3),)),
        ]


@register("residual")
class Residual(Follows):
    """``y = x + network(x)`` (He et al. 2015, the identity mapping).

    Attributes:
        network: Gives the shape that it takes.

    Example:
        >>> from lamina.network.layers import Dense
        >>> str(Residual(Dense(4, activation="relu")).infer((Features(4),)))
        '[batch, 4]'
    """

    positional: ClassVar[tuple[str, ...]] = ("network",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence, Image, Volume, Series)

    network: Inner

    def parts(self) -> Mapping[str, Network]:
        return {"": self.network}

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        output = only_output(self.plans(inputs)[""])
        self.same(inputs, output, "a network")
        return output

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        from lamina.network.layers.convolution import Conv2d
        from lamina.network.layers.dense import Dense
        from lamina.network.layers.recurrent import LSTM

        return [
            (cls([Dense(5, activation="tanh"), Dense(3)]), (Features(3),)),
            (cls(Conv2d(2, kernel=3, padding="same")), (Image(channels=2, height=5, width=4),)),
            (cls(LSTM(3)), (Sequence(steps=None, features=3),)),
        ]


@register("repeat")
class Repeat(Follows):
    """The same network several times over, with one set of weights: ``x, f(x), f(f(x)) ...``.

    Attributes:
        network: Gives the shape that it takes.
        times: How often it runs.

    Example:
        >>> from lamina.network.layers import Dense
        >>> layer = Repeat(Dense(4, activation="tanh"), times=3)
        >>> len(layer.parameters((Features(4),))), layer.passes((Features(4),))
        (2, 3)
    """

    positional: ClassVar[tuple[str, ...]] = ("network", "times")
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence, Image, Volume, Series)

    network: Inner
    times: Count

    def parts(self) -> Mapping[str, Network]:
        return {"": self.network}

    def passes(self, inputs: tuple[Shape, ...]) -> int:
        return self.times

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        output = only_output(self.plans(inputs)[""])
        self.same(inputs, output, "a network")
        return output

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        from lamina.network.layers.dense import Dense
        from lamina.network.layers.recurrent import GRU

        return [
            (cls([Dense(5, activation="tanh"), Dense(3)], times=3), (Features(3),)),
            (cls(GRU(3), times=2), (Sequence(steps=None, features=3),)),
        ]


@register("time_distributed")
class TimeDistributed(Container):
    """A network for each step of a sequence by itself, with one set of weights: ``y_t = network(x_t)``.

    Input: a sequence, whose steps are vectors, or a series of images, volumes or sequences. Output: a sequence if the network
    gives vectors, else a series.

    Attributes:
        network: A network, a layer, or a list of layers for one step.

    Example:
        >>> from lamina.network.layers import Conv2d, GlobalAvgPool
        >>> film = Series(steps=None, item=Image(channels=3, height=8, width=8))
        >>> str(TimeDistributed([Conv2d(4, kernel=3), GlobalAvgPool()]).infer((film,)))
        '[batch, ?, 4]'
    """

    positional: ClassVar[tuple[str, ...]] = ("network",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Series)
    stepwise: ClassVar[bool] = True
    takes_masks: ClassVar[bool] = True

    network: Inner

    def parts(self) -> Mapping[str, Network]:
        return {"": self.network}

    def inner_inputs(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (each_step(inputs[0]),)

    def passes(self, inputs: tuple[Shape, ...]) -> int:
        return inputs[0].dims[0] or 1

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return with_steps(only_output(self.plans(inputs)[""]), inputs[0].dims[0])

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        from lamina.network.layers.convolution import Conv2d
        from lamina.network.layers.dense import Dense
        from lamina.network.layers.normalization import BatchNorm

        film = Series(steps=None, item=Image(channels=2, height=4, width=3))
        return [
            (cls(Dense(2, activation="tanh")), (Sequence(steps=5, features=3),)),
            (cls([Conv2d(2, kernel=3, padding="same"), BatchNorm()]), (film,)),
            (cls([Dense(4), Dense(3)]), (film.replace(steps=3),)),
        ]
