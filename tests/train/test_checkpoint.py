"""Checkpoints: atomic, checked, kept by rule; real kills and a really full disk."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lamina.errors import ArchiveError, LaminaWarning
from lamina.train.checkpoint import CheckpointStore, Retention

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}


def content(text: bytes):
    return lambda path: path.write_bytes(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_saved_and_found_again(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "checkpoints")
    assert store.latest_good() is None
    path = store.save(content(b"one"), 120, 1, {"train/loss": 0.5, "validation/loss": float("nan")})
    assert path.name == "step-00000120.lamina"
    found = store.latest_good()
    assert found is not None
    assert (found.path, found.step, found.epoch, found.metrics) == (path, 120, 1, {"train/loss": 0.5, "validation/loss": None})
    assert json.loads(found.manifest.read_text())["size"] == 3
    assert names(tmp_path / "checkpoints") == ["step-00000120.json", "step-00000120.lamina"]


@pytest.mark.parametrize("harm", ["cut", "flipped", "removed", "manifest cut", "manifest of something else"])
def test_damaged_is_skipped_with_a_warning(tmp_path: Path, harm: str) -> None:
    store = CheckpointStore(tmp_path)
    good = store.save(content(b"a" * 1000), 1, 0)
    bad = store.save(content(b"b" * 1000), 2, 0)
    if harm == "cut":
        bad.write_bytes(b"b" * 500)
    elif harm == "flipped":
        bad.write_bytes(b"b" * 999 + b"c")
    elif harm == "removed":
        bad.unlink()
    elif harm == "manifest cut":
        bad.with_suffix(".json").write_text(bad.with_suffix(".json").read_text()[:40])
    else:
        bad.with_suffix(".json").write_text("[1, 2]")
    with pytest.warns(LaminaWarning, match=r"\[AR002\].*step-00000002"):
        found = store.latest_good()
    assert found is not None
    assert found.path == good


def test_half_written_files_are_removed_and_never_read(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    (tmp_path / ".step-00000009.lamina.part").write_bytes(b"half")
    (tmp_path / "step-00000008.lamina").write_bytes(b"whole, but the process died before its manifest")
    assert store.latest_good() is None
    assert names(tmp_path) == ["step-00000008.lamina"]
    store.save(content(b"again"), 8, 0)
    found = store.latest_good()
    assert found is not None
    assert found.path.read_bytes() == b"again"


def test_retention_keeps_last_best_and_every(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    losses = [0.9, 0.2, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
    for number, loss in enumerate(losses):
        store.save(content(b"x"), number, number, {"loss": loss}, Retention(last=2, best="loss", every=3))
        found = store.latest_good()
        assert found is not None
        assert found.step == number
    assert [c.step for c in store.all()] == [0, 1, 3, 6, 7]


def test_the_same_step_again_replaces_only_when_it_is_safe(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.save(content(b"first"), 5, 0, {}, Retention(last=1))

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(ArchiveError) as caught:
        store.save(fail, 5, 1, {}, Retention(last=1))
    assert caught.value.code == "AR001"
    assert "step-00000005.lamina is kept and whole" in caught.value.problems[0].fix
    assert store.latest_good().path.read_bytes() == b"first"  # type: ignore[union-attr]
    assert names(tmp_path) == ["step-00000005.json", "step-00000005.lamina"]
    store.save(content(b"second"), 5, 1, {}, Retention(last=1))
    assert store.latest_good().path.read_bytes() == b"second"  # type: ignore[union-attr]
    assert len(names(tmp_path)) == 2


FULL = """
import resource, signal, sys
from pathlib import Path
from lamina.errors import ArchiveError
from lamina.train.checkpoint import CheckpointStore
store = CheckpointStore(Path(sys.argv[1]))
store.save(lambda path: path.write_bytes(b"g" * 50_000), 1, 0)
# A quota on the size of files: a real EFBIG from the kernel in the middle of a write.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.save(lambda path: path.write_bytes(b"h" * 500_000), 2, 0)
except ArchiveError as error:
    print(error.code, error.problems[0].got, error.problems[0].fix)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of file sizes are POSIX")
def test_quota_reached_while_saving_keeps_the_last_good(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=ENVIRONMENT)
    assert done.stdout.startswith("AR001 File too large")
    assert names(tmp_path) == ["step-00000001.json", "step-00000001.lamina"]
    assert CheckpointStore(tmp_path).latest_good().step == 1  # type: ignore[union-attr]


@pytest.fixture
def tiny_disk(tmp_path: Path):
    """A file system of 200 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a file system is not permitted here; the quota test covers the same path")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_full_disk_while_saving_keeps_the_last_good(tiny_disk: Path) -> None:
    store = CheckpointStore(tiny_disk)
    store.save(content(b"g" * 60_000), 1, 0)
    with pytest.raises(ArchiveError) as caught:
        store.save(content(b"h" * 500_000), 2, 0)
    assert caught.value.code == "AR001"
    assert caught.value.problems[0].got == "No space left on device"
    assert names(tiny_disk) == ["step-00000001.json", "step-00000001.lamina"]
    assert store.latest_good().step == 1  # type: ignore[union-attr]


SAVING = """
import sys, itertools
from pathlib import Path
from lamina.train.checkpoint import CheckpointStore, Retention
store = CheckpointStore(Path(sys.argv[1]))
found = store.latest_good()
first = 0 if found is None else found.step + 1
def write(step):
    def fill(path):
        with path.open("wb") as file:
            for part in range(50):
                file.write(bytes([step % 256]) * 4000)
                file.flush()
    return fill
print("ready", flush=True)
for step in itertools.count(first):
    store.save(write(step), step, 0, {}, Retention(last=1))
"""


def test_killed_while_saving_always_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    best = -1
    for _ in range(5):
        command = [sys.executable, "-W", "error", "-c", SAVING, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT)
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob("step-*.json")) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(random.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        process.stdout.close()
        found = CheckpointStore(tmp_path).latest_good()
        assert found is not None
        assert found.step >= best, "no checkpoint goes back behind an earlier one"
        assert found.path.read_bytes() == bytes([found.step % 256]) * 200_000
        best = found.step
