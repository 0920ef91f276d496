"""Every function of rows, on edge values: Polars gives what plain Python says, and Spark gives what Polars gives."""

from __future__ import annotations

import inspect
import math
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from lamina.data.expressions import Call, list_functions, parse
from lamina.data.expressions.functions.strings import WHITE

NAN, INF = float("nan"), float("inf")
ZURICH = ZoneInfo("Europe/Zurich")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


COLUMNS: dict[str, tuple[str, list[Any]]] = {
    "i": ("integer", [7, -7, 0, None, 1, -1, 2**63 - 1, -(2**63), 3, 5, 100, 12345, -3, 2**53 + 1, -(2**63), 2]),
    "j": ("integer", [3, 3, 0, 2, None, -1, -1, -1, -3, 0, 2**40, 10, 2, -2, 3, 1]),
    "x": ("float", [1.5, -2.5, 0.0, None, NAN, INF, -INF, 0.5, -0.7, 2.675, 1e17, 1e-20, -1e-20, 3.0, 5.0, -5.0]),
    "y": ("float", [2.0, 0.0, 0.0, 1.0, 1.0, 3.0, INF, -1.1, NAN, 0.1, 3.0, 1.0, 1.0, None, INF, INF]),
    "s": (
        "string",
        [
            "Bern",
            " Zürich\t",
            "",
            None,
            "İSTANBUL ẞß ﬁ",
            "ΑΣ σας",
            "a,b,,c",
            "xé👩‍🚒\u3000y",
            "they're bill's ÖL",
            "00012.50",
            "a\nb\n",
            "id 42, ID 7; aab abb",
            "$1 \\ (x) [y]",
            "tom@example.org",
            ",",
            "Hello, World",
        ],
    ),
    "u": (
        "string",
        ["12", "+1", " 1", "-0", "1.5", "1e3", "inf", "-Infinity", "NaN", ".5", "5.", "1e400", "yes", None, "9223372036854775808", "FALSE"],
    ),
    "p": ("boolean", [True, True, True, False, False, False, None, None, None, True, True, False, False, True, False, True]),
    "q": ("boolean", [True, False, None, True, False, None, True, False, None, True, True, False, False, True, False, True]),
    "t": (
        "time",
        [
            utc(1970, 1, 1),
            utc(1969, 12, 31, 23, 59, 59, 123456),
            utc(2021, 3, 28, 0, 59, 59, 999999),
            utc(2021, 3, 28, 1),
            utc(2021, 10, 31, 0, 30),
            utc(2021, 10, 31, 1, 30, 5, 7),
            utc(2024, 2, 29, 12, 34, 56, 789012),
            None,
            utc(1900, 1, 1),
            utc(2000, 12, 31, 23, 30),
            utc(2021, 1, 31, 13),
            utc(2020, 12, 31, 22, 59, 59),
            utc(1, 6, 1),
            utc(2027, 1, 3, 23),
            utc(9999, 12, 1, 1, 2, 3),
            utc(1985, 7, 15, 12),
        ],
    ),
    "w": (
        "string",
        [
            "2021-03-28 02:30:00",
            "2021-10-31 02:30:00",
            "2021-02-30 00:00:00",
            "2021-1-2 3:4:5",
            "1969-07-20 20:17:40",
            None,
            "2021-01-02  03:04:05",
            "2021-01-02 03:04:05 ",
            "2021-13-01 00:00:00",
            "2021-01-02 24:00:00",
            "2021-01-02 03:04:60",
            "٢٠٢١-01-02 03:04:05",
            "0001-01-01 00:00:00",
            "9999-12-31 23:59:59",
            "2024-02-29 00:00:00",
            "+2021-01-02 03:04:05",
        ],
    ),
    "n": (
        "string",
        [
            "3. Mar 99 at 07:05 pm",
            "03. MAR 69 at 12:00 AM",
            "31. dec 00 at 12:59 PM",
            None,
            "",
            "1. Foo 20 at 1:00 am",
            *["12. jul 68 at 11:11 Am"] * 10,
        ],
    ),
    "o": (
        "string",
        [
            "2021-03-28T02:30:00.5+0200",
            "2021-03-28T02:30:00.123456Z",
            "1969-12-31T23:59:59.000001-05:30",
            None,
            "x",
            "2021-03-28T02:30:00+0200",
            *["2021-06-01T00:00:00.25+01:00"] * 10,
        ],
    ),
    "a": (
        "array",
        [
            [1.0, 2.0, 3.0],
            [1.0],
            [],
            None,
            [0.0, 0.0],
            [1.0, None, 2.0],
            [NAN, 1.0],
            [INF, 1.0],
            [3.0, 4.0],
            [1.0, 2.0],
            [-1.0, 1e-3],
            [5.0],
            [2.0, 2.0],
            [None],
            [1e200, 1e200],
            [-2.0, 7.0],
        ],
    ),
    "b": (
        "array",
        [
            [4.0, -5.0, 6.0],
            [2.0],
            [],
            [1.0],
            [1.0, 1.0],
            [1.0, 1.0, 1.0],
            [1.0, 1.0],
            [1.0, 1.0],
            [4.0, 3.0],
            [1.0],
            [2.0, 5.0],
            None,
            [2.0, 2.0],
            [1.0],
            [1.0, 1.0],
            [0.5, 0.25],
        ],
    ),
    "lat": ("float", [46.95, 90.0, -33.9, None, 0.0, 0.0, NAN, 51.5, 46.95, 10.0, 10.0, 1.0, 2.0, 3.0, -90.0, 47.56]),
    "lon": ("float", [7.45, 0.0, 151.2, 1.0, 0.0, 179.9, 1.0, -0.1, 7.45, 20.0, -160.0, 1.0, 1.0, 1.0, 0.0, 7.59]),
    "marital-status": ("categorical", ["a", "b", None, "a", *["c"] * 12]),
}


def raw(function: Callable[..., Any]) -> Callable[..., Any]:
    """Of an oracle that is given missing values too."""
    function.raw = True  # type: ignore[attr-defined]
    return function


def fit(number: int | None) -> int | None:
    """Missing if it doesn't fit in 64 bits."""
    return number if number is not None and -(2**63) <= number < 2**63 else None


def ieee(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's arithmetic of floats, with the parameters of the function."""

    def call(*values: Any) -> Any:
        with np.errstate(all="ignore"):
            return float(function(*[np.float64(value) for value in values]))

    plain = {1: lambda x: x, 2: lambda x, y: x}.get(getattr(function, "nin", 0), function)
    call.__signature__ = inspect.signature(plain)  # type: ignore[attr-defined]
    return call


def key(value: Any) -> tuple[bool, Any]:
    """Orders with NaN above all."""
    return (isinstance(value, float) and math.isnan(value), 0 if isinstance(value, float) and math.isnan(value) else value)


def of_text(text: str) -> float | None:
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", text):
        return float(text)
    return float(text) if re.fullmatch(r"[+-]?(nan|inf|infinity)", text.lower()) else None


def whole(text: str) -> int | None:
    return fit(int(text)) if re.fullmatch(r"[+-]?[0-9]{1,19}", text) else None


def strptime(text: str, form: str, zone: ZoneInfo | Any) -> datetime | None:
    try:
        read = datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return None
    if text != text.strip() or "  " in text or text.startswith("+") or not text.isascii():
        return None  # Python is laxer about these.
    local = read if read.tzinfo else read.replace(tzinfo=zone)
    try:
        instant = local.astimezone(UTC)
    except OverflowError:
        return None
    if read.tzinfo is None and instant.astimezone(zone).replace(tzinfo=None) != read:
        return None  # The clocks left this hour out.
    return instant


class Unsaid(Exception):
    """The oracle says nothing: Python has no such time."""


def local(t: datetime, zone: ZoneInfo = ZURICH) -> datetime:
    if t.year == 1:
        raise Unsaid
    return t.astimezone(zone)


def kept_clock(t: datetime, change: Callable[[datetime], datetime], zone: Any = ZURICH) -> datetime | None:
    """Changes what clocks show, and finds the first instant that they show it."""
    if zone is ZURICH and t.year == 1:
        raise Unsaid
    try:
        changed = change(t.astimezone(zone).replace(tzinfo=None, fold=0))
        if not 1 <= changed.year <= 9999:
            return None
        instant = changed.replace(tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return instant if instant.astimezone(zone).replace(tzinfo=None) == changed else None


def months_later(t: datetime, n: int) -> datetime:
    total = t.year * 12 + t.month - 1 + n
    year, month = divmod(total, 12)
    last = (datetime(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day  # noqa: DTZ001
    return t.replace(year=year, month=month + 1, day=min(t.day, last))


def great_circle(a: float, b: float, c: float, d: float) -> float:
    """The distance by vectors, another way than the haversine."""
    one, two = [
        np.array([math.cos(p) * math.cos(q), math.cos(p) * math.sin(q), math.sin(p)])
        for p, q in ((math.radians(a), math.radians(b)), (math.radians(c), math.radians(d)))
    ]
    return 6371.0088 * math.atan2(float(np.linalg.norm(np.cross(one, two))), float(one @ two))


def bucket(text: str, buckets: int, seed: int = 0) -> int:
    """As the documentation says, in 64-bit arithmetic of Python."""

    def mix(h: int) -> int:
        h = ((h >> 16) ^ h) * 0x45D9F3B % 2**32
        h = ((h >> 16) ^ h) * 0x45D9F3B % 2**32
        return (h >> 16) ^ h

    return mix(zlib.crc32(text.encode("utf-8")) ^ mix(seed % 2**32)) % buckets


def no_missing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Missing for arrays with a missing element, or of different lengths."""

    def call(*arrays: Any) -> Any:
        if any(None in array for array in arrays) or len({len(array) for array in arrays}) > 1:
            return None
        with np.errstate(all="ignore"):
            return float(function(*[np.array(array, dtype=float) for array in arrays]))

    call.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return call


def present(array: list[Any]) -> list[float]:
    return [one for one in array if one is not None]


def fully(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.ASCII) is not None


def kleene_and(p: Any, q: Any) -> Any:
    return False if p is False or q is False else None if p is None or q is None else True


CASES: list[tuple[str, Callable[..., Any]]] = [
    # operators
    ("i + j", lambda i, j: fit(i + j)),
    ("i - j", lambda i, j: fit(i - j)),
    ("i * j", lambda i, j: fit(i * j)),
    ("i / j", ieee(lambda i, j: i / j)),
    ("i // j", lambda i, j: fit(i // j) if j else None),
    ("i % j", lambda i, j: i % j if j else None),
    ("i // 2", lambda i: i // 2),
    ("i % -3", lambda i: i % -3),
    ("-i", lambda i: fit(-i)),
    ("x + y", ieee(lambda x, y: x + y)),
    ("x - y", ieee(lambda x, y: x - y)),
    ("x * y", ieee(lambda x, y: x * y)),
    ("x / y", ieee(lambda x, y: x / y)),
    ("x / 4", ieee(lambda x: x / 4)),
    ("x // y", ieee(lambda x, y: np.floor(x / y))),
    ("x % y", ieee(lambda x, y: np.mod(x, y))),
    ("-x", lambda x: -x),
    ("x ** y", ieee(lambda x, y: np.power(x, y))),
    ("x ** 2", ieee(lambda x: np.power(x, 2.0))),
    ("1.0 ** y", ieee(lambda y: np.power(1.0, y))),
    ("(-1.0) ** y", ieee(lambda y: np.power(-1.0, y))),
    ("j ** 2", ieee(lambda j: j**2.0)),
    ("i + x", ieee(lambda i, x: i + x)),
    ("i < j", lambda i, j: i < j),
    ("i <= j", lambda i, j: i <= j),
    ("x > y", lambda x, y: key(x) > key(y)),
    ("x >= y", lambda x, y: key(x) >= key(y)),
    ("x == y", lambda x, y: key(x) == key(y)),
    ("x != y", lambda x, y: key(x) != key(y)),
    ("x < 1", lambda x: key(x) < key(1.0)),
    ("s == 'Bern'", lambda s: s == "Bern"),
    ("s < 'a'", lambda s: s.encode() < b"a"),
    ("p == q", lambda p, q: p == q),
    ("t >= parse_time('2000-01-01', '%Y-%m-%d')", lambda t: t >= utc(2000, 1, 1)),
    ("0 < i <= 100", lambda i: 0 < i <= 100),
    ("p and q", raw(kleene_and)),
    ("p or q", raw(lambda p, q: True if p is True or q is True else None if p is None or q is None else False)),
    ("p and q and i > 0", raw(lambda p, q, i: kleene_and(kleene_and(p, q), None if i is None else i > 0))),
    ("not p", lambda p: not p),
    ("exactly_one(p, q)", lambda p, q: p != q),
    ("s in ['Bern', '']", lambda s: s in ("Bern", "")),
    ("s not in ['Bern', '']", lambda s: s not in ("Bern", "")),
    ("i in [7, -7, 2.5]", lambda i: i in (7, -7)),
    ("x in [1.5, 3]", lambda x: x in (1.5, 3.0)),
    ("col('marital-status') == 'a'", lambda **row: None if row["marital-status"] is None else row["marital-status"] == "a"),
    ("col('marital-status') in ['a', 'c']", lambda **row: None if row["marital-status"] is None else row["marital-status"] in "ac"),
    # conditions
    ("is_missing(x)", raw(lambda x: x is None)),
    ("s is not None", raw(lambda s: s is not None)),
    ("is_missing(None)", raw(lambda: True)),
    ("is_nan(x)", math.isnan),
    ("is_infinite(x)", math.isinf),
    ("is_finite(x)", math.isfinite),
    ("is_finite(i)", lambda i: True),
    ("coalesce(x, y, 0)", raw(lambda x, y: x if x is not None else y if y is not None else 0.0)),
    ("if_missing(i, 0.5)", raw(lambda i: 0.5 if i is None else float(i))),
    ("if_missing(s, '?')", raw(lambda s: "?" if s is None else s)),
    ("missing_if(i, 7)", lambda i: None if i == 7 else i),
    ("missing_if(s, '')", lambda s: s or None),
    ("missing_if(i, j)", raw(lambda i, j: None if i is None or i == j else i)),
    ("where(p, i, j)", raw(lambda p, i, j: i if p else j)),
    ("i if p else x", raw(lambda p, i, x: None if (i if p else x) is None else float(i if p else x))),
    ("where(i > 0, 'plus', None)", raw(lambda i: "plus" if i is not None and i > 0 else None)),
    ("between(i, 0, 100)", lambda i: 0 <= i <= 100),
    ("between(s, 'A', 'Z')", lambda s: "A" <= s <= "Z"),
    ("is_integer(u)", lambda u: whole(u) is not None),
    ("is_number(u)", lambda u: of_text(u) is not None),
    # mathematics
    ("abs(i)", lambda i: fit(abs(i))),
    ("abs(x)", abs),
    ("ceil(x)", ieee(np.ceil)),
    ("floor(x)", ieee(np.floor)),
    ("floor(i)", lambda i: i),
    ("round(x)", ieee(lambda x: np.round(x))),
    ("round(x, 2)", ieee(lambda x: np.round(x, 2) if abs(x) < 1e15 else x)),
    ("round(x * 1e3, -2)", ieee(lambda x: np.round(x * 1e3 / 100) * 100)),
    ("round(missing_if(j, 1099511627776), -1)", lambda j: round(j, -1) if j != 2**40 else None),
    ("sign(i)", lambda i: (i > 0) - (i < 0)),
    ("sign(x)", ieee(np.sign)),
    ("sqrt(x)", ieee(np.sqrt)),
    ("exp(x)", ieee(np.exp)),
    ("expm1(x)", ieee(np.expm1)),
    ("log(x)", ieee(np.log)),
    ("log(x, 3)", ieee(lambda x: np.log(x) / np.log(3))),
    ("log1p(x)", ieee(np.log1p)),
    ("log1p(-x)", ieee(lambda x: np.log1p(-x))),
    ("log2(x)", ieee(np.log2)),
    ("log10(x)", ieee(np.log10)),
    ("log(i)", ieee(lambda i: np.log(i))),
    ("sin(x)", ieee(np.sin)),
    ("cos(x)", ieee(np.cos)),
    ("tan(x)", ieee(np.tan)),
    ("asin(x)", ieee(np.arcsin)),
    ("acos(x)", ieee(np.arccos)),
    ("atan(x)", ieee(np.arctan)),
    ("atan2(x, y)", ieee(np.arctan2)),
    ("sinh(x)", ieee(np.sinh)),
    ("cosh(x)", ieee(np.cosh)),
    ("tanh(x)", ieee(np.tanh)),
    ("degrees(x)", ieee(np.degrees)),
    ("radians(x)", ieee(np.radians)),
    ("min_of(x, y, 0)", raw(lambda x, y: min([v for v in (x, y, 0.0) if v is not None], key=key))),
    ("max_of(x, y)", raw(lambda x, y: max([v for v in (x, y) if v is not None], key=key, default=None))),
    ("min_of(i, j)", raw(lambda i, j: min([v for v in (i, j) if v is not None], default=None))),
    ("max_of(s, 'b')", raw(lambda s: max([v for v in (s, "b") if v is not None], key=str.encode))),
    ("clip(x, -1, 1)", lambda x: x if math.isnan(x) else min(max(x, -1.0), 1.0)),
    ("clip(i, 0, 5)", lambda i: min(max(i, 0), 5)),
    ("clip(i, None, 5)", lambda i: min(i, 5)),
    ("clip(x, 0)", lambda x: x if math.isnan(x) else max(x, 0.0)),
    ("integer(u)", whole),
    ("integer(x)", lambda x: fit(int(x)) if math.isfinite(x) else None),
    ("integer(p)", int),
    ("float(u)", of_text),
    ("float(i)", float),
    ("float(p)", float),
    ("boolean(u)", lambda u: {"yes": True, "false": False}.get(u.lower())),
    ("boolean(i)", bool),
    ("boolean(x)", bool),
    ("string(i)", str),
    ("string(p)", lambda p: str(p).lower()),
    ("float(string(x))", lambda x: x),
    ("string(s)", lambda s: s),
    # strings
    ("lower(s)", str.lower),
    ("upper(s)", str.upper),
    ("title(s)", lambda s: re.sub(r"[^\W_]+", lambda m: m[0][:1].upper() + m[0][1:].lower(), s) if s.isascii() else ...),
    ("strip(s)", lambda s: s.strip(WHITE)),
    ("lstrip(s, '0 ')", lambda s: s.lstrip("0 ")),
    ("rstrip(s, '.0\\n')", lambda s: s.rstrip(".0\n")),
    ("lstrip(s)", lambda s: s.lstrip(WHITE)),
    ("rstrip(s)", lambda s: s.rstrip(WHITE)),
    ("remove_whitespace(s)", lambda s: "".join(letter for letter in s if letter not in WHITE)),
    ("length(s)", len),
    ("reverse(s)", lambda s: s[::-1]),
    ("concat(s, '-', u)", lambda s, u: f"{s}-{u}"),
    ("contains(s, 'b')", lambda s: "b" in s),
    ("contains(s, u)", lambda s, u: u in s),
    ("contains(s, '[y]')", lambda s: "[y]" in s),
    ("starts_with(s, 'a')", lambda s: s.startswith("a")),
    ("ends_with(s, 'c')", lambda s: s.endswith("c")),
    (r"matches(s, r'[A-Za-z\']+( [a-z\']+)*')", lambda s: fully(r"[A-Za-z']+( [a-z']+)*", s)),
    (r"matches(s, r'.*')", lambda s: fully(".*", s)),
    (r"matches(s, r'\w+@\w+\.\w{2,3}')", lambda s: fully(r"\w+@\w+\.\w{2,3}", s)),
    (r"contains_regex(s, r'\bb')", lambda s: re.search(r"\bb", s, re.ASCII) is not None),
    (r"contains_regex(s, r'b$')", lambda s: re.search(r"b\Z", s) is not None),
    (r"contains_regex(s, r'(?i)ID \d')", lambda s: re.search(r"[Ii][Dd] [0-9]", s) is not None),
    (r"contains_regex(s, r'[^\x00-\x7f]')", lambda s: not s.isascii()),
    (r"contains_regex(s, r'(a|b){2}')", lambda s: re.search(r"(a|b){2}", s) is not None),
    (r"extract_regex(s, r'(\d+), ID (\d+)', 2)", lambda s: m[2] if (m := re.search(r"([0-9]+), ID ([0-9]+)", s)) else None),
    (r"extract_regex(s, r'(b)?c|a')", lambda s: m[1] if (m := re.search(r"(b)?c|a", s)) else None),
    (r"extract_regex(s, r'l+?', 0)", lambda s: m[0] if (m := re.search(r"l+?", s)) else None),
    (r"replace_regex(s, r'(a)(b+)', '$2-${1}1$$\\')", lambda s: re.sub(r"(a)(b+)", lambda m: m[2] + "-" + m[1] + "1$\\", s)),
    (r"replace_regex(s, r'(?:a|b)+', '')", lambda s: re.sub("(?:a|b)+", "", s)),
    ("replace(s, 'b', '$1')", lambda s: s.replace("b", "$1")),
    ("replace(s, '$1', '')", lambda s: s.replace("$1", "")),
    ("slice(s, 1, 3)", lambda s: s[1:3]),
    ("slice(s, -3)", lambda s: s[-3:]),
    ("slice(s, -5, -2)", lambda s: s[-5:-2]),
    ("slice(s, 2, -1)", lambda s: s[2:-1]),
    ("slice(s, 4, 2)", lambda s: s[4:2]),
    ("slice(s, -2, 5)", lambda s: s[-2:5]),
    ("split(s, ',', 1)", lambda s: dict(enumerate(s.split(","))).get(1)),
    ("split(s, ',', -1)", lambda s: s.split(",")[-1]),
    ("split(s, '. ', 0)", lambda s: s.split(". ")[0]),
    ("split_list(s, ',')", lambda s: s.split(",")),
    ("split_list(s, '[')", lambda s: s.split("[")),
    ("pad_left(s, 9, '0')", lambda s: s.rjust(9, "0")),
    ("pad_right(s, 9, 'é')", lambda s: s.ljust(9, "é")),
    ("first_digit(i)", lambda i: int(str(abs(i)).lstrip("0")[0]) if i else None),
    ("first_digit(x)", lambda x: int(m[0]) if (m := re.search("[1-9]", repr(x))) else None),
    # times
    ("parse_time(w, '%Y-%m-%d %H:%M:%S')", lambda w: strptime(w, "%Y-%m-%d %H:%M:%S", UTC)),
    ("parse_time(w, '%F %T', 'Europe/Zurich')", lambda w: strptime(w, "%Y-%m-%d %H:%M:%S", ZURICH)),
    ("parse_time(n, '%d. %b %y at %I:%M %p', 'Europe/Zurich')", lambda n: strptime(n, "%d. %b %y at %I:%M %p", ZURICH)),
    ("parse_time(o, '%Y-%m-%dT%H:%M:%S.%f%z')", lambda o: strptime(o, "%Y-%m-%dT%H:%M:%S.%f%z", UTC)),
    ("parse_time(replace(u, '1.5', '20210305'), '%Y%m%d')", lambda u: utc(2021, 3, 5) if u == "1.5" else None),
    ("format_time(t, '%Y-%m-%d %H:%M:%S.%f')", lambda t: f"{t.year:04}" + t.strftime("-%m-%d %H:%M:%S.%f")),
    (
        "format_time(t, '%a %A %b %B %d %I %p %j %y 100%%', 'Europe/Zurich')",
        lambda t: local(t).strftime("%a %A %b %B %d %I %p %j %y 100%%"),
    ),
    ("year(t)", lambda t: t.year),
    ("year(t, 'Europe/Zurich')", lambda t: local(t).year),
    ("quarter(t)", lambda t: (t.month + 2) // 3),
    ("month(t)", lambda t: t.month),
    ("week(t)", lambda t: t.isocalendar().week),
    ("day(t, 'Europe/Zurich')", lambda t: local(t).day),
    ("day_of_year(t)", lambda t: t.timetuple().tm_yday),
    ("day_of_week(t)", lambda t: t.isoweekday()),
    ("hour(t)", lambda t: t.hour),
    ("hour(t, 'Europe/Zurich')", lambda t: local(t).hour),
    ("hour(to_zone(t, 'Asia/Kolkata'))", lambda t: local(t, ZoneInfo("Asia/Kolkata")).hour),
    ("minute(t)", lambda t: t.minute),
    ("second(t)", lambda t: t.second),
    ("millisecond(t)", lambda t: t.microsecond // 1000),
    ("is_weekend(t, 'Europe/Zurich')", lambda t: local(t).isoweekday() >= 6),
    ("epoch_seconds(t)", lambda t: (t - utc(1970, 1, 1)) // timedelta(seconds=1)),
    ("epoch_milliseconds(t)", lambda t: (t - utc(1970, 1, 1)) // timedelta(milliseconds=1)),
    ("from_epoch_seconds(i)", lambda i: utc(1970, 1, 1) + timedelta(seconds=i) if abs(i) < 10**9 else None),
    ("from_epoch_milliseconds(j, 'Europe/Zurich')", lambda j: utc(1970, 1, 1) + timedelta(milliseconds=j)),
    ("add_time(t, 3, 'hour')", lambda t: t + timedelta(hours=3)),
    ("add_time(to_zone(t, 'Europe/Zurich'), 1, 'day')", lambda t: kept_clock(t, lambda c: c + timedelta(days=1))),
    ("add_time(t, i, 'week')", lambda t, i: kept_clock(t, lambda c: c + timedelta(weeks=i), UTC)),
    (
        "add_time(to_zone(t, 'Europe/Zurich'), j, 'month')",
        lambda t, j: kept_clock(t, lambda c: months_later(c, j)) if t.year > 1 and abs(j) < 12_000 else ...,
    ),
    ("add_time(t, 1, 'month')", lambda t: kept_clock(t, lambda c: months_later(c, 1), UTC)),
    ("add_time(t, -1, 'quarter')", lambda t: kept_clock(t, lambda c: months_later(c, -3), UTC)),
    ("add_time(t, 1, 'year')", lambda t: kept_clock(t, lambda c: months_later(c, 12), UTC) if t.year < 9999 else None),
    ("time_difference(t, parse_time('2000-01-01', '%Y-%m-%d'), 'hour')", lambda t: (t - utc(2000, 1, 1)) / timedelta(hours=1)),
    ("time_difference(t, from_epoch_seconds(0))", lambda t: (t - utc(1970, 1, 1)) / timedelta(seconds=1)),
    ("truncate_time(t, 'minute')", lambda t: t.replace(second=0, microsecond=0)),
    (
        "truncate_time(to_zone(t, 'Asia/Kolkata'), 'hour')",
        lambda t: local(t, ZoneInfo("Asia/Kolkata")).replace(minute=0, second=0, microsecond=0).astimezone(UTC),
    ),
    (
        "truncate_time(to_zone(t, 'Europe/Zurich'), 'day')",
        lambda t: kept_clock(t, lambda c: c.replace(hour=0, minute=0, second=0, microsecond=0)),
    ),
    (
        "truncate_time(t, 'week')",
        lambda t: (t - timedelta(days=t.weekday())).replace(hour=0, minute=0, second=0, microsecond=0) if t.year > 1 else ...,
    ),
    ("truncate_time(t, 'month')", lambda t: utc(t.year, t.month, 1)),
    ("truncate_time(t, 'quarter')", lambda t: utc(t.year, (t.month - 1) // 3 * 3 + 1, 1)),
    ("truncate_time(t, 'year')", lambda t: utc(t.year, 1, 1)),
    ("truncate_time(t, 'second')", lambda t: t.replace(microsecond=0)),
    (
        "replace_zone(t, 'Europe/Zurich')",
        lambda t: (
            kept_clock(t, lambda c: c, UTC) and strptime(f"{t:%Y-%m-%d %H:%M:%S}.{t.microsecond:06}", "%Y-%m-%d %H:%M:%S.%f", ZURICH)
            if t.year > 1000
            else ...
        ),
    ),
    ("cycle_sin(hour(t), 24)", lambda t: math.sin(2 * math.pi * t.hour / 24)),
    ("cycle_cos(i, 7)", lambda i: math.cos(2 * math.pi / 7 * i) if abs(i) < 10**9 else ...),
    # arrays
    ("pack(x, 1, i)", raw(lambda x, i: [x, 1.0, None if i is None else float(i)])),
    ("element(a, 0)", lambda a: a[0] if a else None),
    ("element(a, -2)", lambda a: a[-2] if len(a) > 1 else None),
    ("element(split_list(s, ','), 0)", lambda s: s.split(",")[0]),
    ("array_length(a)", len),
    ("array_sum(a)", lambda a: math.fsum(present(a))),
    ("array_mean(a)", lambda a: math.fsum(present(a)) / len(present(a)) if present(a) else None),
    ("array_min(a)", lambda a: float(np.min(present(a))) if present(a) else None),
    ("array_max(a)", lambda a: float(np.max(present(a))) if present(a) else None),
    ("norm(a)", no_missing(lambda a: np.sqrt(np.sum(a * a)))),
    ("dot(a, b)", no_missing(lambda a, b: np.dot(a, b))),
    ("cosine_distance(a, b)", no_missing(lambda a, b: 1 - np.dot(a, b) / (np.sqrt(np.dot(a, a)) * np.sqrt(np.dot(b, b))))),
    ("euclidean_distance(a, b)", no_missing(lambda a, b: np.sqrt(np.sum((a - b) ** 2)))),
    ("manhattan_distance(a, b)", no_missing(lambda a, b: np.sum(abs(a - b)))),
    ("array_contains(a, 1)", lambda a: 1.0 in a),
    ("array_contains(split_list(s, ','), 'b')", lambda s: "b" in s.split(",")),
    # hashing and geography
    ("hash_bucket(s, 1000)", lambda s: bucket(s, 1000)),
    ("hash_bucket(s, 7, 12345)", lambda s: bucket(s, 7, 12345)),
    ("hash_bucket(i, 2147483648, -1)", lambda i: bucket(str(i), 2**31, -1)),
    ("hash_bucket(p, 2)", lambda p: bucket("true" if p else "false", 2)),
    ("haversine(lat, lon, 46.95, 7.45)", lambda lat, lon: great_circle(lat, lon, 46.95, 7.45)),
    ("haversine(lat, lon, lon / 3, lat)", lambda lat, lon: great_circle(lat, lon, lon / 3, lat)),
    # constants alone
    ("1 + 2", raw(lambda: 3)),
    ("hash_bucket('a', 10)", raw(lambda: bucket("a", 10))),
    ("string(2.5)", raw(lambda: "2.5")),
    ("5.5 % 2", raw(lambda: 1.5)),
]


def expected(text: str, oracle: Callable[..., Any], row: dict[str, Any]) -> Any:
    """What the oracle says for a row; an ellipsis says nothing."""
    names = ["value"] if isinstance(oracle, type) else list(inspect.signature(oracle).parameters)
    if names == ["row"]:
        return oracle(**row)
    if not getattr(oracle, "raw", False) and not {*names} <= {*row}:
        names = [*parse(text).columns]  # Of a function of Python, whose parameter is called anything.
    values = [row[name] for name in names]
    missing = any(value is None for value in values) and not getattr(oracle, "raw", False)
    try:
        return None if missing else oracle(*values)
    except Unsaid:
        return ...


@pytest.fixture(scope="module")
def results(engines: Callable[..., Any]) -> dict[str, Any]:
    """Values of all cases, made once."""
    table = engines(COLUMNS)
    texts = [text for text, _ in CASES]
    return {"table": table, "polars": dict(zip(texts, table.polars(texts), strict=True))}


@pytest.fixture(scope="module")
def on_spark(results: dict[str, Any], interpreted: None) -> dict[str, Any]:
    texts = [text for text, _ in CASES]
    return dict(zip(texts, results["table"].spark(texts), strict=True))


@pytest.mark.parametrize(("text", "oracle"), CASES, ids=[text for text, _ in CASES])
def test_polars_gives_what_python_says(text: str, oracle: Callable[..., Any], results: dict[str, Any], equal: Callable[..., bool]) -> None:
    for row, found in zip(results["table"].rows, results["polars"][text], strict=True):
        wanted = expected(text, oracle, row)
        if wanted is not ...:
            assert equal(found, wanted), f"{found!r} for {wanted!r} in {row}"


@pytest.mark.parametrize("text", [text for text, _ in CASES])
def test_spark_gives_what_polars_gives(text: str, results: dict[str, Any], on_spark: dict[str, Any], equal: Callable[..., bool]) -> None:
    for row, one, other in zip(results["table"].rows, results["polars"][text], on_spark[text], strict=True):
        assert equal(one, other), f"{one!r} on Polars, {other!r} on Spark, in {row}"


def test_every_function_of_rows_is_among_the_cases() -> None:
    called = {node.function for text, _ in CASES for node in parse(text).walk() if isinstance(node, Call)}
    assert {function.name for function in list_functions() if function.level == "row" and function.group != "own"} <= called
