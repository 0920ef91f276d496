"""Rules of the house that no tool checks."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "src").rglob("*.py"))
MOST_LINES = 450
MEDIAN_LINES = 140
EXECUTES = {"eval", "exec", "compile", "__import__"}
EXECUTING_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_no_file_is_a_heap() -> None:
    lengths = {name(file): len(file.read_text().splitlines()) for file in FILES}
    assert {file: lines for file, lines in lengths.items() if lines > MOST_LINES} == {}
    assert statistics.median(lines for lines in lengths.values() if lines) <= MEDIAN_LINES


def test_no_room_is_called_utils() -> None:
    assert [name(file) for file in FILES if {"utils", "helpers", "misc", "common"} & {*file.with_suffix("").parts}] == []


@pytest.mark.parametrize("file", FILES, ids=name)
def test_nothing_that_is_read_is_executed(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in EXECUTES, f"line {node.lineno}: {node.func.id}()"
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func) in ("torch.load", "numpy.load", "np.load")
        ):
            settings = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert settings.get("allow_pickle", "False") == "False", f"line {node.lineno}"
            assert ast.unparse(node.func) != "torch.load", f"line {node.lineno}: weights are read from safetensors"
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not EXECUTING_MODULES & {module.partition(".")[0] for module in modules}, f"line {getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), f"line {getattr(node, 'lineno', 0)}: asserts vanish under -O; raise a LaminaError"


@pytest.mark.parametrize("file", FILES, ids=name)
def test_every_file_says_what_it_is(file: Path) -> None:
    text = file.read_text()
    if not text:
        return
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a docstring on top"
    code = [
        node for node in tree.body[1:] if not isinstance(node, ast.ImportFrom | ast.Assign) or getattr(node, "module", "") == "__future__"
    ]
    if any(isinstance(node, ast.ClassDef | ast.FunctionDef) for node in code):
        assert "from __future__ import annotations" in text


def test_no_path_of_one_machine_is_in_the_tree() -> None:
    parent = str(ROOT.parent) + "/"
    texts = [
        file
        for folder in ("src", "tests", "docs", "examples", "benchmarks", "changelog.d", ".ci")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".txt", ""} and file.is_file()
    ]
    assert [name(file) for file in texts if parent != "/" and parent in file.read_text(errors="replace")] == []
