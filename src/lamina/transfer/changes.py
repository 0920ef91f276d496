"""Making the changes of a transfer in a description."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from lamina.errors import DescriptionError, LaminaError, Problem, nearest
from lamina.network import Graph, Network, Sequential
from lamina.network.layers.container import Container
from lamina.network.layers.layer import Layer
from lamina.network.layers.shared import Shared
from lamina.network.network import automatic_names

if TYPE_CHECKING:
    from lamina.transfer.transfer import Transfer

Change = Callable[[str, Layer], Layer]
"""From the full name of a layer and the layer to the changed layer."""


def apply(transfer: Transfer, network: Network) -> Network:
    """A network with the changes of a transfer made; see `Transfer.apply`."""
    return _Changes(transfer, network).made()


class _Changes:
    """One network on its way: its layers by name, in order, and what they are fed by."""

    def __init__(self, transfer: Transfer, network: Network) -> None:
        self.transfer = transfer
        self.network = network
        self.graph = isinstance(network, Graph)
        steps = network.steps()
        if isinstance(network, Graph):
            self.layers: dict[str, Layer] = dict(network.nodes)
        else:
            plain: Iterable[Layer] = getattr(network, "layers", ())
            self.layers = {step.name: layer.replace(name=step.name) for step, layer in zip(steps, plain, strict=True)}
        self.feeds = {step.name: step.inputs for step in steps}
        self.outputs = network.output_names()
        self.problems: list[Problem] = []

    def made(self) -> Network:
        """The changed network.

        Raises:
            DescriptionError: With every problem at once.
        """
        transfer = self.transfer
        self._remove()
        self._replace()
        self._append()
        self._set("freeze", {pattern: {"frozen": True} for pattern in transfer.freeze}, loose=True)
        if transfer.freeze_to is not None:
            self._freeze_to(transfer.freeze_to)
        self._set("settings", transfer.settings)
        if self.problems:
            raise DescriptionError.of(self.problems)
        if isinstance(self.network, Graph):
            return self.network.replace(nodes=self.layers, outputs=transfer.outputs or self.outputs)
        return self.network.replace(layers=list(self.layers.values()))

    # -- names --------------------------------------------------------------------------------------------------------

    def _known(self, name: str, where: str) -> bool:
        if name in self.layers:
            return True
        self._nobody(name, where, list(self.layers))
        return False

    def _nobody(self, name: str, where: str, names: list[str]) -> None:
        near = nearest(name, names)
        self.problems.append(
            Problem(
                "TR130",
                where=f"transfer.{where}",
                expected=f"layers of the model: {', '.join(names)}",
                got=repr(name),
                cause="a typo" if near else "the model has no layer of this name; `lamina summary MODEL` lists them",
                fix=f"did you mean {near!r}?" if near else "use one of the names above",
            )
        )

    def _refuse(self, where: str, *, expected: str, got: str, cause: str, fix: str) -> None:
        self.problems.append(Problem("TR132", where=f"transfer.{where}", expected=expected, got=got, cause=cause, fix=fix))

    # -- which layers -------------------------------------------------------------------------------------------------

    def _remove(self) -> None:
        transfer = self.transfer
        if transfer.remove_after is not None and self._known(transfer.remove_after, "remove_after"):
            last = transfer.remove_after
            kept = self._before(last)
            self.layers = {name: layer for name, layer in self.layers.items() if name in kept}
            self.outputs = (last,)
        for name in transfer.remove:
            if not self._known(name, "remove"):
                continue
            sources = self.feeds[name]
            if len(sources) != 1:
                self._refuse(
                    "remove",
                    expected="layers of one input, which then feeds what they fed",
                    got=f"{name!r}, which joins {', '.join(sources)}",
                    cause="nobody knows which of its inputs should go on",
                    fix=f"replace it: replacements: {{{name}: ...}}, or name in add and outputs what comes instead",
                )
                continue
            del self.layers[name]
            self._rewire(name, sources[0])

    def _rewire(self, removed: str, source: str) -> None:
        for name, sources in self.feeds.items():
            self.feeds[name] = tuple(source if other == removed else other for other in sources)
        self.outputs = tuple(source if name == removed else name for name in self.outputs)
        if self.graph:
            self.layers = {name: layer.replace(inputs=self.feeds[name]) for name, layer in self.layers.items()}

    def _replace(self) -> None:
        for name, new in self.transfer.replacements.items():
            if not self._known(name, "replacements"):
                continue
            own = self.layers[name]
            if isinstance(new, Layer):
                own_place: dict[str, Any] = {"inputs": new.inputs or self.feeds[name]} if self.graph else {"name": name}
                self.layers[name] = new.replace(**own_place)
            else:
                self.layers[name] = self._changed(name, own, new, "replacements")

    def _append(self) -> None:
        transfer = self.transfer
        if not self.graph and (transfer.add or transfer.outputs):
            self._refuse(
                "add" if transfer.add else "outputs",
                expected="append, in a sequential network",
                got="add and outputs",
                cause="a sequential network has one chain of layers and one output",
                fix="write append: [...], or start from a graph",
            )
            return
        if self.graph and transfer.append and len(self.outputs) != 1:
            self._refuse(
                "append",
                expected="a network of one output, behind which layers can be put",
                got=f"the outputs {', '.join(self.outputs)}",
                cause="nobody knows behind which of them",
                fix="name the new layers and what feeds them in add, and the new outputs in outputs",
            )
            return
        taken = [Layer.replace(layer, name=name) for name, layer in self.layers.items()] if self.graph else list(self.layers.values())
        names = automatic_names([*taken, *transfer.append])[len(taken) :]
        for name, layer in zip(names, transfer.append, strict=True):
            if name in self.layers:
                self._refuse(
                    "append",
                    expected="names that the model doesn't have",
                    got=repr(name),
                    cause="a layer of this name is there already",
                    fix="rename the new layer, or write it under replacements",
                )
                return
            place: dict[str, Any] = {"inputs": layer.inputs or self.outputs, "name": None} if self.graph else {"name": name}
            self.feeds[name] = self.outputs
            self.layers[name] = layer.replace(**place)
            self.outputs = (name,)
        taken_names = [name for name in transfer.add if name in self.layers]
        if taken_names:
            self._refuse(
                "add",
                expected="names that the model doesn't have",
                got=", ".join(map(repr, taken_names)),
                cause="a layer of this name is there already",
                fix="rename the new layer, or write it under replacements",
            )
        self.layers |= transfer.add
        self.feeds |= {name: layer.inputs for name, layer in transfer.add.items()}

    # -- their settings -----------------------------------------------------------------------------------------------

    def _set(self, where: str, wanted: Mapping[str, Mapping[str, Any]], *, loose: bool = False) -> None:
        for pattern, settings in wanted.items():
            matched: list[str] = []
            having: list[str] = []
            borrowing: dict[str, str] = {}

            def change(name: str, layer: Layer, *, pattern: str = pattern, settings: Mapping[str, Any] = settings) -> Layer:
                if not (_within(name, pattern) if loose else fnmatchcase(name, pattern)):
                    return layer
                matched.append(name)  # noqa: B023 - used up within this turn
                if isinstance(layer, Shared):
                    borrowing[name] = layer.of  # noqa: B023 - used up within this turn
                if not all(key in type(_own(layer)).model_fields for key in settings):
                    return layer
                having.append(name)  # noqa: B023 - used up within this turn
                return self._changed(name, layer, settings, where)

            self.layers = {name: _throughout(name, layer, change) for name, layer in self.layers.items()}
            if not matched:
                self._nobody(pattern, where, list(self.layers))
            elif not having and not loose:
                self._stray(where, pattern, matched, settings)
            elif loose and len(borrowing) == len(matched):
                self._borrowed(where, pattern, borrowing)

    def _borrowed(self, where: str, pattern: str, borrowing: Mapping[str, str]) -> None:
        owners = ", ".join(dict.fromkeys(borrowing.values()))
        self.problems.append(
            Problem(
                "TR131",
                where=f"transfer.{where}.{pattern}",
                expected="layers that have weights of their own",
                got=f"{', '.join(borrowing)}, with the weights of {owners}",
                cause="a shared layer has no settings: those of the layer that owns the weights count",
                fix=f"name {owners}",
            )
        )

    def _stray(self, where: str, pattern: str, matched: list[str], settings: Mapping[str, Any]) -> None:
        layer = next((layer for name, layer in self.layers.items() if name == matched[0]), None)
        known = list(type(layer).model_fields) if layer is not None else []
        unknown = next((key for key in settings if key not in known), next(iter(settings)))
        near = nearest(unknown, known)
        self.problems.append(
            Problem(
                "TR131",
                where=f"transfer.{where}.{pattern}",
                expected=f"settings of {', '.join(matched)}",
                got=repr(unknown),
                cause="none of these layers has the setting",
                fix=f"did you mean {near!r}?" if near else "look the layers' settings up in the reference, or name others",
            )
        )

    def _changed(self, name: str, layer: Layer, settings: Mapping[str, Any], where: str) -> Layer:
        own = _own(layer)
        try:
            changed = own.replace(**settings)
        except LaminaError as error:
            self.problems += [problem for problem in error.problems]
            return layer
        return _with_own(layer, changed)

    def _freeze_to(self, last: str) -> None:
        if not self._known(last, "freeze_to"):
            return
        before = self._before(last)
        # A shared layer learns where its owner does, which may stand behind.
        owners = {layer.of for name in before if isinstance(layer := self.layers[name], Shared)}
        for name in sorted(before | (owners & self.layers.keys())):
            self.layers[name] = _throughout(name, self.layers[name], lambda _, layer: _frozen(layer))

    def _before(self, last: str) -> set[str]:
        """A layer and all that it depends on."""
        found, waiting = set(), [last]
        while waiting:
            name = waiting.pop()
            if name in self.layers and name not in found:
                found.add(name)
                waiting += self.feeds[name]
        return found


def _within(name: str, pattern: str) -> bool:
    """Whether a pattern means a layer, or one that holds it."""
    parts = name.split("/")
    return any(fnmatchcase("/".join(parts[:end]), pattern) for end in range(1, len(parts) + 1))


def _throughout(name: str, layer: Layer, change: Change) -> Layer:
    """A layer changed, and the layers of the networks that it holds."""
    if isinstance(layer, Container):
        layer = layer.with_networks(lambda part, network: _in_network(f"{name}/{part}", network, change))
    return change(name, layer)


def _in_network(prefix: str, network: Network, change: Change) -> Network:
    if isinstance(network, Graph):
        return network.replace(nodes={name: _throughout(prefix + name, layer, change) for name, layer in network.nodes.items()})
    if isinstance(network, Sequential):
        named = zip(network.steps(), network.layers, strict=True)
        return network.replace(layers=[_throughout(prefix + step.name, layer.replace(name=step.name), change) for step, layer in named])
    return network


def _own(layer: Layer) -> Layer:
    """The layer whose settings count: of one that wraps a layer, as bidirectional does, the wrapped one."""
    inner = getattr(layer, "layer", None)
    return _own(inner) if isinstance(inner, Layer) else layer


def _with_own(layer: Layer, own: Layer) -> Layer:
    """A layer with another one in the place of that whose settings count."""
    inner: Any = getattr(layer, "layer", None)
    return layer.replace(layer=_with_own(inner, own)) if isinstance(inner, Layer) else own


def _frozen(layer: Layer) -> Layer:
    own = _own(layer)
    if "frozen" not in type(own).model_fields:
        return layer
    return _with_own(layer, own.replace(frozen=True))
