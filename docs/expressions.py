"""Make the page of functions that expressions may call, from the table of functions.

python docs/expressions.py  writes docs/reference/expressions.md
"""

from __future__ import annotations

from pathlib import Path

from lamina.data.expressions import list_functions
from lamina.data.expressions.functions import GROUPS

PAGE = Path(__file__).parent / "reference" / "expressions.md"
HEAD = """# Functions of expressions

Everything that an expression over columns may call, on Polars and on Spark alike; the guide on expressions shows how they are written.
This page is made of the table of functions (`python docs/expressions.py`).
"""


def page() -> str:
    """The page in Markdown."""
    lines = [HEAD]
    known = [function for function in list_functions() if function.group in GROUPS]
    for group in GROUPS:
        lines += [f"\n## {group.capitalize()}\n", "| Function | Gives | Example |", "|---|---|---|"]
        for function in known:
            if function.group == group:
                cells = (f"`{function.signature}`", function.doc, f"`{function.example}`")
                lines.append("| " + " | ".join([cell.replace("|", r"\|") for cell in cells]) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
