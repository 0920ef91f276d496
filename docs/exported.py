"""Writes the table of layers and targets in ``docs/exporting.md`` from what the emitters say of every layer's examples.

python docs/exported.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lamina.model  # noqa: F401 (fills the registry)
from lamina.interop.emission.drawing import emitters
from lamina.interop.exporters.onnx import OnnxExporter
from lamina.interop.exporters.python import PythonExporter
from lamina.interop.exporting import subject_of
from lamina.spec import registry
from lamina.testing.exporters import layer_models

PAGE = Path(__file__).with_name("exporting.md")
START, END = "<!-- table: python docs/exported.py -->\n", "<!-- end of the table -->\n"
TARGETS = {"ONNX": OnnxExporter(), "Python": PythonExporter()}


def row(name: str, kind: Any) -> str:
    """What becomes of the examples of a layer in each target."""
    cells = []
    for made in TARGETS.values():
        refused = []
        for model in layer_models(kind):
            refused += [problem.got for problem in made.check(subject_of(model), PAGE)]
        cells.append("but for " + "; ".join(sorted(set(refused))) if refused else "yes")
    return f"| `{name}` | {' | '.join(cells)} |"


def table() -> str:
    """The table, and which layers are not in it."""
    known = [(name, kind) for name, kind in registry.components("layer") if kind.__module__.startswith("lamina.")]
    lines = [f"| layer | {' | '.join(TARGETS)} |", "|---|" + "---|" * len(TARGETS)]
    lines += [row(name, kind) for name, kind in known if kind in emitters()]
    others = ", ".join(f"`{name}`" for name, kind in known if kind not in emitters() and name != "shared")
    return "\n".join([*lines, "", f"Refused by name: {others}.", ""])


def page() -> str:
    """The page with the table of today."""
    before, _, rest = PAGE.read_text().partition(START)
    return before + START + "\n" + table() + "\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page())
