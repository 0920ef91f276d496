"""Files that can't be used: named in a warning, and listed in a file if that is wanted."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Sequence
from pathlib import Path

from lamina.errors import LaminaWarning


def report_broken(broken: Sequence[tuple[str, str]], count: int, quarantine: str | None, code: str, words: str) -> None:
    """Say which files are left out.

    Args:
        broken: Name and reason of each.
        count: Of all files.
        quarantine: The csv file in which they are listed; None: in none.
        code: Of the warning.
        words: What they are and what is wrong, such as ``images can't be decoded``.
    """
    kept = ""
    if quarantine is not None:
        from lamina.files import atomic_write

        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("path", "reason"), *broken])
        atomic_write(Path(quarantine), lambda file: file.write(text.getvalue().encode()))
        kept = f"; they are listed in {quarantine}"
    names = ", ".join(name for name, _ in broken[:3]) + (" ..." if len(broken) > 3 else "")
    warnings.warn(f"[{code}] {len(broken)} of {count} {words}: {names}{kept}", LaminaWarning, stacklevel=4)
