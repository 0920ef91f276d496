"""SVMLight and LibSVM files against scikit-learn."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import sklearn.datasets
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from lamina.data.formats.svmlight import SvmLight, lines, read_svmlight, reader, write_svmlight
from lamina.data.storage import open_files
from lamina.errors import LaminaError

SKLEARN = Path(sklearn.datasets.__file__).parent / "tests" / "data"
VALUES = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-1000, 1000).map(float)


def rows_of(path, **settings) -> pl.DataFrame:
    return read_svmlight(open_files(path), **settings).collect()


def dense(frame: pl.DataFrame) -> np.ndarray:
    return frame.select(pl.col("^feature_.*$")).to_numpy()


SAMPLES = st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 9), st.dictionaries(st.integers(0, 11), VALUES)), min_size=1, max_size=20)


@given(SAMPLES, st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_scikit_learn_writes_and_we_read(tmp_path_factory, samples, zero_based, grouped) -> None:
    path = tmp_path_factory.mktemp("s") / "a.svm"
    width = 12
    matrix = np.zeros((len(samples), width))
    for row, (_, _, values) in enumerate(samples):
        matrix[row, list(values)] = list(values.values())
    labels, groups = [label for label, _, _ in samples], [group for _, group, _ in samples]
    dump_svmlight_file(matrix, labels, str(path), zero_based=zero_based, query_id=groups if grouped else None, comment="made by a test")
    rows = rows_of(path, zero_based=zero_based, width=width)
    assert rows["label"].to_list() == labels
    # What scikit-learn reads is what it wrote, to the digits that it wrote.
    expected, _ = load_svmlight_file(str(path), n_features=width, zero_based=zero_based)
    assert np.array_equal(dense(rows), expected.toarray())
    assert ("qid" in rows.columns) == grouped
    if grouped:
        assert rows["qid"].to_list() == groups


@given(
    st.lists(st.tuples(st.integers(-5, 5) | VALUES, st.integers(0, 3), st.lists(VALUES, min_size=3, max_size=3)), min_size=1, max_size=20),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_we_write_and_scikit_learn_reads(tmp_path_factory, samples, zero_based) -> None:
    path = tmp_path_factory.mktemp("s") / "a.svm"
    frame = pl.DataFrame(
        {"y": [float(label) for label, _, _ in samples], "q": [group for _, group, _ in samples]}
        | {f"x{place}": [values[place] for _, _, values in samples] for place in range(3)}
    )
    write_svmlight(frame, path, label="y", group="q", zero_based=zero_based)
    matrix, labels, groups = load_svmlight_file(str(path), n_features=3, zero_based=zero_based, query_id=True)
    assert np.array_equal(matrix.toarray(), frame.select("x0", "x1", "x2").to_numpy())
    assert labels.tolist() == frame["y"].to_list()
    assert groups.tolist() == frame["q"].to_list()
    again = rows_of(path, zero_based=zero_based, width=3)
    assert again.rows() == [(label, group, *values) for label, group, *values in frame.rows()]


def test_the_files_of_scikit_learn(refused) -> None:
    rows = rows_of(SKLEARN / "svmlight_classification.txt")
    matrix, labels = load_svmlight_file(str(SKLEARN / "svmlight_classification.txt"))
    assert np.array_equal(dense(rows), matrix.toarray())
    assert rows["label"].to_list() == labels.tolist()
    with refused("DA032", "svmlight_invalid.txt:", "python"):
        rows_of(SKLEARN / "svmlight_invalid.txt")


def test_several_labels() -> None:
    path = SKLEARN / "svmlight_multilabel.txt"
    matrix, labels = load_svmlight_file(str(path), multilabel=True)
    rows = rows_of(path)
    assert np.array_equal(dense(rows), matrix.toarray())
    names = [name for name in rows.columns if name.startswith("label")]
    assert names == ["label_0", "label_1", "label_2"]
    assert [tuple(float(name[6:]) for name in names if row[name]) for row in rows.iter_rows(named=True)] == [
        tuple(sorted(own)) for own in labels
    ]


def test_several_labels_come_back(tmp_path) -> None:
    frame = pl.DataFrame({"label_1": [1, 0, 1], "label_3": [1, 0, 0], "features": [[0.0, 2.5], [1.0, 0.0], [0.0, 0.0]]})
    write_svmlight(frame, tmp_path / "a.svm")
    assert (tmp_path / "a.svm").read_text() == "1,3 2:2.5\n 1:1\n1\n"
    made = rows_of(tmp_path / "a.svm", layout="array")
    assert made.rows() == frame.rows()
    empty = pl.DataFrame({"cat": [False, True], "dog": [False, True], "x": [0, 0]})
    write_svmlight(empty, tmp_path / "b.svm", label=["cat", "dog"])
    assert (tmp_path / "b.svm").read_text() == " 1:0\n0,1\n"
    assert rows_of(tmp_path / "b.svm").rows() == [(0, 0, 0.0), (1, 1, 0.0)]


def test_real_word_counts(shared_data) -> None:
    path = shared_data.parent / "fixtures" / "dmtk" / "lightlda" / "corpus.libsvm"
    if not path.is_file():
        pytest.skip("the corpus of LightLDA is not here")
    rows = rows_of(path)
    matrix, labels = load_svmlight_file(io.BytesIO(path.read_bytes()), zero_based=True)
    assert rows["label"].to_list() == labels.tolist()
    assert np.array_equal(dense(rows), matrix.toarray())
    assert "feature_0" in rows.columns


class TestLayout:
    TEXT = "+1 1:0.5 3:2 # a comment with 5:1\n\n# all comment\n-1\t2:1e-3\t3:.5\r\n-1 \n"

    def test_columns(self, tmp_path) -> None:
        (tmp_path / "a.svm").write_text(self.TEXT)
        assert rows_of(tmp_path / "a.svm").to_dict(as_series=False) == {
            "label": [1, -1, -1],
            "feature_1": [0.5, 0.0, 0.0],
            "feature_2": [0.0, 0.001, 0.0],
            "feature_3": [2.0, 0.5, 0.0],
        }

    def test_array(self, tmp_path) -> None:
        (tmp_path / "a.svm").write_text(self.TEXT)
        rows = rows_of(tmp_path / "a.svm", layout="array", zero_based=True, width=5)
        assert rows["features"].to_list() == [[0.0, 0.5, 0.0, 2.0, 0.0], [0.0, 0.0, 0.001, 0.5, 0.0], [0.0] * 5]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("last", [True, False])
    def test_line_ends(self, tmp_path, end, last, monkeypatch) -> None:
        monkeypatch.setattr(lines, "BLOCK_BYTES", 7)
        text = end.join(["1 1:1", "2 2:2", "", "3 3:3"]) + (end if last else "")
        (tmp_path / "a.svm").write_text(text, newline="")
        assert rows_of(tmp_path / "a.svm")["label"].to_list() == [1, 2, 3]

    def test_only_what_is_asked_for(self, tmp_path) -> None:
        (tmp_path / "a.svm").write_text(self.TEXT)
        frame = read_svmlight(open_files(tmp_path / "a.svm"))
        assert frame.select("feature_3", "label").collect().rows() == [(2.0, 1), (0.5, -1), (0.0, -1)]
        assert frame.filter(pl.col("label") == 1).select("feature_2").collect().rows() == [(0.0,)]
        assert frame.select(pl.len()).collect().item() == 3

    def test_large_files_are_parsed_again_rather_than_kept(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr(lines, "BLOCK_BYTES", 1000)
        monkeypatch.setattr(reader, "KEPT_BYTES", 5000)
        matrix = sparse.random(300, 20, 0.3, format="csr", random_state=1)
        dump_svmlight_file(matrix, np.arange(300), str(tmp_path / "a.svm"))
        found = SvmLight.of(open_files(tmp_path / "a.svm"))
        assert found.blocks is None
        rows = found.frame().collect()
        assert rows["label"].to_list() == list(range(300))
        assert np.array_equal(dense(rows), load_svmlight_file(str(tmp_path / "a.svm"))[0].toarray())

    def test_files_follow_each_other(self, tmp_path) -> None:
        (tmp_path / "a.svm").write_text("1 1:1\n")
        (tmp_path / "b.svm").write_text("2.5 0:3\n")
        assert rows_of(tmp_path).rows() == [(1.0, 0.0, 1.0), (2.5, 3.0, 0.0)]

    def test_without_labels(self, tmp_path) -> None:
        (tmp_path / "a.svm").write_text("1:1\n2:3 qid:4\n")
        assert rows_of(tmp_path / "a.svm").to_dict(as_series=False) == {"qid": [None, 4], "feature_1": [1.0, 0.0], "feature_2": [0.0, 3.0]}

    def test_many_different_targets(self, tmp_path) -> None:
        numbers = np.random.default_rng(0).normal(size=12_000)
        (tmp_path / "a.svm").write_text("".join(f"{number!r} 1:1\n" for number in numbers.tolist()))
        assert rows_of(tmp_path / "a.svm")["label"].to_list() == numbers.tolist()


class TestBad:
    @pytest.mark.parametrize(
        ("text", "place", "words"),
        [
            ("1 1:1\n1 2:x 3:1\n", "a.svm:2:3", ["'2:x'", "the value a number"]),
            ("1 1:1\n\n1 5\n", "a.svm:3:3", ["'5'"]),
            ("1 1:1 1.5:1\n", "a.svm:1:7", ["'1.5:1'"]),
            ("1 -1:1\n", "a.svm:1:3", ["'-1:1'"]),
            ("1 99999999999999999999:1\n", "a.svm:1:3", []),
            ("1 3:1 2:1 3:2\n", "a.svm:1:3", ["each index once"]),
            ("cat 1:1\n", "a.svm:1:1", ["'cat'", "a number as the label"]),
            ("1,x 1:1\n", "a.svm:1:1", ["'1,x'"]),
            ("nan 1:1\n", "a.svm:1:1", ["'nan'"]),
            ("1, 1:1\n", "a.svm:1:1", ["'1,'"]),
            ("1 qid:1 qid:2 1:1\n", "a.svm:1:3", ["one qid"]),
            ("1 qid:x 1:1\n", "a.svm:1:3", ["qid:x"]),
            ("1 1:1\n2:1\n", "a.svm, line 2", ["a label before the features"]),
            ("a,b\n1,2\n", "a.svm:1:1", ["'a,b'"]),
        ],
    )
    def test_lines(self, tmp_path, refused, text, place, words) -> None:
        (tmp_path / "a.svm").write_text(text)
        with refused("DA032", place, *words):
            rows_of(tmp_path / "a.svm")

    @pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n"])
    def test_nothing(self, tmp_path, refused, text) -> None:
        (tmp_path / "a.svm").write_text(text)
        with refused("DA006", "a.svm"):
            rows_of(tmp_path / "a.svm")

    def test_an_index_that_would_fill_the_memory(self, tmp_path, refused) -> None:
        (tmp_path / "a.svm").write_text("1 1:1\n1 4000000000000:1\n")
        with refused("DA064", "4,000,000,000,000", "arrays"):
            rows_of(tmp_path / "a.svm")
        with refused("DA064", "a.svm, line 2", "at most 7 features", "4,000,000,000,000"):
            rows_of(tmp_path / "a.svm", width=7)

    def test_zero_where_one_is_the_first(self, tmp_path, refused) -> None:
        (tmp_path / "a.svm").write_text("1 1:1\n1 0:1\n")
        with refused("DA032", "a.svm:2:1", "zero_based: false"):
            rows_of(tmp_path / "a.svm", zero_based=False)

    def test_a_line_without_end(self, tmp_path, refused, monkeypatch) -> None:
        monkeypatch.setattr(lines, "BLOCK_BYTES", 100)
        monkeypatch.setattr(lines, "LINE_BYTES", 1000)
        (tmp_path / "a.svm").write_bytes(b"1 " + b"1" * 5000)
        with refused("DA064", "a.svm", "no line end"):
            rows_of(tmp_path / "a.svm")

    @given(st.binary(max_size=200) | st.text("0123456789:.,#qid \n\r+-e", max_size=200).map(str.encode))
    @settings(max_examples=150, deadline=None)
    def test_anything_is_read_or_refused(self, tmp_path_factory, content) -> None:
        path = tmp_path_factory.mktemp("s") / "a.svm"
        path.write_bytes(content)
        with contextlib.suppress(LaminaError):
            assert len(rows_of(path, most=100)) > 0

    @pytest.mark.parametrize(
        ("frame", "settings", "code", "words"),
        [
            ({"label": [1], "x": ["a"]}, {}, "DA005", ["column 'x'", "String"]),
            ({"label": [1, 2], "x": [1.0, None]}, {}, "DA001", ["row 2, column 'x'"]),
            ({"label": [1, 2], "features": [[1.0], [None]]}, {}, "DA001", ["row 2, column 'features'"]),
            ({"label": [1], "x": [1.0]}, {"label": "lable"}, "DA014", ["'lable'", "'label'"]),
            ({"label": [1], "q": [1.5]}, {"group": "q"}, "DA005", ["whole numbers"]),
        ],
    )
    def test_what_can_not_be_written(self, tmp_path, refused, frame, settings, code, words) -> None:
        with refused(code, *words):
            write_svmlight(pl.DataFrame(frame), tmp_path / "a.svm", **settings)
        assert list(tmp_path.iterdir()) == []
