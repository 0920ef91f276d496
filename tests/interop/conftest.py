"""What the tests of formats prove is recorded, layer by layer: `docs/importing.md` shows it.

``pytest tests/interop --record-verified`` writes ``docs/importing/verified.yaml`` anew, of the formats whose genuine files are here;
``python docs/verified.py`` makes the table of it. Without the option, a test that proves a layer which is not recorded fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from lamina.interop.report import Report

PATH = Path(__file__).resolve().parents[2] / "docs" / "importing" / "verified.yaml"
BOUNDS = (0.0, 1e-7, 1e-6, 1e-5, 1e-4)
"""Differences are recorded as the smallest of these that they don't exceed: the last digits differ from machine to machine."""
HEAD = "# Written by `pytest tests/interop --record-verified`: format, layer of the source, files that have it, largest difference.\n"

Verified = Callable[[Report, float], None]
Found = dict[str, dict[str, tuple[set[str], float]]]
FOUND = pytest.StashKey[Found]()


@pytest.fixture
def verified(request: pytest.FixtureRequest) -> Verified:
    """Say that all layers of a file give the source's outputs, up to this relative difference."""
    config = request.config
    found = config.stash.setdefault(FOUND, {})
    recording = config.getoption("--record-verified")
    known = yaml.safe_load(PATH.read_text()) if PATH.is_file() else {}

    def enter(report: Report, difference: float) -> None:
        assert difference <= BOUNDS[-1], f"{difference} is no proof"
        kinds = found.setdefault(report.format, {})
        for kind in {row.kind for row in report.rows}:
            files, most = kinds.setdefault(kind, (set(), 0.0))
            kinds[kind] = (files | {report.files[0]}, max(most, difference))
            entered = kind in known.get(report.format, {})
            assert recording or entered, f"{report.format} {kind} is proven but not recorded: run pytest tests/interop --record-verified"

    return enter


def recorded(found: Found) -> dict[str, dict[str, list[float]]]:
    """What is written: files, and the bound of the difference."""
    bounded = {
        name: {kind: [len(files), next(bound for bound in BOUNDS if most <= bound)] for kind, (files, most) in sorted(kinds.items())}
        for name, kinds in found.items()
    }
    return dict(sorted(bounded.items()))


@pytest.fixture(scope="session", autouse=True)
def _written(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    config = request.config
    found = config.stash.get(FOUND, {})
    if config.getoption("--record-verified") and found:
        known = yaml.safe_load(PATH.read_text()) if PATH.is_file() else {}
        PATH.write_text(HEAD + yaml.safe_dump({**known, **recorded(found)}, default_flow_style=None, allow_unicode=True))
