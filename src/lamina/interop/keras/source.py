"""The network that a description of any generation describes, in one form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lamina.interop.problems import unreadable

Generation = Literal["1", "2", "tf", "3"]
MOST_LAYERS = 20_000
MOST_DEPTH = 24
MODELS = ("Sequential", "Model", "Functional", "Graph")
CONTAINERS = ("Model", "Functional")


@dataclass(frozen=True)
class Reference:
    """What one call of a layer gave.

    Attributes:
        layer: Its name.
        call: Which call of it.
        place: Which of the things that it gave.
    """

    layer: str
    call: int = 0
    place: int = 0


@dataclass(frozen=True)
class Call:
    """One use of a layer.

    Attributes:
        inputs: What it is given, in order; a constant stands as it is.
        settings: Given by name; references among them, too.
    """

    inputs: tuple[Any, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def references(self) -> list[Reference]:
        """All that it depends on."""
        return [item for item in (*self.inputs, *self.settings.values()) if isinstance(item, Reference)]


@dataclass(frozen=True)
class SourceNode:
    """A layer of the source.

    Attributes:
        name: What the source calls it.
        kind: Its class.
        config: Its settings.
        path: Where it stands in the description.
        calls: Where it is used.
        model: The network within, if it is one.
        package: Module or registered name, of classes that are not Keras's own.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    path: str
    calls: tuple[Call, ...] = ()
    model: SourceModel | None = None
    package: str = ""

    @property
    def is_layer(self) -> bool:
        """Whether it is a layer, and no mere operation."""
        return ".ops" not in self.package


@dataclass(frozen=True)
class SourceModel:
    """A network of the source.

    Attributes:
        name: What the source calls it.
        kind: ``Sequential`` or ``Functional``.
        nodes: Its layers by name, in the order of the file.
        inputs: What it takes.
        outputs: What it gives.
    """

    name: str
    kind: str
    nodes: Mapping[str, SourceNode]
    inputs: tuple[Reference, ...]
    outputs: tuple[Reference, ...]

    def all_nodes(self) -> Iterator[SourceNode]:
        """All layers, those within others too."""
        for node in self.nodes.values():
            yield node
            if node.model is not None:
                yield from node.model.all_nodes()


def component(value: Any) -> tuple[str, Mapping[str, Any]]:
    """Class and settings of an object: ``{"class_name": ..., "config": ...}``, or its name alone.

    Example:
        >>> component({"class_name": "L2", "config": {"l2": 0.5}}), component("relu")
        (('L2', {'l2': 0.5}), ('relu', {}))
    """
    if isinstance(value, str):
        return value, {}
    if isinstance(value, Mapping):
        name, config = value.get("class_name", value.get("name")), value.get("config")
        if name == "function" and isinstance(config, str):
            return config, {}
        if name is None:
            return "", value
        return str(name).rpartition(">")[2], config if isinstance(config, Mapping) else {}
    return "", {}


def generation(version: str, data: Any) -> Generation:
    """Which generation wrote a description: by its version, or else by its settings."""
    if version[:1] in ("0", "1", "3"):
        return "3" if version[0] == "3" else "1"
    if version[:1] == "2":
        minor = version.split(".")[1] if "." in version else "0"
        return "tf" if version.endswith("-tf") or (minor.isdigit() and int(minor) >= 4) else "2"
    text = str(data)[:200_000]
    if any(word in text for word in ("nb_filter", "'output_dim'", "border_mode", "'init'")) and "kernel_initializer" not in text:
        return "1"
    return "3" if "'registered_name'" in text and "'module'" in text else "tf" if "'batch_shape'" in text else "2"


class _Reader:
    def __init__(self, where: str) -> None:
        self.where = where
        self.count = 0

    def refuse(self, path: str, expected: str, got: str) -> Exception:
        return unreadable(where=f"{self.where}, {path}", expected=expected, got=got[:200], cause="the description is damaged")

    def model(self, data: Any, path: str, depth: int) -> SourceModel:
        kind, config = component(data)
        raw = data.get("config") if isinstance(data, Mapping) else None
        if depth > MOST_DEPTH:
            raise self.refuse(path, f"networks within networks at most {MOST_DEPTH} deep", "more")
        if kind == "Sequential" or (isinstance(raw, list) and kind not in CONTAINERS):
            return self.sequential(raw if isinstance(raw, list) else config, path, depth)
        if isinstance(config.get("layers"), list) and "output_layers" in config:
            return self.functional(config, path, depth)
        raise self.refuse(path, "a Sequential or functional network", kind or type(data).__name__)

    def entry(self, data: Any, path: str, depth: int) -> SourceNode:
        self.count += 1
        if self.count > MOST_LAYERS:
            raise self.refuse(path, f"at most {MOST_LAYERS:,} layers", "more")
        if not isinstance(data, Mapping) or not isinstance(data.get("class_name"), str):
            raise self.refuse(path, "a layer with its class_name", str(data))
        kind, config = component(data)
        module, registered = data.get("module"), data.get("registered_name")
        package = str(registered or "") if registered and registered != kind else ""
        if isinstance(module, str) and not module.startswith(("keras", "builtins")):
            package = package or module
        if isinstance(module, str) and ".ops" in module:
            package = module
        raw = data.get("config")
        model = None
        # A class of somebody's own may describe itself as Keras's functional networks do.
        if kind in MODELS or (isinstance(raw, Mapping) and "output_layers" in raw):
            model = self.model(data, path, depth + 1)
        name = data.get("name") or config.get("name") or (model.name if model is not None else "") or f"{kind.lower()}_{self.count}"
        return SourceNode(str(name), kind, config, path, (), model, package)

    def sequential(self, config: Any, path: str, depth: int) -> SourceModel:
        listed = config if isinstance(config, list) else config.get("layers") if isinstance(config, Mapping) else None
        if not isinstance(listed, list) or not listed:
            raise self.refuse(path, "a list of layers", str(config))
        name = str(config.get("name", "sequential")) if isinstance(config, Mapping) else "sequential"
        nodes: dict[str, SourceNode] = {}
        last: tuple[Reference, ...] = ()
        inputs: tuple[Reference, ...] = ()
        for place, data in enumerate(listed):
            node = self.entry(data, f"{path}.layers[{place}]", depth)
            if node.name in nodes:
                node = _renamed(node, f"{node.name}_{place}")
            if place == 0 and node.kind == "Merge" and isinstance(node.config.get("layers"), list):
                inputs, last = self.branches(node, nodes, depth)
            elif place == 0 and node.kind != "InputLayer":
                first = _input(node, config, path)
                nodes[first.name] = first
                inputs = last = (Reference(first.name),)
            elif place == 0:
                nodes[node.name] = _called(node, Call(()))
                inputs = last = (Reference(node.name),)
                continue
            nodes[node.name] = _called(node, Call(last))
            last = (Reference(node.name),)
        return SourceModel(name, "Sequential", nodes, inputs, last)

    def branches(self, node: SourceNode, nodes: dict[str, SourceNode], depth: int) -> tuple[tuple[Reference, ...], tuple[Reference, ...]]:
        """Keras 1: a Merge that begins a Sequential holds the networks that it joins."""
        inputs: list[Reference] = []
        ends: list[Reference] = []
        for place, data in enumerate(node.config["layers"]):
            branch = self.entry(data, f"{node.path}.layers[{place}]", depth)
            if branch.model is None:
                raise self.refuse(branch.path, "a network to be merged", branch.kind)
            name = branch.name if branch.name not in nodes else f"{branch.name}_{place}"
            fed = []
            for inner in branch.model.inputs:
                own = f"{name}_{inner.layer}"
                config = branch.model.nodes[inner.layer].config
                nodes[own] = SourceNode(own, "InputLayer", config, branch.path, (Call(()),))
                fed.append(Reference(own))
            nodes[name] = _called(_renamed(branch, name), Call(tuple(fed)))
            inputs += fed
            ends.append(Reference(name))
        return tuple(inputs), tuple(ends)

    def functional(self, config: Mapping[str, Any], path: str, depth: int) -> SourceModel:
        nodes: dict[str, SourceNode] = {}
        for place, data in enumerate(config["layers"]):
            node = self.entry(data, f"{path}.layers[{place}]", depth)
            if node.name in nodes:
                raise self.refuse(node.path, "layers with names of their own", f"{node.name!r} twice")
            listed = data.get("inbound_nodes")
            calls = [_call(one) for one in listed] if isinstance(listed, list) else []
            if node.kind == "InputLayer" or (not calls and node.kind.endswith("Input")):
                calls = [Call(())]
            nodes[node.name] = SourceNode(node.name, node.kind, node.config, node.path, tuple(calls), node.model, node.package)
        for node in nodes.values():
            for call in node.calls:
                unknown = [one.layer for one in call.references() if one.layer not in nodes]
                if unknown:
                    raise self.refuse(node.path, "inputs that are layers of the network", f"{unknown[0]!r}")
        inputs, outputs = _references(config.get("input_layers")), _references(config.get("output_layers"))
        if not inputs or not outputs or any(one.layer not in nodes for one in (*inputs, *outputs)):
            raise self.refuse(path, "input_layers and output_layers that are layers of the network", str(config.get("output_layers")))
        return SourceModel(str(config.get("name", "model")), "Functional", nodes, tuple(inputs), tuple(outputs))


def _renamed(node: SourceNode, name: str) -> SourceNode:
    return SourceNode(name, node.kind, node.config, node.path, node.calls, node.model, node.package)


def _called(node: SourceNode, call: Call) -> SourceNode:
    return SourceNode(node.name, node.kind, node.config, node.path, (call,), node.model, node.package)


def _input(node: SourceNode, config: Any, path: str) -> SourceNode:
    """What a Sequential without an input layer says of its input."""
    inner: SourceNode | None = node
    given: Mapping[str, Any] = {}
    for _ in range(MOST_DEPTH):
        if inner is None:
            break
        given = inner.config
        if inner.model is not None:
            first = inner.model.nodes[inner.model.inputs[0].layer]
            given, inner = first.config, None
            break
        if given.get("batch_input_shape") or given.get("batch_shape"):
            break
        wrapped = given.get("layer")
        inner = None
        if isinstance(wrapped, Mapping) and isinstance(wrapped.get("config"), Mapping):
            inner = SourceNode("", str(wrapped.get("class_name")), wrapped["config"], path)
    built = config.get("build_input_shape") if isinstance(config, Mapping) else None
    shape = given.get("batch_input_shape") or given.get("batch_shape") or built
    return SourceNode(f"{node.name}_input", "InputLayer", {"batch_input_shape": shape, "implied": True}, node.path, (Call(()),))


def _references(listed: Any) -> list[Reference]:
    if not isinstance(listed, list) or not listed:
        return []
    if isinstance(listed[0], str):
        listed = [listed]
    found = [_reference(item) for item in listed]
    return [item for item in found if item is not None]


def _reference(item: Any) -> Reference | None:
    if isinstance(item, list | tuple) and len(item) >= 1 and isinstance(item[0], str):
        numbers = [n if isinstance(n, int) else 0 for n in item[1:3]]
        return Reference(item[0], *numbers)
    if isinstance(item, Mapping) and item.get("class_name") == "__keras_tensor__":
        config = item.get("config")
        return _reference(config.get("keras_history")) if isinstance(config, Mapping) else None
    return None


def _call(data: Any) -> Call:
    """One inbound node, in any of the forms that there were."""
    if isinstance(data, Mapping):
        args, kwargs = data.get("args"), data.get("kwargs")
        inputs: list[Any] = []
        for item in args if isinstance(args, list) else []:
            found = _reference(item)
            if found is not None:
                inputs.append(found)
            elif isinstance(item, list) and any(_reference(one) is not None for one in item):
                inputs += [_reference(one) or one for one in item]
            else:
                inputs.append(item)
        named = {str(key): _named(value) for key, value in kwargs.items()} if isinstance(kwargs, Mapping) else {}
        return Call(tuple(inputs), named)
    items = data if isinstance(data, list) else []
    if len(items) >= 3 and isinstance(items[0], str):
        items = [items]
    inputs = []
    settings: dict[str, Any] = {}
    for item in items:
        if isinstance(item, list) and item and item[0] in ("_CONSTANT_VALUE",):
            inputs.append(item[2] if len(item) > 2 else None)
        else:
            inputs.append(_reference(item))
        if isinstance(item, list) and len(item) > 3 and isinstance(item[3], Mapping):
            settings |= {str(key): _named(value) for key, value in item[3].items()}
    return Call(tuple(inputs), settings)


def _named(value: Any) -> Any:
    found = _reference(value)
    if isinstance(value, list) and value and isinstance(value[0], list | Mapping):
        inner = [_reference(item) for item in value]
        return tuple(inner) if all(item is not None for item in inner) else value
    return found if found is not None and (isinstance(value, Mapping) or len(value) == 3) else value


def read_model(data: Any, where: str) -> SourceModel:
    """The network of a description.

    Raises:
        InteropError: IO010, if it describes none.
    """
    return _Reader(where).model(data, "$", 0)


def order_of_calls(model: SourceModel, where: str) -> Sequence[tuple[SourceNode, int]]:
    """All calls, each behind what it depends on.

    Raises:
        InteropError: IO010, for a network with a cycle.
    """
    shift = _shifts(model)
    done: set[tuple[str, int]] = set()
    found: list[tuple[SourceNode, int]] = []
    waiting = [(node, number) for node in model.nodes.values() for number in range(len(node.calls))]
    while waiting:
        left = []
        for node, number in waiting:
            if all((one.layer, one.call - shift[one.layer]) in done for one in node.calls[number].references()):
                done.add((node.name, number))
                found.append((node, number))
            else:
                left.append((node, number))
        if len(left) == len(waiting):
            raise unreadable(
                where=f"{where}, layer {left[0][0].name!r}",
                expected="layers that feed only later ones",
                got="layers that wait for each other, or for a call that isn't there",
                cause="the graph has a cycle, or is damaged",
            )
        waiting = left
    return found


def _shifts(model: SourceModel) -> dict[str, int]:
    """By layer, from which number its calls are counted: a network within counts the call that made it, in most versions."""
    asked: dict[str, set[int]] = {}
    every = [one for node in model.nodes.values() for call in node.calls for one in call.references()]
    for one in (*every, *model.outputs):
        asked.setdefault(one.layer, set()).add(one.call)
    return {name: 1 if node.model is not None and max(asked.get(name, {0})) == len(node.calls) else 0 for name, node in model.nodes.items()}


def call_of(model: SourceModel, reference: Reference) -> tuple[str, int]:
    """Layer and number of the call that a reference means."""
    return reference.layer, reference.call - _shifts(model)[reference.layer]
