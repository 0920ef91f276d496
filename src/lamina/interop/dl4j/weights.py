"""The flat vectors cut into parameters: those of the network, and those of its updater."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamina.interop.dl4j.learning import NOTHING, Updater
from lamina.interop.dl4j.made import Made
from lamina.interop.dl4j.piece import Part
from lamina.interop.notes import Notes
from lamina.interop.problems import misfit

if TYPE_CHECKING:
    import numpy as np


def total(made: Sequence[Made]) -> int:
    """How many parameters the layers have."""
    return sum(part.size for one in made if one.piece is not None for part in one.piece.parts)


def cut(made: Sequence[Made], vector: np.ndarray, where: str) -> dict[str, np.ndarray]:
    """The parameters of all layers, by ``layer/name`` as they are here.

    Raises:
        InteropError: IO005, if the vector has another length.
    """
    flat = vector.reshape(-1)
    wanted = total(made)
    if flat.size != wanted:
        raise misfit(where=where, expected=f"{wanted:,} parameters, as the layers have", got=f"{flat.size:,}")
    found: dict[str, np.ndarray] = {}
    start = 0
    for one in made:
        if one.piece is None or not one.piece.parts:
            continue
        given = {}
        for part in one.piece.parts:
            given[part.name] = _shaped(flat[start : start + part.size], part)
            start += part.size
        found |= {f"{one.main}/{name}": array for name, array in one.piece.arrays(given).items()}
    return found


def _shaped(numbers: np.ndarray, part: Part) -> np.ndarray:
    return numbers.reshape(part.shape, order="F" if part.order == "f" else "C")


@dataclass
class _Block:
    updater: Updater
    pretraining: bool
    parts: list[tuple[Made, Part]]

    @property
    def size(self) -> int:
        return sum(part.size for _, part in self.parts)


def state(made: Sequence[Made], vector: np.ndarray, notes: Notes) -> dict[str, np.ndarray]:
    """The updater's state, ``slot/layer/parameter``: neighbours that are updated alike share a block, slot after slot.

    A vector of another length is left out, with a note.
    """
    flat = vector.reshape(-1)
    blocks = _blocks(made)
    wanted = sum(len(block.updater.slots) * block.size for block in blocks)
    if flat.size != wanted:
        notes.lose("updaterState.bin", f"the state of the updater, {flat.size:,} numbers, where these layers and updaters have {wanted:,}")
        return {}
    given: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    start = 0
    for block in blocks:
        for slot in block.updater.slots:
            for one, part in block.parts:
                given.setdefault(slot, {}).setdefault(one.name, {})[part.name] = _shaped(flat[start : start + part.size], part)
                start += part.size
    found: dict[str, np.ndarray] = {}
    by_name = {one.name: one for one in made}
    for slot, layers in given.items():
        for name, parts in layers.items():
            one = by_name[name]
            if one.piece is None:
                continue
            moved = {part.name for part in one.piece.parts if not part.fixed}
            if set(parts) != moved:
                notes.lose("updaterState.bin", f"the state of {name}, of which only {', '.join(parts)} have one")
                continue
            found |= {f"{slot}/{one.main}/{key}": array for key, array in one.piece.arrays(parts).items()}
    return found


def _blocks(made: Sequence[Made]) -> list[_Block]:
    found: list[_Block] = []
    for one in made:
        for part in one.piece.parts if one.piece is not None else ():
            updater = NOTHING if part.fixed else (one.biases if part.bias else one.weights) or NOTHING
            last = found[-1] if found else None
            if last is not None and last.updater.key == updater.key and last.pretraining == part.pretraining:
                last.parts.append((one, part))
            else:
                found.append(_Block(updater, part.pretraining, [(one, part)]))
    return found
