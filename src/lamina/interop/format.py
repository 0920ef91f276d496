"""What every format is, and where each is found."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lamina.errors import InteropError, RegistrationError, nearest
from lamina.interop.given import Given

if TYPE_CHECKING:
    from lamina.interop.imported import Imported, Options


class Format(ABC):
    """A format of another system.

    A subclass is light: what reads the files is imported in `read`. `lamina.testing.formats.check_format` holds what is said here.

    Class attributes:
        name: As in ``--from``.
        title: Name of the system.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def recognises(self, given: Given) -> bool:
        """Whether the files are of this format, by a look at their beginning or their members; never by their names alone."""

    @abstractmethod
    def read(self, given: Given, options: Options) -> Imported:
        """Read the files. Nothing in them is executed; every size is checked before it is allocated.

        What has no counterpart is collected in the report, all of it; other errors are raised.

        Raises:
            InteropError: For files that are damaged, too large, or contradict themselves.
        """

    def samples(self, folder: Path) -> Sequence[Path]:
        """Genuine files of this format in a folder, for the contract suite: all that it recognises."""
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return [path for path in files if self.recognises(Given(path))]


class Formats:
    """Formats by name, each imported when it is first looked at."""

    def __init__(self, announced: Mapping[str, str]) -> None:
        self._announced = dict(announced)
        self._found: dict[str, Format] = {}

    def add(self, made: Format) -> None:
        """Enter a format of one's own.

        Raises:
            RegistrationError: SP008, if its name is taken.
        """
        if made.name in self._announced or made.name in self._found:
            raise RegistrationError(
                "SP008",
                where=f"format {made.name!r}",
                expected="a name that is free",
                got="one that is taken",
                cause="there is a format of this name",
                fix="choose another name",
            )
        self._found[made.name] = made

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*self._announced, *self._found})

    def get(self, name: str) -> Format:
        """The format of this name.

        Raises:
            InteropError: IO013, if there is none.
        """
        if name not in self._found and name in self._announced:
            module, _, word = self._announced[name].partition(":")
            self._found[name] = getattr(importlib.import_module(module), word)()
        if name not in self._found:
            near = nearest(name, self.names())
            raise InteropError(
                "IO013",
                where=f"the format {name!r}",
                expected=f"one of {', '.join(self.names())}",
                got=repr(name),
                cause="a typo" if near else "no such format is known here",
                fix=f"did you mean {near!r}?" if near else "leave it out: formats are recognised by content",
            )
        return self._found[name]

    def recognise(self, given: Given) -> Format:
        """The format of some files.

        Raises:
            InteropError: IO001, if none knows them.
        """
        for name in self.names():
            found = self.get(name)
            if found.recognises(given):
                return found
        raise InteropError(
            "IO001",
            where=str(given),
            expected=f"a model of {', '.join(self.get(name).title for name in self.names())}",
            got=f"a file that begins with {given.head[:16]!r}" if given.head else "a folder or an empty file",
            cause="it is a file of another kind, or of a format that is not read yet",
            fix="check the path; where several files make a model, give all of them",
        )


formats = Formats(
    {
        "caffe": "lamina.interop.caffe.format:Caffe",
        "dl4j": "lamina.interop.dl4j.format:Dl4j",
        "keras": "lamina.interop.keras.format:Keras",
        "onnx": "lamina.interop.onnx.format:Onnx",
        "pytorch": "lamina.interop.pytorch.format:PyTorch",
        "samediff": "lamina.interop.samediff.format:SameDiff",
        "torch7": "lamina.interop.torch7.format:Torch7",
    }
)
"""All formats."""
