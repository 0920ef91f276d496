"""Times from texts and back, on both engines, by the parts that a format names."""

from __future__ import annotations

from typing import Any

from lamina.data.expressions.formats import DAYS, MONTHS, SHORT_MONTHS, TimeFormat, take_apart
from lamina.data.expressions.functions.clocks import from_local_polars, from_local_spark, local_polars, local_spark, zone_of
from lamina.data.expressions.functions.function import At

_PLAIN = {*"YmdHMSf"}


def read_polars(at: At, x: Any, form: Any, zone: Any) -> Any:
    """A text as a time, by a format."""
    parts, target = take_apart(at.values[1]), at.values[2]
    pattern = f"^(?:{parts.pattern})$"
    direct = _direct(parts)
    if direct is not None:
        fitting = at.api.when(x.str.contains(pattern)).then(x)
        local = fitting.str.to_datetime(direct, strict=False, time_unit="us", exact=True)
        return from_local_polars(at, _from_year_1(at, local), target)
    text = _iso_polars(at, x, parts, pattern)
    local = _from_year_1(at, text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us"))
    if "z" not in parts.read:
        return from_local_polars(at, local, target)
    minutes = _offset_polars(at, x.str.extract(pattern, parts.read.index("z") + 1))
    return (local - at.api.duration(minutes=minutes)).dt.replace_time_zone("UTC").dt.convert_time_zone(target)


def _direct(parts: TimeFormat) -> str | None:
    """The format as Polars itself has it, where that reads the same."""
    if not set(parts.read) <= _PLAIN or any(kind and piece not in _PLAIN for kind, piece in parts.pieces):
        return None
    found = ""
    for is_directive, piece in parts.pieces:
        if is_directive and piece == "f":
            if not found.endswith("."):
                return None
            found = found[:-1] + "%.f"
        else:
            found += f"%{piece}" if is_directive else piece.replace("%", "%%")
    # A space is any white space to Polars, which the pattern excludes.
    return found


def _from_year_1(at: At, local: Any) -> Any:
    return at.api.when(local.dt.year() >= 1).then(local)


def _iso_polars(at: At, x: Any, parts: TimeFormat, pattern: str) -> Any:
    """The text as year, month, day, hours, minutes and seconds, in this order."""
    lit = at.api.lit
    found = {piece: x.str.extract(pattern, index + 1) for index, piece in enumerate(parts.read)}
    year = found.get("Y")
    if year is None:
        year = at.api.concat_str([at.api.when(found["y"] >= "69").then(lit("19")).otherwise(lit("20")), found["y"]])
    month = found.get("m")
    if month is None:
        name: Any = found.get("b", found.get("B"))
        months = {short: f"{number:02}" for number, short in enumerate(SHORT_MONTHS, 1)}
        month = name.str.slice(0, 3).str.to_lowercase().replace_strict(months, default=None)
    hour = found.get("H", lit("0"))
    if "I" in found:
        late = at.api.when(found["p"].str.to_lowercase() == "pm").then(12).otherwise(0)
        hour = (found["I"].cast(at.api.Int64) % 12 + late).cast(at.api.String)
    rest = [lit(":"), found.get("M", lit("0")), lit(":"), found.get("S", lit("0")), lit("."), found.get("f", lit("0"))]
    return at.api.concat_str([year, lit("-"), month, lit("-"), found["d"], lit(" "), hour, *rest])


def _offset_polars(at: At, text: Any) -> Any:
    digits = text.str.replace_all("[Z:+-]", "")
    minutes = digits.str.slice(0, 2).cast(at.api.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(at.api.Int64, strict=False)
    signed = at.api.when(text.str.starts_with("-")).then(-minutes).otherwise(minutes)
    return at.api.when(text == "Z").then(0).otherwise(signed)


def read_spark(at: At, x: Any, form: Any, zone: Any) -> Any:
    """A text as a time, by a format."""
    api, parts = at.api, take_apart(at.values[1])
    pattern = rf"\A(?:{parts.pattern})\z"
    found = {piece: api.regexp_extract(x, pattern, index + 1) for index, piece in enumerate(parts.read)}
    lit = api.lit
    year = found.get("Y")
    if year is None:
        year = api.concat(api.when(found["y"] >= "69", "19").otherwise("20"), found["y"])
    month = found.get("m")
    if month is None:
        name = api.lower(api.substring(found.get("b", found.get("B")), 1, 3))
        month = api.array_position(api.array(*[lit(short) for short in SHORT_MONTHS]), name).cast("string")
    hour = found.get("H", lit("0"))
    if "I" in found:
        late = api.when(api.lower(found["p"]) == "pm", 12).otherwise(0)
        hour = (found["I"].try_cast("int") % 12 + late).cast("string")
    rest = [lit(":"), found.get("M", lit("0")), lit(":"), found.get("S", lit("0")), lit("."), found.get("f", lit("0"))]
    text = api.concat(year, lit("-"), month, lit("-"), found["d"], lit(" "), hour, *rest)
    read = api.when(x.rlike(pattern), text).try_cast("timestamp_ntz")
    local = api.when(api.year(read) >= 1, read.cast("timestamp"))
    if "z" not in parts.read:
        return from_local_spark(at, local, at.values[2])
    offset = found["z"]
    digits = api.regexp_replace(offset, "[Z:+-]", "")
    minutes = api.substring(digits, 1, 2).try_cast("int") * 60 + api.substring(digits, 3, 2).try_cast("int")
    signed = api.when(offset == "Z", 0).when(offset.startswith("-"), -minutes).otherwise(minutes)
    return api.timestamp_micros(api.unix_micros(local) - signed.cast("bigint") * 60_000_000)


def written_polars(at: At, t: Any, form: Any, zone: Any) -> Any:
    """A time as a text, by a format."""
    text = ""
    for is_directive, piece in take_apart(at.values[1]).pieces:
        text += (f"%{piece}" if piece != "f" else "%6f") if is_directive else piece.replace("%", "%%")
    return local_polars(at, t, zone_of(at)).dt.to_string(text)


def written_spark(at: At, t: Any, form: Any, zone: Any) -> Any:
    """A time as a text, by a format."""
    api, local = at.api, local_spark(at, t, zone_of(at))

    def digits(number: Any, width: int) -> Any:
        return api.lpad(number.cast("string"), width, "0")

    def named(names: tuple[str, ...], index: Any) -> Any:
        return api.element_at(api.array(*[api.lit(name) for name in names]), index)

    half = (api.hour(local) + 11) % 12 + 1
    made = {
        "Y": lambda: digits(api.year(local), 4),
        "y": lambda: digits(api.year(local) % 100, 2),
        "m": lambda: digits(api.month(local), 2),
        "d": lambda: digits(api.dayofmonth(local), 2),
        "H": lambda: digits(api.hour(local), 2),
        "I": lambda: digits(half, 2),
        "M": lambda: digits(api.minute(local), 2),
        "S": lambda: digits(api.second(local), 2),
        "f": lambda: digits(api.pmod(api.unix_micros(local), api.lit(1_000_000)), 6),
        "p": lambda: api.when(api.hour(local) >= 12, "PM").when(api.hour(local) < 12, "AM"),
        "b": lambda: named(tuple(name[:3] for name in MONTHS), api.month(local)),
        "B": lambda: named(MONTHS, api.month(local)),
        "a": lambda: named(tuple(name[:3] for name in DAYS), api.weekday(local) + 1),
        "A": lambda: named(DAYS, api.weekday(local) + 1),
        "j": lambda: digits(api.dayofyear(local), 3),
    }
    pieces = [made[piece]() if is_directive else api.lit(piece) for is_directive, piece in take_apart(at.values[1]).pieces]
    return api.when(t.isNotNull(), api.concat(*pieces, api.lit("")))
