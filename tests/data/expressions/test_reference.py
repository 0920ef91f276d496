"""The page of functions is made of the table."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_page_of_functions_is_current() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "expressions.py"))
    assert (ROOT / "docs" / "reference" / "expressions.md").read_text() == made["page"](), "run python docs/expressions.py"
