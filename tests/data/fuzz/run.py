"""The joint fuzzing at length: ``python tests/data/fuzz/run.py --cases 10000``.

Cases run in processes of their own with bounded memory; one that dies or hangs is reported with the case that it died of.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
AT_ONCE = 250
"""Cases of a process."""
MEMORY = 8 << 30
"""Bytes of address space of a process; libraries reserve much more of it than they use."""
SILENCE = 30.0
"""Seconds without a case that ends, after which a process hangs."""


def child(kind: str, count: int, start: int, folder: Path) -> None:
    """Run some cases in this process, and keep what was found."""
    sys.path.insert(0, str(HERE))
    # Torch, Polars and all others are loaded before memory is bounded.
    import torch  # noqa: F401
    from fuzzing.cases import run_many

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    result = folder / "found.json"

    def keep(found: Any) -> None:
        (folder / "beat").write_text(str(found.cases))
        if found.cases % 20 == 0:
            result.write_text(json.dumps(vars(found)))

    result.write_text(json.dumps(vars(run_many(kind, count, start, folder / "journal.json", keep))))
    (folder / "done").touch()


def watched(kind: str, count: int, start: int) -> dict[str, Any]:
    """Run some cases in a process of their own, and see whether it lives."""
    with tempfile.TemporaryDirectory(prefix="lamina-fuzz-run-") as name:
        folder = Path(name)
        command = [sys.executable, "-X", "faulthandler", __file__, "--child", kind, str(count), str(start), name]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2"}
        with (folder / "said").open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said, env=environment) as process:
            beat, last = time.monotonic(), ""
            died = ""
            while process.poll() is None:
                time.sleep(0.2)
                now = (folder / "beat").read_text() if (folder / "beat").exists() else ""
                if now != last:
                    beat, last = time.monotonic(), now
                if time.monotonic() - beat > SILENCE:
                    died = f"no case ended for {SILENCE:g} s"
                    process.kill()
        found: dict[str, Any] = json.loads((folder / "found.json").read_text()) if (folder / "found.json").exists() else {"cases": 0}
        if not (folder / "done").exists():
            died = died or f"ended with {process.returncode}"
            words = (folder / "said").read_text(errors="replace")[-4000:]
            case = (folder / "journal.json").read_text() if (folder / "journal.json").exists() else ""
            found.setdefault("faults", {})[f"the process {died}"] = f"{words}\n{case[:20_000]}"
            found.setdefault("counts", {})[f"the process {died}"] = 1
        return found


def main() -> int:
    """Run all kinds in turn, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000, help="cases in all, as many of each kind")
    parser.add_argument("--seed", type=int, default=0, help="all that is drawn is a function of it")
    parser.add_argument("--only", default="", help="kinds, with commas between")
    parser.add_argument("--report", type=Path, help="a JSON file for all that was found")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child[0], int(chosen.child[1]), int(chosen.child[2]), Path(chosen.child[3]))
        return 0
    sys.path.insert(0, str(HERE))
    from fuzzing.cases import KINDS

    kinds = [kind for kind in chosen.only.split(",") if kind] or list(KINDS)
    each = -(-chosen.cases // len(kinds))
    began, total, whole, faults, counts = time.monotonic(), 0, 0, {}, Counter[str]()
    for place, kind in enumerate(kinds):
        left, start, own = each, chosen.seed * 1_000_003 + place * 10_007, Counter[str]()
        while left > 0:
            found = watched(kind, min(left, AT_ONCE), start)
            # A process that died has run some of its cases; the next one begins elsewhere.
            ran = max(1, found["cases"])
            left, start = left - ran, start + 1
            own.update(found.get("counts", {}))
            counts.update({f"{kind}: {name}": many for name, many in found.get("counts", {}).items()})
            faults |= {f"{kind}: {name}": text for name, text in found.get("faults", {}).items() if f"{kind}: {name}" not in faults}
            total, whole = total + ran, whole + found.get("whole", 0)
            ends = ", ".join(f"{stage} {many}" for stage, many in found.get("reached", {}).items())
        print(
            f"{time.monotonic() - began:7.0f} s  {kind}: {each} cases, {sum(own.values())} faults of {len(own)} kinds (last: {ends})",
            flush=True,
        )
        if chosen.report:
            chosen.report.write_text(json.dumps({"faults": faults, "counts": dict(counts)}, indent=1))
    for name, text in faults.items():
        print(f"\n== {name} ({counts[name]} times)\n{text if not chosen.report else text[:600]}")
    seconds = time.monotonic() - began
    print(f"\n{total} cases in {seconds:.0f} s; {whole} went all the way; {sum(counts.values())} faults of {len(faults)} kinds")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
