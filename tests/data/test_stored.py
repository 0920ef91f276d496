"""A mapped file is fed like an array in memory, without being read into it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from lamina.data.dataset import Dataset
from lamina.data.loader import Loader
from lamina.data.stored import Stored
from lamina.errors import DataError


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
@pytest.mark.parametrize("resident", [0, 1 << 20])
def test_the_same_batches_as_from_memory(tmp_path, mode, resident) -> None:
    array = np.random.default_rng(0).normal(size=(40, 5)).astype("float32")
    np.save(tmp_path / "x.npy", array)
    mapped = np.load(tmp_path / "x.npy", mmap_mode=mode)
    labels = np.arange(40) % 3
    ways = [Loader(Dataset.from_arrays(x, labels), 7, seed=1, resident_bytes=resident, workers=2) for x in (mapped, array)]
    found = [[(b.indices.tolist(), b.inputs["input"].tolist()) for b in loader] for loader in ways]
    assert found[0] == found[1]
    assert isinstance(ways[0].dataset.inputs["input"].select(np.arange(2))[:], np.ndarray)


def test_private_changes_are_not_lost(tmp_path, monkeypatch) -> None:
    np.save(tmp_path / "x.npy", np.zeros((100, 3)))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="c")
    mapped[:] = 7
    monkeypatch.setattr("lamina.data.stored.MAPPED_BYTES", 1)
    lazy = Stored(mapped)
    assert all((lazy[start : start + 9] == 7).all() for start in range(0, 90, 9))
    assert (lazy[np.array([99, 0])] == 7).all()


@pytest.mark.parametrize("dtype", ["float32", ">i2", "bool"])
def test_what_is_read_is_what_is_mapped(tmp_path, monkeypatch, dtype) -> None:
    monkeypatch.setattr("lamina.data.stored.MAPPED_BYTES", 1)
    array = np.random.default_rng(1).integers(0, 2, (50, 7)).astype(dtype)
    (tmp_path / "raw").write_bytes(b"x" * 5000 + array.tobytes())
    mapped = np.memmap(tmp_path / "raw", dtype=dtype, mode="r", offset=5000, shape=(50, 7))
    order = np.array([49, 0, 1, 2, 7, 7, 30])
    for part, wanted in ((mapped, array), (mapped[3:40], array[3:40]), (mapped[::2], array[::2]), (mapped[:, 1:], array[:, 1:])):
        chosen = order % len(wanted)
        np.testing.assert_array_equal(Stored(part)[chosen], wanted[chosen])
    lazy = Stored(mapped)
    assert lazy._file is not None
    assert lazy[:0].shape == (0, 7)
    with pytest.raises(IndexError, match="50 samples"):
        lazy[np.array([50])]


def test_another_file_of_the_same_name_is_not_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("lamina.data.stored.MAPPED_BYTES", 1)
    np.save(tmp_path / "x.npy", np.zeros((9, 3)))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.save(tmp_path / "y.npy", np.ones((9, 3)))
    (tmp_path / "y.npy").replace(tmp_path / "x.npy")
    assert (Stored(mapped)[:] == 0).all()


def test_a_file_cut_off_meanwhile_is_an_error(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("lamina.data.stored.MAPPED_BYTES", 1)
    np.save(tmp_path / "x.npy", np.zeros((900, 300)))
    data = Dataset.from_arrays(np.load(tmp_path / "x.npy", mmap_mode="r"), np.arange(900) % 2)
    os.truncate(tmp_path / "x.npy", 100_000)
    with pytest.raises(DataError, match="DA021.* samples .*") as caught:
        list(Loader(data, 32, workers=2, resident_bytes=0))
    assert "it was longer when it was opened" in caught.value.problems[0].got


def test_an_epoch_larger_than_its_memory(tmp_path) -> None:
    script = textwrap.dedent("""
        import resource, sys
        import numpy as np
        from lamina.data.dataset import Dataset
        from lamina.data.loader import Loader
        count, width = 60_000, 2048
        mapped = np.lib.format.open_memmap(sys.argv[1], mode="w+", dtype="float32", shape=(count, width))
        for start in range(0, count, 4000):
            mapped[start:start + 4000] = start
            mapped.flush(); mapped._mmap.madvise(4)
        data = Dataset.from_arrays(np.load(sys.argv[1], mmap_mode="r"), np.arange(count) % 2)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seen = sum(int(batch.inputs["input"].shape[0]) for batch in Loader(data, 64, workers=1))
        assert seen == count
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """)
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "x.npy")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60  # of 469 MB
