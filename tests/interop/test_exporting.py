from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import lamina as lm
from lamina.cli import main
from lamina.errors import DependencyError, InteropError, Problem, ProofError, RegistrationError
from lamina.interop.exporting import Exporter, Exporters, Subject, Written, export, exporters, needs
from lamina.interop.trials import Trial


def digits() -> lm.Model:
    layers = [lm.Conv2d(3, kernel=3, activation="relu"), lm.MaxPool2d(2), lm.Output(4, loss="cross_entropy")]
    return lm.Model(lm.Sequential(lm.image(1, 8, 8), layers), seed=5)


def steps() -> lm.Model:
    return lm.Model(lm.Sequential(lm.sequence(None, 3), [lm.Conv1d(4, kernel=3), lm.GlobalMaxPool(), lm.Output(2)]), seed=5)


def recurrent(length: int | None) -> lm.Model:
    return lm.Model(lm.Sequential(lm.sequence(length, 3), [lm.LSTM(4), lm.LastStep(), lm.Output(2)]), seed=5)


def test_unknown_formats_name_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InteropError, match="did you mean 'safetensors'") as caught:
        export(digits(), tmp_path / "a", "saftensors")
    assert caught.value.code == "IO013"
    with pytest.raises(InteropError, match=r"\.safetensors \(safetensors\)") as caught:
        export(digits(), tmp_path / "a.txt")
    assert caught.value.code == "IO013"


def test_unknown_settings_are_refused_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(InteropError) as caught:
        export(digits(), tmp_path / "a.safetensors", opset=3, speed="x")
    assert [problem.code for problem in caught.value.problems] == ["IO060", "IO060"]


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt2", "a.pt"])
@pytest.mark.parametrize("make", [digits, steps])
def test_what_is_written_is_proven(name: str, make: type, tmp_path: Path) -> None:
    done = export(make(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert done.proof is not None
    assert done.proof.holds
    assert len(done.trials) == 2
    assert str(tmp_path / name) in str(done)
    assert json.loads(json.dumps(done.to_dict()))["proof"]["holds"]


def test_programs_of_torch_do_not_hold_recurrences_of_any_length(tmp_path: Path) -> None:
    with pytest.raises(InteropError, match="IO004"):
        export(recurrent(None), tmp_path / "a.pt2")
    export(recurrent(6), tmp_path / "a.pt2")


def test_state_dicts_have_the_names_of_plain_modules(tmp_path: Path) -> None:
    import torch

    export(digits(), tmp_path / "a.pt")
    state = torch.load(tmp_path / "a.pt", weights_only=True)
    assert sorted(state) == ["conv2d_1.bias", "conv2d_1.weight", "output_1.bias", "output_1.weight"]


def test_own_modules_are_refused(tmp_path: Path) -> None:
    import torch

    with pytest.raises(InteropError, match=r"torch\.onnx\.export"):
        export(lm.Model(torch.nn.Linear(2, 2)), tmp_path / "a.safetensors")


@dataclass(frozen=True)
class Numbers(Exporter):
    name: ClassVar[str] = "numbers"
    title: ClassVar[str] = "numbers"
    suffixes: ClassVar[tuple[str, ...]] = (".numbers",)
    wrong: bool = False
    missing: int = 0

    def check(self, subject: Subject, path: Path) -> list[Problem]:
        names = [node.name for node in subject.plan.nodes][: self.missing]
        return [Problem(code="IO004", where=name, expected="a", got="b", cause="c", fix="d") for name in names]

    def write(self, subject: Subject, path: Path) -> Written:
        path.write_text("1")
        path.with_suffix(".more").write_text("2")
        return Written(facts={"much": "2"})

    def prove(self, subject: Subject, path: Path, trial: Trial) -> Mapping[str, np.ndarray]:
        return {name: value + (1 if self.wrong else 0) for name, value in trial.outputs.items()}


def test_an_exporter_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporters, "_found", dict(exporters._found))
    lm.interop.exporter(Numbers)
    done = export(digits(), tmp_path / "a.numbers")
    assert [path.name for path in done.files] == ["a.numbers", "a.more"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.more", "a.numbers"]
    with pytest.raises(InteropError) as caught:
        export(digits(), tmp_path / "b.numbers", missing=2)
    assert [problem.where for problem in caught.value.problems] == ["conv2d_1", "max_pool2d_1"]
    with pytest.raises(ProofError, match="IO061") as wrong:
        export(digits(), tmp_path / "b.numbers", wrong=True)
    assert wrong.value.exit_code == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.more", "a.numbers"]
    export(digits(), tmp_path / "b.numbers", wrong=True, verify=False)
    assert (tmp_path / "b.numbers").read_text() == "1"


def test_names_are_taken_once() -> None:
    own = Exporters({})
    own.add(Numbers)
    with pytest.raises(RegistrationError, match="SP008"):
        own.add(type("Other", (Numbers,), {}))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InteropError, match="IO062"):
        export(digits(), tmp_path / "no" / "a.safetensors")


def test_a_package_that_is_not_there_names_its_extra() -> None:
    with pytest.raises(DependencyError, match=r"pip install 'lamina\[onnx\]'") as caught:
        needs("no_such_package", extra="onnx", for_="a test")
    assert caught.value.code == "IO063"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digits().save(tmp_path / "m.lamina")
    with pytest.raises(SystemExit) as end:
        main(["export", str(tmp_path / "m.lamina"), "-o", str(tmp_path / "m.safetensors"), "--json"])
    assert not end.value.code
    found = json.loads(capsys.readouterr().out)
    assert found["to"] == "safetensors"
    assert found["proof"]["holds"]
    with pytest.raises(SystemExit) as end:
        main(["export", str(tmp_path / "m.lamina"), "--to", "onx", "-o", str(tmp_path / "m.onnx")])
    assert end.value.code == 2
    assert not (tmp_path / "m.onnx").exists()
