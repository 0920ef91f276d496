"""The contract of formats of other systems: what is genuine is recognised and read, what is damaged is refused, and nothing else happens.

>>> from pathlib import Path
>>> from lamina.interop import formats
>>> check_format(formats.get("dl4j"), [])
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lamina.errors import LaminaError
from lamina.interop.format import Format, formats
from lamina.interop.given import Given
from lamina.interop.imported import Options
from lamina.testing.promises import promise

SECONDS = 5.0
"""How long reading or refusing a file may take."""
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**62, 10**400, 1e308, float("inf"), "Infinity", "NaN", "", "x" * 300, "\ud800"),
    *([], {}, [[[]]], {"@class": "a.b.C"}, [2**40] * 4),
)
"""Values that nobody writes."""


def check_format(made: Format, files: Sequence[Path], *, rounds: int = 20, seed: int = 0) -> None:
    """Every file is recognised as this format and no other, and read; cut short or changed, it is read or refused, within seconds.

    Args:
        made: The format.
        files: Genuine files of it.
        rounds: Changes of each kind to each file.
        seed: Of the changes.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    promise(made.name and made.title, "a format has a name and a title")
    for file in files:
        given = Given(file)
        promise(made.recognises(given), f"{made.name} recognises {file.name}")
        promise(formats.recognise(given).name == made.name, f"{file.name} is recognised as {made.name} and nothing else")
        first, second = made.read(given, Options()), made.read(Given(file), Options())
        promise(sorted(first.arrays) == sorted(second.arrays) and first.network == second.network, f"{file.name} is read alike twice")
        promise(first.report.complete == (first.network is not None), "a network is made if everything has a counterpart, and only then")
        check_damage(made, file, rounds=rounds, seed=seed)


def check_damage(made: Format, file: Path, *, rounds: int, seed: int) -> None:
    """A file that was damaged in many ways is refused by errors of Lamina's, or read, and nothing takes long.

    Raises:
        AssertionError: Naming the change and what it led to.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / file.name
        for what, write in damages(file, random.Random(seed), rounds):  # noqa: S311 - nothing secret
            write(target)
            begun = time.perf_counter()
            try:
                _read(made, target)
            except LaminaError:
                pass
            except Exception as error:
                message = f"broken promise: {file.name}, {what}, is refused by an error of Lamina's, not by {type(error).__name__}: {error}"
                raise AssertionError(message) from error
            promise(time.perf_counter() - begun < SECONDS, f"{file.name}, {what}, is dealt with in {SECONDS:g} s")
            promise(sorted(os.listdir(folder)) == [target.name], "reading writes nothing")  # noqa: PTH208


def _read(made: Format, target: Path) -> None:
    given = Given(target)
    if not made.recognises(given):
        return
    imported = made.read(given, Options())
    str(imported.report), imported.report.to_dict()
    if imported.report.complete and imported.shapes is not None:
        imported.plan()


def damages(file: Path, chance: random.Random, rounds: int) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Ways to damage a file, each with what is done: cuts, flipped bits, and for zips the same within members, and odd JSON."""
    raw = file.read_bytes()
    for _ in range(rounds):
        end = chance.randrange(len(raw))
        yield f"cut to {end} bytes", lambda path, end=end: path.write_bytes(raw[:end])  # type: ignore[misc]
        changed = _flipped(raw, chance)
        yield "with some bits flipped", lambda path, changed=changed: path.write_bytes(changed)  # type: ignore[misc]
    if not zipfile.is_zipfile(file):
        return
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, content in members.items():
        if not content:
            continue
        for _ in range(rounds):
            end = chance.randrange(len(content))
            yield f"{name} cut to {end} bytes", _zipped(members, name, content[:end])
            yield f"{name} with some bits flipped", _zipped(members, name, _flipped(content, chance))
        if name.endswith(".json"):
            for _ in range(5 * rounds):
                data, what = _odd(json.loads(content), chance)
                yield f"{name} with {what}", _zipped(members, name, json.dumps(data).encode())
        yield f"without {name}", _zipped({key: value for key, value in members.items() if key != name}, "", b"")


def _flipped(raw: bytes, chance: random.Random) -> bytes:
    # Headers are where damage does most.
    found = bytearray(raw)
    reach = chance.choice([64, 512, len(found)])
    for _ in range(chance.randint(1, 4)):
        found[chance.randrange(min(reach, len(found)))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _zipped(members: dict[str, bytes], name: str, content: bytes) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for key, value in members.items():
                archive.writestr(key, content if key == name else value)

    return write


def _odd(data: Any, chance: random.Random) -> tuple[Any, str]:
    """The same data with an odd value, or one less, somewhere."""
    places = list(_places(data))
    holder, key, path = chance.choice(places)
    if chance.random() < 0.2:
        del holder[key]
        return data, f"{path} removed"
    value = chance.choice(ODD)
    holder[key] = value
    return data, f"{path} = {str(value)[:40]}"


def _places(data: Any, path: str = "$") -> Iterator[tuple[Any, Any, str]]:
    items = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    for key, value in items:
        yield data, key, f"{path}.{key}"
        yield from _places(value, f"{path}.{key}")
