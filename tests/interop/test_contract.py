"""Every format keeps the contract of formats on the smallest of its genuine files, and no two formats know the same file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamina.interop.format import formats
from lamina.interop.given import Given
from lamina.testing.formats import check_format


@pytest.mark.parametrize("name", formats.names())
def test_contract(name: str, shared_fixtures: Path) -> None:
    made = formats.get(name)
    files = sorted(made.samples(shared_fixtures), key=lambda path: path.stat().st_size)
    assert files, "there are genuine files of every format"
    check_format(made, files[:2], rounds=6)


def test_no_two_formats_know_the_same_file(shared_fixtures: Path) -> None:
    for path in sorted(shared_fixtures.rglob("*")):
        if path.is_file():
            known = [name for name in formats.names() if formats.get(name).recognises(Given(path))]
            assert len(known) <= 1, (path, known)
            own = any(path.is_relative_to(shared_fixtures / folder) for folder in ("dl4j", "nd4j"))
            assert own or not {"dl4j", "samediff"} & {*known}, path
