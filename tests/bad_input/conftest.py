"""The command line as a user meets it: run, read what it says, look at what it left behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

import lamina as lamina_package
from lamina.cli import main

_PROBLEM = re.compile(
    r"^(?P<kind>Error: |Warning: )?\[(?P<code>[A-Z]{2}\d{3})\] (?P<head>[^\n]*)\.\n"
    r"  Expected: (?P<expected>.*?)\n"
    r"  Got:      (?P<got>.*?)\n"
    r"  Cause:    (?P<cause>.*?)\n"
    r"  Fix:      (?P<fix>.*?)\n"
    r"  More:     docs/errors/(?P<page>[A-Z]{2}\d{3})\.md$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Said:
    """One problem, as it stood on the screen."""

    code: str
    head: str
    expected: str
    got: str
    cause: str
    fix: str

    def at(self, file: Path | str, line: int, column: int | None = None) -> bool:
        """Whether it names this place."""
        return self.head.startswith(f"{file}:{line}:" + ("" if column is None else f"{column}: "))


@dataclass(frozen=True)
class Outcome:
    """What a command gave back."""

    code: int
    out: str
    err: str

    @property
    def problems(self) -> list[Said]:
        matches = list(_PROBLEM.finditer(self.err))
        found = [Said(m["code"], m["head"], m["expected"], m["got"], m["cause"], m["fix"]) for m in matches if m["kind"] != "Warning: "]
        assert len(matches) == len(re.findall(r"^  More: ", self.err, re.MULTILINE)), f"a message lost its form:\n{self.err}"
        return found


def everything(folder: Path) -> dict[str, bytes | None]:
    """All files and folders with their content."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.fixture(scope="session")
def commands() -> object:
    """The commands, put together once: typer would do it anew for each call, which takes longer than most refusals."""
    return typer.main.get_command(sys.modules["lamina.cli.app"].app)


@pytest.fixture
def lamina(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, commands: object) -> Callable[..., Outcome]:
    """Run a command in this process."""
    monkeypatch.setattr("lamina.cli.app.app", commands)

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        code = 0
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            try:
                main([str(word) for word in words])
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return run


@pytest.fixture
def process() -> Callable[..., Outcome]:
    """Run a command in a process of its own."""

    def run(*words: object, code: str = "from lamina.cli import main; main()", timeout: float = 100.0) -> Outcome:
        command = [sys.executable, "-c", code, *map(str, words)]
        path = os.pathsep.join(filter(None, (str(Path(lamina_package.__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def refused(lamina: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Said]]:
    """Run a command that must be refused: exit code, five parts in every message, and nothing written anywhere near."""

    def run(*words: object, exit_code: int = 2) -> list[Said]:
        monkeypatch.chdir(tmp_path)
        before = everything(tmp_path)
        outcome = lamina(*words)
        assert outcome.code == exit_code, outcome.err + outcome.out
        assert "Traceback" not in outcome.err, outcome.err
        problems = outcome.problems
        assert problems, f"no message of five parts:\n{outcome.err}"
        for problem in problems:
            for part in ("head", "expected", "got", "cause", "fix"):
                assert getattr(problem, part).strip(), f"{part} is empty:\n{outcome.err}"
        assert everything(tmp_path) == before, "something was written"
        return problems

    return run


@pytest.fixture(scope="session")
def train() -> Callable[[Path, str], Path]:
    """Train by a recipe in a folder; gives the run directory."""

    def run(folder: Path, text: str) -> Path:
        from lamina.launch import train_recipe
        from lamina.train.recipe import load_recipe

        (folder / "recipe.yaml").write_text(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train_recipe(load_recipe(folder / "recipe.yaml")[0], run_dir=folder / "run")
        return folder / "run"

    return run


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Path]:
    """Write a recipe."""

    def write(text: str, name: str = "recipe.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write
