"""What the documentation shows runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import lamina.model
import lamina.train.recipe  # noqa: F401 (both fill the registry: what a test registers is taken back, not what it loads)
from lamina.spec import parse_document, registry

ROOT = Path(__file__).parents[2]
IMPORTING = sorted((ROOT / "docs" / "importing").glob("*.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guides").glob("*.md")), *IMPORTING]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


@pytest.mark.filterwarnings("ignore::lamina.errors.LaminaWarning")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_python_blocks_run_one_after_the_other(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for family in registry.families():
        list(registry.components(family))  # What is loaded when it is named is loaded now, so that it isn't taken back.
    # What a page registers must not be there for other tests.
    monkeypatch.setattr(registry, "_families", {family: dict(members) for family, members in registry._families.items()})
    space: dict[str, Any] = {"__name__": "page"}
    for number, code in enumerate(blocks(page, "python")):
        exec(compile(code, f"{page.name}[{number}]", "exec", dont_inherit=True), space)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_yaml_blocks_are_parts_of_recipes(page: Path) -> None:
    from lamina.train.recipe import Recipe

    whole = {
        "data": {"source": "digits"},
        "network": {"type": "sequential", "layers": [{"type": "output", "units": 10}]},
    }
    for text in blocks(page, "yaml"):
        snippet = re.fullmatch(r'--8<-- "(.+)"\n', text)
        if snippet:
            text = (ROOT / snippet[1]).read_text()
        Recipe.from_dict({**whole, **parse_document(text).data})


def test_the_readmes_two_lines_are_those_of_the_issue() -> None:
    first = blocks(ROOT / "README.md", "sh")[0].splitlines()
    assert first == ["pip install . && lamina train examples/digits.yaml", "pip install '.[test]' && pytest"]
    assert (ROOT / first[0].split()[-1]).is_file()


def test_links_to_files_of_the_repository_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (ROOT / target).exists(), target
