"""Make the table of what is verified in docs/importing.md, of docs/importing/verified.yaml.

python docs/verified.py          writes docs/importing.md
python docs/verified.py --check  says whether it is up to date, and writes nothing
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from lamina.interop.format import formats

HERE = Path(__file__).parent
SOURCE = HERE / "importing" / "verified.yaml"
PAGE = HERE / "importing.md"
BEGIN, END = "<!-- made by docs/verified.py -->\n", "<!-- to here -->\n"


def table() -> str:
    """Format, layer, files, difference."""
    lines = ["| system | layer or operator of the source | files | largest relative difference |", "|---|---|---|---|"]
    for name, kinds in yaml.safe_load(SOURCE.read_text()).items():
        title = formats.get(name).title
        lines += [f"| {title} | `{kind}` | {files} | {_bound(bound)} |" for kind, (files, bound) in kinds.items()]
    return "\n".join(lines) + "\n"


def _bound(bound: float) -> str:
    return "none" if not bound else f"up to {bound:g}"


def page() -> str:
    """The page with its table made anew."""
    text = PAGE.read_text()
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text() == page() else "docs/importing.md is out of date: run python docs/verified.py")
    PAGE.write_text(page())
