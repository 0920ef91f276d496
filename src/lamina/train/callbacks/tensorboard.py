"""Scalars for TensorBoard, without TensorBoard: its event files are TFRecords of small protocol buffers.

Record: length (uint64), masked CRC-32C of it, data, masked CRC-32C of them; all little-endian. Event: 1 wall_time (double),
2 step (int64), 3 file_version (string), 5 summary, 7 session_log. Summary: 1 value (tag 1, simple_value 2). SessionLog: 1 status
(1 is START). Source: tensorflow/core/util/event.proto, framework/summary.proto, lib/io/record_writer.cc.
"""

from __future__ import annotations

import os
import platform
import struct
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from lamina.spec import register
from lamina.train.callbacks.callback import Callback, CallbackRun
from lamina.train.callbacks.log_file import log_path

if TYPE_CHECKING:
    from lamina.train.view import TrainerView


@register("tensorboard")
class TensorBoard(Callback):
    """Write every observed value as a scalar that ``tensorboard --logdir`` shows; the run's name is that of the folder.

    A resumed run goes on in a new file that tells the reader to forget what the killed process wrote after its checkpoint.

    Attributes:
        directory: Where; ``tensorboard`` in the run directory by default.
    """

    positional: ClassVar[tuple[str, ...]] = ("directory",)
    directory: str | None = None

    def start(self) -> CallbackRun:
        return TensorBoardRun(self)

    @classmethod
    def examples(cls) -> list[TensorBoard]:
        return [TensorBoard()]


class TensorBoardRun(CallbackRun):
    """Writes event files."""

    def __init__(self, description: TensorBoard) -> None:
        super().__init__(description)
        self._directory = description.directory
        self._writer: EventWriter | None = None
        self._last: int | None = None

    def on_start(self, trainer: TrainerView) -> None:
        folder = log_path(trainer, self._directory, "tensorboard", self.name)
        self._writer = EventWriter(folder)
        if self._last is not None or any(folder.glob("events.out.tfevents.*")):
            self._writer.purge((self._last if self._last is not None else -1) + 1)

    def on_epoch(self, trainer: TrainerView) -> None:
        if self._writer is not None:
            self._writer.scalars(trainer.observation, trainer.step)
            self._last = trainer.step

    def finish(self, trainer: TrainerView) -> None:
        if self._writer is not None:
            self._writer.close()

    def state_dict(self) -> dict[str, Any]:
        return {"last": self._last}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._last = state["last"]


class EventWriter:
    """One event file.

    Args:
        folder: Where; made if it isn't there.
    """

    _count = 0

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        EventWriter._count += 1
        # TensorBoard reads the files of a folder in the order of their names.
        name = f"events.out.tfevents.{time.time_ns() // 1_000_000_000:010d}.{platform.node()}.{os.getpid()}.{EventWriter._count}"
        self._file: IO[bytes] = (folder / name).open("ab")
        self._write(_event(0, _bytes(3, b"brain.Event:2")))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write values of one step."""
        parts = (_bytes(1, _bytes(1, name.encode()) + b"\x15" + struct.pack("<f", value)) for name, value in values.items())
        self._write(_event(step, _bytes(5, b"".join(parts))))

    def purge(self, step: int) -> None:
        """Tell readers to forget what earlier files hold from this step on."""
        self._write(_event(step, _bytes(7, b"\x08\x01")))

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def _write(self, event: bytes) -> None:
        self._file.write(record(event))
        self._file.flush()


def record(data: bytes) -> bytes:
    """A TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked(length)) + data + struct.pack("<I", _masked(data))


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), RFC 3720.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    table, value = _table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)  # noqa: PLW2901
        table.append(value)
    return tuple(table)


def _event(step: int, body: bytes) -> bytes:
    return b"\x09" + struct.pack("<d", time.time()) + b"\x10" + _varint(step) + body


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
