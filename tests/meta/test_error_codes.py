"""Codes, their titles and their pages belong together, one to one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lamina.codes import TITLES

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "errors"
SECTIONS = ["## What it means", "## Example", "## What to do"]
CODE = re.compile(r"\b((?:SP|NN|CK|EN|DA|TR|DI|EV|AR|IO|CL)\d{3})\b")
# As a literal of its own in an error, or in brackets at the head of a warning.
LITERAL = re.compile(r"[\"'](?:\[(?=[A-Z]{2}\d{3}\]))?((?:SP|NN|CK|EN|DA|TR|DI|EV|AR|IO|CL)\d{3})[\]\"']")
USED = {code for file in (ROOT / "src").rglob("*.py") if file.name != "codes.py" for code in LITERAL.findall(file.read_text())}


def test_every_code_that_is_raised_has_a_title() -> None:
    assert sorted(USED - set(TITLES)) == []


def test_every_title_belongs_to_a_code_that_is_raised() -> None:
    assert sorted(set(TITLES) - USED) == []


def test_every_page_belongs_to_a_code() -> None:
    assert sorted({page.stem for page in PAGES.glob("*.md")} - {"index"} - set(TITLES)) == []


def test_titles_are_different_and_short() -> None:
    assert all(len(title) <= 80 and not title.endswith(".") for title in TITLES.values())


@pytest.mark.parametrize("code", sorted(TITLES))
def test_every_code_has_its_page(code: str) -> None:
    page = PAGES / f"{code}.md"
    assert page.is_file(), f"write docs/errors/{code}.md"
    lines = page.read_text().splitlines()
    assert lines[0] == f"# {code}: {TITLES[code]}"
    assert [line for line in lines if line.startswith("## ")] == SECTIONS


def test_pages_and_source_speak_only_of_codes_that_exist() -> None:
    texts = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.py"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    unknown = {(str(file.relative_to(ROOT)), code) for file in texts for code in CODE.findall(file.read_text()) if code not in TITLES}
    assert sorted(unknown) == []
