"""The survival example learns from engines of which four of ten were never seen to fail."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_engines_at_higher_risk_fail_first(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shared_data / "cmapss"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    monkeypatch.chdir(tmp_path)
    script = runpy.run_path(str(ROOT / "examples" / "cox_survival.py"))
    report = script["main"](folder, epochs=40)
    assert report["concordance"] >= 0.82
    assert (tmp_path / "cox_survival.lamina").is_file()
