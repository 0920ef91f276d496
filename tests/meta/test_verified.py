"""The table of what is verified about imports is made of what the tests recorded."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_is_up_to_date() -> None:
    made = runpy.run_path(str(DOCS / "verified.py"))
    assert (DOCS / "importing.md").read_text() == made["page"](), "run python docs/verified.py"
