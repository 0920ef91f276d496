"""Which weights of a trained model a changed network takes over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamina.network.plan import Plan

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Taken:
    """What was taken over; ``str()`` says it in a few lines.

    Attributes:
        kept: Names of the weights that were taken over.
        started: Weights that start anew, and why.
        dropped: Weights of the trained model that nobody uses any more.
        scaled: Whether the trained model's data were scaled or coded, which is not taken over: the new data say how they are.
    """

    kept: tuple[str, ...]
    started: Mapping[str, str]
    dropped: tuple[str, ...]
    scaled: bool = False

    def __str__(self) -> str:
        lines = [f"Kept {len(self.kept)} weights: {_shortened(self.kept)}"]
        if self.started:
            lines.append(f"Starting anew {len(self.started)}: {'; '.join(f'{name} ({why})' for name, why in self.started.items())}")
        if self.dropped:
            lines.append(f"No longer used {len(self.dropped)}: {_shortened(self.dropped)}")
        if self.scaled:
            lines.append("Not taken over: how the data were scaled and coded; that is learned anew from the new data")
        return "\n".join(lines)


def take_weights(plan: Plan, trained: Mapping[str, np.ndarray], replaced: Collection[str] = ()) -> tuple[dict[str, np.ndarray], Taken]:
    """The weights that a network takes over, and what became of the others.

    Args:
        plan: The changed network.
        trained: Weights of the trained model by name.
        replaced: Layers that start anew though a layer of their name was trained.
    """
    wanted: dict[str, tuple[int, ...]] = {}
    for node in plan.nodes:
        wanted |= {f"{node.name}/{name}": parameter.shape for name, parameter in node.parameters.items()}
        wanted |= {f"{node.name}/{name}": shape for name, shape in node.buffers.items()}
    kept: dict[str, np.ndarray] = {}
    started: dict[str, str] = {}
    for name, shape in wanted.items():
        found = trained.get(name)
        if found is None:
            started[name] = "a new layer"
        elif name.partition("/")[0] in replaced:
            started[name] = "its layer was replaced"
        elif tuple(found.shape) != shape:
            started[name] = f"{list(found.shape)} before, {list(shape)} now"
        else:
            kept[name] = found
    return kept, Taken(tuple(kept), started, tuple(name for name in trained if name not in wanted))


def _shortened(names: Collection[str], most: int = 6) -> str:
    shown = list(names)[:most]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "") if names else "none"
