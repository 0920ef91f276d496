"""What PyTorch opens by itself: a program of ``torch.export``, or the state dict of plain modules."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.errors import Problem
from lamina.interop.exporters.python import contiguous, run_source, source_for
from lamina.interop.exporting import Exporter, Subject, Written

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.trials import Trial

LABELS, NETWORK = "lamina_schema.json", "lamina_network.json"
"""Extra files in a ``.pt2``."""


@dataclass(frozen=True)
class TorchExporter(Exporter):
    """A ``.pt2``, a program that takes a dict of tensors by name and gives one, or a ``.pt``, the state dict of what `python` writes."""

    name: ClassVar[str] = "torch"
    title: ClassVar[str] = "PyTorch files"
    suffixes: ClassVar[tuple[str, ...]] = (".pt2", ".pt", ".pth")

    def check(self, subject: Subject, path: Path) -> list[Problem]:
        problems = super().check(subject, path)
        if path.suffix != ".pt2":
            source = source_for(subject)
            return [*problems, *source.draft.problems, *source.problems]
        try:
            _program(subject)
        except Exception as error:  # noqa: BLE001 (torch raises all kinds)
            message = str(error).strip().splitlines() or [type(error).__name__]
            problems.append(
                Problem(
                    code="IO004",
                    where=f"the network, layers {', '.join(sorted({str(node.layer.type_name) for node in subject.plan.nodes}))}",
                    expected="layers that torch.export can follow for any batch size and length",
                    got=f"{type(error).__name__}: {message[0][:200]}",
                    cause="what a layer does depends on the numbers it sees, or on a length that may be any",
                    fix="export to onnx or python, which write layers one by one; or give the inputs fixed lengths",
                )
            )
        return problems

    def write(self, subject: Subject, path: Path) -> Written:
        import torch

        if path.suffix != ".pt2":
            state = source_for(subject).state
            torch.save({name: torch.from_numpy(contiguous(array)) for name, array in state.items()}, path)
            return Written(facts={"names": "those of the class that --to python writes", "tensors": str(len(state))})
        model = subject.model
        extra = {NETWORK: json.dumps(model.description.to_dict(full=True) if model.description is not None else None)}
        if model.schema is not None:
            extra[LABELS] = json.dumps(model.schema.to_dict(full=True))
        torch.export.save(_program(subject), path, extra_files=extra)
        return Written(
            facts={"call it": f"torch.export.load(path).module()({{{', '.join(f'{name!r}: ...' for name in subject.plan.inputs)}}})"}
        )

    def prove_all(self, subject: Subject, path: Path, trials: Sequence[Trial]) -> list[Mapping[str, np.ndarray]]:
        if path.suffix == ".pt2":
            return super().prove_all(subject, path, trials)
        from lamina.interop.python.file import text_of

        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "network.py"
            source.write_text(text_of(source_for(subject), subject, "network"), encoding="utf-8")
            return run_source(subject, source, trials, path)

    def prove(self, subject: Subject, path: Path, trial: Trial) -> Mapping[str, np.ndarray]:  # noqa: ARG002
        import torch

        program = torch.export.load(path).module()
        with torch.inference_mode():
            found = program({name: torch.from_numpy(array) for name, array in trial.inputs.items()})
        return {name: value.numpy() for name, value in found.items()}


def _program(subject: Subject) -> Any:
    """The network as torch sees it when it runs, for any batch size and any length that is free."""
    import torch

    from lamina.interop.exporters.answering import answering
    from lamina.interop.trials import trials

    inputs = {name: torch.from_numpy(array) for name, array in trials(subject.network, subject.plan)[0].inputs.items()}
    batch = torch.export.Dim("batch")
    dims = {
        name: {0: batch, **{axis: torch.export.Dim.DYNAMIC for axis, size in enumerate(shape.dims, 1) if size is None}}
        for name, shape in subject.plan.inputs.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(answering(subject.network), (inputs,), dynamic_shapes={"inputs": dims}, strict=False)
