"""A vertex of the source with what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from lamina.interop.dl4j.learning import Updater
from lamina.interop.dl4j.piece import Piece
from lamina.interop.dl4j.preprocessors import Before
from lamina.interop.dl4j.source import Vertex
from lamina.network.layers.layer import Layer


@dataclass
class Made:
    """A vertex, converted.

    Attributes:
        vertex: What stood there.
        kind: Its kind.
        full: Its class, as the file spells it.
        count: Its ``nIn``, or for batch normalisation ``nOut``; 0 if it has none.
        before: What stands before it.
        piece: Its layers; None if it has no counterpart.
        inputs: What feeds it.
        names: Names here of the layers before it and its own.
        weights: What moves its weights, and its biases.
        biases: The same for biases.
        last_axis: Whether its data have channels last.
        within: Name here of the layer that treats each step by itself, within which it stands.
    """

    vertex: Vertex
    kind: str
    full: str
    count: int
    before: Before
    piece: Piece | None
    inputs: tuple[str, ...]
    names: list[str] = field(default_factory=list)
    weights: Updater | None = None
    biases: Updater | None = None
    last_axis: bool = False
    within: str = ""

    @property
    def name(self) -> str:
        """What the source calls it."""
        return self.vertex.name

    @property
    def layers(self) -> list[Layer]:
        """All layers, in order."""
        return [*self.before.layers, *(self.piece.layers if self.piece is not None else ())]

    @property
    def main(self) -> str:
        """Name here of the layer that has the weights."""
        own = self.names[len(self.before.layers) + (self.piece.main if self.piece is not None else 0)]
        return f"{self.within}/{own}" if self.within else own
