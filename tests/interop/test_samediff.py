"""SameDiff's graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lamina import interop
from lamina.errors import InteropError
from lamina.interop.dl4j.blobs import read_blob
from lamina.interop.flatbuffers import Table
from lamina.interop.format import formats
from lamina.interop.notes import Notes
from lamina.interop.samediff.graph import Graph, Operation, Variable, parse
from lamina.interop.samediff.lift import lift
from lamina.model import load
from lamina.testing.formats import check_format


@pytest.fixture(scope="module")
def files(shared_fixtures: Path) -> dict[str, Path]:
    moon = shared_fixtures / "dl4j" / "samediff" / "MLPMoonSD" / "Model_RANDOM_INIT_UNTRAINED.zip"
    return {"beta3": shared_fixtures / "nd4j" / "samediff.fb", "moon": moon}


def test_outputs_are_those_of_the_original(files: dict[str, Path], shared_fixtures: Path, tmp_path: Path) -> None:
    nd4j = shared_fixtures / "nd4j"
    proof = interop.verify(
        interop.load(files["beta3"]), {"x": read_blob(nd4j / "samediff_x.bin"), "y": read_blob(nd4j / "samediff_out.bin")}
    )
    assert proof.holds, proof
    rows = np.loadtxt(shared_fixtures / "dl4j/dl4j_zips/integration/data/moon_data_eval.csv", delimiter=",")
    x, wanted = rows[:1, 1:].astype("float32"), read_blob(files["moon"].parent / "predictions" / "output_0_out.bin")
    imported = interop.read(files["moon"])
    np.testing.assert_allclose(imported.model().predict(x), wanted, rtol=1e-4, atol=1e-5)
    imported.save(tmp_path / "a.lamina")
    np.testing.assert_allclose(load(tmp_path / "a.lamina").predict(x), wanted, rtol=1e-4, atol=1e-5)
    assert imported.origin is not None
    assert imported.origin.learning is not None
    assert imported.origin.learning.optimizer.type_name == "nesterov"
    assert [layer.weight_decay for layer in imported.network.nodes.values() if layer.type_name == "dense"] == [0.001, 0.001]  # type: ignore[union-attr, attr-defined]


def test_the_contract_of_formats(files: dict[str, Path]) -> None:
    check_format(formats.get("samediff"), list(files.values()), rounds=150)


def operation(number: int, kind: str, *inputs: int) -> Operation:
    return Operation(number, f"{kind}{number}", kind, tuple((place, 0) for place in inputs), (), (), (), None)


def variable(number: int, role: str, values: np.ndarray | None = None, shape: tuple[int, ...] = ()) -> Variable:
    return Variable(f"v{number}", (number, 0), role, shape if values is None else values.shape, values)


def test_everything_without_a_counterpart_is_listed_at_once() -> None:
    given = [variable(1, "placeholder", shape=(-1, 3)), variable(2, "variable", np.ones((3, 2)))]
    graph = Graph(tuple(given), (operation(3, "mmul", 1, 2), operation(4, "fft", 3), operation(5, "ctc_beam", 4)), (), "", "x")
    notes = Notes("a file")
    lift(graph, notes)
    assert [problem.got.split(",")[0] for problem in notes.missing] == ["fft", "ctc_beam"]


def test_branches_that_meet_and_constants_that_stay() -> None:
    values = [np.ones((3, 2), "float32"), np.ones(2, "float32")]
    given = [variable(1, "placeholder", shape=(-1, 3)), variable(2, "constant", values[0]), variable(3, "variable", values[1])]
    steps = (operation(4, "xw_plus_b", 1, 2, 3), operation(5, "tanh", 4), operation(6, "sigmoid", 4), operation(7, "multiply", 5, 6))
    found = lift(Graph(tuple(given), steps, (), "", "x"), Notes("a file"))
    assert found.outputs == ("multiply7",)
    assert [layer.type_name for layer in found.nodes.values()] == ["dense", "activation", "activation", "multiply"]
    assert found.nodes["xw_plus_b4"].frozen  # type: ignore[attr-defined]


def test_offsets_are_never_followed_out_of_the_file() -> None:
    for data in (b"", b"\xff" * 16, b"\x08\0\0\0\0\0\0\0\x04\0\0\0" + b"\xff" * 8):
        with pytest.raises(InteropError, match="IO002"):
            Table.root(data, "a file")


def test_a_file_that_points_to_the_same_numbers_again_and_again_is_refused(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    raw = files["moon"].read_bytes()
    own = Table.tables

    def again(table: Table, field: int) -> list[Table]:
        found = own(table, field)
        return found * 5000 if len(found) > 5 else found

    assert len(parse(raw, "a file").variables) == 14
    monkeypatch.setattr(Table, "tables", again)
    with pytest.raises(InteropError, match="IO003"):
        parse(raw, "a file")
