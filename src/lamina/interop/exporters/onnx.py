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
        normalize: Whether the scaling of numeric inputs stands in the graph, so that raw numbers go in.
    """

    name: ClassVar[str] = "onnx"
    title: ClassVar[str] = "ONNX"
    suffixes: ClassVar[tuple[str, ...]] = (".onnx",)

    opset: int = 18
    masks: bool = False
    normalize: bool = False

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
        return [*self._unscalable(subject), *draft.problems, *problems]

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
        given = {name: array for name, array in trial.inputs.items()}
        for name, (offset, factor) in self._scales(subject).items():
            given[name] = (given[name] / factor + offset).astype(given[name].dtype)
        feeds = {**given, **{f"{name}_mask": mask for name, mask in trial.masks.items()}}
        known = [put.name for put in session.get_inputs()]
        names = list(subject.plan.outputs)
        return dict(zip(names, session.run(names, {name: feeds[name] for name in known}), strict=True))

    def masked_inputs(self, subject: Subject) -> tuple[str, ...]:
        return tuple(name for name, shape in subject.plan.inputs.items() if shape.has_steps) if self.masks else ()

    def _written(self, subject: Subject) -> tuple[Draft, Graph, list[Problem]]:
        return _nodes(subject, self.opset, self.masked_inputs(subject), self._scales(subject))

    def _scales(self, subject: Subject) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        from lamina.interop.python.preprocessing import linear_inputs

        return {name: (offset, factor) for name, offset, factor in linear_inputs(subject)} if self.normalize else {}

    def _unscalable(self, subject: Subject) -> list[Problem]:
        """What of the scaling can't stand in the graph."""
        from lamina.interop.python.preprocessing import others

        return [
            Problem(
                code="IO004",
                where="the preprocessing",
                expected="inputs that are shifted and stretched",
                got=what,
                cause="only such scaling is written as nodes",
                fix="leave out normalize, and prepare the data before; lamina.preprocessing in the metadata says how",
            )
            for what in (others(subject) if self.normalize else [])
        ]


def _session(runtime: Any, path: Path) -> Any:
    made = runtime.SessionOptions()
    made.log_severity_level = 3
    return runtime.InferenceSession(str(path), made, providers=["CPUExecutionProvider"])


def _nodes(
    subject: Subject, opset: int, masks: tuple[str, ...], scales: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> tuple[Draft, Graph, list[Problem]]:
    from lamina.interop.emission.drawing import drawn
    from lamina.interop.onnx.export.model import graph_of

    draft = drawn(subject.network, masks=masks, target="ONNX", scales=scales)
    return draft, *graph_of(draft, opset)
