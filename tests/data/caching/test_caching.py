"""Kept samples are those that were made; files outlive runs, are shared by processes, and are believed only with their checksums."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import lamina as lm
from lamina.data.caching import Cache, Disk, Memory
from lamina.data.config import DataConfig
from lamina.data.dataset import Dataset
from lamina.data.groups import LazyGroup, MappedGroup
from lamina.data.lazy import Address, LazyArray
from lamina.data.loader import Loader
from lamina.errors import DataError, DescriptionError
from lamina.testing.caching import SAMPLES, Counted


def fed(loader: Loader, epoch: int) -> list:
    return [(b.indices.tolist(), b.inputs["input"].tolist()) for b in loader.epoch(epoch)]


@pytest.mark.parametrize("cache", ["memory", "disk", "small"])
@pytest.mark.parametrize("workers", [0, 4])
def test_the_same_batches_made_once(cache, workers, tmp_path) -> None:
    kinds = {"memory": Memory(), "disk": Disk(str(tmp_path)), "small": Memory(1000)}
    source = Counted()
    plain = Dataset.from_arrays(source, np.arange(SAMPLES))
    first = [fed(Loader(plain, 8, seed=1), epoch) for epoch in (0, 1)]
    source.made[:] = 0
    kept = plain.cached(kinds[cache]).take(np.arange(SAMPLES))
    assert [fed(Loader(kept, 8, seed=1, workers=workers), epoch) for epoch in (0, 1)] == first
    room = 1000 // 25 if cache == "small" else SAMPLES
    assert source.made.tolist() == [1] * room + [2] * (SAMPLES - room)


class Drawn(LazyArray):
    shape, dtype = (5, 1), np.dtype("float32")

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        return np.zeros((len(indices), 1), "float32")


def test_what_is_drawn_is_drawn_again_on_what_is_kept() -> None:
    source = Counted()

    def add(values, samples, address):
        noise = 0 if address is None else (address.draws(samples, "x") / 2.0**64)[:, None, None]
        return {"x": values["x"] + noise, "y": values["x"] * 2}

    group = MappedGroup({"x": source}, add, {"x": ((3, 2), "float32"), "y": ((3, 2), "float32")})
    plain = Dataset.from_arrays(group["x"], group["y"])
    first = [fed(Loader(plain, 8, seed=1), epoch) for epoch in (0, 1)]
    source.made[:] = 0
    kept = plain.cached(Memory())
    assert [fed(Loader(kept, 8, seed=1), epoch) for epoch in (0, 1)] == first
    assert first[0] != first[1]
    assert (source.made <= 1).all()


class Pairs(LazyGroup):
    draws = False
    calls = 0
    fingerprint = "pairs"

    def __init__(self) -> None:
        super().__init__(6, {"a": ((2,), "uint8"), "b": ((), "int64")})

    def take(self, indices, address=None):
        self.calls += 1
        return {"a": np.stack([indices, indices + 1], axis=1).astype("uint8"), "b": indices * 10}


def test_a_group_is_kept_once_for_all_its_arrays(tmp_path) -> None:
    for cache in (Memory(), Disk(str(tmp_path))):
        group = Pairs()
        keeper = cache.start()
        a, b = group["a"].keep(keeper), group["b"].keep(keeper)
        assert (keeper.kept, a.group is b.group) == (1, True)
        assert b[np.array([5, 2])].tolist() == [50, 20]
        assert a[np.array([2])].tolist() == [[2, 3]]
        assert group.calls == 1


def test_a_file_outlives_the_run_and_is_checked(tmp_path) -> None:
    first, again = Counted(), Counted()
    np.asarray(first.keep(Disk(str(tmp_path)).start()))
    (file,) = tmp_path.iterdir()
    np.asarray(again.keep(Disk(str(tmp_path)).start()))
    assert again.made.sum() == 0
    with file.open("r+b") as damaged:
        damaged.seek(4096 + 7 * (8 + 24) + 11)
        damaged.write(b"\xff\x00")
    np.testing.assert_array_equal(np.asarray(again.keep(Disk(str(tmp_path)).start())), again.array)
    assert np.flatnonzero(again.made).tolist() == [7]
    other = Counted("other words")
    np.asarray(other.keep(Disk(str(tmp_path)).start()))
    assert (other.made == 1).all()
    assert len(list(tmp_path.iterdir())) == 2
    with file.open("r+b") as damaged:
        damaged.write(b"something else")
    with pytest.raises(DataError, match="DA189") as caught:
        Counted().keep(Disk(str(tmp_path)).start())
    assert f"rm {file}" in caught.value.problems[0].fix


def test_a_run_killed_while_it_fills_leaves_what_it_made(tmp_path) -> None:
    one = Counted()
    one.keep(Disk(str(tmp_path)).start())[:10]
    (file,) = tmp_path.iterdir()
    with file.open("r+b") as torn:  # half of a sample was written
        torn.seek(4096 + 20 * 32)
        torn.write(b"\x01" * 16)
    two = Counted()
    np.testing.assert_array_equal(np.asarray(two.keep(Disk(str(tmp_path)).start())), two.array)
    assert two.made.tolist() == [0] * 10 + [1] * (SAMPLES - 10)


def test_two_processes_fill_one_file(tmp_path) -> None:
    script = textwrap.dedent("""
        import sys, numpy as np
        from lamina.data.caching import Disk
        from lamina.testing.caching import Counted
        for number in range(20):
            lazy = Counted(f"words {number}")
            order = np.random.default_rng(int(sys.argv[2])).permutation(len(lazy))
            kept = lazy.keep(Disk(sys.argv[1]).start())
            assert (kept[order] == lazy.array[order]).all() and (kept[:] == lazy.array).all()
    """)
    runs = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(seed)]) for seed in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert len(list(tmp_path.iterdir())) == 20


def test_what_can_not_be_kept_is_said(tmp_path) -> None:
    class Nameless(Counted):
        fingerprint = None

    for data, cache, said in (
        (Dataset.from_arrays([[1.0]]), "memory", "in memory"),
        (Dataset.from_arrays(Drawn()), "memory", "drawn anew"),
        (Dataset.from_arrays(Nameless()), Disk(str(tmp_path)), "cache: memory"),
        (Dataset.from_arrays(Counted()), Disk(str(tmp_path), limit="1 kB"), "raise limit"),
    ):
        with pytest.raises(DataError, match="DA188") as caught:
            data.cached(cache)
        assert said in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="DA188"):
        lm.data.config.prepare(DataConfig.from_yaml("{source: iris, cache: memory}"), 0)


def test_sizes_are_written_as_people_write_them() -> None:
    assert [Memory(size).limit for size in ("2 GB", "1.5kB", "64 MiB", 7, "7")] == [2 * 10**9, 1500, 64 * 2**20, 7, 7]
    for wrong in ("2 QB", 0, "-1 GB", "many", True):
        with pytest.raises(DescriptionError, match="SP004"):
            Memory(wrong)
    assert Cache.from_yaml("{type: disk, path: here}").resolve_paths(Path(os.sep)).path == "/here"
