"""Arrays of files as data sets: all kinds of files alike, axes, classes, laziness, training from them."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest
import scipy.sparse
import yaml
from scipy.io import savemat
from sklearn.datasets import dump_svmlight_file

from lamina.data.config import DataConfig, prepare
from lamina.data.formats import held
from lamina.data.formats.array_files import ArrayFiles, split_reference
from lamina.data.formats.held import HeldRows
from lamina.data.formats.sparse import SparseRows
from lamina.data.lazy import LazyArray
from lamina.data.loader import Loader
from lamina.data.normalizers import Scale
from lamina.data.sources import Arrays
from lamina.errors import DataError, DescriptionError
from lamina.shapes import image

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 5, 4)).astype("f4")
Y = np.array([0, 2, 1, 0, 2, 1])


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(kind: str) -> tuple[str, str]:
    """The same arrays in a file of some kind; references to them."""
    if kind == "npz":
        np.savez("a.npz", x=X, y=Y)
        return "a.npz:x", "a.npz:y"
    if kind == "compressed":
        np.savez_compressed("a.npz", x=X, y=Y)
        return "a.npz:x", "a.npz:y"
    if kind == "npy":
        np.save("x.npy", X)
        np.save("y.npy", Y)
        return "x.npy", "y.npy"
    if kind == "h5":
        with h5py.File("a.h5", "w") as file:
            file.create_dataset("group/x", data=X, chunks=(2, 5, 4), compression="gzip")
            file["y"] = Y
        return "a.h5:/group/x", "a.h5:y"
    savemat("a.mat", {"x": X, "y": Y})
    return "a.mat:x", "a.mat:y"


@pytest.mark.parametrize("kind", ["npz", "compressed", "npy", "h5", "mat"])
def test_all_kinds_of_files_say_the_same(kind) -> None:
    x, y = write(kind)
    settings = {"kind": "classes"} if kind == "mat" else {}
    data = Arrays(inputs=x, targets={"digit": y}, **({"shapes": {}} | settings)).read().train
    assert np.array_equal(np.asarray(data.inputs["input"]), X)
    labels = data.schema.targets["digit"].labels
    numbers = data.targets["digit"]
    assert (np.asarray([int(label) for label in labels])[numbers] if labels else numbers).tolist() == Y.tolist()


def test_large_ones_stay_on_disk_and_batches_are_the_same(monkeypatch) -> None:
    x, y = write("h5")
    whole = Arrays(inputs=x, targets=y).read().train
    monkeypatch.setattr(held, "IN_MEMORY_BYTES", 10)
    lazy = Arrays(inputs=x, targets=y).read().train
    assert isinstance(lazy.inputs["input"], LazyArray)
    for one, other in zip(Loader(whole, 4, seed=1), Loader(lazy, 4, seed=1), strict=True):
        assert np.array_equal(one.inputs["input"], other.inputs["input"])
        assert np.array_equal(one.targets["output"], other.targets["output"])


class TestAxes:
    def test_a_missing_channel_and_flat_rows(self) -> None:
        pixels = RNG.integers(0, 255, (3, 4, 5), dtype=np.uint8)
        np.savez("a.npz", square=pixels, flat=pixels.reshape(3, 20))
        for name in ("square", "flat"):
            data = Arrays(inputs=f"a.npz:{name}", shapes={"input": image(1, 4, 5)}).read().train
            assert np.array_equal(np.asarray(data.inputs["input"]), pixels[:, None])
            assert str(data.schema.inputs["input"]) == "[batch, 1, 4, 5]"

    def test_channels_last(self) -> None:
        photos = RNG.integers(0, 255, (3, 4, 5, 3), dtype=np.uint8)
        np.save("a.npy", photos)
        data = Arrays(inputs="a.npy", channels="last").read().train
        assert np.array_equal(np.asarray(data.inputs["input"]), photos.transpose(0, 3, 1, 2))

    def test_samples_last_as_in_matlab(self) -> None:
        photos = RNG.integers(0, 255, (4, 5, 3, 7), dtype=np.uint8)
        savemat("a.mat", {"X": photos, "y": np.array([[1.0], [10], [2], [1], [2], [10], [10]])})
        train = Arrays(inputs="a.mat:X", targets="a.mat:y", samples="last", channels="last", kind="classes").read().train
        assert np.array_equal(np.asarray(train.inputs["input"]), photos.transpose(3, 2, 0, 1))
        assert train.schema.targets["output"].labels == ("1", "2", "10")
        assert train.targets["output"].tolist() == [0, 2, 1, 0, 1, 2, 2]

    def test_version_7_3_reads_batches_from_the_file(self, monkeypatch) -> None:
        photos = RNG.integers(0, 255, (4, 5, 3, 7), dtype=np.uint8)
        with h5py.File("a.mat", "w", userblock_size=512) as file:
            # As MATLAB does it: the axes in reverse order.
            file.create_dataset("X", data=photos.T, chunks=(2, 3, 5, 4)).attrs["MATLAB_class"] = np.bytes_("uint8")
        with open("a.mat", "r+b") as file:  # noqa: PTH123
            file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
        monkeypatch.setattr(held, "IN_MEMORY_BYTES", 10)
        lazy = Arrays(inputs="a.mat:X", samples="last", channels="last").read().train.inputs["input"]
        assert isinstance(lazy, LazyArray)
        assert np.array_equal(lazy[:], photos.transpose(3, 2, 0, 1))
        with pytest.raises(DataError, match="samples: last"):
            Arrays(inputs="a.mat:X").read()

    def test_a_column_is_one_feature(self) -> None:
        np.savez("a.npz", x=np.arange(3.0))
        assert Arrays(inputs="a.npz").read().train.inputs["input"].shape == (3, 1)

    def test_an_odd_shape(self, tmp_path) -> None:
        np.savez("a.npz", x=np.zeros((3, 6)))
        with pytest.raises(DataError, match="DA003"):
            Arrays(inputs="a.npz", shapes={"input": image(1, 4, 5)}).read()


class TestTargets:
    @pytest.mark.parametrize(
        ("values", "settings", "labels", "numbers"),
        [
            (np.array([[1], [3], [1]]), {}, ("1", "3"), [0, 1, 0]),
            (np.array([0, 2, 1]), {}, None, [0, 2, 1]),
            (np.array([0.0, 2.0, 1.0]), {"kind": "classes"}, None, [0, 2, 1]),
            (np.array(["b", "a", "b"]), {}, ("a", "b"), [1, 0, 1]),
            (np.array([-1, 1, -1]), {}, ("-1", "1"), [0, 1, 0]),
            (np.array([1, 0, 1]), {"labels": ["no", "yes"]}, ("no", "yes"), [1, 0, 1]),
        ],
    )
    def test_classes(self, values, settings, labels, numbers) -> None:
        np.savez("a.npz", x=np.zeros((3, 2)), y=values)
        data = Arrays(inputs="a.npz:x", targets="a.npz:y", **settings).read().train
        assert data.schema.targets["output"].labels == labels
        assert data.targets["output"].tolist() == numbers

    def test_text_in_hdf5(self) -> None:
        with h5py.File("a.h5", "w") as file:
            file["x"], file["y"] = np.zeros((3, 2)), ["rose", "iris", "rose"]
            file.create_dataset("z", data=np.array([1, 0, 1]), dtype=h5py.enum_dtype({"no": 0, "yes": 1}))
        data = Arrays(inputs="a.h5:x", targets={"flower": "a.h5:y", "ok": "a.h5:z"}).read().train
        assert [data.schema.targets[name].labels for name in ("flower", "ok")] == [("iris", "rose"), ("no", "yes")]

    def test_a_test_part_has_the_classes_of_training(self) -> None:
        np.savez("a.npz", x=np.zeros((3, 2)), y=[5, 7, 9], a=np.zeros((2, 2)), b=[9, 7])
        source = Arrays(inputs="a.npz:x", targets="a.npz:y", test_inputs="a.npz:a", test_targets="a.npz:b")
        assert source.has_test
        read = source.read()
        assert read.test is not None
        assert read.test.targets["output"].tolist() == [2, 1]
        np.savez("a.npz", x=np.zeros((3, 2)), y=[5, 7, 9], a=np.zeros((2, 2)), b=[9, 8])
        with pytest.raises(DataError, match="DA007"):
            source.read()

    def test_masks_and_weights(self) -> None:
        np.savez("a.npz", x=np.zeros((2, 3, 1)), m=[[1, 1, 0], [1, 0, 0]], w=[1.0, 2.0])
        data = Arrays(inputs="a.npz:x", masks={"input": "a.npz:m"}, weight="a.npz:w").read().train
        assert data.input_masks["input"].tolist() == [[True, True, False], [True, False, False]]
        assert data.weight.tolist() == [1.0, 2.0]


class TestSparse:
    def test_svmlight(self) -> None:
        matrix = scipy.sparse.random(50, 2000, 0.01, format="csr", random_state=0)
        dump_svmlight_file(matrix, np.arange(50) % 3, "a.svm", zero_based=False, query_id=np.arange(50))
        data = Arrays(inputs="a.svm", targets="a.svm:label", width=2000).read().train
        assert isinstance(data.inputs["input"], LazyArray)
        assert np.allclose(data.inputs["input"][np.array([7, 49, 7])], matrix.toarray()[[7, 49, 7]])
        assert data.targets["output"].tolist() == (np.arange(50) % 3).tolist()
        assert ArrayFiles().array("a.svm:qid").tolist() == list(range(50))

    def test_several_labels(self) -> None:
        with open("a.svm", "w") as file:  # noqa: PTH123
            file.write("1,3 1:1\n 2:1\n3 1:2\n")
        data = Arrays(inputs="a.svm", targets="a.svm:label").read().train
        assert data.schema.targets["output"].kind == "multilabel"
        assert data.targets["output"].tolist() == [[1, 1], [0, 0], [0, 1]]

    def test_matlab(self) -> None:
        matrix = scipy.sparse.random(6, 8, 0.3, format="csc", random_state=0)
        savemat("a.mat", {"x": matrix})
        for samples, expected in (("first", matrix.toarray()), ("last", matrix.toarray().T)):
            rows = ArrayFiles(samples=samples).array("a.mat:x")
            assert isinstance(rows, SparseRows)
            assert np.array_equal(rows[:], expected)


class TestRecipes:
    def test_from_yaml(self, tmp_path) -> None:
        np.savez("digits.npz", x=RNG.integers(0, 255, (20, 4, 4), dtype=np.uint8), y=np.arange(20) % 2)
        text = """
source:
  type: arrays
  inputs: {photo: digits.npz:x}
  targets: digits.npz:y
  shapes: {photo: {type: image, channels: 1, height: 4, width: 4}}
split: {test: 0.25}
"""
        config = DataConfig.from_dict(yaml.safe_load(text)).resolve_paths(tmp_path)
        os.chdir("/")
        parts = prepare(config, seed=1)
        assert (len(parts.train), len(parts.test)) == (15, 5)
        batch = np.asarray(parts.train.inputs["photo"])
        assert batch.dtype == np.float32
        assert 0 <= batch.min() <= batch.max() <= 1
        assert isinstance(config.normalizer, Scale)

    def test_numbers_are_not_scaled(self) -> None:
        np.savez("a.npz", x=np.zeros((2, 3), dtype=np.uint8))
        assert Arrays(inputs="a.npz").normalizer() is None

    @pytest.mark.parametrize(
        ("settings", "word"),
        [
            ({"inputs": {}}, "at least one input"),
            ({"inputs": "a.npz:x", "test_inputs": {"other": "a.npz:y"}}, "test_inputs for exactly input"),
            ({"inputs": "a.npz:x", "targets": "a.npz:y", "test_inputs": "a.npz:y"}, "test_targets for exactly output"),
            ({"inputs": "a.npz:x", "shapes": {"photo": image(1, 2, 2)}}, "nothing called 'photo'"),
            ({"inputs": "a.npz:x", "masks": {"photo": "a.npz:m"}}, "nothing called 'photo'"),
            ({"inputs": "a.npz:x", "width": 4}, "width beside files of SVMLight"),
        ],
    )
    def test_descriptions(self, settings, word) -> None:
        with pytest.raises(DescriptionError, match=word):
            Arrays(**settings)

    @pytest.mark.parametrize(
        ("reference", "code", "word"),
        [
            ("a.npz", "DA061", "a.npz:x"),
            ("a.npz:z", "DA061", "an array 'z'"),
            ("a.csv", "DA090", ".npz"),
            ("b.npz:x", "DA031", "did you mean 'a.npz'"),
            ("a.npz:c", "DA062", "two channels"),
        ],
    )
    def test_references(self, reference, code, word) -> None:
        np.savez("a.npz", x=np.zeros((2, 2)), y=np.zeros(2), c=np.zeros((2, 2), "c8"))
        with open("a.csv", "w") as file:  # noqa: PTH123
            file.write("a\n1\n")
        with pytest.raises(DataError) as caught:
            Arrays(inputs=reference).read()
        assert caught.value.code == code
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("x.npy", ("x.npy", None)),
        ("C:\\data\\x.npy", ("C:\\data\\x.npy", None)),
        ("http://host:8000/x.NPZ:a:b", ("http://host:8000/x.NPZ", "a:b")),
        ("s3://bucket/a.h5:group/x.npy:y", ("s3://bucket/a.h5:group/x.npy", "y")),
        ("data.zip!a.mat:s.x", ("data.zip!a.mat", "s.x")),
    ],
)
def test_references_are_split_where_a_name_follows_a_file(reference, parts) -> None:
    assert split_reference(reference) == parts


def test_rows_of_held_arrays_out_of_range() -> None:
    rows = HeldRows(held.Held("here", (3, 2), np.dtype("f8"), lambda start, stop: np.zeros((stop - start, 2))))
    assert rows.take(np.array([], dtype=np.int64)).shape == (0, 2)
    with pytest.raises(IndexError, match="3 samples"):
        rows.take(np.array([3]))
