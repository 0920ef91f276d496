"""The whole file: what it says on top, functions, class, how it is loaded."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from lamina.interop.emission.pen import Refused, problem
from lamina.interop.python import modules, words
from lamina.interop.python.functions import written
from lamina.interop.python.source import Source
from lamina.version import __version__

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Draft
    from lamina.interop.exporting import Subject

KNOWN = (modules, words)


def source_of(draft: Draft) -> Source:
    """All lines, and everything that has none."""
    source = Source(draft)
    for operation in draft.operations:
        try:
            source.write(operation)
        except Refused as refused:
            found = problem(operation.layer, draft.kinds.get(operation.layer, operation.kind), refused, "PyTorch source")
            source.problems += [] if found in source.problems else [found]
            for value in operation.outputs:
                source.stand_in(value)
    return source


def text_of(source: Source, subject: Subject, stem: str) -> str:
    """The file."""
    body = "\n".join(source.lines)
    uses = body + written(source.functions) + "\n".join(source.modules)
    head = [
        _docstring(source, subject, stem),
        "",
        "from __future__ import annotations",
        "",
        "from pathlib import Path",
        "",
        *(["import torch"] if "torch." in uses else []),
    ]
    if "Callable[" in uses:
        head[4:4] = ["from collections.abc import Callable"]
        head[6:6] = ["from typing import Any"]
    head += ["from safetensors.torch import load_file", "from torch import Tensor, nn"]
    if "F." in uses:
        head.append("from torch.nn import functional as F")
    parts = ["\n".join(head), *_labels(subject), *_scaling(subject)]
    functions = written(source.functions).strip()
    if "Activation" in functions:
        parts.append("\nActivation = Callable[[Tensor], Tensor]")
    text = "\n\n".join(part.strip("\n") for part in parts) + "\n"
    if functions:
        text += f"\n\n{functions}\n"
    return f"{text}\n\n{_network(source, subject)}\n\n\n{_load()}"


def _docstring(source: Source, subject: Subject, stem: str) -> str:
    plan = subject.plan
    inputs = [
        f"    {argument}: {shape}, {'whole numbers' if shape.dtype == 'int' else source.dtype.name}"
        for argument, shape in zip(source.arguments.values(), plan.inputs.values(), strict=True)
    ]
    inputs += [f"    {argument}: [batch, steps], True where a step is real" for argument in source.masks.values()]
    outputs = [f"    {name}: {shape}" for name, shape in plan.output_shapes.items()]
    call = ", ".join([*source.arguments.values(), *source.masks.values()])
    lines = [
        f'"""A network written by Lamina {__version__}; it needs PyTorch and safetensors only.',
        "",
        "Inputs:",
        *inputs,
        "",
        "Outputs" + (":" if len(outputs) == 1 else ", as a dict:"),
        *outputs,
        "",
        "Example:",
        f"    >>> network = load()  # the weights are in {stem}.safetensors, beside this file",
        "    >>> with torch.inference_mode():",
        f"    ...     found = network({call})  # doctest: +SKIP",
        '"""',
    ]
    return "\n".join(lines)


def _labels(subject: Subject) -> list[str]:
    targets = subject.model.targets
    found = {name: list(target.labels) for name, target in targets.items() if target is not None and target.labels is not None}
    if not found:
        return []
    lines = ["", "LABELS = {"]
    for name, labels in found.items():
        lines += [f"    {name!r}: [", *(f"        {label!r}," for label in labels), "    ],"]
    return ["\n".join([*lines, "}", '"""Names of the classes, labels or columns of outputs."""'])]


def _scaling(subject: Subject) -> list[str]:
    from lamina.interop.python.preprocessing import functions_of

    return functions_of(subject)


def _network(source: Source, subject: Subject) -> str:
    arguments = ", ".join(f"{name}: Tensor" for name in [*source.arguments.values(), *source.masks.values()])
    several = len(subject.plan.outputs) > 1
    kinds = sorted({kind for kind in source.draft.kinds.values()})
    about = textwrap.fill(f"Layers: {', '.join(kinds)}.", 100, initial_indent="    ", subsequent_indent="    ")
    lines = ["class Network(nn.Module):", f'    """{about.strip()}"""', "", "    def __init__(self) -> None:", "        super().__init__()"]
    lines += [f"        {line}" for line in source.modules]
    lines += ["", f"    def forward(self, {arguments}) -> {'dict[str, Tensor]' if several else 'Tensor'}:"]
    if len(lines[-1]) > 116:
        lines[-1] = "\n".join(
            [
                "    def forward(",
                "        self,",
                *(f"        {item}," for item in arguments.split(", ")),
                f"    ) -> {'dict[str, Tensor]' if several else 'Tensor'}:",
            ]
        )
    lines.append('        """Predictions; batch first."""')
    lines += [f"        {line}" for line in source.lines]
    results = {name: source.text(value) for name, value in source.draft.outputs.items()}
    if several:
        lines += ["        return {", *(f'            "{name}": {text},' for name, text in results.items()), "        }"]
    else:
        (text,) = results.values()
        if source.lines and source.lines[-1].startswith(f"{text} = ") and len(source.lines[-1]) < 100:
            lines[-1] = f"        return {source.lines[-1].removeprefix(f'{text} = ')}"
        else:
            lines.append(f"        return {text}")
    return "\n".join(lines)


def _load() -> str:
    return '''def load(path: str | Path | None = None) -> Network:
    """The network with its weights, ready to be asked.

    Args:
        path: The file of its weights; beside this file by default.
    """
    network = Network()
    network.load_state_dict(load_file(path or Path(__file__).with_suffix(".safetensors")))
    return network.eval()
'''
