"""Sequence files as data: steps, labels, alignment and masks; the same again when a model is asked; real data."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.data.dataset import Dataset
from lamina.data.sources import SequenceFiles
from lamina.errors import DataError, DescriptionError


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes files of these contents."""
    monkeypatch.chdir(tmp_path)

    def writes(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".csv")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return writes


def source(text: str) -> SequenceFiles:
    return SequenceFiles.from_yaml(text)


def read(text: str) -> Dataset:
    return source(text).read().train


def test_features_and_labels_of_each_step(write) -> None:
    write(runs__0="x,y,alarm\n1,2,no\n3,4,yes\n5,6,no\n", runs__1="x,y,alarm\n7,8,yes\n")
    data = read("{path: runs, target: alarm}")
    assert str(data.schema.inputs["input"]) == "[batch, ?, 2]"
    assert data.schema.targets["output"].labels == ("no", "yes")
    assert data.inputs["input"].tolist() == [[[1, 2], [3, 4], [5, 6]], [[7, 8], [0, 0], [0, 0]]]
    assert data.targets["output"].tolist() == [[0, 1, 0], [1, 0, 0]]
    assert data.input_masks["input"].tolist() == data.target_masks["output"].tolist() == [[True] * 3, [True, False, False]]
    ended = read("{path: runs, target: alarm, align: end}")
    assert ended.inputs["input"][1].tolist() == [[0, 0], [0, 0], [7, 8]]
    assert ended.targets["output"].tolist() == [[0, 1, 0], [0, 0, 1]]
    assert ended.target_masks["output"].tolist()[1] == [False, False, True]


def test_sequences_of_one_length_need_no_mask(write) -> None:
    write(runs__0="x,a\n1,5\n2,6.5\n", runs__1="x,a\n3,7\n4,8\n")
    data = read("{path: runs, target: a}")
    assert str(data.schema.inputs["input"]) == "[batch, 2, 1]"
    assert data.input_masks == data.target_masks == {}
    assert data.targets["output"].tolist() == [[[5], [6.5]], [[7], [8]]]
    assert data.schema.targets["output"].kind == "numbers"


def test_one_label_for_the_whole(write) -> None:
    write(runs__0="x,kind,left\n1,a,9\n2,a,8\n", runs__1="x,kind,left\n3,b,4\n")
    assert read("{path: runs, target: kind, target_of: sequence, ignore: left}").targets["output"].tolist() == [0, 1]
    last = read("{path: runs, target: left, target_of: last, ignore: kind, kind: numbers}")
    assert last.targets["output"].tolist() == [[8], [4]]
    with pytest.raises(DataError, match=r"\[DA154\] .*0.csv:3, column 'left'(.|\n)*target_of: step"):
        read("{path: runs, target: left, target_of: sequence, ignore: kind}")


def test_labels_in_files_of_their_own(write) -> None:
    write(x__0="a,b\n1,2\n3,4\n5,6\n", x__1="a,b\n7,8\n", y__1="t\n9.5\n", y__0="t\n1\n2\n3\n")
    by_name = read("{path: x, labels: y}")
    assert by_name.targets["output"].tolist() == [[[1], [2], [3]], [[9.5], [0], [0]]]
    assert by_name.schema.targets["output"].labels == ("t",)
    by_order = read("{path: x, labels: 'y/*.csv', pair: order}")
    assert np.array_equal(by_order.targets["output"], by_name.targets["output"])


def test_numbered_files_are_in_the_order_of_numbers(write) -> None:
    write(**{f"x__{i}": f"a\n{i}\n" for i in (0, 2, 10)}, **{f"y__{i}": f"t\n{i}.5\n" for i in (0, 2, 10)})
    data = read("{path: x, labels: y, pair: order}")
    assert data.inputs["input"].ravel().tolist() == [0, 2, 10]
    assert data.targets["output"].ravel().tolist() == [0.5, 2.5, 10.5]


def test_fewer_labels_than_steps_stand_at_one_end(write) -> None:
    write(x__0="a\n1\n2\n3\n", x__1="a\n4\n5\n", y__0="t\nu\nv\n", y__1="t\nv\nu\n")
    with pytest.raises(DataError, match=r"\[DA154\] .*y/0.csv, labels of .*x/0.csv(.|\n)*3 labels(.|\n)*align: end"):
        read("{path: x, labels: y}")
    start = read("{path: x, labels: y, align: start}")
    assert start.targets["output"].tolist() == [[0, 1, 0], [1, 0, 0]]
    assert start.target_masks["output"].tolist() == [[True, True, False], [True, True, False]]
    end = read("{path: x, labels: y, align: end}")
    assert end.inputs["input"][:, :, 0].tolist() == [[1, 2, 3], [0, 4, 5]]
    assert end.targets["output"].tolist() == [[0, 0, 1], [0, 1, 0]]
    assert end.target_masks["output"].tolist() == [[False, True, True], [False, True, True]]
    write(y__1="t\nv\nu\nv\n")
    with pytest.raises(DataError, match=r"\[DA154\](.|\n)*at most 2"):
        read("{path: x, labels: y, align: end}")


def test_one_label_in_each_file_is_that_of_the_whole(write) -> None:
    write(x__0="a\n1\n2\n", x__1="a\n3\n", y__0="t\nu\n", y__1="t\nv\n")
    data = read("{path: x, labels: y}")
    assert data.targets["output"].tolist() == [0, 1]
    assert data.target_masks == {}
    step = read("{path: x, labels: y, target_of: step, align: end}")
    assert step.target_masks["output"].tolist() == [[False, True], [False, True]]


def test_folders_that_do_not_pair(write) -> None:
    write(x__a1="a\n1\n", x__a2="a\n2\n", y__a1="t\n1\n", y__b2="t\n2\n")
    with pytest.raises(DataError, match=r"\[DA155\] x and y(.|\n)*'a2' in y"):
        read("{path: x, labels: y}")
    write(x__b2="a\n1\n", y__a2="t\n1\n", y__c="t\n1\n")
    with pytest.raises(DataError, match=r"\[DA155\](.|\n)*'c' in x"):
        read("{path: x, labels: y}")
    with pytest.raises(DataError, match=r"\[DA155\] y(.|\n)*3 files(.|\n)*4"):
        read("{path: x, labels: y, pair: order}")
    write(p__0="1\n\n2\n", q__0="1\n\n2\n\n3\n")
    with pytest.raises(DataError, match=r"\[DA155\] .*q/0.csv(.|\n)*2 sequences(.|\n)*3"):
        read("{path: p, labels: q, rows: {each: blank, header: false}}")


def test_labels_of_folders_and_names(write) -> None:
    write(runs__up__0="x\n1\n2\n", runs__down__1="x\n3\n")
    assert read("{path: runs, label: folder}").schema.targets["output"].labels == ("down", "up")
    named = read(r"{path: runs, pattern: '(?P<label>up|down)/(?P<run>\d)', group: run}")
    assert named.groups.tolist() == ["1", "0"]
    assert named.targets["output"].tolist() == [0, 1]
    assert read("{path: runs}").targets == {}


def test_columns_of_groups_and_parts(write) -> None:
    write(all="id,who,part,x,y\n1,ann,train,1,0\n1,ann,train,2,1\n2,bob,test,3,1\n")
    data = read("{path: all.csv, rows: {each: key, key: id}, target: y, group: who, part: part}")
    assert data.groups.tolist() == ["ann", "bob"]
    assert data.part.tolist() == ["train", "test"]
    assert data.inputs["input"].tolist() == [[[1], [2]], [[3], [0]]]
    write(all="id,who,x,y\n1,ann,1,0\n1,bob,2,1\n")
    with pytest.raises(DataError, match=r"\[DA154\] .*all.csv:3, column 'who'"):
        read("{path: all.csv, rows: {each: key, key: id}, target: y, group: who}")


def test_words_become_columns_and_are_those_of_training(write) -> None:
    write(runs__0="x,colour,y\n1,red,1\n2,blue,0\n", more__0="x,colour,y\n1,blue,1\n", odd__0="x,colour,y\n1,blu,1\n")
    training = read("{path: runs, target: y}")
    assert training.inputs["input"].tolist() == [[[1, 0, 1], [2, 1, 0]]]
    assert training.preparations["input"].columns.names == ("x", "colour=blue", "colour=red")
    assert source("{path: more, target: y}").read_like(training).inputs["input"].tolist() == [[[1, 1, 0]]]
    with pytest.raises(DataError, match=r"\[DA015\] .*odd/0.csv:2, column 'colour'(.|\n)*did you mean 'blue'"):
        source("{path: odd, target: y}").read_like(training)
    numbered = read("{path: runs, target: y, categorical: x}")
    assert numbered.inputs["input"].shape == (1, 2, 4)


ROWS = '{each: blank, delimiter: "\\t", header: false, names: [word, tag]}'
TAGGED = f"path: tagged.csv, rows: {ROWS}, tokens: true, lower: true"


def test_tokens(write) -> None:
    write(tagged="The\tD\ndog\tN\nthe\tD\n\nA\tD\ndog\tN\n")
    data = read(f"{{{TAGGED}, target: tag}}")
    assert str(data.schema.inputs["input"]) == "[batch, ?]"
    assert data.preparations["input"].columns.vocabularies == {"word": ("dog", "the", "a")}
    assert data.inputs["input"].tolist() == [[3, 2, 3], [4, 2, 0]]
    assert data.targets["output"].tolist() == [[0, 1, 0], [0, 1, 0]]
    rare = read(f"{{{TAGGED}, features: word, least: 2}}")
    assert rare.inputs["input"].tolist() == [[3, 2, 3], [1, 2, 0]]


@pytest.mark.parametrize(("missing", "expected"), [("zero", [0, 1, 0, 3]), ("previous", [0, 1, 1, 3])])
def test_missing_numbers(write, missing: str, expected: list[float]) -> None:
    write(runs__0="x\nNA\n1\n\t?\n3\n")
    assert read(f"{{path: runs, missing: {missing}}}").inputs["input"].ravel().tolist() == expected
    with pytest.raises(DataError, match=r"\[DA153\] .*0.csv:2, column 'x'(.|\n)*missing: previous"):
        read("{path: runs}")


@pytest.mark.parametrize(("value", "said"), [("inf", "finite"), ("1e999", "finite"), ("two", "a number, as the column holds")])
def test_what_is_no_number_is_named(write, value: str, said: str) -> None:
    write(runs__0="x\n1\n", runs__1=f"x\n1\n{value}\n")
    with pytest.raises(DataError, match=rf"\[DA153\] .*1.csv:3, column 'x'(.|\n)*{said}"):
        read("{path: runs}")


def test_classes_that_are_not_known(write) -> None:
    write(runs__0="x,y\n1,a\n2,b\n")
    with pytest.raises(DataError, match=r"\[DA007\] .*0.csv:3, column 'y'"):
        read("{path: runs, target: y, classes: [a]}")
    with pytest.raises(DataError, match=r"\[DA014\](.|\n)*did you mean 'y'"):
        read("{path: runs, target: Y}")


@pytest.mark.parametrize(
    "settings",
    [
        {"label": "folder", "target": "y"},
        {"label_rows": {"header": False}},
        {"tokens": True, "features": ["a", "b"]},
        {"least": 2},
    ],
)
def test_settings_that_do_not_fit_together(settings: dict[str, Any]) -> None:
    with pytest.raises(DescriptionError):
        SequenceFiles.from_dict({"type": "sequence_files", "path": "x", **settings})


@pytest.fixture
def trained(write, tmp_path: Path) -> tuple[Any, Dataset]:
    rng = np.random.default_rng(0)
    for number in range(12):
        steps = rng.normal(size=(int(rng.integers(2, 6)), 2)).round(3)
        write(**{f"runs__{number}": "x,colour,y\n" + "".join(f"{a},{'red' if b > 0 else 'blue'},{int(b > 0)}\n" for a, b in steps)})
    data = prepare(DataConfig.from_yaml("{source: {type: sequence_files, path: runs, target: y}, normalize: standardize}"), 1)
    model = lm.Model(lm.Sequential(data.schema.inputs["input"], [lm.GRU(4), lm.Output(2)]), seed=1)
    model.fit(data.train, epochs=2, progress=False)
    return model, data.train


def test_a_model_takes_files_folders_and_bytes(trained: tuple[Any, Dataset], tmp_path: Path) -> None:
    model, data = trained
    wanted = model.predict(data)
    files = [f"runs/{number}.csv" for number in range(12)]
    for given in ("runs", files, [Path(file) for file in files], [Path(file).read_bytes() for file in files]):
        assert np.array_equal(model.predict(given), wanted)
    short = int(np.argmin(data.input_masks["input"].sum(axis=1)))
    steps = int(data.input_masks["input"][short].sum())
    assert np.allclose(model.predict(files[short]), wanted[short : short + 1, :steps], atol=1e-6)
    model.save("steps.lamina")
    code = "import lamina as lm, numpy as np; np.save('p.npy', lm.load('steps.lamina').predict('runs'))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert np.array_equal(np.load(tmp_path / "p.npy"), wanted)


def test_a_model_is_judged_by_other_files(trained: tuple[Any, Dataset], write) -> None:
    model, data = trained
    again = source("{path: runs, target: y}").read_like(data)
    assert model.evaluate(again)["accuracy"] == model.evaluate(data)["accuracy"]


def test_control_charts(shared_data: Path) -> None:
    data = (
        SequenceFiles(str(shared_data / "synthetic-control" / "synthetic_control.data"), rows={"each": "row", "delimiter": "whitespace"})
        .read()
        .train
    )
    assert np.array_equal(data.inputs["input"][:, :, 0], np.loadtxt(shared_data / "synthetic-control" / "synthetic_control.data"))


def test_engines(shared_data: Path) -> None:
    path = shared_data / "cmapss" / "train_FD001.txt.gz"
    rows = {"each": "key", "key": "column_1", "delimiter": "whitespace", "header": False}
    data = SequenceFiles(str(path), rows=rows, group="column_1", ignore="column_2").read().train
    table = np.loadtxt(gzip.decompress(path.read_bytes()).decode().splitlines())
    assert len(data) == 100
    for number in (1, 50, 100):
        expected = table[table[:, 0] == number][:, 2:]
        mask = data.input_masks["input"][number - 1]
        assert np.array_equal(data.inputs["input"][number - 1][mask], expected)
    assert data.groups[:2].tolist() == ["1", "2"]


def test_tagged_sentences(shared_data: Path) -> None:
    path = shared_data / "ud-english-ewt" / "en_ewt-ud-dev.conllu.gz"
    names = ["id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc"]
    rows = {"each": "blank", "delimiter": "\t", "quote": None, "header": False, "comment": "#", "names": names}
    data = SequenceFiles(str(path), rows=rows, features="form", target="upos", tokens=True, lower=True, least=2).read().train
    text = gzip.decompress(path.read_bytes()).decode()
    sentences = [[line.split("\t") for line in part.splitlines() if not line.startswith("#")] for part in text.strip().split("\n\n")]
    assert len(data) == len(sentences) == 2001
    labels = data.schema.targets["output"].labels
    for number in (0, 7, 2000):
        count = len(sentences[number])
        assert [labels[place] for place in data.targets["output"][number, :count]] == [word[3] for word in sentences[number]]
        assert data.target_masks["output"][number].sum() == count
    assert labels is not None
    assert "NOUN" in labels
