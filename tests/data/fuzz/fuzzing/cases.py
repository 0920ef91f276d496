"""All kinds of cases, and running many of one kind."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from lamina.errors import LaminaWarning

from .chain import table_case
from .folders import KINDS as FOLDERS
from .folders import folder_case
from .watch import Case, Fault, Refused
from .written import WRITERS

KINDS: dict[str, Callable[[st.DrawFn, Case], None]] = {
    **{reader: partial(table_case, reader=reader) for reader in WRITERS},
    **{reader: partial(folder_case, reader=reader) for reader in FOLDERS},
}
"""What is done in a case of each kind."""


TOGETHER = 20


@dataclass
class Found:
    """What many cases came to.

    Attributes:
        cases: How many ran.
        whole: How many of these went all the way.
        refusals: How many Lamina refused, by code.
        reached: In which stage the cases ended.
        faults: The text of one fault of each kind.
        counts: How many faults of each kind.
    """

    cases: int = 0
    whole: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def one(kind: str, draw: st.DrawFn, found: Found, journal: Path | None = None) -> None:
    """Run a case.

    Raises:
        Fault: What Lamina must never do.
    """
    folder = Path(tempfile.mkdtemp(prefix="lamina-fuzz-"))
    case = Case(folder, journal)
    case.note(kind=kind)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", LaminaWarning)
            KINDS[kind](draw, case)
        found.whole += 1
    except Refused as refusal:
        found.refusals[str(refusal)] += 1
    finally:
        if case.reached:
            found.cases += 1
            found.reached[case.reached[-1]] += 1
        shutil.rmtree(folder, ignore_errors=True)


def run_many(kind: str, count: int, start: int, journal: Path | None = None, told: Callable[[Found], None] | None = None) -> Found:
    """Run many cases of a kind, past all faults.

    Args:
        kind: Which.
        count: How many.
        start: What is drawn is a function of it.
        journal: See `Case`.
        told: Called after each case.
    """
    found = Found()
    for place in range(0, count, TOGETHER):
        _some(kind, min(TOGETHER, count - place), start * 1_000_003 + place, found, journal, told)
    return found


def _some(kind: str, count: int, start: int, found: Found, journal: Path | None, told: Callable[[Found], None] | None) -> None:
    # Hypothesis varies what it drew already: few cases at a time, so that they differ more.
    @seed(start)
    @settings(max_examples=count, database=None, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data: st.DataObject) -> None:
        try:
            one(kind, data.draw, found, journal)
        except Fault as fault:
            found.counts[fault.kind] += 1
            if fault.kind not in found.faults or len(fault.text) < len(found.faults[fault.kind]):
                found.faults[fault.kind] = fault.text
        if told is not None:
            told(found)

    run()
