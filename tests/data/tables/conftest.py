"""Small blocks, so that small files have several; nothing is remembered from one test to the next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lamina.data.sources import Csv
from lamina.data.tables import blocks, scan


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan._found.clear()
    monkeypatch.setenv("LAMINA_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many bytes are parsed at once."""

    def choose(size: int) -> None:
        monkeypatch.setattr(blocks.blocks, "__kwdefaults__", {**blocks.blocks.__kwdefaults__, "size": size})

    return choose


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., pl.DataFrame]:
    """The rows of a csv file with this content; read twice, which must give the same."""

    def call(content: str | bytes, **settings: Any) -> pl.DataFrame:
        path = tmp_path / "rows.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        source = Csv(path=str(path), **settings)
        first = source.frame().collect()
        again = source.frame()
        assert again.collect(engine="streaming").equals(first)
        assert again.collect_schema() == first.schema
        for name in first.columns[:2]:
            assert again.select(name).collect().equals(first.select(name))
        assert again.select(pl.len()).collect().item() == first.height
        return first

    return call
