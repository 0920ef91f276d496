"""The command line: ``lamina train``, ``check``, ``summary``, ``evaluate``, ``predict``, ``import``, ``schema``, ``data`` and ``doctor``.

Exit codes: 0 done; 2 wrong input, nothing was written; 3 a run failed; 4 an optional part is missing; 130 and 143 stopped by
Ctrl-C or SIGTERM after the state was saved.
"""

from __future__ import annotations

from lamina.cli.app import main

__all__ = ["main"]
