"""The network that a configuration describes, in one form for both kinds of networks and both dialects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lamina.interop.dl4j.dialect import component, whole
from lamina.interop.problems import unreadable

MOST_LAYERS = 20_000


@dataclass(frozen=True)
class Vertex:
    """A layer or vertex of the source.

    Attributes:
        name: What the source calls it.
        path: Where it stands.
        conf: What stands around its layer; of a vertex without one, nothing.
        value: Its layer, or the vertex itself.
        before: The preprocessor in front of it.
        inputs: What feeds it.
        layer: Whether it is a layer.
    """

    name: str
    path: str
    conf: Mapping[str, Any]
    value: Any
    before: Any
    inputs: tuple[str, ...]
    layer: bool = True


@dataclass(frozen=True)
class Configuration:
    """A whole configuration.

    Attributes:
        graph: Whether it is a ComputationGraph.
        settings: The JSON.
        inputs: Names of the inputs.
        vertices: In the order of the flat vector.
        outputs: Names of the outputs.
    """

    graph: bool
    settings: Mapping[str, Any]
    inputs: tuple[str, ...]
    vertices: tuple[Vertex, ...]
    outputs: tuple[str, ...]
    confs: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def version(self) -> str:
        """Which versions write such a configuration."""
        text = [conf for conf in self.confs if isinstance(conf, Mapping)]
        if any("dataType" in conf for conf in text) or "dataType" in self.settings:
            return "1.0.0-beta4 or later"
        layers = [component(conf.get("layer"), "") for conf in text]
        names = {key for layer in layers if layer is not None for key in layer.settings}
        if any(layer is not None and "." in layer.full for layer in layers):
            return "1.0.0-beta to 1.0.0-beta3"
        if "iupdater" in names:
            return "1.0.0-alpha"
        if "activationFunction" in names:
            return "0.5 or 0.6"
        return "0.7 to 0.9"

    def count(self, name: str) -> int:
        """A counter: of the network, or the largest of its layers."""
        values = [self.settings.get(name), *(conf.get(name) for conf in self.confs)]
        return max((whole(value) for value in values), default=0)


def configuration(data: Any, where: str) -> Configuration:
    """What a JSON file describes.

    Raises:
        InteropError: IO010, if it describes no network.
    """
    if isinstance(data, Mapping) and isinstance(data.get("confs"), list):
        return _sequence(data, where)
    if isinstance(data, Mapping) and isinstance(data.get("vertices"), Mapping):
        return _graph(data, where)
    raise unreadable(
        where=where,
        expected="a MultiLayerNetwork (confs) or a ComputationGraph (vertices)",
        got=", ".join(list(data)[:8]) if isinstance(data, Mapping) else type(data).__name__,
        cause="the file describes something else",
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(data: Mapping[str, Any], where: str) -> Configuration:
    confs = [_mapping(conf) for conf in data["confs"]]
    if not 1 <= len(confs) <= MOST_LAYERS:
        raise unreadable(where=f"{where}, confs", expected=f"1 to {MOST_LAYERS:,} layers", got=f"{len(confs):,}")
    before = _mapping(data.get("inputPreProcessors"))
    vertices = []
    previous = "input"
    for place, conf in enumerate(confs):
        found = component(conf.get("layer"), "")
        given = None if found is None else found.settings.get("layerName")
        name = str(given) if given else f"layer{place}"
        path = f"confs[{place}].layer"
        vertices.append(Vertex(name, path, conf, conf.get("layer"), before.get(str(place)), (previous,)))
        previous = name
    return Configuration(False, data, ("input",), tuple(vertices), (previous,), tuple(confs))  # noqa: FBT003


def _graph(data: Mapping[str, Any], where: str) -> Configuration:
    vertices, edges = data["vertices"], _mapping(data.get("vertexInputs"))
    listed = [data[key] if isinstance(data.get(key), list) else [] for key in ("networkInputs", "networkOutputs")]
    inputs, outputs = ([str(name) for name in names] for names in listed)
    if not 1 <= len(vertices) <= MOST_LAYERS or not inputs or not outputs or not {*outputs} <= {*map(str, vertices)}:
        raise unreadable(
            where=where, expected=f"inputs, outputs that are vertices, and 1 to {MOST_LAYERS:,} vertices", got=f"{len(vertices):,} vertices"
        )
    made: dict[str, Vertex] = {}
    for name, value in vertices.items():
        found = component(value, f"vertices.{name}")
        feeding = edges.get(name)
        fed = tuple(str(other) for other in feeding) if isinstance(feeding, list) else ()
        unknown = [other for other in fed if other not in vertices and other not in inputs]
        if found is None or unknown:
            raise unreadable(
                where=f"{where}, vertexInputs.{name}", expected="names of inputs and vertices", got=", ".join(unknown) or "no vertex"
            )
        if found.kind in ("layer", "frozen") and isinstance(found.settings.get("layerConf"), Mapping):
            conf = found.settings["layerConf"]
            path = f"vertices.{name}.layerConf.layer"
            made[name] = Vertex(str(name), path, conf, conf.get("layer"), found.settings.get("preProcessor"), fed)
        else:
            made[name] = Vertex(str(name), f"vertices.{name}", {}, value, None, fed, layer=False)
    order = _order(data, inputs, made, where)
    confs = tuple(vertex.conf for vertex in made.values() if vertex.layer)
    return Configuration(True, data, tuple(inputs), tuple(made[name] for name in order), tuple(outputs), confs)  # noqa: FBT003


def _order(data: Mapping[str, Any], inputs: list[str], made: Mapping[str, Vertex], where: str) -> list[str]:
    """The order of the vertices in the flat vector: as the file says, or else as Deeplearning4j finds it (Kahn, first come first)."""
    stored = data.get("topologicalOrderStr")
    if isinstance(stored, list):
        found = [str(name) for name in stored if str(name) in made]
        if sorted(found) == sorted(made):
            return found
    names = [*inputs, *made]
    number = {name: place for place, name in enumerate(names)}
    waits = {name: {number[other] for other in vertex.inputs} for name, vertex in made.items()}
    feeds: dict[str, list[str]] = {name: [] for name in names}
    for name, vertex in made.items():
        for other in dict.fromkeys(vertex.inputs):
            feeds[other].append(name)
    ready = [*inputs, *(name for name, others in waits.items() if not others)]
    order: list[str] = []
    place = 0
    while place < len(ready):
        name = ready[place]
        place += 1
        if name in made:
            order.append(name)
        for other in sorted(feeds[name], key=lambda word: number[word]):
            waits[other].discard(number[name])
            if not waits[other]:
                ready.append(other)
    if len(order) != len(made):
        left = [name for name in made if name not in order]
        raise unreadable(
            where=f"{where}, vertices {', '.join(left[:8])}",
            expected="vertices that feed only later ones",
            got="vertices that wait for each other",
            cause="the graph has a cycle",
        )
    return order
