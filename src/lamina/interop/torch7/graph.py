"""nngraph's networks: nodes that say what feeds them."""

from __future__ import annotations

from typing import Any

from lamina.interop.problems import unreadable
from lamina.interop.torch7.builder import MOST_NODES, Builder
from lamina.interop.torch7.module import Module, converts
from lamina.interop.torch7.objects import Instance, Reference, listed
from lamina.interop.torch7.values import Anything, Misfit

Data = dict[Any, Any]


def node_data(node: Any) -> Data | None:
    """The table of a node."""
    found = node.fields.get("data") if isinstance(node, Instance) else None
    return found if isinstance(found, dict) else None


def parents(data: Data) -> list[Data]:
    """What feeds a node, in order."""
    index = data.get("mapindex")
    if not isinstance(index, dict):
        return []
    found = [item for item in listed(index) if isinstance(item, dict)]
    if found:
        return found
    keyed = [(place, key.object) for key, place in index.items() if isinstance(key, Reference) and isinstance(place, int | float)]
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0]) if isinstance(item, dict)]


def walk(module: Module) -> tuple[list[Data], Data, list[Data], Data]:
    """All nodes, each after what feeds it; the one that gives the outputs; the inputs in order; and what feeds them.

    Raises:
        InteropError: IO010, if they feed each other in a circle.
    """
    end, start = node_data(module.get("outnode")), node_data(module.get("innode"))
    if end is None:
        raise module.refused("outnode", "the node that gives the outputs")
    order: list[Data] = []
    state: dict[int, int] = {}
    stack = [(end, False)]
    while stack:
        data, done = stack.pop()
        if done:
            state[id(data)] = 2
            order.append(data)
            continue
        if state.get(id(data)) == 2:
            continue
        if state.get(id(data)) == 1 or len(state) > MOST_NODES:
            raise unreadable(
                where=module.where, expected="nodes that feed each other in an order", got="a circle, or too many nodes", cause="damaged"
            )
        state[id(data)] = 1
        stack.append((data, True))
        for parent in reversed(parents(data)):
            if state.get(id(parent)) == 1:
                raise unreadable(where=module.where, expected="nodes without a circle", got="a node that feeds itself", cause="damaged")
            if state.get(id(parent)) != 2:
                stack.append((parent, False))
    first = start if start is not None and any(data is start for data in order) else next(data for data in order if not parents(data))
    if start is not None and first is start:
        children = [node_data(child) for child in listed(module.get("innode").fields.get("children"))]
        inputs = [child for child in children if child is not None]
    else:
        inputs = [data for data in order if any(parent is first for parent in parents(data))]
    if len(inputs) == 1 and isinstance(inputs[0].get("nSplitOutputs"), int | float):
        # A table of inputs is taken apart by nodes of its own.
        first = inputs[0]
        parts = [data for data in order if any(parent is first for parent in parents(data))]
        inputs = sorted((data for data in parts if isinstance(data.get("selectindex"), int | float)), key=lambda data: data["selectindex"])
    return order, end, inputs or [first], first


@converts("gModule")
def graph(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each node once, with what feeds it."""
    order, end, inputs, first = walk(module)
    start = node_data(module.get("innode"))
    given: dict[int, Anything] = {id(first): value}
    items = value if isinstance(value, tuple) else (value,)
    several = len(inputs) > 1 or module.whole("nInputs", default=1) > 1
    if several and len(items) != len(inputs):
        raise Misfit(module.where, f"{len(inputs)} inputs", str(len(items)))
    if several:
        places = {id(data): items[place] for place, data in enumerate(inputs)}
    for number, data in enumerate(order):
        if data is first or id(data) in given:
            continue
        if not parents(data) or data is start:
            given[id(data)] = value
            continue
        fed = [given[id(parent)] for parent in parents(data)]
        if several and id(data) in places and any(parent is first for parent in parents(data)):
            taken: Anything = places[id(data)]
        elif not fed:
            raise Misfit(module.where, "a node that is fed", "one that isn't")
        else:
            taken = fed[0] if len(fed) == 1 else tuple(fed)
            index = data.get("selectindex")
            if isinstance(index, int | float) and len(fed) == 1:
                entries = builder.items(module, taken)
                if not 1 <= index <= len(entries):
                    raise Misfit(module.where, f"an entry of {len(entries)}", str(index))
                taken = entries[int(index) - 1]
        if data is end:
            return taken
        inner = data.get("module")
        if isinstance(inner, Instance):
            label = int(data["forwardNodeId"]) if isinstance(data.get("forwardNodeId"), int | float) else number
            taken = builder.trace(Module(inner, f"{module.path}.{label}" if module.path else str(label)), taken)
        given[id(data)] = taken
    raise Misfit(module.where, "a node that gives the outputs", "none")
