from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any


def script(root: Path) -> Any:
    spec = importlib.util.spec_from_file_location("exported_page", root / "docs" / "exported.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_says_what_the_emitters_do(root: Path) -> None:
    module = script(root)
    assert module.PAGE.read_text() == module.page(), "run: python docs/exported.py"
