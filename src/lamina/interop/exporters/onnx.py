"""ONNX: an operator for each layer where there is one, any batch size, any length that is free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.errors import Problem
from lamina.interop.exporting import Exporter, Subject, Written, needs

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.emission.draft import Draft
    from lamina.interop.onnx.export.graph import Graph
    from lamina.interop.trials import Trial


@dataclass(frozen=True)
class OnnxExporter(Exporter):
    """An ``.onnx`` file.

    Attributes:
        opset: Version of the operators, 17 to 21.
        masks: Whether inputs with steps come with a mask ``NAME_mask`` that says which are real.
    """

    name: ClassVar[str] = "onnx"
    title: ClassVar[str] = "ONNX"
    suffixes: ClassVar[tuple[str, ...]] = (".onnx",)

    opset: int = 18
    masks: bool = False

    def check(self, subject: Subject, path: Path) -> list[Problem]:  # noqa: ARG002
        from lamina.interop.onnx.export.model import IR_VERSIONS

        if self.opset not in IR_VERSIONS:
            return [
                Problem(
                    code="IO060",
                    where="the setting 'opset' of an export to onnx",
                    expected=f"one of {', '.join(map(str, IR_VERSIONS))}",
                    got=str(self.opset),
                    cause="operators of other versions are not written",
                    fix="write opset=18",
                )
            ]
        draft, _, problems = self._written(subject)
        return [*draft.problems, *problems]

    def write(self, subject: Subject, path: Path) -> Written:
        from lamina.interop.onnx.export.model import metadata_of, model_data, write

        draft, graph, _ = self._written(subject)
        data = model_data(draft, graph, subject.plan, metadata_of(subject.model))
        write(path, data, graph.initializers)
        inputs = [value.name for value in (*draft.inputs.values(), *draft.masks.values())]
        return Written(facts={"opset": str(self.opset), "nodes": str(len(graph.nodes)), "inputs": ", ".join(inputs)})

    def prove(self, subject: Subject, path: Path, trial: Trial) -> Mapping[str, np.ndarray]:
        session = _session(
            needs("onnxruntime", extra="onnx", for_="comparing the outputs of an ONNX file; --no-verify leaves it out"), path
        )
        feeds = {**trial.inputs, **{f"{name}_mask": mask for name, mask in trial.masks.items()}}
        known = [put.name for put in session.get_inputs()]
        names = list(subject.plan.outputs)
        return dict(zip(names, session.run(names, {name: feeds[name] for name in known}), strict=True))

    def masked_inputs(self, subject: Subject) -> tuple[str, ...]:
        return tuple(name for name, shape in subject.plan.inputs.items() if shape.has_steps) if self.masks else ()

    def _written(self, subject: Subject) -> tuple[Draft, Graph, list[Problem]]:
        return _nodes(subject, self.opset, self.masked_inputs(subject))


def _session(runtime: Any, path: Path) -> Any:
    made = runtime.SessionOptions()
    made.log_severity_level = 3
    return runtime.InferenceSession(str(path), made, providers=["CPUExecutionProvider"])


def _nodes(subject: Subject, opset: int, masks: tuple[str, ...]) -> tuple[Draft, Graph, list[Problem]]:
    from lamina.interop.emission.drawing import drawn
    from lamina.interop.onnx.export.model import graph_of

    draft = drawn(subject.network, masks=masks, target="ONNX")
    return draft, *graph_of(draft, opset)
