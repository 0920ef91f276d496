"""Joins with a table of its own source: read when the pipeline is fitted, kept with the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.data.pipeline import Pipeline
from lamina.data.pipeline.steps import grouping
from lamina.errors import DataError, LaminaError

FILMS = "film,title,stars\n1,Alien,4.5\n2,Brazil,\n2,Brasil,3\n4,Duel,4\n"


def join(path: str | Path, **settings: Any) -> dict[str, Any]:
    kinds = {"film": "integer", "stars": "float"}
    return {"type": "join", "source": {"type": "csv", "path": str(path)}, "kinds": kinds, "on": ["film"], **settings}


@pytest.fixture
def films(tmp_path: Path) -> Path:
    (tmp_path / "films.csv").write_text(FILMS)
    return tmp_path / "films.csv"


@pytest.mark.parametrize("how", ["inner", "left", "right", "full"])
def test_rows_are_those_of_pandas(how: str, films: Path) -> None:
    rows = pl.DataFrame({"film": [2, 1, 3, 2], "user": ["a", "b", "c", "d"]})
    pipeline = Pipeline({"columns": {"film": "integer", "user": "string"}}, [join(films, how=how)])
    assert pipeline.learns
    fitted = pipeline.fit(rows)
    films.unlink()
    found = fitted.run(rows)
    theirs = pd.DataFrame({"film": [1, 2, 2, 4], "stars": [4.5, None, 3.0, 4.0]})
    expected = rows.to_pandas().merge(theirs, on="film", how="outer" if how == "full" else how)
    key = ["film", "user", "stars"]
    assert found.columns == key
    assert found.sort(key).rows() == pl.from_pandas(expected[key]).cast({"film": pl.Int64}).sort(key).rows()
    assert Pipeline.from_yaml(fitted.to_yaml()).run(rows).equals(found)


def test_a_recipe_joins_files_and_its_model_asks_for_them_no_more(films: Path, tmp_path: Path) -> None:
    lines = [f"{1 + row % 4},{row % 7},{'yes' if row % 4 in (0, 3) else 'no'}" for row in range(80)]
    (tmp_path / "seen.csv").write_text("film,hour,liked\n" + "\n".join(lines) + "\n")
    kept = films.read_text().replace("2,Brasil,3\n", "3,Cube,3\n").replace("2,Brazil,", "2,Brazil,2")
    films.write_text(kept)
    data = DataConfig(
        source={"type": "csv", "path": "seen.csv", "target": "liked"}, transform=[join("films.csv")], split={"validation": 0.2}
    )
    parts = prepare(data.resolve_paths(tmp_path), seed=1)
    model = lm.Model(lm.Sequential([lm.Output(2)]), seed=1)
    model.preprocessing = parts.preprocessing
    model.fit(parts.train, epochs=1)
    model.save(tmp_path / "kept.lamina")
    films.unlink()
    found = lm.load(tmp_path / "kept.lamina").predict({"film": 4, "hour": 2})
    assert found.shape == (1, 2)
    assert (found == model.predict(pl.DataFrame({"film": [4], "hour": [2]}))).all()


def test_what_can_not_be_joined_is_said(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"columns": {"film": "integer"}}
    monkeypatch.setattr(grouping, "MOST_VALUES", 7)
    with pytest.raises(DataError, match="films.csv.*too large to be joined") as found:
        Pipeline(schema, [join(films)]).fit({"film": [1]})
    assert found.value.problems[0].code == "DA202"
    monkeypatch.undo()
    with pytest.raises(DataError, match="did you mean 'title'"):
        Pipeline(schema, [join(films, kinds={"film": "integer", "titel": "string"})]).fit({"film": [1]})
    with pytest.raises(DataError, match=r"row 1, column 'title'"):
        Pipeline(schema, [join(films, kinds={"film": "integer", "title": "float"})]).fit({"film": [1]})
    for wrong, words in [
        ({"table": {"film": [1], "stars": [2.0]}}, "got: +both"),
        ({"source": None}, "got: +neither"),
        ({"source": "digits"}, "a source of a table"),
        ({"on": ["user"]}, "keys among them"),
    ]:
        with pytest.raises(LaminaError, match=f"(?i){words}"):
            Pipeline(schema, [join(films, **wrong)])
    with pytest.raises(DataError, match="DA104"):
        Pipeline(schema, [join(films)]).run({"film": [1]})
