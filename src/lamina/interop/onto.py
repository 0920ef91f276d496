"""Named tensors put onto a network that was described elsewhere: by names, by a mapping, and as a last resort by their order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.errors import InteropError
from lamina.interop.notes import Notes
from lamina.interop.problems import misfit
from lamina.interop.pytorch.names import alike, common_prefix, spellings
from lamina.network import Network
from lamina.network.plan import Plan
from lamina.shapes import Shape

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.preprocessing import Preprocessing
    from lamina.data.schema import DataSchema

LEFT_OUT = {"aux1.": "GoogLeNet's first auxiliary head", "aux2.": "GoogLeNet's second auxiliary head"}
"""Parts of published weights that only training used."""


@dataclass(frozen=True)
class Target:
    """A network that weights are put onto.

    Attributes:
        network: The network.
        plan: The same with all shapes.
        schema: What its data are.
        preprocessing: What is done to raw data.
    """

    network: Network
    plan: Plan
    schema: DataSchema | None = None
    preprocessing: Preprocessing | None = None

    def wanted(self) -> dict[str, tuple[int, ...]]:
        """Sizes of all weights and buffers."""
        found: dict[str, tuple[int, ...]] = {}
        for node in self.plan.nodes:
            found |= {f"{node.name}/{name}": parameter.shape for name, parameter in node.parameters.items()}
            found |= {f"{node.name}/{name}": tuple(shape) for name, shape in node.buffers.items()}
        return found


def target(onto: Any, inputs: Mapping[str, Shape]) -> Target:
    """The network of a description: a `lamina.Network`, a `lamina.Model`, or a file of either (a recipe, YAML or JSON; ``.lamina``).

    Raises:
        InteropError: IO006, if it doesn't say what it takes, and nothing else does.
    """
    if isinstance(onto, str | os.PathLike):
        path = Path(onto)
        if path.suffix in (".yaml", ".yml", ".json"):
            onto = _described(path)
        else:
            from lamina.trained import trained

            found = trained(path)
            extras = found.extras()
            return Target(found.kept.network, found.kept.plan, extras.schema, extras.preprocessing)
    if not isinstance(onto, Network):
        network, plan = getattr(onto, "description", None), getattr(onto, "plan", None)
        if not isinstance(network, Network):
            raise TypeError(type(onto).__name__)
        if isinstance(plan, Plan):
            return Target(network, plan, getattr(onto, "schema", None), getattr(onto, "preprocessing", None))
        onto = network
    shapes = {"input": inputs[""]} if "" in inputs else dict(inputs)
    if not shapes and not onto.has_inputs:
        raise InteropError(
            "IO006",
            where="the network that weights are put onto",
            expected="the shapes of its inputs",
            got="none",
            cause="a network without them has no sizes of weights",
            fix="say them: lm.image(3, 224, 224) as the network's input, --input image=3,224,224, or inputs=lm.image(3, 224, 224)",
        )
    return Target(onto, onto.resolve(shapes or None))


def _described(path: Path) -> Network:
    """The network in a recipe, or one that stands alone."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError):
        data = None
    inner = data.get("network") if isinstance(data, dict) else None
    return Network.from_dict(inner) if isinstance(inner, dict) else Network.load(path)


@dataclass
class Placed:
    """Tensors with their places.

    Attributes:
        arrays: By ``layer/name``.
        used: Names of the tensors that have a place.
        given: All tensors, by the names that were compared.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    given: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def left(self) -> dict[str, np.ndarray]:
        """Tensors without a place."""
        return {name: array for name, array in self.given.items() if name not in self.used}


def place(arrays: Mapping[str, np.ndarray], onto: Target, mapping: Mapping[str, str], notes: Notes) -> dict[str, np.ndarray]:
    """Give every weight of a network its tensor, and every tensor its place.

    Raises:
        InteropError: IO005, with every tensor that is left over on either side.
    """
    wanted = onto.wanted()
    arrays = _mapped(arrays, mapping, notes)
    best = max((_by_names(one, wanted) for one in _prefixed(arrays)), key=lambda found: len(found.arrays))
    lacking = {name: shape for name, shape in wanted.items() if name not in best.arrays}
    for name in [name for name in best.left if name.startswith(tuple(LEFT_OUT)) and not lacking]:
        notes.lose(name, f"a weight of {LEFT_OUT[name.partition('.')[0] + '.']}, which only training used")
        best.used.add(name)
    if best.left and lacking:
        _by_order(best, lacking, notes)
        lacking = {name: shape for name, shape in wanted.items() if name not in best.arrays}
    if best.left or lacking:
        raise _left_over(best.left, lacking, notes)
    return best.arrays


def _prefixed(arrays: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """The tensors by their names, and without what all of them begin with."""
    found = [dict(arrays)]
    for _ in range(3):
        prefix = common_prefix(found[-1])
        if not prefix:
            break
        found.append({name.removeprefix(prefix): array for name, array in found[-1].items()})
    return found


def _mapped(arrays: Mapping[str, np.ndarray], mapping: Mapping[str, str], notes: Notes) -> dict[str, np.ndarray]:
    """Tensors by the names that somebody gave them: of a tensor, or of all whose names begin so; to nothing: left out."""
    found: dict[str, np.ndarray] = {}
    used = set()
    for name, array in arrays.items():
        fitting = [old for old in mapping if name == old or name.startswith(f"{old.rstrip('.')}.")]
        if not fitting:
            found[name] = array
            continue
        old = max(fitting, key=len)
        used.add(old)
        if not mapping[old]:
            notes.lose(name, "a tensor that was to be left out")
        else:
            found[mapping[old].rstrip(".") + name[len(old.rstrip(".")) :]] = array
    unused = sorted(set(mapping) - used)
    if unused:
        raise misfit(
            where=f"{notes.where}, the mapping",
            expected=f"names of its tensors: {', '.join(list(arrays)[:12])}",
            got=", ".join(unused),
            cause="the mapping names what isn't there",
        )
    return found


def _by_names(arrays: dict[str, np.ndarray], wanted: Mapping[str, tuple[int, ...]]) -> Placed:
    found = Placed(given=arrays)
    places = {alike(name): name for name in wanted}
    for name, array in arrays.items():
        for spelling in spellings(name):
            spot = places.get(alike(spelling))
            fitted = None if spot is None or spot in found.arrays else _fitted(array, wanted[spot])
            if spot is not None and fitted is not None:
                found.arrays[spot] = fitted
                found.used.add(name)
                break
    for name, array in found.left.items():
        # Two biases that are added up, for a recurrent layer that has one.
        spot = places.get(alike(name.replace("bias_hh", "bias_ih")))
        first = None if spot is None or alike(name) in places else found.arrays.get(spot)
        if spot is None or first is None or "bias_hh" not in name or first.shape != array.shape:
            continue
        if _adds_up(arrays.get(name.replace("bias_hh", "weight_hh")), array):
            found.arrays[spot] = first + array
            found.used.add(name)
    return found


def _adds_up(weight: np.ndarray | None, bias: np.ndarray) -> bool:
    """Whether the second bias of a recurrent layer can be added to the first: not that of a GRU, part of which stands within a gate."""
    return weight is not None and weight.ndim == 2 and bias.ndim == 1 and len(bias) in (weight.shape[1], 4 * weight.shape[1])


def _fitted(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """The array with the axes that are wanted, if they differ by axes of one place only."""
    if array.shape == shape:
        return array
    plain = [size for size in array.shape if size != 1]
    return array.reshape(shape) if plain == [size for size in shape if size != 1] else None


def _units(names: Mapping[str, Any], mark: str) -> list[tuple[str, dict[str, str]]]:
    """Names by the layer they belong to, in order: for each layer its tensors."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        layer, _, word = name.rpartition(mark)
        found.setdefault(layer, {})[word] = name
    return list(found.items())


def _by_order(best: Placed, lacking: Mapping[str, tuple[int, ...]], notes: Notes) -> None:
    """Layers one after the other, each with the first group of tensors that has its names and sizes."""
    groups = _units(best.left, ".")
    for layer, words in _units(lacking, "/"):
        for number, (source, own) in enumerate(groups):
            chosen = _matching(words, own, best.given, lacking)
            if chosen is None:
                continue
            best.arrays |= {words[word]: array for word, array in chosen.items()}
            best.used |= set(own.values())
            notes.assume(layer, f"the tensors of {source or 'the file'}, by their order and sizes")
            del groups[number]
            break


def _matching(
    words: Mapping[str, str], own: Mapping[str, str], given: Mapping[str, np.ndarray], lacking: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray] | None:
    arrays = {word: given[name] for word, name in own.items()}
    for word in [word for word in arrays if "bias_hh" in word and word not in words]:
        other = word.replace("bias_hh", "bias_ih")
        if other in arrays and other in words and _adds_up(arrays.get(word.replace("bias_hh", "weight_hh")), arrays[word]):
            arrays[other] = arrays[other] + arrays.pop(word)
    if arrays.keys() != words.keys() or any(arrays[word].shape != lacking[name] for word, name in words.items()):
        return None
    return arrays


def _left_over(left: Mapping[str, np.ndarray], lacking: Mapping[str, tuple[int, ...]], notes: Notes) -> InteropError:
    given = ", ".join(f"{name} {list(array.shape)}" for name, array in left.items()) or "none"
    wanted = ", ".join(f"{name} {list(shape)}" for name, shape in lacking.items()) or "none"
    return InteropError(
        "IO005",
        where=notes.where,
        expected=f"tensors for all weights; without one: {wanted}",
        got=f"tensors without a place: {given}",
        cause="the weights were saved from another network, or their names differ and sizes don't tell",
        fix="name them: --map OLD=NEW, or mapping={'old': 'new'}, of one tensor or of all that begin so; --map OLD= leaves tensors out",
    )
