"""``lamina doctor gradients RECIPE``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def test_every_tensor_of_a_recipe_is_compared(lamina: Any) -> None:
    done = lamina("doctor", "gradients", ROOT / "examples" / "iris_csv.yaml", "--numbers", "3", "--json")
    assert done.code == 0
    assert done.data["right"] is True
    assert {row["kind"] for row in done.data["tensors"]} == {"parameter", "input"}
    assert all(row["error"] < 1e-4 for row in done.data["tensors"])


def test_the_table_is_printed(lamina: Any) -> None:
    done = lamina("doctor", "gradients", ROOT / "examples" / "iris_csv.yaml", "--numbers", "2", "--samples", "2")
    assert done.code == 0
    assert "Largest error" in done.out
    assert "WRONG" not in done.out
