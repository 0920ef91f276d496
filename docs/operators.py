"""Make the table of operators in docs/importing/onnx.md, of what Lamina runs.

python docs/operators.py          writes docs/importing/onnx.md
python docs/operators.py --check  says whether it is up to date, and writes nothing
"""

from __future__ import annotations

import sys
from pathlib import Path

from lamina.interop.onnx.layers.joints import JOINTS
from lamina.interop.onnx.layers.plain import PLAIN
from lamina.interop.onnx.layers.recurrent import RECURRENT
from lamina.interop.onnx.layers.windows import WINDOWS
from lamina.network.operators import FAMILIES, signatures

PAGE = Path(__file__).parent / "importing" / "onnx.md"
BEGIN, END = "<!-- made by docs/operators.py -->\n", "<!-- to here -->\n"


def table() -> str:
    """A row for each family; operators that can become layers stand in bold."""
    layers = {*PLAIN, *WINDOWS, *JOINTS, *RECURRENT}
    lines = ["| family | operators |", "|---|---|"]
    for family in FAMILIES:
        own = [one for one in signatures() if one.family == family and one.domain != "lamina"]
        words = [f"**{one.name}**" if one.name in layers and not one.domain else one.name for one in own]
        lines.append(f"| {family} | {', '.join(words)} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """The page with its table made anew."""
    text = PAGE.read_text()
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text() == page() else "docs/importing/onnx.md is out of date: run python docs/operators.py")
    PAGE.write_text(page())
