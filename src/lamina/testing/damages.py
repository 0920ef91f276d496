"""Ways to damage a file, drawn by chance: bytes, and what lies within zips, JSON, HDF5, protocol buffers and text.

>>> import random
>>> what, content = damaged(b"layer { name: 'a' }", random.Random(1))
>>> isinstance(what, str) and isinstance(content, bytes)
True
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from lamina.testing.formats import ODD

MOST_BYTES = 8 << 20
"""Files above this are damaged in their bytes alone."""
_NUMBERS = (0, 1, 2, 7, 127, 128, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
_WORDS = (
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1",
    "0",
    "99999999999999999999",
    "true",
    '""',
    "'\\377'",
    "{" * 2000,
    "}",
    "[",
    "<",
    '"',
    "\\",
    "#",
)
_TOKEN = re.compile(rb"[A-Za-z_][\w./-]*|[-+]?\d[\d.eE+-]*|\"[^\"\n]*\"|[{}<>\[\]:,()]")
Damage = tuple[str, bytes]


def damaged(raw: bytes, chance: random.Random, depth: int = 0) -> Damage:
    """What was done, and the bytes after it.

    Args:
        raw: The content of a file.
        chance: What is done is a function of it.
        depth: How many archives it is in.
    """
    makers: list[Callable[[bytes, random.Random], Damage]] = [_bytes]
    if raw and len(raw) <= MOST_BYTES and depth < 3:
        makers += [made for fits, made in _KINDS if fits(raw)] * 3
    made = chance.choice(makers)
    if made is _zip:
        return _zip(raw, chance, depth)
    try:
        return made(raw, chance)
    except (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        # What can't be damaged in its own way, since it is odd already, is damaged in its bytes.
        what, content = _bytes(raw, chance)
        return f"{what} (not {made.__name__.strip('_')}: {type(error).__name__})", content


def _bytes(raw: bytes, chance: random.Random) -> Damage:
    way = chance.randrange(7)
    size = len(raw)
    # Headers are where damage does most.
    reach = max(min(chance.choice([16, 64, 512, 4096, size]), size), 1)
    place = chance.randrange(reach)
    if way == 0:
        end = chance.randrange(max(size, 1))
        return f"cut to {end} bytes", raw[:end]
    if way == 1:
        found = bytearray(raw or b"\0")
        places = [chance.randrange(min(reach, len(found))) for _ in range(chance.randint(1, 4))]
        for one in places:
            found[one] ^= 1 << chance.randrange(8)
        return f"bits flipped at {places}", bytes(found)
    if way == 2:
        number = chance.choice(_NUMBERS)
        form = chance.choice(("<I", ">I", "<Q", ">Q", "B"))
        packed = struct.pack(form, number & ((1 << 8 * struct.calcsize(form)) - 1))
        return f"{number} as {form} at {place}", raw[:place] + packed + raw[place + len(packed) :]
    if way == 3:
        count = chance.choice((1, 4, 16, 1000))
        return f"{count} bytes fewer at {place}", raw[:place] + raw[place + count :]
    if way == 4:
        count = chance.choice((1, 4, 64, 5000))
        return f"{count} bytes twice at {place}", raw[: place + count] + raw[place : place + count] * chance.choice((1, 50)) + raw[
            place + count :
        ]
    if way == 5:
        other = chance.randrange(max(size, 1))
        return f"what is at {other} also at {place}", raw[:place] + raw[other : other + 256] + raw[place + 256 :]
    content = chance.choice((b"", b"\xff" * 10, b"\0" * 100, chance.randbytes(20)))
    return f"{content[:8]!r} put in at {place}", raw[:place] + content + raw[place:]


# -- archives -------------------------------------------------------------------------------------------------------------


def _zip(raw: bytes, chance: random.Random, depth: int = 0) -> Damage:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()[:2000]]
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, RuntimeError, NotImplementedError, EOFError):
        return _bytes(raw, chance)
    if not members:
        return _bytes(raw, chance)
    # A description says more than weights.
    weights = [5 if name.endswith((".json", ".yaml", "pkl", "xml")) else 1 for name, _ in members]
    place = chance.choices(range(len(members)), weights)[0]
    name, content = members[place]
    way = chance.randrange(10)
    if way == 0:
        del members[place]
        what = f"without {name}"
    elif way == 1:
        other = chance.choice(("../outside", "/tmp/outside", "a" * 300, name.upper(), " ", f"{name}/x"))
        members[place] = (other, content)
        what = f"{name} called {other[:40]!r}"
    elif way == 2:
        members.append((name, content[: len(content) // 2]))
        what = f"{name} twice"
    elif way == 3:
        members[place] = (name, content + b"\0" * (64 << 20))
        what = f"{name} with 64 MB of zeros behind it"
    else:
        done, changed = damaged(content, chance, depth + 1)
        members[place] = (name, changed)
        what = f"{name}: {done}"
    buffer = io.BytesIO()
    method = chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)) if way != 3 else zipfile.ZIP_DEFLATED
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")
        for key, value in members:
            archive.writestr(key, value)
    return what, buffer.getvalue()


def _gzip(raw: bytes, chance: random.Random) -> Damage:
    what, content = damaged(gzip.decompress(raw), chance, 2)
    return f"within gzip: {what}", gzip.compress(content)


# -- JSON -----------------------------------------------------------------------------------------------------------------


def _json(raw: bytes, chance: random.Random) -> Damage:
    data = json.loads(raw)
    places = list(_places(data))
    if not places or chance.random() < 0.02:
        deep = chance.choice((50, 5000, 200_000))
        return f"lists {deep} deep", b"[" * deep + raw + b"]" * deep
    done = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        holder, key, path = chance.choice(places)
        try:
            done.append(_changed(holder, key, path, chance))
        except (KeyError, IndexError):
            continue
    return "; ".join(done), json.dumps(data).encode()


def _changed(holder: Any, key: Any, path: str, chance: random.Random) -> str:
    way = chance.random()
    if way < 0.15:
        del holder[key]
        return f"{path} removed"
    value = holder[key]
    if way < 0.4 and isinstance(value, int | float) and not isinstance(value, bool):
        holder[key] = chance.choice((-value, value + 1, value * 1000, 0, -1, 2**40, 1e30, float(value)))
    elif way < 0.4 and isinstance(value, str):
        holder[key] = chance.choice((value[:-1], value * 2, value.swapcase(), "Lambda", "__import__", "os.system", value + "\0"))
    elif way < 0.5 and isinstance(value, list) and value:
        holder[key] = chance.choice((value * 2, value[:1], value[::-1], [value], value * 1000 if len(value) < 10 else value[1:]))
    else:
        holder[key] = chance.choice(ODD)
    return f"{path} = {str(holder[key])[:40]}"


def _places(data: Any) -> Iterator[tuple[Any, Any, str]]:
    waiting: list[tuple[Any, str]] = [(data, "$")]
    while waiting:
        one, path = waiting.pop()
        items = list(one.items()) if isinstance(one, dict) else list(enumerate(one))[:1000] if isinstance(one, list) else []
        for key, value in items:
            yield one, key, f"{path}.{key}"
            waiting.append((value, f"{path}.{key}"))


# -- HDF5 -----------------------------------------------------------------------------------------------------------------


def _hdf5(raw: bytes, chance: random.Random) -> Damage:
    import h5py

    buffer = io.BytesIO(raw)
    with h5py.File(buffer, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        holders = [file, *(file[name] for name in names)]
        attributes = [(one, key) for one in holders for key in one.attrs]
        sets = [name for name in names if isinstance(file[name], h5py.Dataset)]
        if attributes and (chance.random() < 0.6 or not sets):
            what = _attribute(*chance.choice(attributes), chance)
        else:
            what = _dataset(file, chance.choice(sets), chance)
    return what, buffer.getvalue()


def _attribute(holder: Any, key: str, chance: random.Random) -> str:
    value = holder.attrs[key]
    text = value.decode(errors="replace") if isinstance(value, bytes) else value if isinstance(value, str) else None
    if text is not None and text[:1] in ("{", "[") and chance.random() < 0.8:
        what, changed = damaged(text.encode(), chance, 2)
        # An attribute of more than 64 kB needs a layout of its own: it is cut.
        holder.attrs[key] = changed[:60_000].decode(errors="replace").replace("\0", "")
        return f"{holder.name}@{key}: {what}"
    if chance.random() < 0.2:
        del holder.attrs[key]
        return f"{holder.name}@{key} removed"
    odd: tuple[Any, ...] = ("", "x" * 300, -1, 2.5, [1, 2, 3], ["a", "b"], [b"kernel:0"] * 50, "../../x", 2**62, [[1.0]], True)
    holder.attrs[key] = chance.choice(odd)
    return f"{holder.name}@{key} = {str(holder.attrs[key])[:40]}"


def _dataset(file: Any, name: str, chance: random.Random) -> str:
    import h5py
    import numpy as np

    way = chance.randrange(7)
    shape, kind = file[name].shape, file[name].dtype
    del file[name]
    if way == 0:
        return f"{name} removed"
    if way == 1:
        file[name] = h5py.SoftLink("/nowhere")
        return f"{name} a soft link"
    if way == 2:
        file[name] = h5py.ExternalLink("/etc/hostname", "/")
        return f"{name} an external link"
    if way == 3:
        file.create_dataset(name, shape=(1 << 40,), dtype="f4", chunks=(1 << 16,), compression="gzip", fillvalue=1.0)
        return f"{name} of 2^40 numbers, none of them written"
    if way == 4:
        file.create_dataset(name, data=np.zeros((*shape, 2), "f4"))
        return f"{name} with one axis more"
    if way == 5:
        file.create_dataset(name, data=[b"a", b"b"])
        return f"{name} of words"
    file.create_dataset(name, data=np.full(shape, np.nan), dtype=chance.choice(("f8", "f2", "i8")) if kind.kind == "f" else "f4")
    return f"{name} of nothing but NaN"


# -- protocol buffers -----------------------------------------------------------------------------------------------------


def _protobuf(raw: bytes, chance: random.Random) -> Damage:
    """A field somewhere, which need not be known: changed, gone, twice, of another type, or within itself."""
    trail: list[tuple[int, int]] = []
    start, end = 0, len(raw)
    while chance.random() < 0.8:
        inner = [(head, begin, stop, wire) for head, begin, stop, wire in fields(raw[start:end]) if wire == 2 and stop > begin]
        chosen = [one for one in inner if fields(raw[start + one[1] : start + one[2]])]
        if not chosen:
            break
        _, begin, stop, _ = chance.choice(chosen)
        trail.append((start, end))
        start, end = start + begin, start + stop
    found = fields(raw[start:end])
    if not found:
        return _bytes(raw, chance)
    head, begin, stop, wire = chance.choice(found)
    part = raw[start:end]
    one, tag = part[head:stop], part[head:begin]
    way = chance.randrange(7)
    if way == 0:
        what, changed = "removed", b""
    elif way == 1:
        what, changed = "many times", one * chance.choice((2, 1000)) if len(one) < 2000 else one * 2
    elif way == 2:
        number = chance.choice(_NUMBERS)
        what, changed = f"= {number}", varint(_tag(tag) & ~7) + varint(number)
    elif way == 3:
        what, changed = "of 8 bytes", varint(_tag(tag) & ~7 | 1) + chance.choice((b"\0" * 8, b"\xff" * 8, struct.pack("<d", float("nan"))))
    elif way == 4 and wire == 2:
        content = one[len(tag) :]
        deep = chance.choice((3, 150, 20_000))
        for _ in range(deep):
            if len(content) > 400_000:
                break
            content = varint(_tag(tag) & ~7 | 2) + varint(len(content)) + content
        what, changed = f"{deep} times within itself", content
    else:
        text = chance.choice((b"", b"\xff\xfe", b"x" * 5000, b"../../etc/passwd", b"Lambda", b"-1", chance.randbytes(16)))
        what, changed = f"= {text[:12]!r}", varint(_tag(tag) & ~7 | 2) + varint(len(text)) + text
    content = part[:head] + changed + part[stop:]
    # Every message around it is as long as what is in it now.
    for outer_start, outer_end in reversed(trail):
        around = raw[outer_start:outer_end]
        place = next((f for f in fields(around) if outer_start + f[1] == start and outer_start + f[2] == end), None)
        if place is None:
            return _bytes(raw, chance)
        content = around[: place[0]] + varint(_first(around[place[0] :])) + varint(len(content)) + content + around[place[2] :]
        start, end = outer_start, outer_end
    return f"field {_tag(tag) >> 3} in message {len(trail)} deep {what}", content


def fields(raw: bytes) -> list[tuple[int, int, int, int]]:
    """Head, content, end and type of each field of a message; nothing, if the bytes are no message."""
    found: list[tuple[int, int, int, int]] = []
    place = 0
    while place < len(raw):
        head = place
        tag, place = _read(raw, place)
        wire = tag & 7
        if place < 0 or tag >> 3 == 0 or wire in (3, 4, 6, 7) or tag >> 3 > 1 << 20:
            return []
        begin = place
        if wire == 0:
            _, place = _read(raw, place)
        elif wire == 2:
            size, begin = _read(raw, place)
            place = begin + size if begin >= 0 else -1
        else:
            place += 8 if wire == 1 else 4
        if place < 0 or place > len(raw):
            return []
        found.append((head, begin, place, wire))
        if len(found) > 20_000:
            break
    return found


def varint(value: int) -> bytes:
    """A number of changing length."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _first(raw: bytes) -> int:
    return _read(raw, 0)[0]


_tag = _first


def _read(raw: bytes, place: int) -> tuple[int, int]:
    found = shift = 0
    while place < len(raw) and shift < 70:
        found |= (raw[place] & 0x7F) << shift
        place += 1
        if raw[place - 1] < 0x80:
            return found, place
        shift += 7
    return 0, -1


# -- text -----------------------------------------------------------------------------------------------------------------


def _text(raw: bytes, chance: random.Random) -> Damage:
    tokens = list(_TOKEN.finditer(raw))
    if not tokens:
        return _bytes(raw, chance)
    one, other = chance.choice(tokens), chance.choice(tokens)
    way = chance.randrange(5)
    if way == 0:
        return f"{one.group()[:20]!r} removed", raw[: one.start()] + raw[one.end() :]
    if way == 1:
        return f"{one.group()[:20]!r} in place of {other.group()[:20]!r}", raw[: other.start()] + one.group() + raw[other.end() :]
    if way == 2:
        line = raw[: one.start()].rfind(b"\n") + 1
        end = raw.find(b"\n", one.end())
        part = raw[line : end if end >= 0 else len(raw)]
        return f"the line {part[:30]!r} again", raw[:line] + (part + b"\n") * chance.choice((2, 500)) + raw[line:]
    word = chance.choice((*_WORDS, *map(str, _NUMBERS))).encode()
    return f"{word[:20]!r} in place of {one.group()[:20]!r}", raw[: one.start()] + word + raw[one.end() :]


def _is_json(raw: bytes) -> bool:
    return raw[:1] in (b"{", b"[")


def _is_text(raw: bytes) -> bool:
    return b"\0" not in raw[:4096] and raw[:1] != b"\x80" and sum(byte < 9 or 13 < byte < 32 for byte in raw[:4096]) == 0


def _is_protobuf(raw: bytes) -> bool:
    return bool(fields(raw)) and not _is_text(raw)


_KINDS: list[tuple[Callable[[bytes], bool], Callable[..., Damage]]] = [
    (lambda raw: raw[:4] == b"PK\x03\x04", _zip),
    (lambda raw: raw[:2] == b"\x1f\x8b", _gzip),
    (_is_json, _json),
    (lambda raw: raw[:8] == b"\x89HDF\r\n\x1a\n", _hdf5),
    (_is_protobuf, _protobuf),
    (_is_text, _text),
]
