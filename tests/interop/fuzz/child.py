"""Runs cases in this process, and keeps what was found; `run` starts and watches it."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

MEMORY = 500 << 20
"""Bytes that a case may take beyond what the process has before it."""
MOST_FILE = 24 << 20
"""Larger genuine files are left alone: damaging them takes longer than reading."""
FILES = 60
"""As in `run`."""
MAKERS = (
    *("/typing.py", "/dataclasses.py", "/collections/__init__.py", "/enum.py", "/functools.py"),
    *("/pydantic/_internal/_typing_extra.py", "/typing_extensions.py", "/annotationlib.py"),
)
"""Where the standard library, and pydantic when a description is first used, make code of annotations."""
ROOMS = tuple(
    f"lamina.{room}" for room in ("interop", "network", "learning", "data.preprocessing", "data.normalizers", "keep", "origin", "shapes")
)


class Tripped(BaseException):
    """Something that reading a file must never do."""


class Tripwire:
    """Refuses what reading must not do, while it is armed.

    Args:
        folder: Where files may be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.armed = False
        self.known = {name.partition(".")[0] for name in sys.modules} | set(sys.stdlib_module_names)
        self.places = tuple({os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, *sys.path) if path})
        sys.addaudithook(self)

    def __call__(self, event: str, details: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        bad = self._bad(event, details)
        if bad:
            self.armed = False
            raise Tripped(f"{event}: {bad}")

    def _bad(self, event: str, details: tuple[Any, ...]) -> str:
        if event in ("exec", "compile") and sys._getframe(2).f_code.co_filename.endswith(MAKERS):  # noqa: SLF001 - no other way to see
            return ""
        if event == "exec":
            name = getattr(details[0], "co_filename", "")
            return "" if os.path.realpath(name).startswith(self.places) or name.startswith("<frozen") else f"code of {name!r}"
        if event == "compile":
            # ast.literal_eval compiles to a tree, which is not run; NumPy reads the heads of its files by it.
            name = str(details[1])
            return "" if name in ("<unknown>", "None") or os.path.realpath(name).startswith(self.places) else f"source of {name!r}"
        if event == "import":
            word = str(details[0]).partition(".")[0]
            return "" if word in self.known or word == "lamina" else f"the package {word!r}"
        if event == "open":
            path, mode, flags = details
            writes = any(letter in str(mode or "") for letter in "wax+") or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR))
            outside = isinstance(path, str | bytes) and not os.fsdecode(path).startswith((self.folder, "/dev/null", "/proc/self"))
            return f"writing {path!r}" if writes and outside else ""
        words = (
            "subprocess.",
            "socket.",
            "os.system",
            "os.exec",
            "os.posix_spawn",
            "os.fork",
            "os.spawn",
            "marshal.load",
            "pickle.find_class",
        )
        if event.startswith(words):
            return str(details)[:200]
        if event in ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.chmod"):
            return "" if str(details[0]).startswith(self.folder) else str(details)[:200]
        return ""


def memory(name: str) -> int:
    """A figure of this process in bytes."""
    line = next((line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")), "X: 0 kB")
    return int(line.split()[1]) * 1024


def files_of(name: str, folders: list[Path], most: int = FILES) -> list[list[Path]]:
    """Genuine files of a format, each with those beside it that make a model together with it; of many, some of all sizes."""
    from lamina.interop.format import formats
    from lamina.interop.given import Given

    made, found = formats.get(name), []
    for folder in folders:
        for path in made.samples(folder):
            if not path.is_file() or path.stat().st_size > MOST_FILE:
                continue
            stem = path.name.partition(".")[0]
            beside = [
                other
                for other in sorted(path.parent.iterdir())
                if other.is_file() and other != path and other.name.partition(".")[0] == stem
            ]
            found.append(
                [path, *(other for other in beside if other.stat().st_size <= MOST_FILE and made.recognises(Given([path, other])))]
            )
    if len(found) <= most:
        return found
    if most < FILES:
        return sorted(found, key=lambda paths: sum(path.stat().st_size for path in paths))[:most]
    return sorted(random.Random(0).sample(found, most))


class Child:
    """Cases of a format.

    Args:
        name: The format.
        seed: All is a function of it and of a case's number.
        folder: Where files may be written.
        files: Genuine files.
    """

    def __init__(self, name: str, seed: str, folder: Path, files: list[list[Path]]) -> None:
        from lamina.interop.format import formats

        self.made, self.seed, self.folder, self.files = formats.get(name), seed, folder, files
        self.reached, self.counts, self.faults = Counter[str](), Counter[str](), {}
        self.cases = 0
        self.tripwire: Tripwire | None = None

    def warm(self) -> None:
        """Load what readers may need, and read each file as it is: what is loaded then is loaded."""
        import lamina
        from lamina.interop.format import formats

        for module in pkgutil.walk_packages(lamina.__path__, "lamina."):
            if module.name.startswith(ROOMS) and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        for name in formats.names():
            formats.get(name)
        for given in self.files:
            self._read(given[:1])
            if len(given) > 1:
                self._read(given)
        self.tripwire = Tripwire(self.folder)
        bound = memory("VmSize") + 2 * MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def _read(self, paths: list[Path]) -> str:
        from lamina.errors import LaminaError
        from lamina.interop.format import formats
        from lamina.interop.given import Given
        from lamina.interop.imported import Options

        try:
            given = Given(paths)
            if formats.recognise(given).name != self.made.name:
                return "of another format"
            imported = self.made.read(given, Options())
            str(imported.report), imported.report.to_dict()
            if not imported.report.complete:
                return "reported"
            if imported.shapes is not None:
                imported.plan()
        except LaminaError as error:
            return f"refused {error.problems[0].code}" if error.problems else "refused"
        return "read"

    def case(self, number: int) -> None:
        """Damage a file and read it."""
        from lamina.testing.damages import damaged

        chance = random.Random(f"{self.seed}:{number}")
        given = chance.choice(self.files)
        together = len(given) > 1 and chance.random() < 0.6
        victim = chance.randrange(len(given)) if together else 0
        content, done = given[victim].read_bytes(), []
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            what, content = damaged(content, chance)
            done.append(what)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        paths = []
        for place, path in enumerate(given if together else given[:1]):
            target = folder / path.name
            target.write_bytes(content if place == victim else path.read_bytes())
            paths.append(target)
        story = {"case": f"{self.seed}:{number}", "number": number, "file": str(given[victim]), "done": [what[:300] for what in done]}
        (self.folder / "journal.json").write_text(json.dumps(story))
        self._watched(paths, story)
        shutil.rmtree(folder, ignore_errors=True)

    def _watched(self, paths: list[Path], story: dict[str, Any]) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        before, begun = memory("VmRSS"), time.process_time()
        tripwire = self.tripwire
        try:
            if tripwire is not None:
                tripwire.armed = True
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.reached[self._read(paths)] += 1
        except Tripped as error:
            self.fault(f"did what it must not: {str(error)[:60]}", story)
        except MemoryError:
            self.fault("asked for more memory than a case may take", story)
        except Exception as error:  # noqa: BLE001 - any is a fault
            place = traceback.extract_tb(error.__traceback__)
            own = next((f"{Path(one.filename).name}:{one.lineno}" for one in reversed(place) if "lamina" in one.filename), "?")
            self.fault(f"{type(error).__name__} from {own}", story)
        finally:
            if tripwire is not None:
                tripwire.armed = False
        spent, grown = time.process_time() - begun, memory("VmHWM") - before
        if spent > 5.0:
            self.fault("took more than 5 s", {**story, "seconds": spent})
        if grown > MEMORY:
            self.fault("took more than 500 MB", {**story, "bytes": grown})
        left = sorted(path.name for path in paths[0].parent.iterdir())
        if left != sorted({path.name for path in paths}):
            self.fault("left files behind", {**story, "files": left})

    def fault(self, kind: str, story: dict[str, Any]) -> None:
        """Keep the first of each kind, with the file."""
        self.counts[kind] += 1
        if kind not in self.faults:
            self.faults[kind] = f"{json.dumps(story, indent=1)}\n{traceback.format_exc()[-2500:]}"

    def keep(self, number: int) -> None:
        """Write down what was found."""
        found = {"cases": self.cases, "next": number, "reached": self.reached, "counts": self.counts, "faults": self.faults}
        target = self.folder / "found.json"
        target.with_suffix(".new").write_text(json.dumps(found))
        target.with_suffix(".new").replace(target)


def main() -> None:
    name, seed, start, seconds, count, most, given, *folders = sys.argv[1:]
    begun, folder = time.monotonic(), Path(given).resolve()
    files = files_of(name, [Path(one) for one in folders if Path(one).exists()], int(most))
    if not files:
        return
    child = Child(name, seed, folder, files)
    child.warm()
    number = int(start)
    # Loading takes its time: some cases are run whatever is left.
    while (time.monotonic() - begun < float(seconds) or child.cases < 20) and (not int(count) or child.cases < int(count)):
        child.case(number)
        number += 1
        child.cases += 1
        if child.cases % 10 == 0:
            child.keep(number)
    child.keep(number)


if __name__ == "__main__":
    main()
