"""NaN, infinity, text and gaps in arrays, frames and files: the column and the row are named, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm

RECIPE = """\
data:
  source: {type: csv, path: rows.csv, target: kindSETTINGS}
  split: {validation: 0.2, test: 0.2}
  normalize: standardize
network:
  type: sequential
  layers:
    - {type: output, units: 2}
train: {epochs: 1}
"""


def rows(count: int = 40) -> list[str]:
    return [f"{i},{i * 0.5},{'ab'[i % 2]}" for i in range(count)]


@pytest.fixture
def csv(recipe: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """A recipe on a csv file with these lines."""

    def write(lines: list[str], header: str = "width,height,kind", settings: str = "") -> Path:
        (tmp_path / "rows.csv").write_text("\n".join([header, *lines]) + "\n")
        return recipe(RECIPE.replace("SETTINGS", settings))

    return write


@pytest.mark.parametrize("value", ["nan", "", "?", "inf", "-inf"])
@pytest.mark.parametrize("row", [0, 17, 39])
def test_gaps_and_infinities_in_a_csv_file(refused: Callable[..., Any], csv: Callable[..., Path], value: str, row: int) -> None:
    lines = rows()
    lines[row] = f"{row},{value},a"
    file = csv(lines)
    (problem,) = refused("train", file)
    assert problem.code == "DA001"
    assert "'height'" in problem.head
    assert f"rows.csv, row {row + 1}, column" in problem.head
    assert problem.at(file, 2)
    assert problem.fix


def test_a_gap_may_be_filled(lamina: Callable[..., Any], csv: Callable[..., Path], tmp_path: Path) -> None:
    lines = rows()
    lines[3] = "3,,a"
    outcome = lamina("train", csv(lines, settings=", missing: mean"), "--run-dir", tmp_path / "run", "--set", "train.progress=false")
    assert outcome.code == 0, outcome.err


def test_text_among_numbers(refused: Callable[..., Any], csv: Callable[..., Path]) -> None:
    lines = rows()
    lines[7] = "7,tall,a"
    (problem,) = refused("train", csv(lines, settings=", numeric: [height]"))
    assert "'height'" in problem.head
    assert "row 8" in problem.head
    assert "'tall'" in problem.got


def test_a_row_with_too_few_values(refused: Callable[..., Any], csv: Callable[..., Path]) -> None:
    lines = rows()
    lines[11] = "11,a"
    (problem,) = refused("check", csv(lines))
    assert problem.code == "DA032"
    assert "rows.csv" in problem.head
    assert problem.expected.startswith("3 values")
    assert problem.got == "2"


def test_a_missing_label(refused: Callable[..., Any], csv: Callable[..., Path]) -> None:
    lines = rows()
    lines[9] = "9,1.0,"
    (problem,) = refused("train", csv(lines))
    assert "'kind'" in problem.head
    assert "row 10" in problem.head


@pytest.mark.parametrize(
    ("settings", "near"), [(", ignore: [hight]", "height"), (", features: [widht]", "width"), (", weight: hieght", "height")]
)
def test_typos_in_names_of_columns(refused: Callable[..., Any], csv: Callable[..., Path], settings: str, near: str) -> None:
    file = csv(rows(), settings=settings)
    (problem,) = refused("check", file)
    assert problem.at(file, 2)
    assert problem.fix == f"did you mean {near!r}?"


def test_a_typo_in_the_target(refused: Callable[..., Any], csv: Callable[..., Path]) -> None:
    (problem,) = refused("check", csv(rows(), header="width,height,knid"))
    assert "'kind'" in problem.head + problem.expected
    assert problem.fix == "did you mean 'knid'?"


def test_columns_of_the_same_name(refused: Callable[..., Any], csv: Callable[..., Path]) -> None:
    (problem,) = refused("check", csv(rows(), header="width,width,kind"))
    assert problem.code == "DA017"


@pytest.mark.parametrize(
    "content",
    [b"", b"width,height,kind\n", b"\xff\xfe\x00\x01" * 20, b'a,b,kind\n1,"2,3\n'],
    ids=["empty", "header alone", "not UTF-8", "open quote"],
)
def test_files_that_are_no_table(refused: Callable[..., Any], csv: Callable[..., Path], tmp_path: Path, content: bytes) -> None:
    file = csv(rows())
    (tmp_path / "rows.csv").write_bytes(content)
    (problem,) = refused("check", file)
    assert "rows.csv" in problem.head
    assert problem.code in ("DA006", "DA032")


def test_a_file_that_is_not_there(refused: Callable[..., Any], csv: Callable[..., Path], tmp_path: Path) -> None:
    file = csv(rows())
    (tmp_path / "rows.csv").rename(tmp_path / "row.csv")
    (problem,) = refused("train", file)
    assert problem.code == "DA031"
    assert problem.fix == "did you mean 'row.csv'?"
    (tmp_path / "rows.csv").mkdir()
    assert refused("train", file)[0].code == "DA031"


# -- arrays and frames ------------------------------------------------------------------------------------------------


def model() -> lm.Model:
    return lm.Model(lm.Sequential(lm.features(4), [lm.Output(2)]), seed=1)


def data(count: int = 50) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).normal(size=(count, 4)), np.arange(count) % 2


def refusal(call: Callable[[], object]) -> Any:
    with pytest.raises(lm.LaminaError) as caught:
        call()
    assert caught.value.exit_code == 2
    for problem in caught.value.problems:
        assert all((problem.where, problem.expected, problem.got, problem.cause, problem.fix))
    return caught.value.problems[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("row", [0, 49])
def test_arrays(tmp_path: Path, value: float, row: int) -> None:
    x, y = data()
    bad = x.copy()
    bad[row, 2] = value
    fitted = model()
    fitted.fit(x, y, epochs=1, progress=False)
    calls = (
        lambda: model().fit(bad, y, epochs=1, run_dir=tmp_path / "run"),
        lambda: model().fit(x, y, validation=(bad, y), epochs=1, run_dir=tmp_path / "run"),
        lambda: fitted.evaluate(bad, y),
        lambda: fitted.predict(bad),
    )
    for call in calls:
        problem = refusal(call)
        assert problem.code == "DA001"
        assert f"sample {row}, column 2" in problem.where
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_frames(tmp_path: Path, library: str) -> None:
    frames = pytest.importorskip(library)
    x, y = data()
    x[41, 1] = np.nan
    frame = frames.DataFrame({**{name: x[:, i] for i, name in enumerate("abcd")}, "kind": y})
    problem = refusal(lambda: model().fit(frame, target="kind", epochs=1, run_dir=tmp_path / "run"))
    assert "'b'" in problem.where
    assert "row 42" in problem.where
    assert list(tmp_path.iterdir()) == []


def test_images_name_the_place() -> None:
    x, y = np.zeros((20, 1, 6, 6), np.float32), np.arange(20) % 2
    x[19, 0, 3, 5] = np.nan
    network = lm.Sequential(lm.image(1, 6, 6), [lm.Output(2)])
    problem = refusal(lambda: lm.Model(network).fit(x, y, epochs=1))
    assert "sample 19" in problem.where
    assert "[0, 3, 5]" in problem.where


def test_tokens_outside_the_vocabulary() -> None:
    x, y = np.zeros((20, 4), np.int64), np.arange(20) % 2
    x[-1, 3] = 100
    network = lm.Sequential(lm.tokens(4, 100), [lm.Embedding(4), lm.LSTM(4), lm.LastStep(), lm.Output(2)])
    problem = refusal(lambda: lm.Model(network).fit(x, y, epochs=1))
    assert "sample 19" in problem.where
    assert problem.got == "100"
    assert "0 to 99" in problem.expected


@pytest.mark.parametrize(
    "x", [[], [["a", "b", "c", "d"]], [[1, 2, 3], [1, 2, 3, 4]], np.zeros((0, 4)), np.array([[None] * 4]), 3.0, "text", [[1j, 1, 1, 1]]]
)
def test_what_is_no_data(x: Any) -> None:
    refusal(lambda: model().predict(x))
    refusal(lambda: model().fit(x, [0, 1], epochs=1))


# -- new data for a kept model ----------------------------------------------------------------------------------------


@pytest.fixture
def kept(lamina: Callable[..., Any], csv: Callable[..., Path], tmp_path: Path) -> Path:
    """A model trained on the csv file."""
    outcome = lamina("train", csv(rows()), "--run-dir", tmp_path / "run", "--set", "train.progress=false")
    assert outcome.code == 0, outcome.err
    return tmp_path / "run" / "model.lamina"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("width,height\n1,2\n3,nan\n", "'height'"),
        ("width,height\n1,2\n3,tall\n", "'height'"),
        ("width,hight\n1,2\n", "'height'"),
        ("width\n1\n", "'height'"),
        ("", ""),
        ("width,height\n", ""),
    ],
)
def test_new_rows(refused: Callable[..., Any], kept: Path, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "new.csv").write_text(text)
    problem = refused("predict", kept, tmp_path / "new.csv", "-o", tmp_path / "out.csv")[0]
    assert said in problem.head + problem.expected


def test_files_of_new_data(refused: Callable[..., Any], kept: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("width,height\n1,2\n")
    (tmp_path / "new.parquet").write_bytes(b"PAR1")
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object))
    (tmp_path / "noise.npz").write_bytes(b"PK\x03\x04 no")
    np.save(tmp_path / "wrong.npy", np.zeros((3, 7)))
    for words in (
        ("missing.csv", "out.csv"),
        ("new.parquet", "out.csv"),
        ("objects.npy", "out.csv"),
        ("noise.npz", "out.csv"),
        ("wrong.npy", "out.csv"),
        ("new.csv", "out.xlsx"),
        ("new.csv", "no/such/folder/out.csv"),
        (".", "out.csv"),
    ):
        refused("predict", kept, tmp_path / words[0], "-o", tmp_path / words[1])


def test_evaluation_of_bad_rows(refused: Callable[..., Any], kept: Path, tmp_path: Path) -> None:
    for text in ("width,height,kind\n1,nan,a\n", "width,height,kind\n1,2,c\n", "width,height\n1,2\n", "width,kind\n1,a\n"):
        (tmp_path / "new.csv").write_text(text)
        refused("evaluate", kept, "--data", tmp_path / "new.csv")
    refused("evaluate", kept, "--data", tmp_path / "no.csv")
    refused("evaluate", kept, "--data", "{source: {type: iris}}")
    refused("evaluate", kept, "--data", "{source: {type: irsi}}")
