"""Formats of other systems, fuzzed: ``python tests/interop/fuzz/run.py --format caffe --seconds 600``.

Genuine files are damaged in many ways (`lamina.testing.damages`) and read in a process of its own, which is watched: a case may take 5
seconds of computing, and 500 MB beyond what the process had before it; nothing may be executed, no other process started, no connection
opened, and nothing written outside the folder of the case. Every case is a function of its seed: ``--only SEED:NUMBER`` runs one again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SHARED = ROOT.parent / "shared"
SECONDS = 5.0
"""Seconds of computing that a case may take."""
FILES = 60
"""Genuine files of each format that are damaged."""
SILENCE = 30.0
"""Seconds on the clock after which a case hangs, however busy the machine is."""


def watched(name: str, folders: list[Path], seed: str, start: int, seconds: float, count: int, most: int) -> dict[str, Any]:
    """Cases from a number on, in a process of their own, until the time is up or it dies."""
    with tempfile.TemporaryDirectory(prefix="lamina-fuzz-") as given:
        folder = Path(given)
        settings = [name, seed, *map(str, (start, seconds, count, most)), given]
        command = [sys.executable, "-X", "faulthandler", str(HERE / "child.py"), *settings]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen([*command, *map(str, folders)], stdout=said, stderr=said, env=environment)
            died = _until_it_ends(process, folder)
        found: dict[str, Any] = _json(folder / "found.json") or {"cases": 0, "next": start, "reached": {}}
        case = _json(folder / "journal.json") or {}
        if died or process.returncode:
            what = died or f"ended with {process.returncode}"
            text = f"{case}\n{(folder / 'said').read_text(errors='replace')[-3000:]}"
            found.setdefault("faults", {})[f"the process {what}"] = text
            found.setdefault("counts", {})[f"the process {what}"] = 1
            found["next"] = case.get("number", start) + 1
        return found


def _until_it_ends(process: subprocess.Popen[bytes], folder: Path) -> str:
    """Wait; what it had to be ended for."""
    journal, last, beat, spent = folder / "journal.json", "", time.monotonic(), 0.0
    while process.poll() is None:
        time.sleep(0.05)
        now = journal.read_text() if journal.exists() else ""
        if now != last:
            last, beat, spent = now, time.monotonic(), _computed(process.pid)
        silence = time.monotonic() - beat
        computing = _computed(process.pid) - spent
        if last and (computing > SECONDS + 1 or silence > SILENCE):
            process.kill()
            process.wait()
            return f"computed for {computing:.1f} s at one case" if computing > SECONDS else f"was silent for {silence:.0f} s"
        if not last and silence > 240:
            process.kill()
            process.wait()
            return "did not begin within 240 s"
    return ""


def _computed(pid: int) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def fuzz(name: str, folders: list[Path], seed: str, seconds: float, count: int = 0, start: int = 0, most: int = FILES) -> dict[str, Any]:
    """Cases of a format until the time is up, or so many: how many there were, how they ended, and each kind of fault."""
    began, cases = time.monotonic(), 0
    reached, counts, faults = Counter[str](), Counter[str](), {}
    while (left := seconds - (time.monotonic() - began)) > 0 and (not count or cases < count):
        found = watched(name, folders, seed, start, left, count - cases if count else 0, most)
        cases, start = cases + found["cases"], found["next"]
        reached.update(found.get("reached", {}))
        counts.update(found.get("counts", {}))
        for key, text in found.get("faults", {}).items():
            faults.setdefault(key, text)
        if not found["cases"] and not found.get("faults"):
            break
    return {"format": name, "seed": seed, "cases": cases, "reached": dict(reached), "counts": dict(counts), "faults": faults}


def main() -> int:
    """Fuzz one format, or all in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", default="", help="formats, with commas between; all if left out")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each format")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--only", default="", help="SEED:NUMBER of one case")
    parser.add_argument("--report", type=Path, help="a JSON file for all that was found")
    parser.add_argument("--folder", type=Path, action="append", help="where genuine files are")
    chosen = parser.parse_args()
    from lamina.interop.format import formats

    folders = chosen.folder or [SHARED / "fixtures", SHARED / "models"]
    results = []
    for name in chosen.format.split(",") if chosen.format else formats.names():
        seed, _, number = chosen.only.rpartition(":")
        began = time.monotonic()
        one = (seed, 600.0, 1, int(number)) if chosen.only else (chosen.seed, chosen.seconds)
        found = fuzz(name, folders, *one)
        results.append(found)
        ends = ", ".join(f"{key} {many}" for key, many in sorted(found["reached"].items()))
        print(
            f"{name}: {found['cases']} cases in {time.monotonic() - began:.0f} s ({ends}); {len(found['faults'])} kinds of faults",
            flush=True,
        )
        for key, text in found["faults"].items():
            print(f"\n== {name}: {key} ({found['counts'][key]} times)\n{text[:3000]}", flush=True)
        if chosen.report:
            chosen.report.write_text(json.dumps(results, indent=1))
    return 1 if any(found["faults"] for found in results) else 0


if __name__ == "__main__":
    sys.exit(main())
