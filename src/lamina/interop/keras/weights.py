"""The weights of each layer: found by the layer's name and the order of its weights, or by its place among the layers of its class."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamina.interop.keras.hdf5 import Hdf5, Stored
from lamina.interop.keras.source import MODELS, SourceModel, SourceNode
from lamina.interop.problems import misfit, too_large

MOST_DEPTH = 24
RANDOM = re.compile(r"seed_generator|_?random_generator|.*_dropout_layer|_softmax")
"""What Keras 3 keeps of random numbers, which is no weight."""


@dataclass
class Weights:
    """The weights of one layer of the source.

    Attributes:
        stored: Of older files: all of them, in order.
        file: Of Keras 3: the file ...
        path: ... and the group.
        given: Whether the file has a place for this layer.
    """

    stored: list[Stored] = field(default_factory=list)
    file: Hdf5 | None = None
    path: str = ""
    given: bool = True

    def part(self, name: str) -> Weights:
        """Those of a layer within: of older files, all that are left."""
        if self.file is None:
            return self
        path = f"{self.path}/{name}"
        return Weights([], self.file, path, self.file.has(path))

    def halves(self) -> tuple[Weights, Weights]:
        """Those of two layers of the same kind, one after the other."""
        if self.file is not None:
            return self.part("forward_layer"), self.part("backward_layer")
        half = len(self.stored) // 2
        return Weights(self.stored[:half]), Weights(self.stored[half:])

    def all(self, *within: str) -> list[Stored]:
        """Every weight in its order.

        Args:
            within: Names of the layers within, in the order of their weights; all by name unless given.
        """
        if self.file is None:
            return self.stored
        if not self.given:
            return []
        return _flat(self.file, self.path, within, 0)

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [one.name for one in self.all()]


def _flat(file: Hdf5, path: str, within: Sequence[str], depth: int) -> list[Stored]:
    if depth > MOST_DEPTH:
        raise too_large(where=f"{file.where}, {path}", expected=f"groups at most {MOST_DEPTH} deep", got="more")
    names = file.names(path)
    found: list[Stored] = []
    if "vars" in names:
        inside = file.names(f"{path}/vars")
        numbers = sorted((name for name in inside if name.isdigit()), key=int)
        found += [file.stored(f"{path}/vars/{name}") for name in numbers]
    others = [name for name in names if name != "vars" and not RANDOM.fullmatch(name)]
    listed = [name for name in within if name in others] if within else others
    for name in listed:
        if file.is_group(f"{path}/{name}"):
            found += _flat(file, f"{path}/{name}", (), depth + 1)
    return found


def snake(name: str) -> str:
    """A class as Keras 3 writes it in paths.

    Example:
        >>> snake("Conv2DTranspose"), snake("LSTM"), snake("BatchNormalization")
        ('conv2d_transpose', 'lstm', 'batch_normalization')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def weights_of(model: SourceModel, file: Hdf5, root: str, *, tree: bool) -> dict[str, Weights]:
    """The weights of every layer by its place in the description.

    Raises:
        InteropError: IO005, if a layer's weights aren't there.
    """
    found: dict[str, Weights] = {}
    if tree:
        _from_tree(model, file, root, found, 0)
    else:
        _from_groups(model, file, root, found)
    return found


def _from_tree(model: SourceModel, file: Hdf5, path: str, found: dict[str, Weights], depth: int) -> None:
    base = "layers" if file.has(f"{path}/layers") else "_layer_checkpoint_dependencies"
    group = f"{path}/{base}"
    if not file.has(group):
        if any(node.kind != "InputLayer" for node in model.nodes.values()):
            raise misfit(where=f"{file.where}, {path or '/'}", expected=f"the weights of {model.name}", got="none", cause="another file")
        return
    have = set(file.names(group))
    named = {file.attribute(f"{group}/{name}/vars", "name"): name for name in have if file.has(f"{group}/{name}/vars")}
    counts: dict[str, int] = {}
    for node in model.nodes.values():
        if not node.is_layer or (model.kind == "Sequential" and node.kind == "InputLayer"):
            continue
        word = snake(node.kind)
        number = counts.get(word, -1) + 1
        counts[word] = number
        counted = word if number == 0 else f"{word}_{number}"
        own = named.get(node.name) or (counted if counted in have else None)
        place = f"{group}/{own}" if own is not None else ""
        if node.model is not None and own is not None:
            _from_tree(node.model, file, place, found, depth + 1)
        found[node.path] = Weights([], file, place, own is not None)


def _from_groups(model: SourceModel, file: Hdf5, root: str, found: dict[str, Weights]) -> None:
    names = file.texts(root, "layer_names") or []
    have = {*names}
    for node in model.nodes.values():
        if node.name not in have:
            found[node.path] = Weights([], None, "", given=False)
            continue
        group = f"{root}/{node.name}"
        listed = file.texts(group, "weight_names") or []
        stored = [file.stored(f"{group}/{name}", name) for name in listed]
        found[node.path] = Weights(stored)


def backend_by_names(model: SourceModel, file: Hdf5, root: str) -> str:
    """What Keras 1 ran on, which its files don't say: TensorFlow gives every weight a name that ends in ``:0``."""
    for name in file.texts(root, "layer_names") or []:
        listed = file.texts(f"{root}/{name}", "weight_names") if file.has(f"{root}/{name}") else None
        if listed:
            return "tensorflow" if listed[0].endswith(":0") else "theano"
    return ""


def spread(node: SourceNode, weights: Weights, count: Any, found: dict[str, Weights]) -> None:
    """Give the weights of a network within to its layers: first all that are trained, then the others, each in the order of layers.

    Args:
        node: The network.
        weights: All of its weights.
        count: For a layer, how many weights it has that are trained, and how many others.
        found: Where they are entered.
    """
    if node.model is None or weights.file is not None:
        return
    left = list(weights.stored)
    leaves = [(one, *count(one)) for one in _leaves(node.model)]
    taken: dict[str, list[Stored]] = {one.path: [] for one, _, _ in leaves}
    for place in (1, 2):
        for leaf in leaves:
            for _ in range(leaf[place]):
                if left:
                    taken[leaf[0].path].append(left.pop(0))
    if left:
        raise misfit(
            where=f"{weights.stored[0].file.where}, layer {node.name!r}",
            expected=f"{len(weights.stored) - len(left)} weights, as its layers have",
            got=f"{len(weights.stored)}",
        )
    for path, stored in taken.items():
        found[path] = Weights(stored)


def _leaves(model: SourceModel) -> list[SourceNode]:
    found: list[SourceNode] = []
    for node in model.nodes.values():
        found += _leaves(node.model) if node.model is not None else [node]
    return found


def read_named(weights: Sequence[Stored], names: Sequence[str], where: str) -> Mapping[str, Any]:
    """The arrays by the names that a converter has for them.

    Raises:
        InteropError: IO005, if there are more or fewer.
    """
    if len(weights) != len(names):
        raise misfit(
            where=where,
            expected=f"{len(names)} weights: {', '.join(names)}" if names else "no weights",
            got=f"{len(weights)}" + (f": {', '.join(one.name for one in weights[:12])}" if weights else ""),
        )
    return {name: one.read() for name, one in zip(names, weights, strict=True)}


__all__ = ["MODELS", "Weights", "backend_by_names", "read_named", "snake", "spread", "weights_of"]
