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

    def miss(self, path: str, *, expected: str, got: Any, fix: str, cause: str = "Lamina has nothing that computes the same") -> None:
        """Something that has no counterpart."""
        self.missing.append(
            Problem(code="IO004", where=f"{self.where}, {path}", expected=expected, got=str(got)[:200], cause=cause, fix=fix)
        )

    def lose(self, path: str, what: str) -> None:
        """Something that is left out."""
        if Remark(path, what) not in self.lost:
            self.lost.append(Remark(path, what))

    def assume(self, path: str, what: str) -> None:
        """Something that the file doesn't say."""
        if Remark(path, what) not in self.assumed:
            self.assumed.append(Remark(path, what))
