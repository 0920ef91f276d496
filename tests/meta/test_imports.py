"""What must not load torch, and how long the cheap commands may take."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "examples" / "digits.yaml")
HEAVY = ("torch", "polars", "pandas", "sklearn", "scipy", "matplotlib")

IMPORT = "import lamina"
HELP = "from lamina.cli import main; main(['--help'])"
CHECK = f"from lamina.cli import main; main(['check', {EXAMPLE!r}])"
SUMMARY = f"from lamina.cli import main; main(['summary', {EXAMPLE!r}])"
SCHEMA = "from lamina.cli import main; main(['schema'])"
DESCRIBE = "import lamina as lm; lm.Sequential(lm.image(1, 8, 8), [lm.Conv2d(4, kernel=3), lm.Output(10)]), lm.Adam(0.1), lm.EarlyStopping"


def python(code: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=check, timeout=60)


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        (IMPORT, (*HEAVY, "numpy", "pydantic", "yaml", "typer")),
        (HELP, (*HEAVY, "numpy")),
        (CHECK, (*HEAVY, "numpy")),
        (SUMMARY, (*HEAVY, "numpy")),
        (SCHEMA, (*HEAVY, "numpy")),
        (DESCRIBE, (*HEAVY, "numpy")),
    ],
    ids=["import", "help", "check", "summary", "schema", "describe"],
)
def test_what_describes_loads_nothing_heavy(code: str, unwanted: tuple[str, ...]) -> None:
    report = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit as end:\n    assert not end.code, end.code\nprint('LOADED', *sorted(sys.modules))"
    )
    loaded = python(report).stdout.rpartition("LOADED")[2].split()
    assert "lamina" in loaded
    assert not {*unwanted} & {*loaded}


@pytest.mark.parametrize(("code", "budget"), [(IMPORT, 0.15), (HELP, 0.5), (CHECK, 0.7)], ids=["import", "help", "check"])
def test_cheap_commands_stay_cheap(code: str, budget: float) -> None:
    """The best of several runs, so that a busy machine does not decide; what an empty interpreter takes is included."""
    best = float("inf")
    for _ in range(8):
        start = time.perf_counter()
        python(code)
        best = min(best, time.perf_counter() - start)
        if best <= budget:
            return
    pytest.fail(f"took {best:.2f} s at best, the budget is {budget} s; python -X importtime tells where it goes")
