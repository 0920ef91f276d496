"""``lamina data transform``, ``check`` and ``schema``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Lamina = Callable[..., Any]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.csv"
    file.write_text("age,city\n31,Bern\n,Ulm\n17,Bern\n")
    return file


def test_transform_from_csv_to_parquet(rows: Path, tmp_path: Path, lamina: Lamina) -> None:
    steps = tmp_path / "steps.yaml"
    steps.write_text("steps:\n  - {type: fill_missing, columns: age, value: mean}\n  - {type: filter, where: age >= 18}\n")
    out, kept = tmp_path / "out.parquet", tmp_path / "fitted.yaml"
    refused = lamina("data", "transform", steps, rows, out)
    assert refused.code == 2
    assert "DA104" in refused.err
    assert not out.exists()
    done = lamina("data", "transform", steps, rows, out, "--fit", "--save", kept)
    assert done.code == 0, done.err
    assert pl.read_parquet(out).rows() == [(31.0, "Bern"), (24.0, "Ulm")]
    again = lamina("data", "transform", kept, rows, tmp_path / "again.csv")
    assert again.code == 0, again.err
    assert (tmp_path / "again.csv").read_text() == "age,city\n31.0,Bern\n24.0,Ulm\n"


def test_wrong_steps_are_refused_before_anything_is_written(rows: Path, tmp_path: Path, lamina: Lamina) -> None:
    steps = tmp_path / "steps.yaml"
    steps.write_text("- {type: drop, columns: agee}\n")
    found = lamina("data", "transform", steps, rows, tmp_path / "out.csv")
    assert found.code == 2
    assert "did you mean 'age'?" in found.err
    assert not (tmp_path / "out.csv").exists()


def test_a_schema_is_printed_corrected_and_held(rows: Path, tmp_path: Path, lamina: Lamina) -> None:
    schema = tmp_path / "schema.yaml"
    assert lamina("data", "schema", rows, "-o", schema).code == 0
    assert "age: integer" in schema.read_text()
    held = lamina("data", "check", rows, "--schema", schema, "--json")
    assert (held.code, held.data["rows"]) == (0, 3)
    schema.write_text("columns:\n  age: {type: integer, minimum: 18}\n  city: string\n")
    broken = lamina("data", "check", rows, "--schema", schema)
    assert broken.code == 2
    assert "row 3, column 'age'" in broken.err
    schema.write_text("columns: {town: string}\n")
    assert "DA014" in lamina("data", "check", rows, "--schema", schema).err


def test_a_process_of_datavec_is_taken_for_what_it_is(rows: Path, tmp_path: Path, lamina: Lamina) -> None:
    process = tmp_path / "process.json"
    process.write_text(
        '{"initialSchema": {"Schema": {"columns": [{"Integer": {"name": "age"}}, {"String": {"name": "city"}}]}}, "actionList": '
        '[{"transform": {"ReplaceEmptyIntegerWithValueTransform": {"columnName": "age", "value": -1}}},'
        ' {"transform": {"ChangeCaseStringTransform": {"column": "city", "caseType": "UPPER"}}}]}'
    )
    out = tmp_path / "out.csv"
    done = lamina("data", "transform", process, rows, out)
    assert done.code == 0, done.err
    assert out.read_text() == "age,city\n31,BERN\n-1,ULM\n17,BERN\n"
    process.write_text(process.read_text().replace("UPPER", "TITLE"))
    refused = lamina("data", "transform", process, rows, out)
    assert refused.code == 2
    assert "[DA242]" in refused.err
    assert "process.json:1:" in refused.err


@pytest.mark.parametrize("whole", [True, False])
def test_a_schema_of_datavec_is_held(rows: Path, tmp_path: Path, lamina: Lamina, *, whole: bool) -> None:
    schema = '{"Schema": {"columns": [{"Integer": {"name": "age", "minAllowedValue": 18}}, {"String": {"name": "city"}}]}}'
    file = tmp_path / "schema.json"
    file.write_text(f'{{"initialSchema": {schema}, "actionList": []}}' if whole else schema)
    broken = lamina("data", "check", rows, "--schema", file)
    assert broken.code == 2
    assert "row 3, column 'age'" in broken.err
    file.write_text(file.read_text().replace("18", "17"))
    assert lamina("data", "check", rows, "--schema", file).code == 0
    printed = lamina("data", "schema", file)
    assert printed.code == 0, printed.err
    assert printed.out == "columns:\n  age:\n    type: integer\n    minimum: 17\n  city: string\n"
    table = tmp_path / "rows.json"
    table.write_text('[{"Schema": 3}]')
    assert "Schema: integer" in lamina("data", "schema", table).out


def test_tables_are_written_out_as_sources_where_endings_do_not_tell(tmp_path: Path, lamina: Lamina) -> None:
    (tmp_path / "rows").write_text("31;Bern\n17;Ulm\n")
    unknown = lamina("data", "check", tmp_path / "rows")
    assert "write the source out: {type: csv, path:" in unknown.err
    names = "header: false, names: [age, city]"
    source = f"{{type: csv, path: {tmp_path / 'rows'}, delimiter: ';', {names}}}"
    found = lamina("data", "check", source, "--json")
    assert (found.code, found.data["rows"]) == (0, 2), found.err
    assert lamina("data", "schema", source).out.startswith("columns:\n  age: integer\n  city: string")
    strict = lamina("data", "check", source.replace("names", "columns: {age: {type: integer, minimum: 18}}, names"))
    assert (strict.code, "row 2, column 'age'" in strict.err) == (2, True)
    recipe = tmp_path / "source.yaml"
    recipe.write_text(f"type: csv\npath: rows\ndelimiter: ';'\n{names.replace(', ', chr(10), 1)}\n")
    steps = tmp_path / "steps.yaml"
    steps.write_text("- {type: filter, where: age >= 18}\n")
    assert lamina("data", "transform", steps, recipe, tmp_path / "out.csv").code == 0
    assert (tmp_path / "out.csv").read_text() == "age,city\n31,Bern\n"


@pytest.mark.parametrize("name", ["rows.json", "rows.yaml"])
def test_a_list_in_a_file_is_a_table_and_a_mapping_describes_one(name: str, tmp_path: Path, lamina: Lamina) -> None:
    file = tmp_path / name
    file.write_text('[{"age": 31}, {"age": 17}]' if name.endswith("json") else "# people\n- age: 31\n- {age: 17}\n")
    assert lamina("data", "check", file, "--json").data["rows"] == 2
    assert lamina("data", "analyze", file, "--json").code == 0


def test_files_in_folders_and_archives_are_named_by_a_pattern(tmp_path: Path, lamina: Lamina) -> None:
    import zipfile

    folder, archive = tmp_path / "months", tmp_path / "months.zip"
    folder.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        for name in ("1.csv", "2.csv"):
            (folder / name).write_text("age\n31\n")
            packed.write(folder / name, name)
    for place in (folder, archive):
        refused = lamina("data", "check", place)
        pattern = refused.err.partition("name the files in it: ")[2].split()[0]
        assert lamina("data", "check", pattern, "--json").data["rows"] == 2, pattern


def test_what_becomes_of_wrong_rows_is_what_the_source_says(rows: Path, tmp_path: Path, lamina: Lamina) -> None:
    columns = "columns: {age: {type: integer, minimum: 18}}"
    source = f"{{type: csv, path: {rows}, {columns}, invalid: quarantine, quarantine: {tmp_path / 'wrong.csv'}}}"
    found = lamina("data", "check", source, "--json")
    assert (found.code, found.data["rows"], found.data["wrong"]) == (0, 2, 1), found.err
    assert "17,Bern" in (tmp_path / "wrong.csv").read_text()
    assert "DA103" in found.err
    assert "2 rows as the schema says, 1 not" in lamina("data", "check", source).out
    (tmp_path / "steps.yaml").write_text("- {type: drop, columns: city}\n")
    dropping = f"{{type: csv, path: {rows}, {columns}, invalid: drop}}"
    assert lamina("data", "transform", tmp_path / "steps.yaml", dropping, tmp_path / "out.csv").code == 0
    assert (tmp_path / "out.csv").read_text() == "age\n31\n\n"


def test_a_wrong_value_is_named_with_the_one_of_several_files(tmp_path: Path, lamina: Lamina) -> None:
    for name, ages in (("a.csv", "31\n40\n"), ("b.csv", "20\n17\n"), ("c.csv", "5\n")):
        (tmp_path / name).write_text(f"age\n{ages}")
    source = f"{{type: csv, path: '{tmp_path}/*.csv', columns: {{age: {{type: integer, minimum: 18}}}}}}"
    refused = lamina("data", "check", source)
    assert f"{tmp_path}/b.csv, row 2, column 'age'" in refused.err
    assert f"{tmp_path}/c.csv, row 1, column 'age'" in refused.err
    recipe = tmp_path / "recipe.yaml"
    whole = source.replace("}}}", "}}, target: age}")
    recipe.write_text(f"data:\n  source: {whole}\nnetwork: {{type: sequential, layers: [{{type: output, units: 1, loss: mse}}]}}\n")
    assert f"{tmp_path}/b.csv, row 2, column 'age'" in lamina("train", recipe, "--run-dir", tmp_path / "run").err
