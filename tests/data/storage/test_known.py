"""Data sets found by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamina.data.storage import open_file, open_files
from lamina.errors import DataError


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    for root, variable in (("data", "LAMINA_DATA"), ("cache", "LAMINA_CACHE")):
        (tmp_path / root).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / root))
    return tmp_path / "data", tmp_path / "cache"


def test_the_folder_of_data_comes_before_the_cache(roots: tuple[Path, Path]) -> None:
    data, cache = roots
    for root in roots:
        (root / "trees").mkdir()
        (root / "trees" / "a.csv").write_text(root.name)
    with open_file("data://trees/a.csv").open() as file:
        assert file.read() == b"data"
    (data / "trees" / "a.csv").unlink()
    (data / "trees").rmdir()
    with open_files("data://trees/*.csv")[0].open() as file:
        assert file.read() == b"cache"


@pytest.mark.parametrize(("path", "fix"), [("data://tres/a.csv", "data://trees/a.csv"), ("data://quartz/a.csv", "LAMINA_DATA")])
def test_what_is_not_there(roots: tuple[Path, Path], path: str, fix: str) -> None:
    (roots[0] / "trees").mkdir()
    with pytest.raises(DataError) as caught:
        open_file(path)
    assert caught.value.code == "DA030"
    assert fix in caught.value.problems[0].fix


@pytest.mark.parametrize("name", ["..", ".", ""])
def test_no_way_out_of_the_folder(roots: tuple[Path, Path], name: str) -> None:
    with pytest.raises(DataError, match="DA030"):
        open_file(f"data://{name}/a.csv")
