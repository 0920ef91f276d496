"""Deeplearning4j's models: zips with ``configuration.json`` and ``coefficients.bin``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lamina.errors import InteropError
from lamina.interop.format import Format
from lamina.interop.problems import unreadable

if TYPE_CHECKING:
    from lamina.interop.given import Given
    from lamina.interop.imported import Imported, Options


class Dl4j(Format):
    """Models that Deeplearning4j 0.5.0 to 1.0.0-M2.1 wrote."""

    name: ClassVar[str] = "dl4j"
    title: ClassVar[str] = "Deeplearning4j"

    def recognises(self, given: Given) -> bool:
        if not given.is_zip:
            return False
        try:
            return "configuration.json" in given.members
        except InteropError:
            return b"configuration.json" in given.head

    def read(self, given: Given, options: Options) -> Imported:
        from lamina.interop.dl4j.reader import read

        try:
            return read(given, options)
        except RecursionError as error:
            got = "layers within layers, hundreds deep"
            raise unreadable(where=str(given), expected="a network", got=got, cause="the file was made to do harm") from error
