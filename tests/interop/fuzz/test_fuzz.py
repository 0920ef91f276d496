"""Some damaged files of every format, each read in a process that is watched; and whether what watches sees.

``python tests/interop/fuzz/run.py --format NAME --seconds 600`` looks longer.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from lamina.interop.format import formats
from lamina.testing.damages import damaged

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from run import fuzz  # noqa: E402

CASES = 40


@pytest.mark.parametrize("name", formats.names())
def test_damaged_files_are_read_or_refused(name: str, shared_fixtures: Path) -> None:
    found = fuzz(name, [shared_fixtures], "test", 300.0, CASES, most=4)
    assert found["faults"] == {}
    assert found["cases"] == CASES


def child(code: str, folder: Path) -> str:
    """What a process prints that runs a format which does what ``code`` says."""
    text = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
from child import Child, Tripwire
from lamina.interop.format import Format, formats

class Bad(Format):
    name, title = "bad", "Bad"
    def recognises(self, given):
        return True
    def read(self, given, options):
        if armed:
            {code}
        from lamina.errors import InteropError
        raise InteropError("IO002", where="", expected="", got="", cause="", fix="")

armed = False
formats.add(Bad())
formats.recognise = lambda given: formats.get("bad")
file = Path({str(folder)!r}) / "file.bin"
file.write_bytes(b"some bytes")
one = Child("bad", "0", Path({str(folder)!r}), [[file]])
one.warm()
armed = True
one.case(0)
print(sorted(one.faults), dict(one.reached))
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=240)
    return done.stdout + done.stderr[-2000:]


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("pass", "[] {'refused IO002': 1}"),
        ("exec('1 + 1')", "did what it must not: compile"),
        ("__import__('marshal').loads(b'i\\x01\\x00\\x00\\x00')", "did what it must not: marshal.load"),
        ("__import__('subprocess').run(['true'])", "did what it must not: subprocess.Popen"),
        ("__import__('socket').socket()", "did what it must not: socket"),
        ("open('/tmp/lamina-fuzz-outside', 'w')", "did what it must not: open"),
        ("(given.path.parent / 'more').write_bytes(b'')", "left files behind"),
        ("kept = bytearray(b'x') * (600 << 20)", "took more than 500 MB"),
        ("kept = bytearray(1 << 40)", "asked for more memory"),
        ("[n for n in iter(lambda: __import__('time').process_time() < 9, False)]", "took more than 5 s"),
        ("raise KeyError('x')", "KeyError from"),
    ],
)
def test_what_must_not_be_is_seen(code: str, fault: str, tmp_path: Path) -> None:
    assert fault in child(code, tmp_path)


def test_damages_are_a_function_of_the_seed_and_change_something(shared_fixtures: Path) -> None:
    for path in (shared_fixtures / "caffe" / "mlp.caffemodel", shared_fixtures / "caffe" / "mlp.prototxt"):
        raw = path.read_bytes()
        made = [damaged(raw, random.Random(seed)) for seed in range(60)]
        assert made == [damaged(raw, random.Random(seed)) for seed in range(60)]
        assert len({content for _, content in made}) > 40
