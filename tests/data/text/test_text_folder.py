"""Folders of texts as tables: what a text is, what its label is; and the same again when a model is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.data.sources import TextFolder
from lamina.errors import DataError, DescriptionError

FILES = {
    "letters/friend/ann_1.txt": "Dear you,\n\nhow are you?\n\n\nBye\n",
    "letters/friend/cy_1.txt": "Hi there\n",
    "letters/office/bob_1.txt": "Dear Sir,\r\nwe regret\r\n",
    "letters/office/ann_2.txt": "Dear Madam\n",
    "letters/office/note.md": "no letter",
}


@pytest.fixture(autouse=True)
def _letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def table(**settings: Any) -> dict[str, list[str]]:
    return TextFolder("letters", **settings).frame().collect().to_dict(as_series=False)


def test_each_file_is_a_text_of_its_folder() -> None:
    found = table()
    assert found["label"] == ["friend", "friend", "office", "office"]
    assert found["text"] == [FILES[name] for name in sorted(FILES) if name.endswith(".txt")]
    data = TextFolder("letters", vectorize={"output": "counts"}).read().train
    assert data.schema.targets["output"].labels == ("friend", "office")


def test_lines_and_paragraphs() -> None:
    lines = table(each="line")
    assert lines["text"] == ["Dear you,", "how are you?", "Bye", "Hi there", "Dear Madam", "Dear Sir,", "we regret"]
    assert lines["label"] == ["friend"] * 4 + ["office"] * 3
    assert table(each="paragraph")["text"] == ["Dear you,", "how are you?", "Bye", "Hi there", "Dear Madam", "Dear Sir,\nwe regret"]


def test_labels_from_names_and_other_columns() -> None:
    assert table(label="file")["label"] == ["ann_1", "cy_1", "ann_2", "bob_1"]
    assert table(label="none").keys() == {"text"}
    named = TextFolder("letters", pattern=r"(?P<label>\w+)/(?P<who>[a-z]+)_", group="who")
    assert named.read().train.groups.tolist() == ["ann", "cy", "ann", "bob"]
    with pytest.raises(DataError, match=r"\[DA133\] .*office/ann_2"):
        table(pattern="friend")
    assert table(pattern="friend", unlabelled="missing")["label"] == ["friend", "friend", None, None]


def test_which_files_count() -> None:
    assert len(table(endings=[])["text"]) == 5
    with pytest.raises(DataError, match="DA151"):
        table(endings=".rst")
    Path("letters/office/bad.txt").write_bytes(b"one\ntwo \xe9\n")
    with pytest.raises(DataError, match=r"\[DA031\] .*bad.txt:2"):
        table()
    Path("empty").mkdir()
    Path("empty/a.txt").write_text("\n\n")
    with pytest.raises(DataError, match="DA006"):
        TextFolder("empty", label="none", each="line").frame()


@pytest.mark.parametrize("settings", [{"pattern": "(", "label": "file"}, {"pattern": "("}, {"label": "name"}])
def test_settings_that_can_not_be(settings: dict[str, Any]) -> None:
    with pytest.raises(DescriptionError):
        TextFolder("letters", **settings)


def test_a_model_takes_texts_files_and_folders(tmp_path: Path) -> None:
    config = DataConfig.from_yaml("{source: {type: text_folder, path: letters, vectorize: {output: multi_hot}}}")
    data = prepare(config, 1)
    model = lm.Model(lm.Sequential([lm.Output(2)]), seed=1)
    model.fit(data.train, epochs=3, progress=False)
    wanted = model.predict(data.train)
    texts = [FILES[name] for name in sorted(FILES) if name.endswith(".txt")]
    assert np.array_equal(model.predict({"text": texts}), wanted)
    assert np.array_equal(model.predict("letters"), wanted)
    Path("new.txt").write_text("Dear Sir")
    assert model.predict("new.txt").shape == (1, 2)
    assert model.evaluate("letters")["accuracy"] == model.evaluate(data.train)["accuracy"]
    model.save("letters.lamina")
    done = subprocess.run(
        [sys.executable, "-m", "lamina", "predict", "letters.lamina", "letters", "-o", "p.csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len(Path("p.csv").read_text().splitlines()) == 5


def test_names_of_eighteen_languages(shared_data: Path) -> None:
    folder = shared_data / "names-18-languages"
    data = TextFolder(str(folder), each="line", label="file", vectorize={"split": "character", "standardize": None}).read().train
    labels = data.schema.targets["output"].labels
    assert labels is not None
    assert len(labels) == 18
    counts = {file.stem: sum(bool(line.strip()) for line in file.read_text().splitlines()) for file in folder.glob("*.txt")}
    assert dict(zip(labels, np.bincount(data.targets["output"]).tolist(), strict=True)) == counts
