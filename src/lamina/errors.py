"""One error family: every message says where, what was expected, what arrived, why, and what to write.

Each problem carries a stable code (``SP002``) with a page under ``docs/errors/``. The letters name the room that speaks:
``SP`` descriptions, ``NN`` shapes of a network, ``CK`` networks that run but are wrong, ``EN`` the engine, ``DA`` data,
``TR`` training, ``DI`` training on several processes, ``EV`` evaluation, ``AR`` archives and models, ``IO`` files of other systems,
``CL`` the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from lamina.codes import TITLES


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a file that a person wrote.

    Attributes:
        file: Path as the user gave it, or ``--set``.
        line: Line, counted from 1.
        column: Column, counted from 1.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in five parts.

    Attributes:
        code: Stable code from `lamina.codes`, such as ``"SP002"``.
        where: The layer, path or file, in words a user recognises.
        expected: What would have been right.
        got: What arrived.
        cause: Why that probably happened.
        fix: What to write instead.
        source: File, line and column, where a file is involved.
    """

    code: str
    where: str
    expected: str
    got: str
    cause: str
    fix: str
    source: Source | None = None

    def __post_init__(self) -> None:
        if self.code not in TITLES:
            message = f"{self.code} is not in lamina.codes.TITLES; add it there, with a page docs/errors/{self.code}.md"
            raise KeyError(message)

    def at(self, source: Source | None) -> Problem:
        """The same problem, tied to a place in a file."""
        return replace(self, source=source)

    def __str__(self) -> str:
        place = f"{self.source}: " if self.source else ""
        return (
            f"[{self.code}] {place}{self.where}: {TITLES[self.code]}.\n"
            f"  Expected: {self.expected}\n"
            f"  Got:      {self.got}\n"
            f"  Cause:    {self.cause}\n"
            f"  Fix:      {self.fix}\n"
            f"  More:     docs/errors/{self.code}.md"
        )


class LaminaError(Exception):
    """Base of everything Lamina raises on purpose.

    Attributes:
        problems: All that was found, at least one; the first is the one whose `code` the error carries.
        exit_code: What the command line exits with: 2 for wrong input, 3 for a run that failed, 4 for a missing part.
    """

    exit_code = 2

    def __init__(
        self,
        code: str,
        *,
        where: str,
        expected: str,
        got: str,
        cause: str,
        fix: str,
        source: Source | None = None,
    ) -> None:
        self.problems: tuple[Problem, ...] = (
            Problem(code=code, where=where, expected=expected, got=got, cause=cause, fix=fix, source=source),
        )
        super().__init__(str(self))

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """One error for several problems.

        Raises:
            ValueError: If there is no problem at all.
        """
        found = tuple(problems)
        if not found:
            message = "LaminaError.of needs at least one problem"
            raise ValueError(message)
        error = cls.__new__(cls)
        error.problems = found
        Exception.__init__(error, str(error))
        return error

    @property
    def code(self) -> str:
        """Code of the first problem."""
        return self.problems[0].code

    def at(self, source: Source | None) -> Self:
        """The same error with a place in a file for every problem that has none yet."""
        return type(self).of(problem if problem.source else problem.at(source) for problem in self.problems)

    def within(self, place: str) -> Self:
        """The same error, where every problem says first within what it was found."""
        return type(self).of(replace(problem, where=f"{place}, {problem.where}") for problem in self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        body = "\n".join(str(problem) for problem in self.problems)
        return f"{len(self.problems)} problems:\n{body}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are copied, and sent between processes, by calling their class with `args`; ours takes parts by name.
        return _again, (type(self), self.problems)

    def to_json(self) -> list[dict[str, Any]]:
        """The problems as plain data, for ``--json``."""
        return [
            {
                "code": p.code,
                "title": TITLES[p.code],
                "where": p.where,
                "expected": p.expected,
                "got": p.got,
                "cause": p.cause,
                "fix": p.fix,
                "file": p.source.file if p.source else None,
                "line": p.source.line if p.source else None,
                "column": p.source.column if p.source else None,
            }
            for p in self.problems
        ]


def _again(kind: type[LaminaError], problems: tuple[Problem, ...]) -> LaminaError:
    return kind.of(problems)


class DescriptionError(LaminaError):
    """A description (recipe, network, layer ...) is not valid."""


class ShapeError(DescriptionError):
    """Shapes between layers, or of data given to a network, don't fit."""


class RegistrationError(LaminaError):
    """A component can't be registered."""


class DataError(LaminaError):
    """Data can't be read, or isn't what the description says."""


class TrainingError(LaminaError):
    """A run failed while training."""

    exit_code = 3


class StartError(TrainingError):
    """A run can't begin as it was asked to; nothing was trained, and nothing was written."""

    exit_code = 2


class EvaluationError(LaminaError):
    """An evaluation got something it can't judge."""


class ArchiveError(LaminaError):
    """A `.lamina` archive or a checkpoint can't be read or written."""


class InteropError(LaminaError):
    """A file of another system can't be read, or holds what has no counterpart here."""


class ProofError(InteropError):
    """An imported model gives other outputs than the system it comes from."""

    exit_code = 3


class DependencyError(LaminaError):
    """An optional part isn't installed."""

    exit_code = 4


class LaminaWarning(UserWarning):
    r"""A warning with a code; silence one with ``warnings.filterwarnings("ignore", message=r"\[CK001\]")``."""


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The name in ``words`` that the user most probably meant by ``word``, or None.

    Example:
        >>> nearest("activaton", ["units", "activation"])
        'activation'
    """
    import difflib

    choices: Sequence[str] = sorted(words)
    lowered = {choice.lower(): choice for choice in reversed(choices)}
    # Neighbouring letters that changed places are the likeliest typo, and difflib counts them as two.
    swapped = [choice for choice in reversed(lowered) if _swapped(choice, word.lower())]
    close = swapped or difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.5)
    return lowered[close[0]] if close else None


def _swapped(one: str, other: str) -> bool:
    """Whether two words differ in two neighbouring letters that changed places."""
    apart = [index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]
    if len(one) != len(other) or len(apart) != 2 or apart[1] != apart[0] + 1:
        return False
    first, second = apart
    return one[first] == other[second] and one[second] == other[first]
