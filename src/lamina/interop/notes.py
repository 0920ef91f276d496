"""What is found while a file is read: what has no counterpart, what is left out, what is assumed. All of it, before anything is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lamina.errors import Problem
from lamina.interop.report import Remark


@dataclass
class Notes:
    """Collects remarks.

    Attributes:
        where: The file, for messages.
        missing: What has no counterpart.
        lost: What is left out without any effect on outputs.
        assumed: What the file doesn't say.
    """

    where: str
    missing: list[Problem] = field(default_factory=list)
    lost: list[Remark] = field(default_factory=list)
    assumed: list[Remark] = field(default_factory=list)
    _entered: set[tuple[bool, Remark]] = field(default_factory=set, repr=False)

    def miss(self, path: str, *, expected: str, got: Any, fix: str, cause: str = "Lamina has nothing that computes the same") -> None:
        """Something that has no counterpart."""
        self.missing.append(
            Problem(code="IO004", where=f"{self.where}, {path}", expected=expected, got=str(got)[:200], cause=cause, fix=fix)
        )

    def lose(self, path: str, what: str) -> None:
        """Something that is left out."""
        self._enter(self.lost, Remark(path, what))

    def assume(self, path: str, what: str) -> None:
        """Something that the file doesn't say."""
        self._enter(self.assumed, Remark(path, what))

    def _enter(self, remarks: list[Remark], remark: Remark) -> None:
        # A list of thousands is not gone through for each of thousands.
        key = (remarks is self.lost, remark)
        if key not in self._entered:
            self._entered.add(key)
            remarks.append(remark)
