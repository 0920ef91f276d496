"""A file is the old one or the new one, whatever happens while it is written."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

import pytest

from lamina.files import TEMPORARY, atomic_write, atomic_write_text


def left(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_the_new_one_takes_the_place_of_the_old(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    atomic_write_text(file, "old")
    atomic_write_text(file, "gr\u00fcn")
    assert file.read_bytes() == "gr\u00fcn".encode()
    assert left(tmp_path) == ["note.txt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_goes_wrong_while_writing_leaves_the_old_one(tmp_path: Path, error: BaseException) -> None:
    file = tmp_path / "note.txt"
    atomic_write_text(file, "old")

    def fill(stream: IO[bytes]) -> None:
        stream.write(b"half of")
        raise error

    with pytest.raises(type(error)):
        atomic_write(file, fill)
    assert file.read_text() == "old"
    assert left(tmp_path) == ["note.txt"]


def test_a_rename_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "note.txt"
    atomic_write_text(file, "old")

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "refused", str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        atomic_write_text(file, "new")
    assert file.read_text() == "old"
    assert left(tmp_path) == ["note.txt"]


def test_the_content_is_on_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        events.append("rename")
        assert self.parent == target.parent
        assert self.suffix == TEMPORARY
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    atomic_write_text(tmp_path / "note.txt", "new")
    assert events == ["file", "rename", "folder"]


def test_it_is_as_public_as_any_other_new_file(tmp_path: Path) -> None:
    atomic_write_text(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_write_text(tmp_path / "nowhere" / "note.txt", "x")
