"""Caffe's networks, in text and binary, with their weights, solvers and means."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lamina.interop.caffe.files import sorted_files
from lamina.interop.format import Format

if TYPE_CHECKING:
    from lamina.interop.given import Given
    from lamina.interop.imported import Imported, Options


class Caffe(Format):
    """Models of Caffe: layers of V0, V1 and V2."""

    name: ClassVar[str] = "caffe"
    title: ClassVar[str] = "Caffe"

    def recognises(self, given: Given) -> bool:
        return sorted_files(given).known

    def read(self, given: Given, options: Options) -> Imported:
        from lamina.interop.caffe.reader import read

        return read(given, options)
