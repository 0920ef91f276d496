"""Running text as windows of characters, each with the characters that follow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field

from lamina.data.schema import DataSchema, Target
from lamina.data.sources.files import RemoteFile, find_file
from lamina.data.sources.source import Partitions, Source
from lamina.data.storage.problems import unreadable
from lamina.errors import DataError
from lamina.shapes import tokens
from lamina.spec import register
from lamina.spec.fields import Count

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset

Fraction = Annotated[float, Field(ge=0, lt=1)]


class RunningText(Source):
    """Base of texts that a network learns to go on with: from the characters of a window the one after each of them.

    A sample's input is ``steps`` characters, its target the ``steps`` characters one place further. The vocabulary is the
    characters of the whole text in the order of their code points. The parts are kept apart by the ``predefined`` split, and no
    window reaches from one into another; in training a window begins every ``stride`` characters, elsewhere every ``steps``, so
    that figures count each character once. The last window of a part ends with it, so it may overlap the one before.

    Attributes:
        steps: Characters in a window.
        stride: From the start of one training window to the next; ``steps`` unless set.
        validation: Share of the text, at its end (before the test part, if there is one), for validation.
        test: Share of the text, at its very end, for the test.
    """

    steps: Count = 64
    stride: Count | None = None
    validation: Fraction = 0.1
    test: Fraction = 0.0

    def text(self) -> str:
        """The whole text.

        Raises:
            DataError: If the file can't be found or read.
        """
        raise NotImplementedError(type(self).__name__)

    def place(self) -> str:
        """Where the text is, for messages."""
        raise NotImplementedError(type(self).__name__)

    def schema(self) -> DataSchema:
        return self._schema(tuple(sorted(set(self._checked()))))

    def read(self) -> Partitions:
        text = self._checked()
        return Partitions(self._dataset(text, tuple(sorted(set(text)))))

    def read_like(self, training: Dataset) -> Dataset:
        """The whole text as one part, with the characters numbered as in training.

        Raises:
            DataError: DA009, for a character that training never saw.
        """
        alphabet = next((target.labels for target in training.schema.targets.values() if target.labels), None)
        whole = self.replace(validation=0.0, test=0.0, stride=None)
        text = whole._checked()
        return whole._dataset(text, tuple(sorted(set(text))) if alphabet is None else alphabet)

    def _schema(self, alphabet: tuple[str, ...]) -> DataSchema:
        return DataSchema.single(tokens(self.steps, len(alphabet)), Target("classes", labels=alphabet))

    def _checked(self) -> str:
        text = self.text()
        parts = self._bounds(len(text))
        short = next(((name, stop - start) for name, start, stop in parts if stop - start <= self.steps), None)
        if short is not None:
            raise DataError(
                "DA006",
                where=f"{self.place()}, {short[0]} part",
                expected=f"at least one window of {self.steps} characters and the one after it",
                got=f"{short[1]} characters",
                cause="the text, or this share of it, is shorter than a window",
                fix="choose fewer steps or a larger share, or give a longer text",
            )
        return text

    def _bounds(self, length: int) -> list[tuple[str, int, int]]:
        """Name, first character and end of each part."""
        test = length - round(self.test * length)
        validation = test - round(self.validation * length)
        parts = [("train", 0, validation), ("validation", validation, test), ("test", test, length)]
        wanted = {"train": 1.0, "validation": self.validation, "test": self.test}
        return [part for part in parts if wanted[part[0]]]

    def _dataset(self, text: str, alphabet: tuple[str, ...]) -> Dataset:
        import numpy as np

        from lamina.data.dataset import Dataset

        codes = encode(text, alphabet, self.place())
        starts: list[np.ndarray] = []
        part: list[np.ndarray] = []
        for name, start, stop in self._bounds(len(codes)):
            last = stop - self.steps - 1
            stride = (self.stride or self.steps) if name == "train" else self.steps
            found = np.unique(np.append(np.arange(start, last + 1, stride), last))
            starts.append(found)
            part.append(np.full(len(found), name))
        first = np.concatenate(starts)
        windows = codes[first[:, None] + np.arange(self.steps + 1)]
        inputs, targets = np.ascontiguousarray(windows[:, :-1]), np.ascontiguousarray(windows[:, 1:])
        extras: Any = {"part": np.concatenate(part), "times": first.astype(np.float64)}
        return Dataset({"input": inputs}, {"output": targets}, self._schema(alphabet), **extras)


@register("characters")
class Characters(RunningText):
    """A text file, character by character; see `RunningText` for windows and parts.

    Attributes:
        path: The file, in UTF-8; relative to the recipe.
        steps: Characters in a window.
        stride: From the start of one training window to the next; ``steps`` unless set.
        validation: Share of the text, at its end (before the test part, if there is one), for validation.
        test: Share of the text, at its very end, for the test.

    Example:
        >>> Characters.from_yaml("{path: book.txt, steps: 128}").validation
        0.1
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: str

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls("poem.txt", steps=8), cls("poem.txt", steps=5, stride=2, validation=0.2, test=0.2)]

    def resolve_paths(self, base: Path) -> Self:
        return self.replace(path=str(base / self.path))

    def place(self) -> str:
        return self.path

    def text(self) -> str:
        return read_text(Path(self.path))


@register("tiny_shakespeare")
class TinyShakespeare(RunningText):
    """1,115,394 characters of Shakespeare's plays, 65 different ones (Karpathy 2015), character by character.

    The file ``tinyshakespeare/input.txt`` is looked for in `LAMINA_DATA`, then in the cache, then downloaded. See `RunningText`
    for windows and parts.

    Attributes:
        steps: Characters in a window.
        stride: From the start of one training window to the next; ``steps`` unless set.
        validation: Share of the text, at its end (before the test part, if there is one), for validation.
        test: Share of the text, at its very end, for the test.
        download: Whether it may be downloaded.
    """

    file: ClassVar[RemoteFile] = RemoteFile(
        "tinyshakespeare",
        "input.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        1115394,
        "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
    )
    download: bool = True

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(steps=128, stride=64)]

    def place(self) -> str:
        return f"{self.file.folder}/{self.file.name}"

    def text(self) -> str:
        return read_text(find_file(self.file, download=self.download))


def read_text(path: Path) -> str:
    """A file in UTF-8, with its line ends as they are.

    Raises:
        DataError: DA031, if it can't be read.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise DataError(
            "DA031",
            where=str(path),
            expected="text in UTF-8",
            got=f"the byte {error.object[error.start]:#04x} at {error.start}",
            cause="the file is in another encoding, or is no text",
            fix="save it as text in UTF-8",
        ) from error


def encode(text: str, alphabet: tuple[str, ...], where: str) -> np.ndarray:
    """Place of each character in the alphabet, as int64.

    Raises:
        DataError: DA009, for a character that is not in it.
    """
    import numpy as np

    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    own = np.array([ord(character) for character in alphabet], dtype="<u4")
    order = np.argsort(own, kind="stable")
    found = order[np.searchsorted(own[order], points).clip(max=len(own) - 1)]
    wrong = np.flatnonzero(own[found] != points)
    if len(wrong):
        place = int(wrong[0])
        raise DataError(
            "DA009",
            where=f"{where}, character {place}",
            expected=f"one of the {len(alphabet)} characters of training",
            got=repr(text[place]),
            cause="the text holds a character that the training text does not",
            fix="replace it, or train on a text that holds it too",
        )
    places: np.ndarray = found.astype(np.int64)
    return places
